"""Takes back that held rows, or a whole file, were not to be used: the file is read again.

Of such a row nothing is stored but its place, so it cannot be let count here. Once nobody has
decided against it, it is judged as any other: sound, it counts; else it waits. So it is with a file
that waited as a whole.
"""

from collections.abc import Sequence
from datetime import datetime

import duckdb

from schemas.decision import Why
from schemas.reason import Reason
from warehouse import audit
from warehouse.audit import Hand
from warehouse.decide import WHOLE_FILE
from warehouse.ledger import ask_again
from warehouse.store import transaction


def rejected_rows(
    con: duckdb.DuckDBPyConnection, delivery_id: str, rows: Sequence[int]
) -> list[int]:
    """Which of these (of all, where none is named) are held rows that a person decided against.

    A form that was decided on is stored, and no matter of this.
    """
    found = con.execute(
        f"select distinct row_no {_ROWS} order by row_no", {"id": delivery_id, "rows": list(rows)}
    ).fetchall()
    return [row_no for (row_no,) in found]


_ROWS = """
    from quarantine.decided
    where delivery_id = $id and (len($rows) = 0 or list_contains($rows, row_no)) and row_no > 0
        and decision = 'rejected' and digest <> 'conflict'
"""


def let_back(
    con: duckdb.DuckDBPyConnection,
    delivery_id: str,
    rows: Sequence[int],
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> None:
    """Strike a person's decisions against held rows; their delivery is to be read again."""
    found = con.execute(
        f"select quarantine_id {_ROWS}", {"id": delivery_id, "rows": list(rows)}
    ).fetchall()
    ids = {"ids": [quarantine_id for (quarantine_id,) in found]}
    with transaction(con):
        place = {"row": rows[0]} if len(rows) == 1 else {}
        detail = {"rows": len(found), **place, "why": why.value}
        audit.append(
            con, by=by, action="quarantine.released", subject=delivery_id, detail=detail, now=now
        )
        for table in ("quarantine.decided", "quarantine.fell_under"):
            con.execute(
                f"delete from {table} where list_contains($ids, quarantine_id)", ids
            ).fetchall()
        ask_again(con, [delivery_id])


def let_file_back(
    con: duckdb.DuckDBPyConnection, delivery_id: str, *, by: Hand, why: Why, now: datetime
) -> bool:
    """Strike a person's decision against a file that waited as a whole; False where there is none.

    It waits again as it did, for what it waited for, and the same bytes are tried as if new.
    """
    of_file = {"id": delivery_id, "whole": WHOLE_FILE}
    found = con.execute(
        """
        select d.reason_codes[1], dropped
        from quarantine.decided d join core.delivery using (delivery_id)
        where delivery_id = $id and row_no = $whole and decision = 'rejected'
            and reason_code = $against
        """,
        {**of_file, "against": Reason.DECIDED_NOT_TO_USE.value},
    ).fetchall()
    if not found:
        return False
    [(reason, rows)] = found
    with transaction(con):
        detail = {"rows": rows, "files": 1, "why": why.value}
        audit.append(
            con, by=by, action="quarantine.released", subject=delivery_id, detail=detail, now=now
        )
        con.execute(
            "delete from quarantine.decided where delivery_id = $id and row_no = $whole", of_file
        ).fetchall()
        con.execute(
            """
            update core.delivery
            set outcome = 'quarantined', reason_code = $reason, quarantined = dropped, dropped = 0
            where delivery_id = $id
            """,
            {"id": delivery_id, "reason": reason},
        ).fetchall()
    return True
