"""Exact bounds without a linear program, where sums stand one within another.

A municipality of schools, of grades, of classes: what is free in one branch never depends on how
another is divided, so one walk up the tree and one down give all that a linear program could.
"""

import numpy as np

from transforms.attack.system import Floats, Ints, System, require_room


def bounds_of_rows(system: System) -> tuple[Floats, Floats] | None:
    """Least and most of each row's sum; None where two rows overlap without one in the other."""
    nested = _parts(system)
    if nested is None:
        return None
    parts, order = nested
    unknowns = len(system.least)
    low = np.concatenate([system.least, system.low])
    high = np.concatenate([system.most, system.high])
    for row in order[::-1]:
        node, own = unknowns + row, parts[row]
        low[node] = max(low[node], low[own].sum())
        high[node] = min(high[node], high[own].sum())
    require_room(low, high)
    for row in order:
        own = parts[row]
        low[own], high[own] = _handed_down(own, unknowns + row, low, high)
    return low[unknowns:], high[unknowns:]


def _parts(system: System) -> tuple[list[Ints], Ints] | None:
    """What each row is made of (unknowns, then rows), and the rows from the widest inwards."""
    unknowns = len(system.least)
    size = np.diff(system.rows.indptr)
    order = np.argsort(-size, kind="stable")
    within = np.full(unknowns, -1)  # the narrowest row so far that each unknown is in
    around = np.full(len(size), -1)
    for row in order:
        inside = system.rows.indices[system.rows.indptr[row] : system.rows.indptr[row + 1]]
        wider = within[inside]
        if len(wider) and (wider != wider[0]).any():
            return None
        around[row] = wider[0] if len(wider) else -1
        within[inside] = row
    above = np.concatenate([within, around])
    by_row = np.argsort(above, kind="stable")
    ends = np.searchsorted(above[by_row], np.arange(len(size) + 1))
    return [by_row[ends[row] : ends[row + 1]] for row in range(len(size))], order


def _handed_down(own: Ints, node: int, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """What the sum of a node leaves each of its parts, when the others take what they can."""
    least, most = low[own], high[own]
    endless = np.isinf(most)
    others_most = np.where(endless.sum() - endless > 0, np.inf, most[~endless].sum() - most)
    others_most[endless & (endless.sum() == 1)] = most[~endless].sum()
    others_least = least.sum() - least
    return np.maximum(least, low[node] - others_most), np.minimum(most, high[node] - others_least)
