"""What an attacker knows, as sums: sets of unknown numbers, and the least and most each comes to.

An unknown is a group of pupils' part of a figure: how many of them it holds for, their scores'
sum, or how many they are. A printed figure is a row: the set of groups that it adds up, and what
the print can stand for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

NEAR = 1e-6  # HiGHS keeps to its limits within a tenth of this
_ROUNDS = 20


class AttackError(Exception):
    """The attack gave no answer, which is never an answer that nothing was found."""


@dataclass(frozen=True, slots=True)
class System:
    """Rows of 0 and 1 over the unknowns; least and most of each row's sum and of each unknown.

    `most` and `high` may be infinite, `least` may not.
    """

    rows: sparse.csr_array
    low: Floats
    high: Floats
    least: Floats
    most: Floats

    def __post_init__(self) -> None:
        rows, unknowns = self.rows.shape
        sizes = (len(self.low), len(self.high), len(self.least), len(self.most))
        if sizes != (rows, rows, unknowns, unknowns):
            raise ValueError("limits and rows of the system do not fit each other")
        if not np.isfinite(self.least).all():
            raise ValueError("each unknown needs a least value")
        require_room(self.low, self.high)
        require_room(self.least, self.most)


def members(sets: list[list[int]], unknowns: int) -> sparse.csr_array:
    """Sets of unknowns, given by their positions, as rows of 0 and 1."""
    ends = np.cumsum([0, *(len(one) for one in sets)])
    inside = np.concatenate([np.asarray(one, np.int64) for one in sets] or [np.zeros(0, np.int64)])
    return sparse.csr_array((np.ones(len(inside)), inside, ends), shape=(len(sets), unknowns))


def require_room(low: Floats, high: Floats) -> None:
    """Refuse limits that leave no value: an attacker who believes them proves nothing."""
    room = high - low
    if np.isnan(room).any() or (room < -NEAR * np.maximum(1, np.abs(low))).any():
        raise AttackError("what was published contradicts itself: no numbers fit all of it")


def added_up(kind: Ints, amounts: Floats, kinds: int) -> Floats:
    """The sum of the amounts of each kind."""
    return np.bincount(kind, amounts, kinds).astype(np.float64)


def tighten(system: System) -> System:
    """Narrow the unknowns by one row at a time, and leave out rows that then say nothing more.

    Takes nothing away that fits the system. It ends early where narrowing goes on for long.
    """
    entries = system.rows.nonzero()
    least, most = system.least, system.most
    for _ in range(_ROUNDS):
        before = (least, most)
        least, most = _narrow(system, entries, least, most)
        if np.array_equal(before[0], least) and np.array_equal(before[1], most):
            break
    telling = (system.rows @ least < system.low) | (system.rows @ most > system.high)
    return System(system.rows[telling], system.low[telling], system.high[telling], least, most)


def alike(rows: sparse.csr_array) -> Ints:
    """Number the unknowns so that those with the same number stand in the same rows."""
    columns = sparse.csc_array(rows)
    columns.sort_indices()
    count = np.diff(columns.indptr)
    kind = np.zeros(len(count), np.int64)
    for place in range(count.max(initial=0)):
        there = count > place
        row = np.full(len(count), rows.shape[0], np.int64)
        row[there] = columns.indices[columns.indptr[:-1][there] + place]
        _, kind = np.unique(kind * (rows.shape[0] + 1) + row, return_inverse=True)
    return kind


def pieces(system: System) -> Iterator[tuple[Ints, System]]:
    """The parts of a system that share no row, each with the positions of its unknowns.

    An unknown that has one value left ties nothing together; it is in a piece of its own.
    """
    pinned = np.where(system.most > system.least, 0.0, system.least)
    rows = system.rows @ sparse.diags_array((system.most > system.least).astype(float))
    rows = sparse.csr_array(rows)
    rows.eliminate_zeros()
    known = system.rows @ pinned
    free = replace(system, rows=rows, low=system.low - known, high=system.high - known)
    graph = sparse.block_array([[None, rows], [rows.T, None]])
    count, found = csgraph.connected_components(graph, directed=False)
    height = rows.shape[0]
    own_rows, own_unknowns = _grouped(found[:height], count), _grouped(found[height:], count)
    for of_rows, of_unknowns in zip(own_rows, own_unknowns, strict=True):
        if len(of_unknowns):
            yield of_unknowns, part_of(free, of_rows, of_unknowns)


def _grouped(group: Ints, count: int) -> list[Ints]:
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(1, count)))


def part_of(system: System, rows: Ints, unknowns: Ints) -> System:
    """The system of some of the rows and unknowns."""
    return replace(
        system,
        rows=system.rows[rows][:, unknowns],
        low=system.low[rows],
        high=system.high[rows],
        least=system.least[unknowns],
        most=system.most[unknowns],
    )


def _narrow(
    system: System, entries: tuple[Ints, Ints], least: Floats, most: Floats
) -> tuple[Floats, Floats]:
    row, unknown = entries
    # What the others of a row take at the least is no more to be had, and what they cannot take
    # is this one's. Where two of them have no limit, nothing follows from the most.
    room = system.high - system.rows @ least
    narrower_most = most.copy()
    np.minimum.at(narrower_most, unknown, room[row] + least[unknown])
    need = system.low - system.rows @ narrower_most
    narrower_least = least.copy()
    bounded = np.isfinite(need[row])
    held = unknown[bounded]
    np.maximum.at(narrower_least, held, need[row[bounded]] + narrower_most[held])
    require_room(narrower_least, narrower_most)
    return narrower_least, np.maximum(narrower_most, narrower_least)
