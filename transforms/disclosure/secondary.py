"""Secondary suppression: which further cells are hidden so that no small one can be worked out.

First by elimination, in order of preference: no small cell may follow from those shown by addition
and subtraction. Then by proof: for each small cell two worlds must exist that read the same and in
which it differs by the width asked for. Where a proof is missing, a linear program says which
cells it costs least to hide, and the worlds that it goes by are checked in whole numbers. What
none of these worlds moves is hidden in vain, and is shown.

Neither the order nor the names of cells and units matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from transforms.disclosure.cells import Ints, Mask
from transforms.disclosure.cheapest import Found, cheapest
from transforms.disclosure.elimination import shown_in_order
from transforms.disclosure.order import Colours, by_figures, colours
from transforms.disclosure.sums import Sums, merged_units
from transforms.disclosure.worlds import Ranges, follow, is_world, search


@dataclass(frozen=True, slots=True)
class Protected:
    """Which cells are hidden, and how uncertain each of them is proven to be at least.

    `exposed`: small cells that stay narrower than asked for whatever is hidden, because of what is
    known or out already. A table that has one is not for publishing.
    """

    hidden: Mask
    width: Ints
    exposed: Mask


@dataclass(slots=True)
class _Draft:
    """A table on its way to being safe: what is hidden, and what is proven to be open."""

    sums: Sums
    wanted: Ints
    hidden: Mask
    ranges: Ranges

    def lacks(self, cell: int) -> bool:
        return bool(self.ranges.high[cell] - self.ranges.low[cell] < self.wanted[cell])


def protect(sums: Sums, *, width: int | Ints = 1, equals_together: bool = False) -> Protected:
    """Hide the small cells, and as few others as are needed to keep each of them uncertain.

    `width`: how far apart a reader must leave the least and the most that a small cell can be (one
    for all, or one a cell), as far as what he knows beforehand has room for it. `equals_together`:
    cells that nothing in the data tells apart are hidden together.
    """
    merged = merged_units(sums)
    cell_colours, unit_colours = colours(merged)
    cells, units = by_figures(merged, cell_colours, unit_colours)
    asked = np.broadcast_to(np.asarray(width, np.int64), len(cells))[cells]
    draft = _begin(merged.take(cells, units), asked)
    for cell in np.flatnonzero(draft.wanted):
        while draft.lacks(int(cell)) and _hide_for(draft, int(cell)):
            pass
    _show_what_hides_nothing(draft)
    if equals_together:
        _join_equals(draft, cell_colours[cells])
    back = np.argsort(cells)
    narrow = draft.ranges.width < draft.wanted
    return Protected(
        hidden=(draft.hidden & ~draft.sums.virtual)[back],
        width=draft.ranges.width[back],
        exposed=narrow[back],
    )


def _begin(sums: Sums, width: Ints) -> _Draft:
    """Hide what elimination says, and prove what can be proven of that."""
    wanted = np.where(sums.small, np.clip(sums.cap - sums.floor, 0, width), 0)
    least_hidden = (sums.small | sums.virtual) & ~sums.out
    largest_first = range(len(wanted) - 1, -1, -1)
    hidden, changes = shown_in_order(sums, largest_first, least_hidden)
    ranges = Ranges(sums.values.copy(), sums.values.copy())
    follow(sums, changes, ranges)
    has_room = _room(sums, hidden) >= wanted
    search(sums, hidden, changes, ranges, np.where(has_room, wanted, 0))
    return _Draft(sums, wanted, hidden, ranges)


def _room(sums: Sums, hidden: Mask) -> Ints:
    """No more than each cell can differ by: what it is part of, and shown, holds the rest up."""
    size = np.diff(sums.members.indptr)
    shared = (sums.members @ sums.members[~hidden].T).tocoo()
    room = (sums.cap - sums.floor).copy()
    over = np.flatnonzero(~hidden)[shared.col]
    part = (shared.data == size[shared.row]) & (shared.row != over)
    np.minimum.at(room, shared.row[part], (sums.values[over] - sums.floor[shared.row])[part])
    return room


def _hide_for(draft: _Draft, cell: int) -> bool:
    """Hide what it costs least to hide for this cell; False where nothing is left to hide."""
    for whole in (False, True):
        found = _nearest(draft, cell, whole=whole)
        if found is None:
            continue
        draft.hidden[found.more] = True
        for units in found.worlds:
            if is_world(draft.sums, draft.hidden, units):
                draft.ranges.widen(draft.sums.members @ units)
        if not draft.lacks(cell):
            return True
    return _hide_smallest_beside(draft, cell)


def _nearest(draft: _Draft, cell: int, *, whole: bool) -> Found | None:
    """What to hide within the smallest surroundings that have room for it."""
    for units in _surroundings(draft, cell):
        found = cheapest(
            draft.sums, draft.hidden, cell, int(draft.wanted[cell]), units, whole=whole
        )
        if found and _lie_within(draft.sums, found.more, units):
            return found
    return None


def _surroundings(draft: _Draft, cell: int) -> Iterator[Ints]:
    """The units of each cell that this one is part of, the smallest first, and then all units.

    A larger cell that is shown must have room for what this one is to differ by.
    """
    sums = draft.sums
    own = np.zeros(len(sums.units), np.int64)
    own[sums.units_of(cell)] = 1
    size = np.diff(sums.members.indptr)
    room = draft.hidden | (sums.values - sums.floor[cell] >= draft.wanted[cell])
    above = (sums.members @ own == own.sum()) & (size > own.sum()) & (size < len(own)) & room
    around = np.flatnonzero(above)
    for at in around[np.argsort(size[around], kind="stable")]:
        yield sums.units_of(int(at))
    yield np.arange(len(own))


def _lie_within(sums: Sums, cells: Ints, units: Ints) -> bool:
    inside = np.zeros(len(sums.units), np.int64)
    inside[units] = 1
    return bool(((sums.members @ inside) == np.diff(sums.members.indptr))[cells].all())


def _hide_smallest_beside(draft: _Draft, cell: int) -> bool:
    """Hide the smallest shown cell that shares a unit with this one; False where there is none."""
    sums = draft.sums
    own = np.zeros(len(sums.units), np.int64)
    own[sums.units_of(cell)] = 1
    beside = np.flatnonzero((sums.members @ own > 0) & ~draft.hidden & ~sums.kept)
    if len(beside) == 0:
        return False
    draft.hidden[beside[0]] = True
    return True


def _show_what_hides_nothing(draft: _Draft) -> None:
    """Show again what no proof needs: no world that was found differs in these cells.

    So each of those worlds reads as before. Without this a reader with a solver finds cells that
    were hidden for another's sake and that he can work out all the same.
    """
    needed = draft.sums.small | draft.sums.virtual | (draft.ranges.width > 0)
    draft.hidden &= needed


def _join_equals(draft: _Draft, colour: Colours) -> None:
    """Hide what has the colour of a hidden cell: nothing in the data would say why it is shown."""
    draft.hidden |= np.isin(colour, colour[draft.hidden]) & ~draft.sums.kept
