"""Funnel limits: how far a class of each size may lie from the baseline by chance.

Flag by the exact limits, draw the closed form: at a baseline of 6 % the closed form calls 4 of 22
high, whose exact probability is .040 (domain notes 6.2).
"""

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import (
    Counts,
    Numbers,
    require_numbers,
    require_within,
    special,
    z_of,
)
from transforms.statistics.proportions import binomial_tail


def exact_limits(
    n: npt.ArrayLike, baseline: float, *, tail: float = 0.025
) -> tuple[Counts, Counts]:
    """The highest count that is too few and the lowest that is too many, for each class size.

    A count is too many when P(X >= count) < tail, too few when P(X <= count) < tail. -1 and n + 1
    say that no count of that class can be.
    """
    require_within(0, 1, baseline=baseline, tail=tail)
    sizes = np.asarray(n, np.int64)
    counts = np.arange(sizes.max(initial=0) + 1)
    at_least = binomial_tail(counts, sizes[..., None], baseline)
    is_possible = counts <= sizes[..., None]
    # P(X <= c) = 1 - P(X >= c + 1), asked from the other end so that nothing is cancelled.
    at_most = binomial_tail(sizes[..., None] - counts, sizes[..., None], 1 - baseline)
    too_many = np.sum((at_least >= tail) & is_possible, axis=-1)
    too_few = np.sum((at_most < tail) & is_possible, axis=-1) - 1
    return too_few, too_many


def drawn_limits(
    n: npt.ArrayLike, baseline: float, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """Smooth limits 0-1 for each class size: the shares whose Wilson interval ends at the baseline.

    The score interval solved for the share is the normal interval of the baseline (UKHSA
    PHEindicatormethods, funnel for proportions).
    """
    require_within(0, np.inf, n=n)
    require_within(0, 1, baseline=baseline)
    sizes = np.asarray(n, np.float64)
    half = z_of(confidence) * np.sqrt(baseline * (1 - baseline) / np.maximum(sizes, 1))
    nobody = sizes == 0
    low = np.where(nobody, 0.0, np.maximum(baseline - half, 0.0))
    return low, np.where(nobody, 1.0, np.minimum(baseline + half, 1.0))


def ratio_limits(expected: npt.ArrayLike, *, confidence: float = 0.95) -> tuple[Numbers, Numbers]:
    """Limits of observed / expected where the count is Poisson(expected), by chi-square quantiles.

    `expected` is positive. Formula as in FunnelPlotR (Spiegelhalter 2005, Dobson et al. 1991).
    """
    require_numbers(expected=expected)
    counts = np.asarray(expected, np.float64)
    if (counts <= 0).any():
        message = "expected: a ratio needs counts above 0"
        raise ValueError(message)
    tail = (1 - confidence) / 2
    low = special().gammaincinv(counts, tail) / counts
    return low, special().gammaincinv(counts + 1, 1 - tail) / counts
