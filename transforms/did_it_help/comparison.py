"""The difference between two arms in the next wave, for pupils who answered alike in the first.

Analysis of covariance (Vickers & Altman 2001): after = a + d·followed + b·before + grade +
signals. `d` is
the difference; what everybody of that grade and that first answer does by itself, regression to the
mean included, is in the other terms. Pupils of a class are alike, so its error is the jackknife
over classes (CV3: MacKinnon, Nielsen & Webb 2023), which for one pupil a class is HC3 (MacKinnon &
White 1985). The t distribution has as many degrees of freedom as the arm with fewer classes allows:
more cautious than the usual classes minus one where few classes have a group.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import Marks, Numbers, require_numbers, special

_TINY = 1e-9
_FEW_VALUES = 7  # answers to one item: a line through them would be a guess


@dataclass(frozen=True, slots=True)
class Arms:
    """Pupils with an answer in both waves, an entry each.

    `before` and `after` are in scale units, `followed` says which arm. `grade`, `class_no` (one for
    each class of each school in the first wave) and `signals` are whole numbers; `signals` says
    which pupils had as much against them in the first wave, whatever it was.
    """

    before: Numbers
    after: Numbers
    followed: Marks
    grade: npt.NDArray[np.int64]
    class_no: npt.NDArray[np.int64]
    signals: npt.NDArray[np.int64]

    @property
    def pupils(self) -> tuple[int, int]:
        """How many are in the followed arm and in the comparison."""
        followed = int(np.count_nonzero(self.followed))
        return followed, len(self.followed) - followed

    @property
    def classes(self) -> tuple[int, int]:
        """How many classes they come from; a class may have pupils in both arms."""
        first = len(np.unique(self.class_no[self.followed]))
        return first, len(np.unique(self.class_no[~self.followed]))


@dataclass(frozen=True, slots=True)
class Difference:
    """Followed minus comparison, adjusted, in scale units, with its standard error and interval."""

    value: float
    error: float
    low: float
    high: float


def adjusted_difference(arms: Arms, *, confidence: float) -> Difference | None:
    """The difference with its interval; None where the answers do not tell the arms apart.

    That is so with fewer than two classes in an arm, where arm, grade and first answer say the
    same, or where nobody differs. ValueError for a value that is no number.
    """
    require_numbers(before=arms.before, after=arms.after)
    if min(arms.classes) < 2:  # noqa: PLR2004 - a jackknife leaves one out
        return None
    design = _design(arms)
    whole, parts = _products(design, arms)
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None
    estimate = np.linalg.solve(whole[0], whole[1])[1]
    # Without its only class a grade has nobody: the pseudo-inverse leaves that term out.
    inverse = np.linalg.pinv(whole[0] - parts[0], rcond=_TINY, hermitian=True)
    left = np.einsum("gij,gj->gi", inverse, whole[1] - parts[1])[:, 1]
    count = len(left)
    error = float(np.sqrt((count - 1) / count * np.sum((left - estimate) ** 2)))
    if error < _TINY:
        return None
    reach = error * float(special().stdtrit(min(arms.classes) - 1, (1 + confidence) / 2))
    value = float(estimate)
    return Difference(value, error, value - reach, value + reach)


def _design(arms: Arms) -> Numbers:
    """Columns: 1, followed, before (from its mean), each grade and each `signals` but the first.

    Adults choose by all that the survey said and not by one scale: pupils with many signals fall
    back further than their score on that scale expects.

    Of a single item each answer but the first has a column of its own: who is at the lowest answer
    has nowhere to go but up, further than a line through the many at the highest expects.
    """
    values = np.unique(arms.before)
    if len(values) <= _FEW_VALUES:
        before = _marks(arms.before)
    else:
        before = (arms.before - arms.before.mean())[np.newaxis]
    columns = [
        np.ones(len(arms.before)),
        arms.followed,
        *before,
        *_marks(arms.grade),
        *_marks(arms.signals),
    ]
    return np.column_stack(columns).astype(np.float64)


def _marks(values: npt.NDArray[np.int64] | Numbers) -> Marks:
    """A row each value but the first: who has it."""
    return np.asarray((values[:, np.newaxis] == np.unique(values)[1:]).T)


def _products(
    design: Numbers, arms: Arms
) -> tuple[tuple[Numbers, Numbers], tuple[Numbers, Numbers]]:
    """X'X and X'y of all pupils, and of each class."""
    order = np.argsort(arms.class_no, kind="stable")
    starts = np.unique(arms.class_no[order], return_index=True)[1]
    rows, after = design[order], arms.after[order]
    squares = np.add.reduceat(rows[:, :, np.newaxis] * rows[:, np.newaxis, :], starts)
    sums = np.add.reduceat(rows * after[:, np.newaxis], starts)
    return (squares.sum(axis=0), sums.sum(axis=0)), (squares, sums)
