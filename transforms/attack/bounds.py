"""How little and how much a sum of unknowns can be, given everything that was published."""

from dataclasses import replace

import numpy as np
from scipy import sparse

from transforms.attack.nested import bounds_of_rows
from transforms.attack.system import (
    AttackError,
    Floats,
    Ints,
    System,
    added_up,
    alike,
    members,
    pieces,
    tighten,
)

SECONDS = 60.0  # for one linear program; one that takes longer has proven nothing


def bounds(
    system: System, targets: sparse.csr_array, *, seconds: float = SECONDS
) -> tuple[Floats, Floats]:
    """Least and most of each target, a row of 0 and 1 over the unknowns; exact.

    AttackError where nothing fits the system, where a target has no limit, or where a linear
    program is not solved in time.
    """
    narrowed = tighten(system)
    low, high = np.zeros(targets.shape[0]), np.zeros(targets.shape[0])
    for unknowns, piece in pieces(narrowed):
        part = targets[:, unknowns]
        touched = np.flatnonzero(np.diff(part.indptr))
        if len(touched):
            least, most = _in_piece(piece, part[touched], seconds)
            low[touched] += least
            high[touched] += most
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise AttackError("a figure has no limit in what was published: the attack is incomplete")
    return low, high


def _in_piece(piece: System, targets: sparse.csr_array, seconds: float) -> tuple[Floats, Floats]:
    """Bounds of the targets within one piece; equal targets are asked for once."""
    if not piece.rows.shape[0]:
        return targets @ piece.least, targets @ piece.most
    kinds, kind = _distinct(targets)
    wanted = targets[kinds]
    nested = bounds_of_rows(_with_free_rows(piece, wanted))
    if nested is not None:
        low, high = (ends[-len(kinds) :] for ends in nested)
    else:
        found = [_one_target(piece, wanted[[row]], seconds) for row in range(len(kinds))]
        low, high = np.array(found).T
    return low[kind], high[kind]


def _with_free_rows(piece: System, targets: sparse.csr_array) -> System:
    """The targets as rows too, of which nothing is known."""
    endless = np.full(targets.shape[0], np.inf)
    return replace(
        piece,
        rows=sparse.csr_array(sparse.vstack([piece.rows, targets])),
        low=np.concatenate([piece.low, -endless]),
        high=np.concatenate([piece.high, endless]),
    )


def _distinct(targets: sparse.csr_array) -> tuple[Ints, Ints]:
    seen: dict[bytes, int] = {}
    first: list[int] = []
    kind = np.zeros(targets.shape[0], np.int64)
    for row in range(targets.shape[0]):
        inside = np.sort(targets.indices[targets.indptr[row] : targets.indptr[row + 1]])
        kind[row] = seen.setdefault(inside.tobytes(), len(seen))
        if kind[row] == len(first):
            first.append(row)
    return np.array(first), kind


def _one_target(piece: System, target: sparse.csr_array, seconds: float) -> tuple[float, float]:
    merged, goal = merge_alike(piece, target)
    nested = bounds_of_rows(_with_free_rows(merged, members([list(goal)], len(merged.least))))
    if nested is not None:
        return float(nested[0][-1]), float(nested[1][-1])
    return _solve(merged, goal, 1, seconds), _solve(merged, goal, -1, seconds)


def merge_alike(piece: System, target: sparse.csr_array) -> tuple[System, Ints]:
    """One unknown for all that stand in the same rows and alike in the target, and the target's.

    How they divide their sum among themselves touches no row, so the bounds stay as they were.
    """
    kind = alike(sparse.csr_array(sparse.vstack([piece.rows, target])))
    _, first = np.unique(kind, return_index=True)
    merged = System(
        rows=sparse.csr_array(piece.rows[:, first]),
        low=piece.low,
        high=piece.high,
        least=added_up(kind, piece.least, len(first)),
        most=added_up(kind, piece.most, len(first)),
    )
    return merged, np.flatnonzero(target[:, first].toarray()[0])


def _solve(piece: System, goal: Ints, sign: int, seconds: float) -> float:
    """The least (sign 1) or the most (sign -1) of the sum of the unknowns `goal`."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415

    aim = np.zeros(len(piece.least))
    aim[goal] = sign
    answer = milp(
        aim,
        constraints=LinearConstraint(piece.rows, piece.low, piece.high),
        bounds=Bounds(piece.least, piece.most),
        options={"time_limit": seconds},
    )
    if answer.status != 0:
        raise AttackError(f"a linear program was not solved (HiGHS status {answer.status})")
    return float(sign * answer.fun)
