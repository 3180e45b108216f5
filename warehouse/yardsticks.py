"""Measures the limits that a grade of the municipality sets for itself (transforms/yardsticks.py).

Only for scales that somebody was asked in the wave: elsewhere nothing is read.
"""

from collections.abc import Mapping, Sequence

import duckdb

from schemas.instrument import Instrument, Scale
from schemas.rule import ClassRule, Condition, PupilRule
from transforms.flag_inputs import WAVES_BEFORE_SQL, Grade, Limits
from transforms.scoring import answered_sql, item_sql
from transforms.yardsticks import (
    FEWEST_ANSWERS,
    change_limits,
    declared_reliability,
    local_conditions,
    scale_of,
)
from warehouse.instruments import answer_table, score_table


def measure_limits(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    rules: Sequence[PupilRule | ClassRule],
    instruments: Mapping[str, Instrument],
) -> Limits:
    """Each local condition's limit by grade, without grades of too few answers.

    A condition of the last time has a limit for the grades of each wave that may hold it.
    """
    found: dict[Condition, Mapping[Grade, float]] = {}
    for condition in local_conditions(rules):
        scale = scale_of(condition, instruments)
        instrument = instruments[condition.input.partition(".")[0]]
        if not _is_used(con, instrument):
            continue
        limits: Mapping[Grade, float]
        if condition.is_fall:
            limits = dict(_changes(con, wave_id, condition, instrument, scale).items())
        elif condition.wave == "previous":
            limits = _percentiles_before(con, wave_id, condition)
        else:
            rows = _scores(condition)
            limits = dict(_by_grade(con, wave_id, _percentile(condition), rows).items())
        if limits:
            found[condition] = limits
    return found


def keep_limits(con: duckdb.DuckDBPyConnection, wave_id: str, limits: Limits) -> None:
    """Keep which limits the wave's grades set, for reports to tell; part of the transaction."""
    con.execute("delete from core.local_limit where wave_id = $wave", {"wave": wave_id}).fetchall()
    rows = [
        [wave_id, part.input, part.op, part.threshold, part.wave, *_place(grade, wave_id), value]
        for part, by_grade in limits.items()
        for grade, value in by_grade.items()
    ]
    if rows:
        con.executemany("insert into core.local_limit values (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _place(grade: Grade, wave_id: str) -> tuple[str, int]:
    return (wave_id, grade) if isinstance(grade, int) else grade


def _is_used(con: duckdb.DuckDBPyConnection, instrument: Instrument) -> bool:
    return bool(con.execute(f"select 1 from {answer_table(instrument.key)} limit 1").fetchall())


def _by_grade(
    con: duckdb.DuckDBPyConnection, wave_id: str, value: str, rows: str
) -> dict[int, float]:
    waves = "select $wave as wave_id"
    return {grade: limit for _, grade, limit in _measured(con, wave_id, value, rows, waves)}


def _measured(
    con: duckdb.DuckDBPyConnection, wave_id: str, value: str, rows: str, waves: str
) -> list[tuple[str, int, float]]:
    """Wave, grade and a figure, for grades of enough answers in the waves of a query."""
    found = con.execute(
        f"""
        select wave_id, grade, {value}
        from core.response join ({rows}) using (response_id) semi join ({waves}) using (wave_id)
        group by wave_id, grade having count(*) >= {FEWEST_ANSWERS} order by wave_id, grade
        """,
        {"wave": wave_id},
    ).fetchall()
    return [(wave, grade, float(figure)) for wave, grade, figure in found if figure is not None]


def _scores(condition: Condition) -> str:
    key, _, name = condition.input.partition(".")
    return f"select response_id, {name} as score from {score_table(key)} where {name} is not null"


def _percentile(condition: Condition) -> str:
    """The lowest score that so many of 100 reach from below: fewer than these lie under it."""
    return f"quantile_disc(score, {condition.threshold / 100!r})"


def _percentiles_before(
    con: duckdb.DuckDBPyConnection, wave_id: str, condition: Condition
) -> dict[Grade, float]:
    found = _measured(con, wave_id, _percentile(condition), _scores(condition), WAVES_BEFORE_SQL)
    return {(wave, grade): limit for wave, grade, limit in found}


def _changes(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    condition: Condition,
    instrument: Instrument,
    scale: Scale,
) -> dict[int, float]:
    spreads = _by_grade(con, wave_id, "stddev_samp(score)", _scores(condition))
    declared = declared_reliability(scale)
    if declared is None:
        reliability = _alphas(con, wave_id, instrument, scale)
    else:
        reliability = dict.fromkeys(spreads, declared)
    return change_limits(spreads, reliability, condition.threshold)


def _alphas(
    con: duckdb.DuckDBPyConnection, wave_id: str, instrument: Instrument, scale: Scale
) -> dict[int, float]:
    """Cronbach's alpha of the complete forms of each grade."""
    items = [item_sql(instrument, item) for item in scale.items]
    number = len(items)
    parts = " + ".join(f"var_samp(item_{at})" for at in range(number))
    total = " + ".join(f"item_{at}" for at in range(number))
    columns = ", ".join(f"{item} as item_{at}" for at, item in enumerate(items))
    grades = f"between {instrument.min_grade} and {instrument.max_grade}"
    rows = f"""
        select response_id, {columns} from {answer_table(instrument.key)}
            semi join (from core.response where grade {grades}) using (response_id)
        where {answered_sql(scale)} = {number}
    """
    alpha = f"{number / (number - 1)!r} * (1 - ({parts}) / nullif(var_samp({total}), 0))"
    return _by_grade(con, wave_id, alpha, rows)
