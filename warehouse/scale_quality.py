"""How well each scale works in a wave, for whoever judges the instrument.

Answers missing, ends of the range, and how the items hang together: counts and covariances over all
forms, of no pupil.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from schemas.instrument import Instrument, Scale
from transforms.scoring import answered_sql, item_sql
from warehouse.instruments import answer_table, score_table

# Fewer complete forms say nothing of a reliability, and much of those who answered.
FEWEST_FORMS = 30
_HANGS_TOGETHER = ("sum", "mean", "table")


@dataclass(frozen=True, slots=True)
class ScaleQuality:
    """One scale in one wave. Counts of forms; `covariance`: items by items, complete forms.

    None where fewer than FEWEST_FORMS are complete, or the score is not one of items that should
    hang together.
    """

    instrument_key: str
    scale_id: str
    asked: int
    scored: int
    at_floor: int
    at_ceiling: int
    complete: int
    covariance: npt.NDArray[np.float64] | None


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
    complete, covariance = 0, None
    if scale.formula in _HANGS_TOGETHER:
        complete, covariance = _covariance(con, wave_id, instrument, scale)
    return ScaleQuality(
        instrument.key, scale.id, asked, scored, at_floor, at_ceiling, complete, covariance
    )


def _covariance(
    con: duckdb.DuckDBPyConnection, wave_id: str, instrument: Instrument, scale: Scale
) -> tuple[int, npt.NDArray[np.float64] | None]:
    """Complete forms, and the sample covariance of the items, reversed where they are."""
    many = len(scale.items)
    turned = ", ".join(f"{item_sql(instrument, item)} as {item}" for item in scale.items)
    pairs = ", ".join(f"covar_samp({one}, {other})" for one, other in _pairs(scale))
    [(complete, *cells)] = con.execute(
        f"""
        select count(*), {pairs}
        from (
            select {turned}
            from (
                select {", ".join(scale.items)}
                from core.response join {answer_table(instrument.key)} using (response_id)
                where wave_id = $wave
                    and grade between {instrument.min_grade} and {instrument.max_grade}
                    and {answered_sql(scale)} = {many}
            )
        )
        """,
        {"wave": wave_id},
    ).fetchall()
    if complete < FEWEST_FORMS:
        return complete, None
    return complete, np.array(cells, np.float64).reshape(many, many)


def _pairs(scale: Scale) -> Iterator[tuple[str, str]]:
    return ((one, other) for one in scale.items for other in scale.items)
