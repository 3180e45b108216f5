"""What would have become of the followed pupils' scores by itself, told from those not chosen.

Whoever is chosen for a low score scores higher the next time. How much is read off the pupils who
were not flagged: the line of their second scores on their first (Galton 1886). Choosing by the
first score leaves that line as it is (Pearson 1903), so it holds for the flagged as well, as far as
it is a line. It says nothing of what adults knew beyond the score: the comparison is what counts.
"""

from dataclasses import dataclass

import numpy as np

from transforms.did_it_help.comparison import Arms
from transforms.statistics.numbers import Numbers, special
from transforms.statistics.reliable_change import change_words, reliable_change

FEWEST_OTHERS = 50


@dataclass(frozen=True, slots=True)
class ByItself:
    """Means of the followed pupils in scale units: first, second, and expected without any group.

    `beyond` is second minus expected, with its interval.
    """

    before: float
    after: float
    expected: float
    beyond: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReliableChanges:
    """Pupils whose change is more than error (Jacobson & Truax); how many would be by itself."""

    pupils: int
    improved: int
    deteriorated: int
    expected_improved: float


@dataclass(frozen=True, slots=True)
class _Line:
    at: float
    mean: float
    slope: float
    spread: float
    count: int
    squares: float

    def expected(self, before: Numbers) -> Numbers:
        return self.mean + self.slope * (before - self.at)


def _line(others: Arms) -> _Line | None:
    """None of too few pupils, or where all of them answered alike the first time."""
    count = len(others.before)
    off = others.before - others.before.mean() if count else others.before
    squares = float(np.sum(off**2))
    if count < FEWEST_OTHERS or squares == 0:
        return None
    mean = float(others.after.mean())
    slope = float(np.sum(off * others.after) / squares)
    left = others.after - mean - slope * off
    spread = float(np.sqrt(np.sum(left**2) / (count - 2)))
    return _Line(float(others.before.mean()), mean, slope, spread, count, squares)


def by_itself(arms: Arms, others: Arms, *, confidence: float) -> ByItself | None:
    """The followed pupils beside their expectation; None where nobody was followed, or no line is.

    `others` were neither flagged nor followed. The error is that of a mean of new pupils on the
    line.
    """
    line, chosen = _line(others), arms.followed
    if line is None or not chosen.any():
        return None
    before, after = arms.before[chosen], arms.after[chosen]
    expected = line.expected(before)
    beyond = float(np.mean(after - expected))
    distance = (before.mean() - line.at) ** 2 / line.squares
    error = line.spread * float(np.sqrt(1 / len(before) + 1 / line.count + distance))
    reach = error * float(special().stdtrit(line.count - 2, (1 + confidence) / 2))
    return ByItself(
        float(before.mean()),
        float(after.mean()),
        float(expected.mean()),
        beyond,
        beyond - reach,
        beyond + reach,
    )


def reliable_changes(
    arms: Arms, others: Arms, *, spread: float, reliability: float, critical: float = 1.96
) -> ReliableChanges | None:
    """Reliable changes of the followed pupils, and the number of rises that the line expects.

    `spread` and `reliability` are those of everybody of the grade, or a norm's: never of the
    flagged. None where there is no line, or no error of measurement.
    """
    line, chosen = _line(others), arms.followed
    if line is None or not chosen.any() or spread <= 0 or not 0 < reliability < 1:
        return None
    before, after = arms.before[chosen], arms.after[chosen]
    words = change_words(
        reliable_change(before, after, sd=spread, reliability=reliability),
        higher_is_better=True,
        critical=critical,
    )
    least = critical * np.sqrt(2) * spread * np.sqrt(1 - reliability)
    short = (before + least - line.expected(before)) / max(line.spread, 1e-9)
    return ReliableChanges(
        pupils=len(before),
        improved=int(np.count_nonzero(words == "improved")),
        deteriorated=int(np.count_nonzero(words == "deteriorated")),
        expected_improved=float(np.sum(special().ndtr(-short))),
    )
