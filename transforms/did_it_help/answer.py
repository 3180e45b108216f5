"""What one wave's groups changed by the next wave: one answer for each outcome that is declared."""

from dataclasses import dataclass, replace

import polars as pl

from schemas.outcome import OutcomeLimits, Reason
from transforms.did_it_help.arms import (
    FOLLOWED,
    OTHERS,
    WAITING,
    Between,
    arms_of,
    with_arms,
    with_class_arms,
)
from transforms.did_it_help.regression import ByItself, ReliableChanges, by_itself, reliable_changes
from transforms.did_it_help.verdict import Verdict, judge
from transforms.statistics.reliable_change import smallest_reliable_change

PRIMARY = "primary"


@dataclass(frozen=True, slots=True)
class Change:
    """One outcome of one wave. `outcome`: primary or a claim's id; `scale`: what it is measured by.

    `spread` is that of everybody of the grade, and `schools` how many have a pupil in the arm with
    fewer of them. `by_itself` and `reliable` are of the followed pupils, and stand with the primary
    outcome where enough were followed. `improved` has their rows for the programme's counts.
    """

    wave_id: str
    next_wave: str | None
    outcome: str
    scale: str | None
    verdict: Verdict
    spread: float = 0.0
    schools: int = 0
    by_itself: ByItself | None = None
    reliable: ReliableChanges | None = None
    improved: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """The answers behind one outcome (see `with_arms`), and how everybody of a grade is spread."""

    scale: str
    pairs: pl.DataFrame
    spread: float
    reliability: float | None = None


def not_told(wave_id: str, outcome: str, reason: Reason, next_wave: str | None = None) -> Change:
    """An outcome of which nothing can be told, and why."""
    return Change(wave_id, next_wave, outcome, None, Verdict("cannot_tell", reason))


def change_of_pupils(
    place: tuple[str, str, str],
    measured: Measured,
    flags: pl.DataFrame,
    groups: pl.DataFrame,
    days: Between,
    limits: OutcomeLimits,
) -> Change:
    """How pupils who had a group changed beside those who waited.

    `place`: the wave, the next one, and the outcome. The others' line and the reliable changes are
    told for the primary outcome.
    """
    marked = with_arms(measured.pairs, flags, groups, days)
    change = _change(place, measured, marked, limits)
    arms, others = arms_of(marked), arms_of(marked, (OTHERS,))
    if place[2] != PRIMARY or arms.pupils[0] < limits.fewest_pupils:
        return change
    seen = by_itself(arms, others, confidence=limits.confidence)
    if measured.reliability is None or measured.spread <= 0:
        return replace(change, by_itself=seen)
    spread, reliability = measured.spread, measured.reliability
    least = smallest_reliable_change(spread, reliability)
    return replace(
        change,
        by_itself=seen,
        reliable=reliable_changes(arms, others, spread=spread, reliability=reliability),
        improved=_improved(marked, place[0], least),
    )


def change_of_classes(
    place: tuple[str, str, str],
    measured: Measured,
    groups: pl.DataFrame,
    days: Between,
    limits: OutcomeLimits,
) -> Change:
    """How the class mates of pupils with a group changed beside pupils of other classes."""
    return _change(place, measured, with_class_arms(measured.pairs, groups, days), limits)


def _change(
    place: tuple[str, str, str], measured: Measured, marked: pl.DataFrame, limits: OutcomeLimits
) -> Change:
    verdict = judge(arms_of(marked), limits, spread=measured.spread)
    schools = min(
        marked.filter(pl.col("arm") == arm)["school_id"].n_unique() for arm in (FOLLOWED, WAITING)
    )
    return Change(*place, measured.scale, verdict, measured.spread, schools)


def _improved(marked: pl.DataFrame, wave_id: str, least: float) -> pl.DataFrame:
    """Rows of TOLD for the share of followed pupils whose rise is more than error."""
    return marked.filter(pl.col("arm") == FOLLOWED).select(
        pl.lit(wave_id).alias("wave_id"),
        "school_id",
        "class_group",
        pl.col("pupil").alias("unit"),
        pl.lit("improved").alias("measure"),
        pl.lit(None, pl.String).alias("category"),
        (pl.col("after") - pl.col("before") > least).cast(pl.Int64).alias("holds"),
        pl.lit(1, pl.Int64).alias("weight"),
        pl.lit(None, pl.Float64).alias("amount"),
    )
