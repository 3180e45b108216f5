"""Listings for the operator: counts only; what is about one pupil is in the sealed report."""

from datetime import datetime
from typing import Any

from flows.home import Home, load_config
from flows.road import at_work
from warehouse.scale_quality import FEWEST_FORMS, ScaleQuality, scale_qualities
from warehouse.stages import answered_waves


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


def scales(home: Home, *, now: datetime, wave: str | None = None) -> list[dict[str, Any]]:
    """How each scale worked in each wave: answered, at the ends of its range, alpha and omega.

    Shares only where enough forms are scored that they tell of the scale and of no pupil.
    """
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        waves = [known for known in answered_waves(con) if wave in (None, known)]
        return [
            _scale(wave_id, quality)
            for wave_id in waves
            for quality in scale_qualities(con, wave_id, config.instruments)
        ]


def _scale(wave_id: str, quality: ScaleQuality) -> dict[str, Any]:
    is_enough = quality.scored >= FEWEST_FORMS
    return {
        "wave": wave_id,
        "scale": f"{quality.instrument_key}.{quality.scale_id}",
        "asked": quality.asked,
        "scored": quality.scored,
        "floor": round(quality.at_floor / quality.scored, 3) if is_enough else None,
        "ceiling": round(quality.at_ceiling / quality.scored, 3) if is_enough else None,
        "alpha": _rounded(quality.alpha),
        "omega": _rounded(quality.omega),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
