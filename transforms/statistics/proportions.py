"""One share in one class: exact binomial tails, and intervals to show beside it."""

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import (
    Numbers,
    require_counts,
    require_numbers,
    require_within,
    special,
    z_of,
)


def binomial_tail(observed: npt.ArrayLike, n: npt.ArrayLike, share: npt.ArrayLike) -> Numbers:
    """P(X >= observed) for X binomial(n, share), exact, one-sided (domain notes 6.2)."""
    require_numbers(observed=observed)
    require_within(0, np.inf, n=n)
    require_within(0, 1, share=share)
    x, whole = np.asarray(observed), np.asarray(n)
    tail = special().bdtrc(np.clip(x - 1, 0, whole), whole, share)
    return np.where(x <= 0, 1.0, np.where(x > whole, 0.0, tail))


def binomial_mid_p(observed: npt.ArrayLike, n: npt.ArrayLike, share: npt.ArrayLike) -> Numbers:
    """P(X > observed) + P(X = observed) / 2: half-way between the two tails (domain notes 6.2)."""
    above = binomial_tail(np.asarray(observed) + 1, n, share)
    return (above + binomial_tail(observed, n, share)) / 2


def wilson_interval(
    observed: npt.ArrayLike, n: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """The score interval of a share, both bounds 0-1; all of 0-1 where n = 0 (Wilson 1927)."""
    require_counts(observed, n)
    x, whole = np.asarray(observed, np.float64), np.asarray(n, np.float64)
    z = z_of(confidence)
    asked = np.maximum(whole, 1)
    share = x / asked
    middle = (share + z**2 / (2 * asked)) / (1 + z**2 / asked)
    spread = np.sqrt(share * (1 - share) / asked + z**2 / (4 * asked**2))
    half = z / (1 + z**2 / asked) * spread
    # At the ends the bound is 0 or 1 exactly; rounding would leave it a hair inside.
    return np.where(x == 0, 0.0, middle - half), np.where(x == whole, 1.0, middle + half)


def exact_interval(
    observed: npt.ArrayLike, n: npt.ArrayLike, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """The interval of all shares that neither exact tail rejects (Clopper & Pearson 1934)."""
    require_counts(observed, n)
    x, whole = np.asarray(observed, np.float64), np.asarray(n, np.float64)
    tail = (1 - confidence) / 2
    low = special().betaincinv(x, whole - x + 1, tail)
    high = special().betaincinv(x + 1, whole - x, 1 - tail)
    return np.where(x == 0, 0.0, low), np.where(x == whole, 1.0, high)
