"""Siblings below a shown whole: the smallest are hidden until no hidden one can be worked out."""

import numpy as np

from transforms.disclosure.cells import Cells, Ints, Mask
from transforms.disclosure.small import NONE_OR_ALL_FROM, SMALL_COUNT

COUNT_WIDTH = 5  # a hidden count must stay uncertain by this many pupils
MEAN_WIDTH = 8  # and a hidden mean by an eighth of the scale


def hide_smallest(children: Cells, small: Mask, needed: int, min_n: int) -> Mask | None:
    """Hide the smallest siblings, equals together, until what is hidden cannot be worked out."""
    hidden = small.copy()
    occupied = children.n > 0
    sizes = np.column_stack([children.n, children.part])
    candidates = iter(np.unique(sizes[~hidden & occupied], axis=0))
    while not _is_protected(
        children.where(hidden & occupied), small[hidden & occupied], needed, min_n
    ):
        size = next(candidates, None)
        if size is None:
            return None
        hidden |= (sizes == size).all(axis=1)
    return hidden


def _is_protected(hidden: Cells, small: Mask, needed: int, min_n: int) -> bool:
    """Whether each hidden cell stays unknown to one who works out the sum of the hidden ones."""
    if len(hidden.n) == 0:
        return True
    if len(hidden.n) < needed or hidden.n.sum() < min_n:
        return False
    return _side_is_open(hidden, hidden.part, small) and _side_is_open(hidden, hidden.rest, small)


def _side_is_open(hidden: Cells, side: Ints, small: Mask) -> bool:
    none = np.zeros_like(side)
    if hidden.kind == "mean":
        return bool((_width(hidden, side, none) >= width_wanted(hidden, small)).all())
    if side.sum() < SMALL_COUNT or side.sum() == len(side):  # all hidden ones could be ones
        return False
    seen = seen_least(hidden, side)
    floors = [none] if hidden.kind == "count" else [none, seen]
    return all(
        bool((_width(hidden, side, floor) >= _wanted(hidden.n - floor, small)).all())
        for floor in floors
    )


def seen_least(hidden: Cells, side: Ints) -> Ints:
    """The least of a side of a hidden cell: where 0 % would have been shown, at least one."""
    least: Ints = np.where(hidden.n >= NONE_OR_ALL_FROM, np.minimum(side, 1), 0)
    return least


def width_wanted(hidden: Cells, small: Mask) -> Ints:
    """How uncertain a reader must be left: of small cells more than of those hidden for them."""
    much = -(-hidden.n * hidden.reach // MEAN_WIDTH) if hidden.kind == "mean" else COUNT_WIDTH
    wanted: Ints = np.where(small, much, 1)
    return wanted


def _wanted(room: Ints, small: Mask) -> Ints:
    return np.minimum(np.where(small, COUNT_WIDTH, 1), room)


def _width(hidden: Cells, side: Ints, floor: Ints) -> Ints:
    """How far each value can move when only their sum, their caps and their floors are known."""
    caps = hidden.n * hidden.reach
    low = np.maximum(floor, side.sum() - (caps.sum() - caps))
    high = np.minimum(caps, side.sum() - (floor.sum() - floor))
    width: Ints = high - low
    return width
