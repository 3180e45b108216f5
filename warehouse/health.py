"""How the pipeline is, in sums over everything: for a monitor that knows nothing of pupils."""

from datetime import datetime
from typing import Any

import duckdb

# Fewer than this are told as none, and more rounded down to a multiple: a figure that goes up by
# one on the day on which somebody answered would say who.
ROUNDED_TO = 5


def health_of(con: duckdb.DuckDBPyConnection, *, now: datetime) -> dict[str, Any]:
    """Deliveries by outcome, rows by fate, what waits, open flags by level (rounded), last run."""
    [(accepted, quarantined, dropped)] = con.execute("""
        select coalesce(sum(accepted), 0)::bigint, coalesce(sum(quarantined), 0)::bigint,
            coalesce(sum(dropped), 0)::bigint
        from core.delivery
    """).fetchall()
    [(waiting,)] = con.execute("""
        select count(distinct delivery_no)
        from (
            select delivery_no from quarantine.row
            union all
            select delivery_no from core.delivery where outcome = 'quarantined'
        )
    """).fetchall()
    [(failed,)] = con.execute("select count(*) from core.notice where failed > 0").fetchall()
    return {
        "at": now.timestamp(),
        "deliveries": _counts(con, "select outcome, count(*) from core.delivery group by outcome"),
        "rows": {"accepted": accepted, "quarantined": quarantined, "dropped": dropped},
        "quarantine_waiting": waiting,
        "flags_open": {
            level: count // ROUNDED_TO * ROUNDED_TO
            for level, count in _counts(
                con,
                """
                select target || '_' || level, count(*) from core.flag
                where status = 'open' and route = 'health_service' group by all
                """,
            ).items()
        },
        "notices_failed": failed,
        "last_ended": {
            road: at.timestamp()
            for road, at in con.execute("select road, ended_at from core.road_walked").fetchall()
        },
    }


def _counts(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, int]:
    return {name: int(count) for name, count in sorted(con.execute(query).fetchall())}
