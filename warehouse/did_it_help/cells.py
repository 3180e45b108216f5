"""What of "did it help" may come out: shares through the disclosure gate, differences by floors.

Only the municipality as a whole. The schools' counts are handed to the gate and to the attacker all
the same: they are what the whole could be taken apart into.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.outcome import OutcomePlan
from transforms.did_it_help.answer import PRIMARY, Change
from transforms.disclosure import CELLS, bands
from warehouse.did_it_help.answer import Outcome

FEWEST_SCHOOLS = 3  # a whole of two schools tells either of them what the other's figure is
_FINE_BELOW = 5.0  # spread of a scale below which whole numbers would say nothing
_NAMES = ("wave_id", "school_id", "measure", "category")


def outcome_cells(figures: pl.DataFrame, plan: OutcomePlan, schools: Sequence[str]) -> pa.Table:
    """One row a published share, and for each every school: CELLS and what names the line.

    A school without a case has a row with zeros, so that the mere presence of a row says nothing.
    """
    published = [measure.id for measure in plan.measures if measure.in_outcome]
    own = figures.filter(pl.col("measure").is_in(published))
    whole = own.filter(pl.col("school_id").is_null())
    lines = whole.filter(pl.col("n") > 0).select("wave_id", "measure", "category")
    per_school = lines.join(
        pl.DataFrame({"school_id": schools}, schema={"school_id": pl.String}), how="cross"
    ).join(own, on=list(_NAMES), how="left", nulls_equal=True)
    names = [*_NAMES, "n", "total", "classes"]
    rows = pl.concat(
        [
            whole.filter(pl.col("n") > 0).select(names),
            per_school.select(names).with_columns(pl.col("n", "total", "classes").fill_null(0)),
        ]
    )
    level = pl.when(pl.col("school_id").is_null()).then(pl.lit("municipality"))
    told = rows.with_columns(
        pl.concat_str("wave_id", "measure", pl.col("category").fill_null(""), separator="|").alias(
            "table"
        ),
        pl.lit("share").alias("kind"),
        level.otherwise(pl.lit("school")).alias("level"),
        pl.lit(0, pl.Int64).alias("lowest"),
        pl.lit(1, pl.Int64).alias("highest"),
        pl.lit(value=True).alias("one_piece"),
    ).select(*CELLS.names, *_NAMES)
    schema = pa.schema([*CELLS, *(pa.field(name, pa.string()) for name in _NAMES)])
    return told.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(schema)


def change_rows(outcome: Outcome, plan: OutcomePlan, *, min_n: int) -> list[dict[str, object]]:
    """Rows of mart.outcome_change: the word and its reason always, figures where enough are behind.

    `min_n`: the municipality's own floor, where it is higher than the plan's.
    """
    fewest = max(min_n, plan.limits.fewest_pupils)
    days = _days(outcome.figures, fewest)
    return [_row(change, fewest, days.get(change.wave_id)) for change in outcome.changes]


def _row(change: Change, fewest: int, days: float | None) -> dict[str, object]:
    verdict = change.verdict
    told: dict[str, object] = {
        "wave_id": change.wave_id,
        "next_wave": change.next_wave,
        "outcome": change.outcome,
        "scale": change.scale,
        "verdict": verdict.word,
        "reason": verdict.reason,
        "days_to_first_meeting": days if change.outcome == PRIMARY else None,
    }
    enough = min(verdict.pupils) >= fewest and change.schools >= FEWEST_SCHOOLS
    if not enough or verdict.difference is None:
        hidden = {"verdict": "cannot_tell", "reason": "too_few"}
        return told | (hidden if verdict.difference else {})
    followed, waited = _bands(verdict.pupils)
    found, digits = verdict.difference, 0 if change.spread >= _FINE_BELOW else 1
    told |= {
        "followed_band": followed,
        "waited_band": waited,
        "difference": round(found.value, digits),
        "low": round(found.low, digits),
        "high": round(found.high, digits),
    }
    seen, reliable = change.by_itself, change.reliable
    if seen is not None:
        told["rise"] = round(seen.after - seen.before, digits)
        told["rise_by_itself"] = round(seen.expected - seen.before, digits)
    if reliable is not None:
        told["improved_by_itself"] = round(reliable.expected_improved / reliable.pupils, 2)
    return told


def _bands(pupils: tuple[int, int]) -> tuple[str, str]:
    nearest = (np.array(pupils, dtype=np.int64) + 2) // 5 * 5
    followed, waited = bands(nearest)
    return str(followed), str(waited)


def _days(figures: pl.DataFrame, fewest: int) -> dict[str, float]:
    """The median of days of each wave that has it of enough groups at enough schools."""
    own = figures.filter(pl.col("measure") == "days_to_first_meeting", pl.col("n") > 0)
    schools = own.filter(pl.col("school_id").is_not_null()).group_by("wave_id").len("schools")
    whole = own.filter(pl.col("school_id").is_null(), pl.col("n") >= fewest)
    enough = whole.join(schools.filter(pl.col("schools") >= FEWEST_SCHOOLS), on="wave_id")
    return {
        wave: float(round(days)) for wave, days in enough.select("wave_id", "value").iter_rows()
    }
