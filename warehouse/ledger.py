"""The ledger of deliveries: what has been delivered, and whether its file has been put away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.reason import Reason
from warehouse.entries import Incoming

READ_AGAIN = "to be read again"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the ledger says of a content: its outcome, and whether its file has been put away."""

    outcome: str
    reason_code: str | None
    is_filed: bool
    survey_id: str | None
    format: str | None
    delivered: int
    accepted: int
    quarantined: int
    dropped: int
    declared: str | None
    expired: int  # rows that waited too long
    kind: str = "answers"
    with_text: int | None = None
    alone: int | None = None
    fewest_alike: int | None = None
    own_choices: int | None = None
    outside_choices: int | None = None
    is_left_blank: bool = False  # rows do without a cell that nobody could read
    against: int = 0  # rows and forms that a person decided not to use
    is_withdrawn: bool = False  # taken out as a whole: dropped again, it is read as if it were new
    erased: int = 0  # rows that named a pupil who was erased

    @property
    def is_final(self) -> bool:
        """Whether the content counts as delivered: a refused file may come again and succeed.

        Not so one that a person has decided not to use.
        """
        return self.outcome in ("loaded", "duplicate") or self.reason_code in (
            None,
            Reason.DECIDED_NOT_TO_USE,
        )

    @property
    def has_rows_left(self) -> bool:
        """Whether other settings may read more: rows wait, waited too long, or lack a cell."""
        return bool(self.quarantined or self.expired or self.is_left_blank)


def known(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]) -> dict[str, Entry]:
    """The ledger's entries for these contents."""
    con.register("asked", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    found = con.execute("""
        select delivery_id, outcome, reason_code, filed_at is not null, survey_id, format,
            delivered, accepted, quarantined, dropped, declared, coalesce(expired, 0), kind,
            with_text, alone, fewest_alike, own_choices, outside_choices,
            delivery_no in (select delivery_no from core.left_blank), coalesce(against, 0),
            coalesce(is_withdrawn, false), coalesce(erased, 0)
        from core.delivery left join (
            select delivery_id, count(*) filter (decision = 'expired') as expired,
                count(*) filter (
                    decision in ('rejected', 'not_chosen', 'withdrawn') and row_no > 0
                ) as against,
                bool_or(decision = 'file_withdrawn') as is_withdrawn
            from quarantine.decided group by all
        ) using (delivery_id) semi join asked using (delivery_id)
    """).fetchall()
    con.unregister("asked")
    return {delivery_id: Entry(*rest) for delivery_id, *rest in found}


def forget_refused(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]) -> None:
    """Strike the entries of files that were refused as a whole, so that they can be tried again."""
    con.register("asked", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    con.execute("""
        delete from core.delivery
        where delivery_id in (from asked select delivery_id)
            and reason_code is not null and outcome in ('quarantined', 'rejected')
    """).fetchall()
    con.execute("""
        delete from quarantine.decided
        where row_no = 0 and decision = 'expired'
            and delivery_id in (from asked select delivery_id)
    """).fetchall()
    con.unregister("asked")


def refuse(
    con: duckdb.DuckDBPyConnection,
    incoming: Incoming,
    *,
    outcome: str,
    reason: Reason,
    delivered: int,
    now: datetime,
) -> None:
    """Enter a file that was refused as a whole; its rows, if any, wait with it, or are dropped.

    One that was loaded before, and is refused when it is read again, keeps its entry.
    """
    con.execute(
        """
        insert into core.delivery by name
        select $id as delivery_id, nextval('core.delivery_no')::integer as delivery_no,
            'unknown' as kind, $format as format, $outcome as outcome, $reason as reason_code,
            $size as size_bytes, $rows as delivered, 0 as accepted, $held as quarantined,
            $rows - $held as dropped, $now as received_at
        on conflict (delivery_id) do nothing
        """,
        {
            "id": incoming.delivery_id,
            "format": incoming.format,
            "outcome": outcome,
            "reason": reason.value,
            "size": incoming.size_bytes,
            "rows": delivered,
            "held": delivered if outcome == "quarantined" else 0,
            "now": now,
        },
    ).fetchall()


def mark_filed(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], *, now: datetime
) -> None:
    """Record that the files of these contents lie in their outcome folders."""
    con.register("asked", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    con.execute(
        """
        update core.delivery set filed_at = $now
        where filed_at is null and delivery_id in (from asked select delivery_id)
        """,
        {"now": now},
    ).fetchall()
    con.unregister("asked")


def mark_all_filed(con: duckdb.DuckDBPyConnection, *, now: datetime) -> None:
    """Record that no file waits to be put away: the inbox has been emptied.

    What is still open then was moved by a run that was stopped before it could say so.
    """
    con.execute(
        "update core.delivery set filed_at = $now where filed_at is null", {"now": now}
    ).fetchall()


def ask_again(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]) -> None:
    """Note that these contents are to be read again, whatever of them counts already."""
    con.execute(
        "update core.delivery set declared = $again where list_contains($ids, delivery_id)",
        {"again": READ_AGAIN, "ids": list(delivery_ids)},
    ).fetchall()


def held_rows(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]
) -> dict[str, list[tuple[int, list[str], list[str]]]]:
    """For each delivery its quarantined rows: row number, reason codes and columns."""
    con.register("asked", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    rows = con.execute("""
        select d.delivery_id, q.row_no, q.reason_codes, q.column_names
        from quarantine.row q join core.delivery d using (delivery_no)
            semi join asked using (delivery_id)
        order by d.delivery_no, q.row_no
    """).fetchall()
    con.unregister("asked")
    found: dict[str, list[tuple[int, list[str], list[str]]]] = {}
    for delivery_id, *row in rows:
        found.setdefault(delivery_id, []).append((row[0], row[1], row[2]))
    return found


def tell(con: duckdb.DuckDBPyConnection, *, now: datetime) -> bool:
    """Whether something that no run has told of yet needs a person; from now on it is told."""
    [(waiting,)] = con.execute("""
        select count(*) from core.delivery
        where told_at is null and (quarantined > 0 or outcome in ('quarantined', 'rejected'))
    """).fetchall()
    con.execute(
        "update core.delivery set told_at = $now where told_at is null", {"now": now}
    ).fetchall()
    return bool(waiting)
