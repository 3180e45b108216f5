"""Listings for the operator: counts only; what is about one pupil is in the sealed report."""

from datetime import datetime
from typing import Any

from flows.home import Home, load_config
from flows.road import at_work


def open_flags(
    home: Home,
    *,
    now: datetime,
    school: str | None = None,
    wave: str | None = None,
    level: str | None = None,
) -> list[dict[str, Any]]:
    """How many open flags there are, by wave, school, target, level and situation.

    Flags about adults have a route of their own and are not counted with the others.
    """
    with at_work(home, load_config(home), now=now) as con:
        found = con.execute(
            """
            select wave_id, school_id, target, level, situation, count(*)
            from core.flag
            where status = 'open' and route = 'health_service'
                and ($school is null or school_id = $school)
                and ($wave is null or wave_id = $wave)
                and ($level is null or level = $level)
            group by all order by all
            """,
            {"school": school, "wave": wave, "level": level},
        ).fetchall()
    names = ("wave", "school", "target", "level", "situation", "flags")
    return [dict(zip(names, row, strict=True)) for row in found]
