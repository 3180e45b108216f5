"""Whether classes differ more than chance, and limits that allow for it (Spiegelhalter 2005).

Wider limits also hide classes that are really worse, so a report shows both (domain notes 6.2).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import (
    Marks,
    Numbers,
    require_counts,
    require_numbers,
    require_within,
    z_of,
)

# With fewer classes the ratio is noise (domain notes 6.2).
MIN_CLASSES = 10


@dataclass(frozen=True, slots=True)
class Dispersion:
    """`phi` is 1 where chance explains all; `tau2` is the variance between classes beyond it."""

    phi: float
    tau2: float


def proportion_z(
    observed: npt.ArrayLike, n: npt.ArrayLike, baseline: npt.ArrayLike
) -> tuple[Numbers, Numbers]:
    """Each class's distance from the baseline in standard errors, and that standard error.

    Both on the scale of the share, n >= 1; the baseline, one for all or one for each, is above 0
    and below 1. The mean square of these distances is 1 for equal classes of any size; on the
    arcsine scale it is not in small ones.
    """
    require_counts(observed, n)
    require_within(1, np.inf, n=n)
    require_within(0, 1, baseline=baseline)
    share = np.asarray(baseline, np.float64)
    if np.isin(share, (0, 1)).any():
        message = "a baseline of 0 or 1 leaves no room for chance"
        raise ValueError(message)
    sizes = np.asarray(n, np.float64)
    error = np.sqrt(share * (1 - share) / sizes)
    return (np.asarray(observed) / sizes - share) / error, error


def ratio_z(observed: npt.ArrayLike, expected: npt.ArrayLike) -> tuple[Numbers, Numbers]:
    """The same for observed / expected on the log scale; both must be above 0 (SHMI)."""
    require_numbers(observed=observed, expected=expected)
    counts, due = np.asarray(observed, np.float64), np.asarray(expected, np.float64)
    if (counts <= 0).any() or (due <= 0).any():
        message = "a ratio on the log scale needs counts above 0"
        raise ValueError(message)
    error = 1 / np.sqrt(due)
    return np.log(counts / due) / error, error


def winsorised(z: Numbers, *, share: float = 0.1) -> Numbers:
    """The values with the outermost share at each end drawn in to that quantile."""
    low, high = np.quantile(z, [share, 1 - share])
    return np.clip(z, low, high)


def kept_of_truncated(z: Numbers, *, share: float = 0.1) -> Marks:
    """Which values stay when the outermost groups of ranks are left out (NHS Digital's SHMI).

    Ranks are cut into 1 / share groups of equal width; with few values no group is outermost.
    Equal values have the mean of their ranks, and stay or go together. A value on the edge of an
    outermost group stays on either side; theirs stays at the low end only.
    """
    groups = round(1 / share)
    below = np.sum(z[:, None] > z, axis=1)
    rank = below + (np.sum(z[:, None] == z, axis=1) + 1) / 2
    place = rank * groups / (len(z) + 1)
    return np.asarray((place >= 1) & (place <= groups - 1))


def phi_of(z: Numbers) -> float:
    """The mean squared distance: 1 where chance explains all."""
    require_numbers(z=z)
    return float(np.mean(z**2))


def tau2_of(phi: float, error: Numbers) -> float:
    """The variance between classes that phi leaves over (DerSimonian & Laird 1986); never below 0.

    `error` are the standard errors of the classes that phi was computed from.
    """
    k, weight = len(error), error**-2.0
    scale = np.sum(weight) - np.sum(weight**2) / np.sum(weight)
    if scale <= 0:  # a single class: nothing lies between classes
        return 0.0
    return max(0.0, float((k * phi - (k - 1)) / scale))


def dispersion(z: Numbers, error: Numbers, *, truncate: bool = False) -> Dispersion | None:
    """Phi and tau2 of a family of classes, the outermost 10 % drawn in (or left out).

    None with fewer than 10 classes: do not widen limits by noise.
    """
    require_numbers(z=z, error=error)
    if len(z) < MIN_CLASSES:
        return None
    keep = kept_of_truncated(z) if truncate else np.ones(len(z), np.bool_)
    phi = phi_of(z[keep] if truncate else winsorised(z))
    return Dispersion(phi, tau2_of(phi, error[keep]))


def widened_limits(
    centre: float, error: Numbers, tau2: float, *, confidence: float = 0.95
) -> tuple[Numbers, Numbers]:
    """Limits that allow for the variance between classes, on the scale of the errors."""
    half = z_of(confidence) * np.sqrt(error**2 + tau2)
    return centre - half, centre + half
