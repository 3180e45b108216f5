"""What every statistic shares: its types, its refusals, and scipy.special at the first use."""

from functools import cache
from importlib import import_module
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Marks = npt.NDArray[np.bool_]


@cache
def special() -> Any:  # noqa: ANN401 - a module without types
    """scipy.special, a fifth of a second that runs without classes save."""
    return import_module("scipy.special")


def z_of(confidence: float) -> float:
    """The standard normal value that a two-sided interval reaches: 1.96 for 0.95."""
    if not 0 < confidence < 1:
        message = f"a confidence lies between 0 and 1, and this is {confidence}"
        raise ValueError(message)
    return NormalDist().inv_cdf((1 + confidence) / 2)


def require_numbers(**columns: npt.ArrayLike) -> None:
    """Refuse values that are no finite number (ValueError), by name and count only."""
    for name, values in columns.items():
        bad = int(np.count_nonzero(~np.isfinite(np.asarray(values, np.float64))))
        if bad:
            message = f"{name}: {bad} values are no number; leave them out before"
            raise ValueError(message)


def require_within(low: float, high: float, **columns: npt.ArrayLike) -> None:
    """Refuse values that are no number or lie outside low..high (ValueError)."""
    require_numbers(**columns)
    for name, values in columns.items():
        found = np.asarray(values, np.float64)
        bad = int(np.count_nonzero((found < low) | (found > high)))
        if bad:
            message = f"{name}: {bad} values lie outside {low:g} to {high:g}"
            raise ValueError(message)


def require_counts(observed: npt.ArrayLike, n: npt.ArrayLike) -> None:
    """Refuse counts that are negative, no number, or more than there are pupils (ValueError)."""
    require_within(0, np.inf, observed=observed, n=n)
    bad = int(np.count_nonzero(np.asarray(observed) > np.asarray(n)))
    if bad:
        message = f"{bad} counts are higher than the number that answered"
        raise ValueError(message)
