"""How well each scale works in a wave, for whoever judges the instrument.

Answers missing, ends of the range, and how the items hang together: counts and reliabilities over
all forms, of no pupil.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np

from schemas.instrument import Instrument, Scale
from transforms.scoring import answered_sql, item_sql
from transforms.statistics.reliability import cronbach_alpha, mcdonald_omega
from warehouse.instruments import answer_table, score_table

# Fewer complete forms say nothing of a reliability, and much of those who answered.
FEWEST_FORMS = 30
_HANGS_TOGETHER = ("sum", "mean", "table")


@dataclass(frozen=True, slots=True)
class ScaleQuality:
    """One scale in one wave. Counts of forms; alpha and omega of the complete ones.

    Both are None where fewer than FEWEST_FORMS are complete, or the score is not one of items that
    should hang together.
    """

    instrument_key: str
    scale_id: str
    asked: int
    scored: int
    at_floor: int
    at_ceiling: int
    complete: int
    alpha: float | None
    omega: float | None


def scale_qualities(
    con: duckdb.DuckDBPyConnection, wave_id: str, instruments: Mapping[str, Instrument]
) -> list[ScaleQuality]:
    """Every scale that anybody was asked in the wave."""
    found = [
        _quality(con, wave_id, instrument, scale)
        for instrument in instruments.values()
        for scale in instrument.scales
    ]
    return [quality for quality in found if quality.asked]


def _quality(
    con: duckdb.DuckDBPyConnection, wave_id: str, instrument: Instrument, scale: Scale
) -> ScaleQuality:
    [(asked, scored, at_floor, at_ceiling)] = con.execute(
        f"""
        select count(*), count(s.{scale.id}), count(*) filter (s.{scale.id} = $low),
            count(*) filter (s.{scale.id} = $high)
        from core.response join {score_table(instrument.key)} s using (response_id)
        where wave_id = $wave
        """,
        {"wave": wave_id, "low": scale.minimum, "high": scale.maximum},
    ).fetchall()
    reliability: tuple[int, float | None, float | None] = (0, None, None)
    if asked and scale.formula in _HANGS_TOGETHER:
        reliability = _reliability(con, wave_id, instrument, scale)
    return ScaleQuality(instrument.key, scale.id, asked, scored, at_floor, at_ceiling, *reliability)


def _reliability(
    con: duckdb.DuckDBPyConnection, wave_id: str, instrument: Instrument, scale: Scale
) -> tuple[int, float | None, float | None]:
    """Complete forms, and alpha and omega of their items, turned where they are reversed."""
    turned = ", ".join(f"{item_sql(instrument, item)} as {item}" for item in scale.items)
    columns = con.execute(
        f"""
        select {turned}
        from (
            select {", ".join(scale.items)}
            from core.response join {answer_table(instrument.key)} using (response_id)
            where wave_id = $wave
                and grade between {instrument.min_grade} and {instrument.max_grade}
                and {answered_sql(scale)} = {len(scale.items)}
        )
        """,
        {"wave": wave_id},
    ).fetchnumpy()
    codes = np.column_stack([columns[item] for item in scale.items]).astype(np.float64)
    if len(codes) < FEWEST_FORMS:
        return len(codes), None, None
    return len(codes), cronbach_alpha(codes), mcdonald_omega(codes)
