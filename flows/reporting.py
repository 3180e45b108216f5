"""Writes the flag reports of a wave: one file a school, route and language, whole or not at all."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb

from flows.home import Config, Home
from schemas.settings import ReportLanguage
from warehouse.failpoint import reach
from warehouse.report_data import read_school
from warehouse.stages import fingerprint, is_done, mark_done, mark_due, school_inputs
from warehouse.vault import codes_of_flagged

# Flags about adults have a route of their own: they lie in a folder that no school's reader has.
ROUTES = ("health_service", "adult_route")
ADULT_FOLDER = "_adult_route"

Progress = Callable[[int, int], None]


def write_reports(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    wave_id: str,
    *,
    now: datetime,
    progress: Progress = lambda _done, _total: None,
) -> int:
    """Write what has changed of a wave's reports; returns the number of files written."""
    states = _school_states(con, config, wave_id)
    written = 0
    for done, (school_id, state) in enumerate(states.items(), start=1):
        if not _is_written(con, home, config, f"{wave_id}/{school_id}", state):
            mark_due(con, "reported", f"{wave_id}/{school_id}")
            written += _write_school(con, home, config, wave_id, school_id, now=now)
            reach("after-report")
            mark_done(con, "reported", f"{wave_id}/{school_id}", state, now=now)
        progress(done, len(states))
    return written


def report_state(con: duckdb.DuckDBPyConnection, config: Config, wave_id: str) -> str:
    """The fingerprint of all that a wave's reports depend on."""
    return fingerprint(_school_states(con, config, wave_id))


def reports_due(con: duckdb.DuckDBPyConnection, home: Home, config: Config, wave_id: str) -> bool:
    """Whether a report of the wave is missing or tells of flags as they no longer stand."""
    return not all(
        _is_written(con, home, config, f"{wave_id}/{school_id}", state)
        for school_id, state in _school_states(con, config, wave_id).items()
    )


def _school_states(con: duckdb.DuckDBPyConnection, config: Config, wave_id: str) -> dict[str, str]:
    """For each school of the wave, the fingerprint of what its report says and how it says it."""
    words = fingerprint(
        config.settings.model_dump(mode="json"), [rule.model_dump() for rule in config.rules]
    )
    inputs = school_inputs(con, wave_id)
    return {school_id: fingerprint(says, words) for school_id, says in inputs.items()}


def _is_written(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, subject: str, state: str
) -> bool:
    """Whether the reports of this state were written, and all of them are still there."""
    if not is_done(con, "reported", subject, state):
        return False
    wave_id, _, school_id = subject.partition("/")
    [(to_adult_route,)] = con.execute(
        """
        select count(*) > 0 from core.flag
        where wave_id = $wave and school_id = $school and target = 'pupil'
            and status <> 'withdrawn' and route = 'adult_route'
        """,
        {"wave": wave_id, "school": school_id},
    ).fetchall()
    return all(
        (_folder(home, route, school_id, wave_id) / _name(route, school_id, language)).is_file()
        for route in (ROUTES if to_adult_route else ROUTES[:1])
        for language in config.settings.languages
    )


def _write_school(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    wave_id: str,
    school_id: str,
    *,
    now: datetime,
) -> int:
    # Templates and calendars take a while to load: only a run that writes a report waits for them.
    from reports.school_report import render_school_report  # noqa: PLC0415

    codes = codes_of_flagged(con, wave_id, school_id, key=config.key)
    written = 0
    for route in ROUTES:
        data = read_school(con, wave_id=wave_id, school_id=school_id, route=route)
        for language in config.settings.languages:
            path = _folder(home, route, school_id, wave_id) / _name(route, school_id, language)
            if route == "adult_route" and not data.pupil_flags:
                path.unlink(missing_ok=True)
                continue
            page = render_school_report(
                data,
                codes=codes,
                settings=config.settings,
                instruments=config.instruments,
                rules=config.rules,
                language=language,
                issued_on=config.local(now).date(),
            )
            _write_whole(path, page)
            written += 1
    return written


def _folder(home: Home, route: str, school_id: str, wave_id: str) -> Path:
    if route == "adult_route":
        return home.health / ADULT_FOLDER / wave_id
    return home.health / school_id / wave_id


def _name(route: str, school_id: str, language: ReportLanguage) -> str:
    stem = school_id if route == "adult_route" else "report"
    return f"{stem}.{language}.html"


def _write_whole(path: Path, page: str) -> None:
    """A reader sees the old report or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o750)
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(page)
        reach("mid-report")
    partial.replace(path)
