"""A plain reader of published sums who has a solver: what he can pin, and how far he narrows it.

Shares no code with the suppressor. Several tables are read at once: they have no unit in common, so
the largest value of a sum of cells, one from each, is the sum of their largest values.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_diag, csr_array


@dataclass(frozen=True)
class Read:
    """One table as it is read: who is in each cell, what is shown, and the least of the hidden."""

    members: np.ndarray
    values: np.ndarray
    hidden: np.ndarray
    least_hidden: int = 0


def spans(tables: Sequence[Read]) -> list[np.ndarray]:
    """For each table the width that each hidden cell is left with, in order; empty cells aside."""
    members = csr_array(block_diag([t.members for t in tables]))
    values = np.concatenate([t.values for t in tables]).astype(float)
    hidden = np.concatenate([t.hidden for t in tables])
    least = np.concatenate([np.full(len(t.values), t.least_hidden) for t in tables])
    starts = np.cumsum([0, *(len(t.values) for t in tables)])
    asked = [
        start + np.flatnonzero(t.hidden & t.members.any(axis=1))
        for t, start in zip(tables, starts[:-1], strict=True)
    ]
    found = [np.zeros(len(cells)) for cells in asked]
    for turn in range(max(map(len, asked), default=0)):
        at = [number for number, cells in enumerate(asked) if turn < len(cells)]
        rows = np.array([asked[number][turn] for number in at])
        ends = []
        for sign in (1, -1):
            units = _end(members, values, hidden, least, sign * members[rows].sum(axis=0))
            ends.append((members @ units)[rows])
        for number, width in zip(at, ends[1] - ends[0], strict=True):
            found[number][turn] = width
    return found


def _end(members, values, hidden, least, goal):
    far = 10 * float(values.max(initial=100))  # further than any width that is asked for
    answer = linprog(
        goal,
        A_eq=members[~hidden] if (~hidden).any() else None,
        b_eq=values[~hidden] if (~hidden).any() else None,
        A_ub=-members[hidden] if hidden.any() else None,
        b_ub=-least[hidden] if hidden.any() else None,
        bounds=(0, far),
        method="highs",
    )
    assert answer.status == 0, answer.message
    return answer.x


def pinned(*tables: Read) -> int:
    """How many hidden cells of the tables he knows exactly."""
    return sum(
        int((widths < 1e-6 * max(1.0, float(table.values.max(initial=1)))).sum())
        for table, widths in zip(tables, spans(tables), strict=True)
    )
