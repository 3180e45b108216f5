"""The check itself, as plain functions of the warehouse, the settings and the time."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from flows.home import Config, Home, load_config
from flows.road import at_work
from schemas.case_life import case_life
from transforms.working_days import add_working_days
from warehouse.overdue import Overdue, WaveClock, find_overdue, freshness

# Working days after the opening by which somebody has answered, and after the closing by which the
# exports of every class are here.
FIRST_FILES_AFTER, ALL_FILES_AFTER = 5, 1


def overdue_in(con: duckdb.DuckDBPyConnection, config: Config, *, now: datetime) -> list[Overdue]:
    """All that is overdue."""
    local = config.local(now)
    clocks = wave_clocks(config, local.date())
    return find_overdue(con, waves=clocks, life=case_life(), now=local)


def wave_clocks(config: Config, today: date) -> list[WaveClock]:
    """The clocks of the waves that have opened and that somebody still waits for.

    A wave is waited for until the next one opens, or its school year ends on 31 July.
    """
    waves = sorted(config.settings.waves, key=lambda wave: wave.opens)
    clocks = []
    for at, wave in enumerate(waves):
        until = date(int(wave.school_year[:4]) + 1, 7, 31)
        if at + 1 < len(waves):
            until = min(until, waves[at + 1].opens - timedelta(days=1))
        if wave.opens <= today <= until:
            first = add_working_days(wave.opens, FIRST_FILES_AFTER)
            due = add_working_days(wave.closes, ALL_FILES_AFTER)
            clocks.append(WaveClock(wave.id, first, due, until))
    return clocks


def list_overdue(home: Home, *, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """What is overdue, and how fresh each school's data of the current waves are."""
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        late = overdue_in(con, config, now=now)
        fresh = freshness(con, waves=wave_clocks(config, config.local(now).date()))
    return {
        "overdue": [_as_row(one) for one in late],
        "freshness": _fresh(fresh, now),
    }


def _as_row(one: Overdue) -> dict[str, Any]:
    row = {name: value for name, value in asdict(one).items() if name != "mark"}
    return row | {"classes": list(one.classes), "due_on": one.due_on.isoformat()}


def _fresh(
    rows: Sequence[tuple[str, str, int, int, datetime | None]], now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "wave_id": wave,
            "school_id": school,
            "classes_expected": expected,
            "classes_came": came,
            "last_file": last.isoformat() if last else None,
            "days_since": (now - last).days if last else None,
        }
        for wave, school, expected, came, last in rows
    ]
