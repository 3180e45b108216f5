"""Whether one pupil's change is more than measurement error (Jacobson & Truax 1991).

For a scale of three items or more in the same version. Its spread and reliability come from a norm
or the whole grade, never from the pupils that were flagged. After a low first answer the next is
higher by itself, so a rise is told with the form that expects it (domain notes 0.5, 6.1).
A single item has no known reliability: for those, count categories.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import Marks, Numbers, require_numbers, require_within

CRITICAL = 1.96
STEPS_OF_A_FALL = 2


@dataclass(frozen=True, slots=True)
class Norm:
    """The mean and spread of a named population on one scale."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class CutOffs:
    """Where a score leaves the clinical range (a), enters the functional one (b), between (c)."""

    a: float
    b: float
    c: float


def difference_error(sd: float, reliability: float) -> float:
    """The standard error of a difference of two scores of one pupil, in scale units."""
    require_within(0, np.inf, sd=sd)
    require_within(0, 1, reliability=reliability)
    return sqrt(2) * sd * sqrt(1 - reliability)


def smallest_reliable_change(sd: float, reliability: float, *, critical: float = CRITICAL) -> float:
    """The least change in scale units that is more than error: 23.6 for WHO-5 (SD 19, r .80)."""
    return critical * difference_error(sd, reliability)


def reliable_change(
    before: npt.ArrayLike, after: npt.ArrayLike, *, sd: float, reliability: float
) -> Numbers:
    """The change of each pupil in standard errors of a difference (Jacobson & Truax 1991)."""
    require_numbers(before=before, after=after)
    change = np.asarray(after, np.float64) - np.asarray(before, np.float64)
    return np.asarray(change / _some(difference_error(sd, reliability)))


def change_beyond_regression(
    before: npt.ArrayLike, after: npt.ArrayLike, *, norm: Norm, reliability: float
) -> Numbers:
    """The second score against where the first leads one to expect it (Edwards & Nunnally).

    The expected score is drawn towards the mean of the population, in standard errors of
    measurement. That error is smaller than a difference's: this form marks more changes.
    """
    require_numbers(before=before, after=after, mean=norm.mean)
    expected = reliability * (np.asarray(before, np.float64) - norm.mean) + norm.mean
    error = _some(difference_error(norm.sd, reliability)) / sqrt(2)
    return np.asarray((np.asarray(after, np.float64) - expected) / error)


def _some(error: float) -> float:
    if error == 0:
        message = "without spread or error of measurement no change can be judged"
        raise ValueError(message)
    return error


def cut_offs(*, clinical: Norm, functional: Norm, higher_is_better: bool) -> CutOffs:
    """The three cut-offs between a clinical and a functional population (Jacobson & Truax 1991)."""
    towards = 1 if higher_is_better else -1
    spreads = functional.sd + clinical.sd
    if spreads == 0:
        message = "two populations without spread have no cut-off between them"
        raise ValueError(message)
    return CutOffs(
        a=cut_off_a(clinical, higher_is_better=higher_is_better),
        b=functional.mean - towards * 2 * functional.sd,
        c=(functional.sd * clinical.mean + clinical.sd * functional.mean) / spreads,
    )


def cut_off_a(clinical: Norm, *, higher_is_better: bool) -> float:
    """Two standard deviations out of the clinical population, where no functional one is known."""
    return clinical.mean + (2 if higher_is_better else -2) * clinical.sd


def change_words(
    index: npt.ArrayLike, *, higher_is_better: bool, critical: float = CRITICAL
) -> npt.NDArray[np.str_]:
    """`improved`, `unchanged` or `deteriorated` for each index; at the critical value unchanged."""
    require_numbers(index=index)
    better = _turned(index, higher_is_better=higher_is_better)
    return np.select(
        [better > critical, better < -critical], ["improved", "deteriorated"], "unchanged"
    )


def change_words_with_cut_off(
    scores: tuple[npt.ArrayLike, npt.ArrayLike],
    index: npt.ArrayLike,
    *,
    cut_off: float,
    higher_is_better: bool,
    critical: float = CRITICAL,
) -> npt.NDArray[np.str_]:
    """The same with `recovered` and `harmed` where a reliable change also crosses the cut-off.

    `scores` are those before and after. The published words of Jacobson & Truax: for a method page
    and its tests, not for a report about a pupil.
    """
    require_numbers(before=scores[0], after=scores[1], cut_off=cut_off)
    limit = _turned(cut_off, higher_is_better=higher_is_better)
    was_low, is_low = (
        _turned(score, higher_is_better=higher_is_better) < limit for score in scores
    )
    words = change_words(index, higher_is_better=higher_is_better, critical=critical)
    recovered = (words == "improved") & was_low & ~is_low
    harmed = (words == "deteriorated") & ~was_low & is_low
    return np.select([recovered, harmed], ["recovered", "harmed"], words)


def _turned(values: npt.ArrayLike, *, higher_is_better: bool) -> Numbers:
    found = np.asarray(values, np.float64)
    return found if higher_is_better else -found


def fell(
    before: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    higher_is_better: bool,
    steps: int = STEPS_OF_A_FALL,
) -> Marks:
    """Whether a single item's answer fell by `steps` categories or more between two waves.

    Answers are places among the options (1, 2, 3, …), not codes with gaps. An item left blank in
    either wave is no fall and has to be left out before.
    """
    require_numbers(before=before, after=after)
    worse = np.asarray(before) - np.asarray(after)
    return np.asarray((worse if higher_is_better else -worse) >= steps)
