"""An attacker: works out the hidden counts as far as linear programming can.

Written from the rules in the privacy notes (1.2, 1.4), and shares no code with the suppressor. It
knows how many pupils every school, grade and gender has, and which grades each school teaches.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

SMALL = 5
ALL_ALIKE_FROM = 20


@dataclass(frozen=True)
class Pupil:
    school: str
    grade: int
    class_group: str
    gender: str
    holds: bool


@dataclass(frozen=True)
class Line:
    """One published line: whom it is about, and what the attacker reads there."""

    level: str
    name: str
    members: tuple[int, ...]  # positions of the groups that the line adds up
    n: int
    truth: int
    shown: tuple[int, int] | None  # least and most that the printed figure can stand for
    classes: int = 2

    @property
    def must_stay_secret(self) -> bool:
        """The others are hidden for the sake of these, and are no worse than what is shown."""
        too_few = self.classes < 2 or (self.level == "gender" and self.n < 10)
        return self.shown is None and (too_few or not may_be_shown(self.n, self.truth))


def exactly(n: int, k: int) -> tuple[int, int]:
    """An attacker who somehow knows every shown figure to the pupil."""
    return k, k


def as_printed(n: int, k: int) -> tuple[int, int]:
    """All counts of n that may be shown and would have been printed alike."""
    alike = [c for c in range(n + 1) if may_be_shown(n, c) and printed(n, c) == printed(n, k)]
    return min(alike), max(alike)


def may_be_shown(n: int, k: int) -> bool:
    if n < SMALL or 0 < k < SMALL or 0 < n - k < SMALL:
        return False
    return n >= ALL_ALIKE_FROM or 0 < k < n


def printed(n: int, k: int) -> float:
    """The share as a person would round it: both counts to the nearest five, then two decimals."""
    five_k, five_n = (5 * int(count / 5 + 0.5) for count in (k, n))
    return int(100 * five_k / five_n + 0.5 + 1e-9) / 100


def recovered(lines: Sequence[Line], sizes: Sequence[int]) -> list[tuple[str, str]]:
    """The secret lines that are pinned: no two whole numbers fit what is shown.

    What the attacker's belief pins before anything is published is not the publication's doing.
    """
    hidden = [line for line in lines if line.shown is None and line.n > 0]
    spoken_for = _spoken_for(lines)
    pinned = []
    for floors in _beliefs(lines, hidden):
        after = _system(lines, hidden, floors, len(sizes))
        before = _system(hidden, hidden, floors, len(sizes))
        pinned += [
            (line.level, line.name)
            for line in hidden
            if line.must_stay_secret
            and not spoken_for.issuperset(line.members)
            and _is_pinned(line, after, sizes)
            and not _is_pinned(line, before, sizes)
        ]
    return pinned


def _is_pinned(line: Line, system, sizes: Sequence[int]) -> bool:
    least, most = (_solve(line, *system, sizes, sign) for sign in (1, -1))
    return least is not None and most is not None and most - least < 1 - 1e-6


def _spoken_for(lines: Sequence[Line]) -> set[int]:
    """The groups in schools, grades and genders of which 0 % or 100 % is shown.

    That may be shown of twenty or more, and it speaks for each of them wherever else they are
    counted. The municipality is left out: what follows from its figure is for the siblings to hide.
    """
    alike = [
        line
        for line in lines
        if line.level != "municipality" and line.shown in {(0, 0), (line.n, line.n)}
    ]
    return {member for line in alike for member in line.members}


def _beliefs(lines: Sequence[Line], hidden: Sequence[Line]) -> Iterator[list[int]]:
    """What the attacker holds for the least of each hidden line: nothing, or one where none of
    twenty would have been shown.

    The second says something only in a list that still shows a line: a list that is left out as a
    whole is left out whatever it holds, and so is the municipality.
    """
    kept = {line.level for line in lines if line.shown is not None} - {"municipality"}
    yield [0] * len(hidden)
    yield [
        int(line.level in kept and line.truth > 0 and line.n >= ALL_ALIKE_FROM) for line in hidden
    ]


def _system(lines, hidden, floors, width):
    rows, low, high = [], [], []
    for line in lines:
        if line.shown is not None:
            rows.append(_row(line, width))
            low.append(line.shown[0])
            high.append(line.shown[1])
    for line, floor in zip(hidden, floors, strict=True):
        rows.append(_row(line, width))
        low.append(floor)
        high.append(line.n)
    matrix = np.array(rows).reshape(-1, width)
    return (matrix, np.array(low)), (matrix, np.array(high))


def _row(line: Line, width: int):
    row = np.zeros(width)
    row[list(line.members)] = 1
    return row


def _solve(line, low, high, sizes, sign):
    answer = linprog(
        sign * _row(line, len(sizes)),
        A_ub=np.vstack([-low[0], high[0]]),
        b_ub=np.concatenate([-low[1], high[1]]),
        bounds=[(0, size) for size in sizes],
        method="highs",
    )
    return sign * answer.fun if answer.status == 0 else None
