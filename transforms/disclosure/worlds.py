"""Proof by example that a hidden cell stays uncertain: other worlds that read exactly the same.

A world is a whole number for each unit, within what everybody knows of it, that leaves every shown
cell as it is. Two worlds in which a cell differs by five prove that no reader, however clever, can
narrow it to less. Each world is checked in whole numbers before it counts: where the search (a
linear program, in floating point) errs, a proof is missing, and the cell counts as unprotected.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import connected_components

from transforms.disclosure.cells import Ints, Mask
from transforms.disclosure.sums import NO_LIMIT, Sums

SEARCH_SECONDS = 5.0  # for one program; a search that takes longer has found nothing
_FAR = 2**30  # as far as a single change is followed: much more than any width asked for


@dataclass(slots=True)
class Ranges:
    """The least and the most that each cell is in the worlds found so far."""

    low: Ints
    high: Ints

    @property
    def width(self) -> Ints:
        """How far apart two worlds are known to be, cell by cell."""
        found: Ints = self.high - self.low
        return found

    def widen(self, cells: Ints) -> None:
        """Take in what the cells are in further worlds; one a row, or just one."""
        self.low = np.minimum(self.low, cells.min(axis=0) if cells.ndim > 1 else cells)
        self.high = np.maximum(self.high, cells.max(axis=0) if cells.ndim > 1 else cells)


def is_world(sums: Sums, hidden: Mask, units: Ints) -> bool:
    """Whether a reader who knows all that is shown and known must hold `units` for possible."""
    cells = sums.members @ units
    return bool(
        (units >= sums.least).all()
        and (units <= sums.most).all()
        and (cells[~hidden] == sums.values[~hidden]).all()
        and (cells[hidden] >= sums.floor[hidden]).all()
        and (cells[hidden] <= sums.cap[hidden]).all()
    )


def follow(sums: Sums, changes: Ints, ranges: Ranges) -> None:
    """Follow each change as far as it goes, up and down, and take in the worlds at its ends.

    `changes` leave every shown cell as it is, so only what is known of units can end them.
    """
    if not len(changes):
        return
    moved = (sums.members @ changes.T).T
    values = sums.values
    for sign in (1, -1):
        steps = np.minimum(
            _steps(sums.units - sums.least, sums.most - sums.units, sign * changes),
            _steps(values - sums.floor, sums.cap - values, sign * moved),
        )
        ranges.widen(values + sign * steps[:, None] * moved)


def _steps(down: Ints, up: Ints, change: Ints) -> Ints:
    """How often each change fits into the room there is."""
    room = np.where(change < 0, down, up)
    fits = np.where(change == 0, _FAR, room // np.maximum(np.abs(change), 1))
    most: Ints = np.minimum(fits.min(axis=1), _FAR)
    return most


@dataclass(frozen=True, slots=True)
class _Part:
    """Changes that hang together, and what they move."""

    changes: Ints
    cells: Ints
    units: Ints


def search(sums: Sums, hidden: Mask, changes: Ints, ranges: Ranges, wanted: Ints) -> None:
    """Look for worlds that widen the cells whose width is less than wanted."""
    for part in _parts(sums, changes):
        if len(part.changes) == 1:
            continue  # followed to both ends already
        lacking = part.cells[(ranges.width < wanted)[part.cells]]
        for cells in [lacking, *np.split(lacking, len(lacking))] if len(lacking) > 1 else [lacking]:
            for sign in (1, -1):
                if (ranges.width < wanted)[cells].any():
                    goal = sign * np.asarray(sums.members[cells].sum(axis=0))
                    _push(sums, hidden, part, goal, ranges)


def _parts(sums: Sums, changes: Ints) -> list[_Part]:
    """Split the changes where no unit, and no cell that a floor holds, is moved by two of them."""
    if not len(changes):
        return []
    moved = (sums.members @ changes.T).T
    touches = sparse.csr_array(np.hstack([changes != 0, moved != 0]), dtype=np.int8)
    count, label = connected_components(touches @ touches.T, directed=False)
    parts = []
    for number in range(count):
        own = changes[label == number]
        cells = np.flatnonzero((moved[label == number] != 0).any(axis=0))
        parts.append(_Part(own, cells, np.flatnonzero((own != 0).any(axis=0))))
    return parts


def _push(sums: Sums, hidden: Mask, part: _Part, goal: Ints, ranges: Ranges) -> None:
    """Move the goal up as far as whole numbers go, and take in the world that is found."""
    rows = np.vstack([part.changes[:, part.units].T, sums.members[part.cells] @ part.changes.T])
    down = [(sums.units - sums.least)[part.units], (sums.values - sums.floor)[part.cells]]
    up = [(sums.most - sums.units)[part.units], (sums.cap - sums.values)[part.cells]]
    most = np.concatenate(up)
    answer = milp(
        -(goal @ part.changes.T),
        constraints=LinearConstraint(
            sparse.csr_array(rows),
            -np.concatenate(down),
            np.where(most >= NO_LIMIT // 2, np.inf, most),
        ),
        bounds=Bounds(-_FAR, _FAR),
        integrality=1,
        options={"time_limit": SEARCH_SECONDS},
    )
    if answer.x is None:
        return
    units = sums.units + np.rint(answer.x).astype(np.int64) @ part.changes
    if is_world(sums, hidden, units):
        ranges.widen(sums.members @ units)
