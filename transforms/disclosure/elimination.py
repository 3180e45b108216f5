"""Which cells may be shown without any small one following from them by addition and subtraction.

The cells are tried in order of preference. A cell is shown unless a small one would then be a
linear combination of those shown (the principle of Ø. Langsrud's Gaussian elimination for cell
suppression; statisticsnorway/GaussSuppression). Rows are sparse and hold Python's own whole
numbers, divided by their common factor: nothing is rounded, so a zero is a zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import gcd, lcm

import numpy as np

from transforms.disclosure.cells import Ints, Mask
from transforms.disclosure.sums import Sums

Row = dict[int, int]  # unit -> whole number, never zero


@dataclass(slots=True)
class _Rows:
    """Rows that are reduced as cells are shown; `at` knows which rows hold a unit."""

    rows: dict[int, Row]
    pivot: dict[int, int] = field(default_factory=dict)  # shown cell -> its unit
    at: dict[int, set[int]] = field(default_factory=dict)


def shown_in_order(sums: Sums, order: Iterable[int], hidden: Mask) -> tuple[Mask, Ints]:
    """Say which cells are hidden in the end, and how units can change without any shown one.

    `hidden` are hidden whatever comes; the others are tried in `order`, those that are kept first
    and without asking. The second answer has a row for each change: whole numbers to be added to
    the units that leave every shown cell as it is. They span all such changes.
    """
    state = _start(sums)
    secret = {int(cell) for cell in np.flatnonzero(sums.small)}
    result = hidden.copy()
    candidates = [int(cell) for cell in order if not hidden[cell]]
    for cell in sorted(candidates, key=lambda c: not sums.kept[c]):
        if not sums.kept[cell] and _gives_away(state, cell, secret):
            result[cell] = True
            _drop(state, cell)
        else:
            _show(state, cell)
    return result, _changes(state, len(sums.units))


def _start(sums: Sums) -> _Rows:
    pointers, units = sums.members.indptr.tolist(), sums.members.indices.tolist()
    rows = {
        cell: dict.fromkeys(units[pointers[cell] : pointers[cell + 1]], 1)
        for cell in range(len(pointers) - 1)
    }
    at: dict[int, set[int]] = {unit: set() for unit in range(len(sums.units))}
    for cell, row in rows.items():
        for unit in row:
            at[unit].add(cell)
    return _Rows(rows, at=at)


def _best_unit(state: _Rows, row: Row) -> int:
    """The unit that stands in the fewest rows: the rest stays sparse."""
    return min(row, key=lambda unit: (len(state.at[unit]), unit))


def _gives_away(state: _Rows, cell: int, secret: set[int]) -> bool:
    """Whether a small cell is a multiple of this one, now that the shown ones are taken out.

    The first number of a row that has no common factor is made positive, so multiples are equals.
    """
    row = state.rows[cell]
    if not row:
        return False
    near = state.at[_best_unit(state, row)] & secret
    return any(len(state.rows[other]) == len(row) and state.rows[other] == row for other in near)


def _show(state: _Rows, cell: int) -> None:
    row = state.rows[cell]
    if not row:
        _drop(state, cell)
        return
    unit = _best_unit(state, row)
    state.pivot[cell] = unit
    for other in sorted(state.at[unit] - {cell}):
        _subtract(state, other, row, unit)


def _drop(state: _Rows, cell: int) -> None:
    for unit in state.rows.pop(cell):
        state.at[unit].discard(cell)


def _subtract(state: _Rows, number: int, row: Row, unit: int) -> None:
    """Take `row` from another row as often as it takes to rid that of `unit`."""
    other = state.rows[number]
    common = gcd(row[unit], other[unit])
    keep, times = row[unit] // common, other[unit] // common
    if keep != 1:
        for at in other:
            other[at] *= keep
    for at, value in row.items():
        left = other.get(at, 0) - times * value
        if left:
            other[at] = left
            state.at[at].add(number)
        else:
            other.pop(at, None)
            state.at[at].discard(number)
    _normalise(other)


def _normalise(row: Row) -> None:
    if not row:
        return
    factor = gcd(*row.values())
    if row[min(row)] < 0:
        factor = -factor
    if factor != 1:
        for at in row:
            row[at] //= factor


def _changes(state: _Rows, units: int) -> Ints:
    """One change for each unit that is no pivot: it moves, and the pivots make up for it."""
    moved_by: dict[int, list[tuple[int, int, int]]] = {}
    for cell, pivot in state.pivot.items():
        row = state.rows[cell]
        for unit, value in row.items():
            if unit != pivot:
                common = gcd(value, row[pivot])
                moved_by.setdefault(unit, []).append((pivot, value // common, row[pivot] // common))
    pivots = set(state.pivot.values())
    free = [unit for unit in range(units) if unit not in pivots]
    changes = np.zeros((len(free), units), np.int64)
    for line, unit in enumerate(free):
        step = lcm(*(below for _, _, below in moved_by.get(unit, [])))
        changes[line, unit] = step
        for pivot, above, below in moved_by.get(unit, []):
            changes[line, pivot] = -above * step // below
    return changes
