"""What one flag report is made from: one school, one wave, one route.

The pseudonyms in here are for joining with the nurse's own list and for nothing else; no text,
log line or file name may carry them. Earlier answers are read for flagged pupils only, for the
very items they were flagged on, and from this school only: a code is never followed elsewhere.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

import duckdb


class ReportDataError(Exception):
    """A report was asked for that the warehouse knows nothing about."""


@dataclass(frozen=True, slots=True)
class WaveInfo:
    """One round of the survey."""

    wave_id: str
    name: str
    school_year: str
    opens: date
    closes: date


@dataclass(frozen=True, slots=True)
class PastAnswer:
    """What a pupil answered to one item in an earlier wave.

    `value` is None where the pupil gave no answer; `missing` then says skipped or dont_know.
    """

    wave_id: str
    value: int | None
    missing: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One answer or score that a flag rests on, and the earlier answers to the same item."""

    source: str
    observed: float = field(repr=False)
    threshold: float
    earlier: tuple[PastAnswer, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class PupilFlag:
    """One open flag for one pupil; `known_in` are the earlier waves where the same rule flagged."""

    flag_id: str
    pupil: str = field(repr=False)
    class_group: str
    level: str
    situation: str
    rule_id: str
    rule_version: int
    review_due: date | None
    expires_on: date
    evidence: tuple[Evidence, ...]
    known_in: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassFlag:
    """One open flag for a class."""

    class_group: str
    level: str
    rule_id: str
    rule_version: int
    review_due: date | None
    expires_on: date


@dataclass(frozen=True, slots=True)
class ClassIndicator:
    """One class rule's count in one class, and what the test of it gave."""

    class_group: str
    rule_id: str
    rule_version: int
    answered: int
    observed: int
    enrolled: int | None
    baseline: float
    baseline_from: str
    p_exact: float | None
    gate: str


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many of a class answered; `enrolled` is None while no class list has come."""

    class_group: str
    grade: int
    answered: int
    enrolled: int | None


@dataclass(frozen=True, slots=True)
class SchoolData:
    """Everything that one school's report of one wave and route says.

    `waves` run from the oldest to the reported one. `is_linked` is false where no form of the
    wave carries a pupil code, so that no pupil could have been flagged. `held` counts forms of
    this school that wait for a person and are in no other figure here; `held_shared` counts held
    rows of deliveries that also hold other schools or waves, some of which may be this school's.
    """

    school_id: str
    school_name: str
    route: str
    wave: WaveInfo
    waves: tuple[WaveInfo, ...]
    is_linked: bool
    classes: tuple[ClassCount, ...]
    pupil_flags: tuple[PupilFlag, ...]
    class_flags: tuple[ClassFlag, ...]
    indicators: tuple[ClassIndicator, ...]
    held: int
    held_shared: int


_Rows = list[tuple[Any, ...]]

_WAVES = """
    select wave_id, name, school_year, opens, closes
    from core.dim_wave
    where opens <= (select opens from core.dim_wave where wave_id = $wave)
    order by opens
"""

# A class is listed when it is on this school year's class list or has answered. A pupil with a
# code counts once, however many surveys the wave has; without codes the fullest survey counts.
_CLASSES = """
    with per_survey as (
        select class_group, survey_id, min(grade) as grade, count(*) as forms
        from core.response
        where wave_id = $wave and school_id = $school
        group by all
    ),
    pupils as (
        select class_group, count(distinct pupil) as pupils
        from core.response
        where wave_id = $wave and school_id = $school
        group by all
    ),
    answered as (
        select class_group, min(grade) as grade, greatest(max(forms), max(pupils)) as answered
        from per_survey
        join pupils using (class_group)
        group by all
    ),
    listed as (
        select class_group, grade, enrolled
        from core.class_in_wave
        where school_id = $school and wave_id = $wave
    )
    select class_group, coalesce(listed.grade, answered.grade), coalesce(answered, 0), enrolled
    from answered
    full join listed using (class_group)
    order by 2, 1
"""

_PUPIL_FLAGS = """
    select flag_id, pupil, class_group, level, situation, rule_id, rule_version,
        review_due, expires_on
    from core.flag
    where wave_id = $wave and school_id = $school and route = $route
        and status in ('open', 'expired') and target = 'pupil'
    order by class_group, rule_id, flag_id
"""

_CLASS_FLAGS = """
    select class_group, level, rule_id, rule_version, review_due, expires_on
    from core.flag
    where wave_id = $wave and school_id = $school and route = $route
        and status in ('open', 'expired') and target = 'class'
    order by class_group, rule_id, flag_id
"""

_EVIDENCE = """
    select e.flag_id, f.pupil, e.item_or_scale, e.observed, e.threshold
    from core.flag_evidence e
    join core.flag f using (flag_id)
    where f.wave_id = $wave and f.school_id = $school and f.route = $route
        and f.status in ('open', 'expired') and f.target = 'pupil' and e.wave_id = f.wave_id
    order by 1, 3
"""

# The same item may be asked by two surveys of a wave: the latest form that answered it counts.
# A question that was not asked is no answer, and no missing one either.
_EARLIER = """
    with flagged as (
        select distinct
            f.pupil,
            split_part(e.item_or_scale, '.', 1) as instrument_key,
            split_part(e.item_or_scale, '.', 2) as item_id
        from core.flag f
        join core.flag_evidence e using (flag_id)
        where f.wave_id = $wave and f.school_id = $school and f.route = $route
            and f.status in ('open', 'expired') and f.target = 'pupil'
    )
    select
        a.pupil,
        a.instrument_key || '.' || a.item_id,
        a.wave_id,
        arg_max(a.value, a.response_id),
        case when count(a.value) = 0 then arg_max(a.missing, a.response_id) end
    from core.answer a
    semi join flagged
        on a.pupil = flagged.pupil
        and a.instrument_key = flagged.instrument_key
        and a.item_id = flagged.item_id
    join core.dim_wave w on w.wave_id = a.wave_id
    where a.school_id = $school
        and a.missing is distinct from 'not_asked'
        and w.opens < (select opens from core.dim_wave where wave_id = $wave)
    group by 1, 2, 3, w.opens
    order by 1, 2, w.opens
"""

_KNOWN = """
    select now.flag_id, before.wave_id
    from core.flag now
    join core.flag before
        on before.pupil = now.pupil
        and before.rule_id = now.rule_id
        and before.route = now.route
        and before.school_id = now.school_id
    join core.dim_wave w on w.wave_id = before.wave_id
    where now.wave_id = $wave and now.school_id = $school and now.route = $route
        and now.status in ('open', 'expired') and now.target = 'pupil'
        and before.status <> 'withdrawn'
        and w.opens < (select opens from core.dim_wave where wave_id = $wave)
    group by 1, 2, w.opens
    order by 1, w.opens
"""

# The baseline as exact as a reader sees it: a chart that shows more would depend on when it was
# drawn, for the report is not renewed for less (see `school_inputs`).
_INDICATORS = """
    select class_group, rule_id, rule_version, answered, observed, enrolled,
        round(baseline, 2) as baseline, baseline_from, p_exact, gate
    from core.class_indicator
    where wave_id = $wave and school_id = $school
    order by class_group, rule_id, survey_id
"""

# Forms that contradict each other wait with their school and wave; other held rows were never
# understood that far, but the rest of their delivery tells which schools and waves it holds.
_HELD = """
    with placed as (
        select delivery_no, row_no, school_id, wave_id from core.response
        union all
        select delivery_no, row_no, school_id, wave_id from quarantine.response
    ),
    deliveries as (
        select
            delivery_no,
            bool_and(school_id = $school and wave_id = $wave) as is_ours_alone
        from placed
        group by delivery_no
        having bool_or(school_id = $school and wave_id = $wave)
    ),
    unplaced as (
        select delivery_no
        from quarantine.row
        anti join quarantine.response using (delivery_no, row_no)
    ),
    contradicting as (
        select count(*) as forms
        from quarantine.response
        where school_id = $school and wave_id = $wave
    )
    select
        (select forms from contradicting) + count(*) filter (is_ours_alone),
        count(*) filter (not is_ours_alone)
    from deliveries
    join unplaced using (delivery_no)
"""

_LINKED = """
    select count(pupil) > 0 or count(*) = 0
    from core.response
    where wave_id = $wave and school_id = $school
"""


def read_school(
    con: duckdb.DuckDBPyConnection, *, wave_id: str, school_id: str, route: str
) -> SchoolData:
    """Read one school's open flags of one wave and route, with what a reader needs beside them.

    The class indicators belong to the health service's route and are left out of any other.
    """
    key = {"wave": wave_id, "school": school_id}
    routed = {**key, "route": route}
    waves = tuple(WaveInfo(*row) for row in _rows(con, _WAVES, {"wave": wave_id}))
    held, held_shared = _rows(con, _HELD, key)[0]
    return SchoolData(
        school_id=school_id,
        school_name=_school_name(con, school_id),
        route=route,
        wave=_reported(waves, wave_id),
        waves=waves,
        is_linked=bool(_rows(con, _LINKED, key)[0][0]),
        classes=tuple(ClassCount(*row) for row in _rows(con, _CLASSES, key)),
        pupil_flags=_pupil_flags(con, routed),
        class_flags=tuple(ClassFlag(*row) for row in _rows(con, _CLASS_FLAGS, routed)),
        indicators=_indicators(con, key) if route == "health_service" else (),
        held=held,
        held_shared=held_shared,
    )


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, str]) -> _Rows:
    return cast(_Rows, con.execute(query, values).fetchall())


def _school_name(con: duckdb.DuckDBPyConnection, school_id: str) -> str:
    query = "select name from core.dim_school where school_id = $school"
    found = _rows(con, query, {"school": school_id})
    if not found:
        raise ReportDataError(f"no school {school_id} in core.dim_school; load the settings first")
    return cast(str, found[0][0])


def _reported(waves: tuple[WaveInfo, ...], wave_id: str) -> WaveInfo:
    for wave in waves:
        if wave.wave_id == wave_id:
            return wave
    raise ReportDataError(f"no wave {wave_id} in core.dim_wave; load the settings first")


def _indicators(con: duckdb.DuckDBPyConnection, key: dict[str, str]) -> tuple[ClassIndicator, ...]:
    return tuple(ClassIndicator(*row) for row in _rows(con, _INDICATORS, key))


def _pupil_flags(con: duckdb.DuckDBPyConnection, routed: dict[str, str]) -> tuple[PupilFlag, ...]:
    flags = _rows(con, _PUPIL_FLAGS, routed)
    evidence, known = _evidence(con, routed), _gathered(_rows(con, _KNOWN, routed))
    return tuple(
        PupilFlag(*[*row, evidence.get((row[0], row[1]), ()), known[row[0]]]) for row in flags
    )


def _evidence(
    con: duckdb.DuckDBPyConnection, routed: dict[str, str]
) -> dict[tuple[str, str], tuple[Evidence, ...]]:
    """The evidence of each flag and pupil, with the pupil's earlier answers to the same items."""
    earlier = _gathered(
        ((pupil, source), PastAnswer(*answer))
        for pupil, source, *answer in _rows(con, _EARLIER, routed)
    )
    return _gathered(
        ((flag_id, pupil), Evidence(source, observed, threshold, earlier[pupil, source]))
        for flag_id, pupil, source, observed, threshold in _rows(con, _EVIDENCE, routed)
    )


def _gathered(pairs: Iterable[tuple[Any, Any]]) -> defaultdict[Any, tuple[Any, ...]]:
    found: defaultdict[Any, tuple[Any, ...]] = defaultdict(tuple)
    for key, value in pairs:
        found[key] += (value,)
    return found
