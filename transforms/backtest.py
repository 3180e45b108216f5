"""How well rules do where the truth was planted: the figures of a backtest.

A row of `units` is one pupil or class in one wave; what a rule says of it is compared with what is
so. Intervals are Wilson's, and take the waves of one pupil as independent, so they are somewhat
too narrow.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from transforms.statistics import wilson_interval
from transforms.statistics.screening import Estimate

# A watch is only listed; the other levels have a day by which somebody looks.
Reach = Literal["any level", "with a deadline"]
ONLY_LISTED = "watch"


@dataclass(frozen=True, slots=True)
class Counted:
    """Units by truth and flag. `reached`: of the true ones, those that a rule could see at all."""

    units: int
    true: int
    flagged: int
    both: int
    reached: int

    @property
    def sensitivity(self) -> Estimate:
        """Of the true ones, the share that is flagged."""
        return share(self.both, self.true)

    @property
    def sensitivity_of_reached(self) -> Estimate:
        """Of the true ones that answered (of a class: enough), the share that is flagged."""
        return share(self.both, self.reached)

    @property
    def specificity(self) -> Estimate:
        """Of those who are not so, the share that is not flagged."""
        others = self.units - self.true
        return share(others - (self.flagged - self.both), others)

    @property
    def ppv(self) -> Estimate:
        """Of the flagged ones, the share that is true."""
        return share(self.both, self.flagged)

    @property
    def per_100(self) -> Estimate:
        """Flags for a hundred units."""
        found = share(self.flagged, self.units)
        return Estimate(100 * found.value, 100 * found.low, 100 * found.high)


@dataclass(frozen=True, slots=True)
class TimeToFlag:
    """Spells of truth, and of them those that were flagged in their first wave, later, or never."""

    spells: int
    at_once: int
    later: int
    waves: float  # mean number of waves until the flag, of those flagged: 1 is the first wave

    @property
    def never(self) -> int:
        """Spells that ended, or were still there in the last wave, without a flag."""
        return self.spells - self.at_once - self.later


@dataclass(frozen=True, slots=True)
class AfterGroups:
    """Pupils who had a group after a wave and answered the next one.

    `gone`: of them, those without a flag of the same kind then. `better`: mean change of their true
    wellbeing, in points of 100.
    """

    followed: int
    gone: int
    better: float

    @property
    def share_gone(self) -> Estimate:
        """What a report without a comparison would call success."""
        return share(self.gone, self.followed)


def share(part: int, whole: int) -> Estimate:
    """A share with its Wilson interval; nan where there is nothing to take it of."""
    if not whole:
        return Estimate(np.nan, 0.0, 1.0)
    low, high = wilson_interval(part, whole)
    return Estimate(part / whole, float(low), float(high))


def count(units: pl.DataFrame, flags: pl.DataFrame) -> Counted:
    """Compare flags with the truth.

    `units`: wave, unit, true, reached, each pair once; `flags`: wave, unit. A flag of a unit that
    is not there (a mistyped code) is of nobody, so it counts as flagged and as a unit.
    """
    known = _flagged(units, flags)
    strangers = flags.unique(["wave", "unit"]).join(units, on=["wave", "unit"], how="anti").height
    true, flagged = known["true"], known["flagged"]
    return Counted(
        units=known.height + strangers,
        true=int(true.sum()),
        flagged=int(flagged.sum()) + strangers,
        both=int((true & flagged).sum()),
        reached=int((true & known["reached"]).sum()),
    )


def time_to_flag(units: pl.DataFrame, flags: pl.DataFrame) -> TimeToFlag:
    """How long true units wait; a spell is a run of waves in which a unit is true.

    `units` has `at`, the number of the wave, besides the columns that `count` reads.
    """
    true = _flagged(units, flags).filter("true").sort("unit", "at")
    goes_on = (pl.col("unit") == pl.col("unit").shift()) & (
        pl.col("at") - pl.col("at").shift() == 1
    )
    spells = (
        true.with_columns(spell=(~goes_on.fill_null(value=False)).cum_sum())
        .group_by("spell")
        .agg(waves=pl.col("at").filter("flagged").min() - pl.col("at").min() + 1)
    )
    waves = spells["waves"].drop_nulls()
    at_once = int((waves == 1).sum())
    mean = float(np.mean(waves.to_numpy())) if len(waves) else np.nan
    return TimeToFlag(spells.height, at_once, len(waves) - at_once, mean)


def after_groups(units: pl.DataFrame, flags: pl.DataFrame) -> AfterGroups:
    """What becomes of those who are flagged in a wave and answer the next one.

    `units` has `at`, `reached` and `wellbeing`, the true score.
    """
    known = _flagged(units, flags)
    now = known.filter("flagged").with_columns(at=pl.col("at") + 1)
    later = now.join(known, on=["unit", "at"], suffix="_later").filter("reached_later")
    change = (later["wellbeing_later"] - later["wellbeing"]).to_numpy()
    better = float(np.mean(change)) if len(change) else np.nan
    return AfterGroups(later.height, int((~later["flagged_later"]).sum()), better)


def _flagged(units: pl.DataFrame, flags: pl.DataFrame) -> pl.DataFrame:
    marked = flags.select("wave", "unit").unique().with_columns(flagged=pl.lit(value=True))
    return units.join(marked, on=["wave", "unit"], how="left", validate="1:1").with_columns(
        pl.col("flagged").fill_null(value=False)
    )
