"""What there is to tell, found in the ledger; and the ledger of what was told to whom.

Nothing is kept of a matter but how far it had got (`mark`) when a channel took it. So what a run
could not tell, the next one finds; what is over is forgotten, and told anew if it comes again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from schemas.reason import Reason
from warehouse.requests import ASKS_NOW, STILL

# A rejected file waits for nobody; it is worth telling of for so long.
TOLD_OF_REJECTED = timedelta(days=14)
_DECIDED = (Reason.DECIDED_NOT_TO_USE.value, Reason.WAITED_TOO_LONG.value)


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel has been told of a matter, and how often it did not take it since."""

    mark: int
    told_at: datetime | None
    failed: int


Key = tuple[str, str, str]  # channel, kind, subject


def prompts_by_school(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str | None, int]]:
    """Route, school and newest moment (microseconds) of prompts that nobody has taken up.

    Open flags, and forms that wait and ask for help now; a form may name no known school.
    """
    rows: list[tuple[str, str | None, int]] = con.execute(f"""
        select route, school_id, epoch_us(max(since))
        from (
            select route, school_id, raised_at as since from core.flag
            where status = 'open' and level = 'prompt' and review is null and flag_id not in (
                select unnest(linked_flag_ids) from core.support_case where closed_on is null
            )
            union all
            select route, school_id, held_at from quarantine.asking where {STILL} and {ASKS_NOW}
        )
        group by all order by all
    """).fetchall()
    return rows


def newest_waiting(con: duckdb.DuckDBPyConnection) -> int | None:
    """Since when the newest that waits in quarantine does (microseconds); None: nothing waits."""
    [(newest,)] = con.execute("""
        select epoch_us(max(since))
        from (
            select max(held_at) as since from quarantine.row
            union all
            select max(received_at) from core.delivery where outcome = 'quarantined'
        )
    """).fetchall()
    return None if newest is None else int(newest)


def newest_rejected(con: duckdb.DuckDBPyConnection, *, now: datetime) -> int | None:
    """When the newest file came (microseconds) that was rejected by no person; None for none."""
    [(newest,)] = con.execute(
        """
        select epoch_us(max(received_at)) from core.delivery
        where outcome = 'rejected' and received_at > $since
            and not list_contains($decided, coalesce(reason_code, ''))
        """,
        {"since": now - TOLD_OF_REJECTED, "decided": list(_DECIDED)},
    ).fetchall()
    return None if newest is None else int(newest)


def told_so_far(con: duckdb.DuckDBPyConnection) -> dict[Key, Told]:
    """The ledger of notices."""
    rows = con.execute(
        "select channel, kind, subject, mark, told_at, failed from core.notice"
    ).fetchall()
    return {(channel, kind, subject): Told(*rest) for channel, kind, subject, *rest in rows}


def note_told(
    con: duckdb.DuckDBPyConnection, keys: Sequence[tuple[Key, int]], *, now: datetime
) -> None:
    """A channel has taken these matters, each as far as its mark."""
    for (channel, kind, subject), mark in keys:
        con.execute(
            "insert or replace into core.notice values ($channel, $kind, $subject, $mark, $now, 0)",
            {"channel": channel, "kind": kind, "subject": subject, "mark": mark, "now": now},
        ).fetchall()


def note_failed(con: duckdb.DuckDBPyConnection, keys: Sequence[tuple[Key, int]]) -> None:
    """A channel has not taken these: what it was told before goes on standing."""
    for (channel, kind, subject), mark in keys:
        con.execute(
            """
            insert into core.notice values ($channel, $kind, $subject, $mark, null, 1)
            on conflict do update set failed = failed + 1
            """,
            {"channel": channel, "kind": kind, "subject": subject, "mark": mark},
        ).fetchall()


def forget_over(con: duckdb.DuckDBPyConnection, over: Sequence[Key]) -> None:
    """Matters that are over: what comes again is told again."""
    for channel, kind, subject in over:
        con.execute(
            "delete from core.notice"
            " where channel = $channel and kind = $kind and subject = $subject",
            {"channel": channel, "kind": kind, "subject": subject},
        ).fetchall()


def untold(con: duckdb.DuckDBPyConnection) -> int:
    """How many notices no channel has taken yet."""
    [(count,)] = con.execute("select count(*) from core.notice where failed > 0").fetchall()
    return int(count)


def note_walked(con: duckdb.DuckDBPyConnection, road: str, *, now: datetime) -> None:
    """The road was walked to its end now."""
    con.execute(
        "insert or replace into core.road_walked values ($road, $now)", {"road": road, "now": now}
    ).fetchall()


def last_walked(con: duckdb.DuckDBPyConnection, road: str) -> datetime | None:
    """When the road was last walked to its end; None where it never was."""
    found = con.execute(
        "select ended_at from core.road_walked where road = $road", {"road": road}
    ).fetchall()
    return found[0][0] if found else None
