"""Reads what flag reports are made from: schools' flags of one wave and route.

The pseudonyms in here are for joining with the nurse's own list and for nothing else; no text,
log line or file name may carry them. Earlier answers are read for flagged pupils only, for the
very items they were flagged on, and from this school only: a code is never followed elsewhere.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from typing import Any, cast

import duckdb

from warehouse import report_queries as queries
from warehouse.careless import Marks
from warehouse.requests import asking_of
from warehouse.same_pupils import is_first_of_key
from warehouse.school_data import (
    Before,
    ClassCount,
    ClassFlag,
    ClassIndicator,
    ClassNetwork,
    Evidence,
    FollowUp,
    LocalLimit,
    PastAnswer,
    PupilFlag,
    SchoolData,
    WaveInfo,
)
from warehouse.since import Since


class ReportDataError(Exception):
    """A report was asked for that the warehouse knows nothing about."""


_Rows = list[tuple[Any, ...]]
_HELD_AS = ("held", "held_shared", "held_codes")


def read_schools(
    con: duckdb.DuckDBPyConnection,
    *,
    wave_id: str,
    routes: Sequence[str],
    school_ids: Sequence[str],
    marks: Marks,
) -> dict[tuple[str, str], SchoolData]:
    """Read the open and lapsed flags of each route and school, and what a reader needs beside.

    `marks`: which of their forms look careless.

    Raises ReportDataError for a wave or a school that the warehouse does not know.
    """
    waves, wave = _waves_until(con, wave_id)
    key: dict[str, object] = {"wave": wave_id, "schools": list(school_ids)}
    names = _keyed(con, queries.NAMES, {"schools": list(school_ids)})
    for school_id in school_ids:
        if (school_id,) not in names:
            raise ReportDataError(
                f"no school {school_id} in core.dim_school; load the settings first"
            )
    forms = _of_forms(con, key, school_ids, marks)
    pupil_flags = _pupil_flags(con, key, marks)
    class_flags = _keyed(con, queries.CLASS_FLAGS, key, size=2)
    indicators, networks = (
        _keyed(con, query, key, size=2) for query in (queries.INDICATORS, queries.NETWORKS)
    )
    since = _keyed(con, queries.SINCE, key, size=2)
    asking = asking_of(con, wave_id, school_ids)
    is_first = is_first_of_key(con, wave_id)
    return {
        (route, school_id): SchoolData(
            school_id=school_id,
            school_name=cast(str, names[(school_id,)][0][0]),
            route=route,
            wave=wave,
            waves=waves,
            pupil_flags=tuple(pupil_flags.get((route, school_id), ())),
            class_flags=tuple(ClassFlag(*row) for row in class_flags[route, school_id]),
            indicators=tuple(ClassIndicator(*row) for row in indicators[route, school_id]),
            networks=tuple(ClassNetwork(*row) for row in networks[route, school_id]),
            asking=tuple(asking.get((route, school_id), ())),
            is_first_of_key=is_first,
            since=_since(since[route, school_id]),
            **forms[school_id],
        )
        for route, school_id in product(routes, school_ids)
    }


def _of_forms(
    con: duckdb.DuckDBPyConnection,
    key: dict[str, object],
    school_ids: Sequence[str],
    marks: Marks,
) -> dict[str, dict[str, Any]]:
    """What the forms of each school say together, whoever reads of its flags."""
    linked, classes = _keyed(con, queries.LINKED, key), _keyed(con, queries.CLASSES, key)
    held, limits = _keyed(con, queries.HELD, key), _keyed(con, queries.LIMITS, key)
    found = {}
    for school_id in school_ids:
        # Where there is no form, nobody is known to be without a code.
        is_linked, surveys, grades = (linked[(school_id,)] or [(True, (), ())])[0]
        waiting = (held[(school_id,)] or [(0, 0, 0)])[0]
        found[school_id] = {
            "is_linked": is_linked,
            "surveys": tuple(surveys),
            "grades": tuple(grades),
            "limits": tuple(LocalLimit(*row) for row in limits[(school_id,)]),
            "classes": tuple(
                ClassCount(*[*row, marks.in_class.get((school_id, row[0]), 0)])
                for row in classes[(school_id,)]
            ),
            **dict(zip(_HELD_AS, waiting, strict=True)),
        }
    return found


def _waves_until(
    con: duckdb.DuckDBPyConnection, wave_id: str
) -> tuple[tuple[WaveInfo, ...], WaveInfo]:
    waves = tuple(
        WaveInfo(*row) for row in con.execute(queries.WAVES, {"wave": wave_id}).fetchall()
    )
    for wave in waves:
        if wave.wave_id == wave_id:
            return waves, wave
    raise ReportDataError(f"no wave {wave_id} in core.dim_wave; load the settings first")


def _pupil_flags(
    con: duckdb.DuckDBPyConnection, key: dict[str, object], marks: Marks
) -> dict[tuple[str, ...], list[PupilFlag]]:
    flags = _keyed(con, queries.PUPIL_FLAGS, key, size=2)
    if not flags:
        return {}
    evidence, known = _evidence(con, key), _keyed(con, queries.KNOWN, key, size=3)
    plans = _keyed(con, queries.PLANS, key, size=3)
    return {
        (route, school_id): [
            PupilFlag(
                *[
                    flag_id,
                    pupil,
                    *says,
                    tuple(evidence[route, school_id, flag_id, pupil]),
                    tuple(wave_id for (wave_id,) in known[route, school_id, flag_id]),
                    marks.of_pupil.get((school_id, pupil), ()),
                    has_lapsed,
                    survey_id,
                    _follow_up(plans[route, school_id, flag_id]),
                ]
            )
            for flag_id, pupil, *says, has_lapsed, survey_id in rows
        ]
        for (route, school_id), rows in flags.items()
    }


def _since(found: _Rows) -> Since | None:
    if not found:
        return None
    wave, new, again, gone, silent, *signals = found[0]
    return Since(wave, new, again, gone, silent, *map(tuple, signals))


def _follow_up(found: _Rows) -> FollowUp | None:
    return FollowUp(*found[0]) if found else None


def _evidence(
    con: duckdb.DuckDBPyConnection, key: dict[str, object]
) -> defaultdict[tuple[str, ...], list[Evidence]]:
    """The evidence of each flag and pupil, with the pupil's earlier answers to the same items."""
    earlier = _keyed(con, queries.EARLIER, key, size=4)
    found: defaultdict[tuple[str, ...], list[Evidence]] = defaultdict(list)
    for about, rows in _keyed(con, queries.EVIDENCE, key, size=4).items():
        route, school_id, _, pupil = about
        for source, observed, threshold, wave, was in rows:
            past = tuple(PastAnswer(*answer) for answer in earlier[route, school_id, pupil, source])
            before = Before(wave, was) if wave else None
            found[about].append(Evidence(source, observed, threshold, past, before))
    return found


def _keyed(
    con: duckdb.DuckDBPyConnection, query: str, values: dict[str, object], *, size: int = 1
) -> defaultdict[tuple[str, ...], _Rows]:
    """The rest of the query's rows under their first `size` columns, in the query's order."""
    found: defaultdict[tuple[str, ...], _Rows] = defaultdict(list)
    for row in con.execute(query, values).fetchall():
        found[row[:size]].append(row[size:])
    return found
