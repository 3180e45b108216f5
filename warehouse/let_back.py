"""Takes back that a held row was not to be used: its file is read again, and says what it is now.

Of such a row nothing is stored but its place, so it cannot be let count here. Once nobody has
decided against it, it is judged as any other: sound, it counts; else it waits.
"""

from datetime import datetime

import duckdb

from schemas.decision import Why
from warehouse import audit
from warehouse.audit import Hand
from warehouse.ledger import ask_again
from warehouse.store import transaction


def let_back(
    con: duckdb.DuckDBPyConnection,
    delivery_id: str,
    row_no: int,
    *,
    by: Hand,
    why: Why,
    now: datetime,
) -> bool:
    """Strike a person's decision against the held row at this place; False where there is none.

    Its delivery is to be read again. A form that was decided on is stored, and no matter of this.
    """
    found = con.execute(
        """
        select quarantine_id from quarantine.decided
        where delivery_id = $id and row_no = $row and row_no > 0 and decision = 'rejected'
            and digest <> 'conflict'
        """,
        {"id": delivery_id, "row": row_no},
    ).fetchall()
    if not found:
        return False
    ids = {"ids": [quarantine_id for (quarantine_id,) in found]}
    with transaction(con):
        detail = {"rows": len(found), "row": row_no, "why": why.value}
        audit.append(
            con, by=by, action="quarantine.released", subject=delivery_id, detail=detail, now=now
        )
        for table in ("quarantine.decided", "quarantine.fell_under"):
            con.execute(
                f"delete from {table} where list_contains($ids, quarantine_id)", ids
            ).fetchall()
        ask_again(con, [delivery_id])
    return True
