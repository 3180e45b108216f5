"""How far a sum of unknowns can surely move, without a linear program.

From one set of numbers that fits everything published, some can be moved so that it still fits:
what stands in the same rows is exchanged one against another, and what every row of an unknown
leaves open is added. Two sets of numbers that both fit show a figure to be open, however they were
found; where they do not differ enough nothing is shown, and a linear program has to tell.
"""

import numpy as np
from scipy import sparse

from transforms.attack.system import NEAR, AttackError, Floats, Ints, System, added_up, alike


def sure_width(system: System, targets: sparse.csr_array, point: Floats) -> Floats:
    """A width that the bounds of each target have at least.

    AttackError where the numbers of `point` do not fit the system.
    """
    sums = system.rows @ point
    up, down = system.most - point, point - system.least
    above, below = system.high - sums, sums - system.low
    if min(room.min(initial=0) for room in (up, down, above, below)) < -NEAR:
        raise AttackError("the true numbers do not fit what was printed of them")
    binding = (system.rows @ system.least < system.low) | (system.rows @ system.most > system.high)
    rows = system.rows[np.flatnonzero(binding)]
    kind = alike(rows)
    ways = ((up, down, above), (down, up, below))
    widths = [_moved(targets, kind, way[:2], _slack(rows, way[2][binding])) for way in ways]
    return widths[0] + widths[1]


def _slack(rows: sparse.csr_array, left: Floats) -> Floats:
    """How far each unknown can go before one of its rows stops it."""
    slack = np.full(rows.shape[1], np.inf)
    np.minimum.at(slack, rows.indices, np.repeat(left, np.diff(rows.indptr)))
    return slack


def _moved(
    targets: sparse.csr_array, kind: Ints, rooms: tuple[Floats, Floats], slack: Floats
) -> Floats:
    """How far each target goes one way: by exchange within each kind, and one kind by itself."""
    take, give = rooms
    kinds = int(kind.max(initial=0)) + 1
    row, unknown = targets.nonzero()
    places, place = np.unique(row * kinds + kind[unknown], return_inverse=True)
    own, of_kind = np.divmod(places, kinds)
    taken = added_up(place, take[unknown], len(places))
    others = added_up(kind, give, kinds)[of_kind] - added_up(place, give[unknown], len(places))
    exchanged = np.minimum(taken, others)
    slack_of_kind = np.full(kinds, np.inf)
    np.minimum.at(slack_of_kind, kind, slack)
    alone = np.minimum(taken - exchanged, slack_of_kind[of_kind])
    most_alone = np.zeros(targets.shape[0])
    np.maximum.at(most_alone, own, alone)
    return added_up(own, exchanged, targets.shape[0]) + most_alone
