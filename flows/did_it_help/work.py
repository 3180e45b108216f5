"""Did it help, as plain data with the floors applied; and the page, from what is published."""

from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from flows.home import Config, Home, HomeError, load_config
from flows.plain import as_plain
from flows.road import at_work
from reports.outcome.page import LANGUAGES, outcome_page
from reports.pages.html import page_html
from schemas.outcome import outcome_plan
from transforms.did_it_help.answer import Change
from transforms.did_it_help.figures import shown
from warehouse.did_it_help.answer import Outcome, outcome_of
from warehouse.did_it_help.published import published_outcome
from warehouse.same_pupils import renew_same_pupils
from warehouse.stages import answered_waves
from warehouse.swap import READ_ONLY, beside, swap_in


def outcome(
    home: Home, *, now: datetime, wave: str | None = None, school: str | None = None
) -> dict[str, Any]:
    """Every wave with its counts and changes, as they stand today; HomeError for an unknown name.

    Counts are those of the municipality, or of one school. None where fewer than five are behind.
    """
    config = load_config(home)
    if wave and wave not in {known.id for known in config.settings.waves}:
        raise HomeError("klassepuls.toml has no such wave: --wave takes the id of one")
    if school and school not in {known.id for known in config.settings.schools}:
        raise HomeError("klassepuls.toml has no [[school]] with the id of --school")
    with at_work(home, config, now=now) as con:
        renew_same_pupils(con, config.key)
        waves = [known for known in answered_waves(con) if wave in (None, known)]
        found = outcome_of(
            con,
            waves,
            instruments=config.instruments,
            today=config.local(now).date(),
            timezone=config.settings.schedule.timezone,
        )
    return {
        "school": school,
        "waves": [
            {
                "wave": one,
                "measures": _measures(found, one, school),
                # What a comparison says is of the whole municipality: a school is too small for it.
                "changes": []
                if school
                else [_change(c) for c in found.changes if c.wave_id == one],
            }
            for one in waves
        ],
    }


def _measures(found: Outcome, wave: str, school: str | None) -> list[dict[str, Any]]:
    plan = outcome_plan()
    own = shown(found.figures).filter(
        pl.col("wave_id") == wave, pl.col("school_id").eq_missing(pl.lit(school, pl.String))
    )
    order = {measure.id: at for at, measure in enumerate(plan.measures)}
    rows = sorted(own.to_dicts(), key=lambda row: (order[row["measure"]], row["category"] or ""))
    return [
        {
            "measure": row["measure"],
            "category": row["category"],
            "statistic": row["statistic"],
            "of": plan.measure(row["measure"]).of.en,
            "n": row["n"],
            "total": row["total"] if row["statistic"] == "share" else None,
            "value": None if row["value"] is None else round(row["value"], 3),
            "hidden": row["hidden"],
        }
        for row in rows
    ]


def _change(change: Change) -> dict[str, Any]:
    verdict, seen, reliable = change.verdict, change.by_itself, change.reliable
    told: dict[str, Any] = {
        "outcome": change.outcome,
        "scale": change.scale,
        "next_wave": change.next_wave,
        "verdict": verdict.word,
        "reason": verdict.reason,
    }
    if verdict.difference is not None:
        told["pupils"] = {"followed": verdict.pupils[0], "waited": verdict.pupils[1]}
        told["difference"] = round(verdict.difference.value, 1)
        told["interval"] = [round(verdict.difference.low, 1), round(verdict.difference.high, 1)]
    if seen is not None:
        told["before"], told["after"] = round(seen.before, 1), round(seen.after, 1)
        told["expected_by_itself"] = round(seen.expected, 1)
        told["beyond"] = round(seen.beyond, 1)
        told["beyond_interval"] = [round(seen.low, 1), round(seen.high, 1)]
    if reliable is not None:
        told["improved_by_itself"] = round(reliable.expected_improved / reliable.pupils, 3)
    return {name: as_plain(value) for name, value in told.items()}


def write_pages(home: Home, config: Config | None = None) -> list[Path]:
    """Write `outcome.LANG.html` beside the analysts' file, from that file alone.

    Returns the pages, none where nothing is published. The same file writes nothing anew.
    """
    if not home.published.is_file():
        return []
    settings = (config or load_config(home)).settings
    facts = published_outcome(home.published)
    pages = []
    for language in LANGUAGES:
        path = home.analyst / f"outcome.{language}.html"
        content = page_html(outcome_page(facts, settings, language)).encode()
        if not path.is_file() or path.read_bytes() != content:
            with beside(path) as [fresh]:
                fresh.write_bytes(content)
                swap_in([fresh], [path], mode=READ_ONLY)
        pages.append(path)
    return pages
