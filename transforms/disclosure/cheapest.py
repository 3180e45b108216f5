"""Which cells it costs least to hide so that one cell stays uncertain by a given width.

A linear program over two worlds at once: in one the cell lies higher, in the other lower, and each
cell that is shown today costs something as soon as either world moves it. What the program moves is
hidden. (The idea is that of the network heuristics for cell suppression: J. P. Kelly, J. Castro.)
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from transforms.disclosure.cells import Ints, Mask
from transforms.disclosure.sums import NO_LIMIT, Sums
from transforms.disclosure.worlds import SEARCH_SECONDS

_NOTHING = 1e-6  # a program's zero: what comes of it is checked in whole numbers
Floats = npt.NDArray[np.float64]
_Piece = tuple[sparse.csr_array, int, int, int]  # a matrix, where it goes, and its sign


@dataclass(frozen=True, slots=True)
class Found:
    """Cells to hide as well, and the two worlds that they open, rounded to whole numbers."""

    more: Ints
    worlds: tuple[Ints, Ints]


def cheapest(
    sums: Sums, hidden: Mask, cell: int, wanted: int, units: Ints, *, whole: bool
) -> Found | None:
    """The cells to hide when only `units` may differ; None where nothing is enough.

    `whole`: look among whole worlds only, which takes longer and is seldom needed.
    """
    members = sums.members[:, units]
    rows = np.flatnonzero(np.diff(members.indptr))
    members = members[rows]
    payers = np.flatnonzero(~hidden[rows] & ~sums.kept[rows])
    width = len(units)
    matrix = _program(members, payers, _row(members, rows, cell))
    low, up = _limits(sums, hidden, rows, len(payers), wanted)
    reach = [_or_none(-(sums.units - sums.least)[units]), _or_none((sums.most - sums.units)[units])]
    answer = milp(
        np.concatenate([np.zeros(2 * width), _prices(sums, rows[payers])]),
        constraints=LinearConstraint(matrix, low, up),
        bounds=Bounds(
            np.concatenate([reach[0], reach[0], np.zeros(len(payers))]),
            np.concatenate([reach[1], reach[1], np.full(len(payers), np.inf)]),
        ),
        integrality=np.repeat([whole, False], [2 * width, len(payers)]),
        options={"time_limit": SEARCH_SECONDS},
    )
    if answer.x is None:
        return None
    more = rows[payers[answer.x[2 * width :] > _NOTHING]]
    return Found(more, (_world(sums, units, answer.x), _world(sums, units, answer.x[width:])))


def _prices(sums: Sums, cells: Ints) -> Floats:
    """Fewer cells before smaller ones, of as many the smaller, and of equals the first in order."""
    worth: Floats = np.log2(2.0 + np.maximum(sums.worth[cells], 0))
    return worth + 0.01 * cells / len(sums.values)


def _row(members: sparse.csr_array, rows: Ints, cell: int) -> sparse.csr_array:
    return members[[int(np.searchsorted(rows, cell))]]


def _program(members: sparse.csr_array, payers: Ints, goal: sparse.csr_array) -> sparse.csr_array:
    """Rows: every cell in each world; what each payer moves, up or down, in each; the goal."""
    cells, width = members.shape
    paying, price = members[payers], sparse.eye_array(len(payers), format="csr", dtype=np.int64)
    pieces: list[_Piece] = [(members, world * cells, world * width, 1) for world in (0, 1)]
    top = 2 * cells
    for world, sign in ((0, 1), (0, -1), (1, 1), (1, -1)):
        pieces += [(paying, top, world * width, sign), (price, top, 2 * width, 1)]
        top += len(payers)
    pieces += [(goal, top, 0, 1), (goal, top, width, -1)]
    return _put_together(pieces, (top + 1, 2 * width + len(payers)))


def _put_together(pieces: list[_Piece], shape: tuple[int, int]) -> sparse.csr_array:
    parts = [(matrix.tocoo(), row, column, sign) for matrix, row, column, sign in pieces]
    data = np.concatenate([sign * part.data for part, _, _, sign in parts])
    rows = np.concatenate([part.row + row for part, row, _, _ in parts])
    columns = np.concatenate([part.col + column for part, _, column, _ in parts])
    return sparse.csr_array((data, (rows, columns)), shape=shape)


def _limits(
    sums: Sums, hidden: Mask, rows: Ints, payers: int, wanted: int
) -> tuple[Floats, Floats]:
    fixed = sums.kept[rows] & ~hidden[rows]
    low = np.where(fixed, 0, (sums.floor - sums.values)[rows])
    up = _or_none(np.where(fixed, 0, (sums.cap - sums.values)[rows]))
    paid = np.zeros(4 * payers)
    return (
        np.concatenate([_or_none(low), _or_none(low), paid, [wanted]]),
        np.concatenate([up, up, paid + np.inf, [np.inf]]),
    )


def _or_none(limits: Ints) -> Floats:
    """Limits as a program takes them: what is as good as none is infinite."""
    far = np.abs(limits) >= NO_LIMIT // 2
    found: Floats = np.where(far, np.copysign(np.inf, limits), limits)
    return found


def _world(sums: Sums, units: Ints, moved: Floats) -> Ints:
    world = sums.units.copy()
    world[units] += np.rint(moved[: len(units)]).astype(np.int64)
    return world
