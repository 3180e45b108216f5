"""How cases are let go of: with their pupil, and who helped some days after the closing."""

from datetime import date, datetime

import duckdb

from warehouse.audit import Hand
from warehouse.erase import note_erasure
from warehouse.store import transaction


def let_go_of_helpers(
    con: duckdb.DuckDBPyConnection, *, days: int, today: date, by: Hand, now: datetime
) -> int:
    """Delete who helped in cases that are over for so many days; returns how many rows.

    How many they were, and how they were picked, stays with the group.
    """
    limit = {"days": days, "today": today}
    with transaction(con):
        [(rows,)] = con.execute(
            f"""
            delete from core.group_member where group_id in (
                select group_id from core.support_group join core.support_case using (case_id)
                where {_IS_OVER}
            )
            """,
            limit,
        ).fetchall()
        con.execute(
            f"""
            update core.support_case set let_go_at = $now where {_IS_OVER} and let_go_at is null
                and case_id in (select case_id from core.support_group)
            """,
            {**limit, "now": now},
        ).fetchall()
        if rows:
            note_erasure(con, "expired", {"tables": {"core.group_member": rows}}, by=by, now=now)
    return int(rows)


_IS_OVER = "closed_on is not null and closed_on + $days::integer <= $today::date"
