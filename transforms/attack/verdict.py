"""Says of each figure that must stay unknown whether an attacker can tell it, nearly, or not."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
from scipy import sparse

from transforms.attack.bounds import bounds
from transforms.attack.system import NEAR, Floats, System

Verdicts = npt.NDArray[np.int64]


class Verdict(IntEnum):
    """How much is left of a figure that must stay unknown."""

    OPEN = 0
    NARROWED = 1  # it can lie within less than the plan asks for
    PINNED = 2  # it can be one number only


def verdicts(low: Floats, high: Floats, wanted: Floats, *, whole: bool) -> Verdicts:
    """The verdict on each figure that lies between `low` and `high`; in whole numbers if `whole`.

    `wanted` is how far apart the plan wants the least and the most of each to be.
    """
    if whole:
        low, high = np.ceil(low - NEAR), np.floor(high + NEAR)
    width = high - low
    near = NEAR * np.maximum(1, np.abs(high))
    told = np.where(width < wanted - near, Verdict.NARROWED, Verdict.OPEN)
    return np.where(width <= near, Verdict.PINNED, told).astype(np.int64)


def judge(
    system: System,
    targets: sparse.csr_array,
    wanted: Floats,
    *,
    sure: Floats | None = None,
    whole: bool = True,
) -> Verdicts:
    """The verdict on each target. `sure`, a width it surely has, spares work and changes nothing.

    AttackError as `bounds`.
    """
    found = np.full(targets.shape[0], int(Verdict.OPEN))
    enough = np.maximum(wanted, 1) if whole else wanted
    doubtful = np.arange(targets.shape[0]) if sure is None else np.flatnonzero(sure < enough)
    if len(doubtful):
        low, high = bounds(system, targets[doubtful])
        found[doubtful] = verdicts(low, high, wanted[doubtful], whole=whole)
    return found
