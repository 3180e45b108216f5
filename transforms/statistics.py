"""Small named statistics for classes: exact binomial tails and false-discovery control."""

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


def binomial_tail(observed: Counts, n: Counts, share: Shares) -> Shares:
    """P(X >= observed) for X binomial(n, share), exact, one-sided (domain notes 6.2)."""
    from scipy import special  # noqa: PLC0415 - a fifth of a second, which runs without classes save

    return np.where(observed <= 0, 1.0, special.bdtrc(observed - 1.0, n, share))


def binomial_mid_p(observed: Counts, n: Counts, share: Shares) -> Shares:
    """P(X > observed) + P(X = observed) / 2: half-way between the two tails (domain notes 6.2)."""
    above = binomial_tail(observed + 1, n, share)
    return (above + binomial_tail(observed, n, share)) / 2


def benjamini_hochberg(p_values: Shares) -> Shares:
    """The smallest false-discovery rate at which each test passes (Benjamini & Hochberg 1995).

    The same as scipy.stats.false_discovery_control, which a test compares it with; importing
    scipy.stats would take longer than a municipality's whole wave.
    """
    m = len(p_values)
    if m == 0:
        return p_values
    order = np.argsort(p_values)[::-1]
    scaled = p_values[order] * m / np.arange(m, 0, -1)
    adjusted = np.empty(m)
    adjusted[order] = np.minimum.accumulate(np.minimum(scaled, 1.0))
    return adjusted
