"""Writes the flag reports of a wave: one file a school, route and language, whole or not at all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import get_args

import duckdb

from flows.home import Config, Home
from flows.sealing.filing import ADULT_FOLDER as ADULT_FOLDER  # noqa: PLC0414 - part of the paths
from flows.sealing.filing import Filing, lies_there, remove_report
from flows.sealing.recipients import is_sealing, seal_of
from schemas.settings import ReportLanguage
from warehouse.careless import marks_in
from warehouse.failpoint import reach
from warehouse.report_data import read_schools
from warehouse.report_files import forget_filed
from warehouse.requests import schools_asking
from warehouse.same_pupils import is_first_of_key
from warehouse.stages import (
    fingerprint,
    has_any,
    mark_all_done,
    mark_due,
    school_inputs,
    stage_inputs,
)
from warehouse.vault import codes_of_flagged

# Flags about adults have a route of their own.
ROUTES = ("health_service", "adult_route")
LET_GO = "report_let_go"  # a stage: what a report said that has been kept long enough

# Schools whose answers are read together: the fewer the questions to the warehouse the better, and
# what a hundred schools' reports say fits in a few megabytes.
_AT_A_TIME = 100

# Settings that no report says. Who may open one renews that school's and no other's.
_UNSAID: dict[str, bool | dict[str, dict[str, bool]]] = {
    "retention": True, "security": True, "cases": True, "delivery": True, "mail": True,
    "board": True, "server": True, "intake": True, "notices": True,
    "schools": {"__all__": {"recipients": True}},
}  # fmt: skip

Progress = Callable[[int, int], None]


def write_reports(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    wave_id: str,
    *,
    now: datetime,
    progress: Progress = lambda _done, _total: None,
) -> tuple[int, str]:
    """Write what has changed of a wave's reports.

    Returns the number of files written, and the state (see `report_state`) that they tell of.
    """
    states = _school_states(con, config, wave_id)
    _remove_for_nobody(con, home, config, wave_id)
    due = _due(con, home, config, wave_id, states)
    written, done = 0, len(states) - len(due)
    progress(done, len(states))
    for start in range(0, len(due), _AT_A_TIME):
        schools = due[start : start + _AT_A_TIME]
        told = {_subject(wave_id, school_id): states[school_id] for school_id in schools}
        mark_due(con, "reported", list(told))
        for files in _write_schools(con, home, config, wave_id, schools, now=now):
            reach("after-report")
            written, done = written + files, done + 1
            progress(done, len(states))
        mark_all_done(con, "reported", told, now=now)
    return written, fingerprint(states)


def report_state(con: duckdb.DuckDBPyConnection, config: Config, wave_id: str) -> str:
    """The fingerprint of all that a wave's reports depend on."""
    return fingerprint(_school_states(con, config, wave_id))


def reports_due(con: duckdb.DuckDBPyConnection, home: Home, config: Config, wave_id: str) -> bool:
    """Whether a report of the wave is missing or tells of flags as they no longer stand."""
    return bool(_due(con, home, config, wave_id, _school_states(con, config, wave_id)))


def reports_let_go(con: duckdb.DuckDBPyConnection, wave_id: str) -> set[str]:
    """Schools whose report was kept for as long as it may be, and that has nothing new to say."""
    if not has_any(con, LET_GO):
        return set()
    inputs = school_inputs(con, wave_id)
    marks = stage_inputs(con, LET_GO, [_subject(wave_id, school_id) for school_id in inputs])
    return {
        school_id
        for school_id, says in inputs.items()
        if marks.get(_subject(wave_id, school_id)) == says
    }


def let_go_of_reports(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    *,
    before: datetime,
    retired: Sequence[str],
    now: datetime,
) -> int:
    """Remove reports that were written before a moment, or of retired waves; how many files.

    They are written again if a flag or a figure of theirs changes, and then kept as long again.
    """
    found = con.execute(
        """
        select subject from core.stage
        where stage = 'reported'
            and (done_at <= $before or list_contains($retired, split_part(subject, '/', 1)))
        """,
        {"before": before, "retired": list(retired)},
    ).fetchall()
    removed = 0
    for wave_id in sorted({subject.split("/")[0] for (subject,) in found}):
        says = school_inputs(con, wave_id)
        schools = [one.split("/")[1] for (one,) in found if one.split("/")[0] == wave_id]
        marks = {_subject(wave_id, school): says.get(school, "") for school in schools}
        mark_all_done(con, LET_GO, marks, now=now)
        for school, route, language in product(schools, ROUTES, get_args(ReportLanguage)):
            removed += remove_report(_path(home, route, school, wave_id, language))
        forget_filed(con, wave_id, schools)
    return removed


def _school_states(con: duckdb.DuckDBPyConnection, config: Config, wave_id: str) -> dict[str, str]:
    """For each school of the wave, the fingerprint of what its report says and how it says it."""
    words = fingerprint(
        # No report says these.
        config.settings.model_dump(mode="json", exclude=_UNSAID),
        [rule.model_dump() for rule in (*config.rules, config.network)],
        {key: (survey.name, sorted(survey.asks)) for key, survey in config.surveys.items()},
        *([is_first_of_key(con, wave_id)] if len(config.key.versions) > 1 else []),
    )
    return {
        school_id: fingerprint(says, words, *seals)
        for school_id, says in school_inputs(con, wave_id).items()
        if (seals := _seals(config, school_id)) is not None
    }


def _remove_for_nobody(
    con: duckdb.DuckDBPyConnection, home: Home, config: Config, wave_id: str
) -> None:
    """Where reports are sealed, none lies open of a school that the settings do not name."""
    if not is_sealing(config.settings):
        return
    schools = [one for one in school_inputs(con, wave_id) if _seals(config, one) is None]
    for school, route, language in product(schools, ROUTES, get_args(ReportLanguage)):
        remove_report(_path(home, route, school, wave_id, language))
    forget_filed(con, wave_id, schools)


def _seals(config: Config, school_id: str) -> list[str] | None:
    """For whom a school's reports are sealed; None where they would be for nobody.

    So it is with a school that has answered and does not stand in the settings any more.
    """
    sealed = [to for route in ROUTES if (to := seal_of(config.settings, school_id, route))]
    if sealed and not sealed[0].keys:
        return None
    return [to.digest for to in sealed]


def _due(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    wave_id: str,
    states: Mapping[str, str],
) -> list[str]:
    """Schools whose reports of this state were not written, or are no longer all there."""
    told = stage_inputs(con, "reported", [_subject(wave_id, school_id) for school_id in states])
    found = con.execute(
        """
        select distinct school_id from core.flag
        where wave_id = $wave and target = 'pupil' and status <> 'withdrawn'
            and route = 'adult_route'
        """,
        {"wave": wave_id},
    ).fetchall()
    to_adult_route = {school_id for (school_id,) in found}
    if config.settings.routing:
        to_adult_route |= schools_asking(con, wave_id, route="adult_route")
    let_go = reports_let_go(con, wave_id)
    return [
        school_id
        for school_id, state in states.items()
        if school_id not in let_go
        if told.get(_subject(wave_id, school_id)) != state
        or not all(
            lies_there(
                _path(home, route, school_id, wave_id, language),
                seal_of(config.settings, school_id, route),
            )
            for route in (ROUTES if school_id in to_adult_route else ROUTES[:1])
            for language in config.settings.languages
        )
    ]


def _write_schools(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    wave_id: str,
    school_ids: Sequence[str],
    *,
    now: datetime,
) -> Iterator[int]:
    """Write the schools' reports; yields after each school the number of its files."""
    # Templates and calendars take a while to load: only a run that writes a report waits for them.
    from flows.issuing.contexts import contexts_of  # noqa: PLC0415
    from reports.school_report import render_school_report  # noqa: PLC0415

    codes = codes_of_flagged(con, wave_id, school_ids, key=config.key)
    marks = marks_in(con, wave_id, school_ids, config.instruments)
    data = read_schools(con, wave_id=wave_id, school_ids=school_ids, routes=ROUTES, marks=marks)
    contexts = contexts_of(con, config, config.settings.languages, now=now)
    filing = Filing(con, config, wave_id, school_ids, now=now)
    for school_id in school_ids:
        written = 0
        for route, language in product(ROUTES, config.settings.languages):
            path = _path(home, route, school_id, wave_id, language)
            says = data[route, school_id]
            asks = says.asking and config.settings.routing
            if route == "adult_route" and not (says.pupil_flags or asks):
                remove_report(path)
                continue
            page = render_school_report(says, codes=codes[school_id], context=contexts[language])
            written += filing.file(path, page.encode(), school_id=school_id, route=route)
        yield written
    filing.finish()


def _subject(wave_id: str, school_id: str) -> str:
    return f"{wave_id}/{school_id}"


def _path(home: Home, route: str, school_id: str, wave_id: str, language: ReportLanguage) -> Path:
    if route == "adult_route":
        return home.health / ADULT_FOLDER / wave_id / f"{school_id}.{language}.html"
    return home.health / school_id / wave_id / f"report.{language}.html"
