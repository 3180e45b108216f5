"""Helped, worse, or cannot tell: one rule, fixed in advance, for one outcome.

`helped` where the whole interval lies above nought. Adults choose those whom they know to be worse
off than their answers say, and that alone pulls the difference down (by up to 0.4 standard
deviations where they know everything: measured in worlds without an effect). So `worse` is said
only where the whole interval lies below what choosing can do. It cannot make a group look better.
"""

from dataclasses import dataclass

from schemas.outcome import OutcomeLimits, Reason, VerdictWord
from transforms.did_it_help.comparison import Arms, Difference, adjusted_difference


@dataclass(frozen=True, slots=True)
class Verdict:
    """The word with its reason, and what is behind it.

    `pupils` and `classes` are those who were followed, and those of the comparison.
    """

    word: VerdictWord
    reason: Reason
    difference: Difference | None = None
    pupils: tuple[int, int] = (0, 0)
    classes: tuple[int, int] = (0, 0)


def judge(arms: Arms, limits: OutcomeLimits, *, spread: float) -> Verdict:
    """What may be said of two arms; `spread` is the standard deviation of everybody of the grade.

    More is better. Under the limits there is no figure at all, and the verdict is `cannot_tell`.
    """
    if arms.pupils[0] == 0:
        return Verdict("cannot_tell", "nobody_followed", None, arms.pupils, arms.classes)
    if arms.pupils[1] == 0:
        return Verdict("cannot_tell", "no_comparison", None, arms.pupils, arms.classes)
    if min(arms.pupils) < limits.fewest_pupils or min(arms.classes) < limits.fewest_classes:
        return Verdict("cannot_tell", "too_few", None, arms.pupils, arms.classes)
    found = adjusted_difference(arms, confidence=limits.confidence)
    if found is None:
        return Verdict("cannot_tell", "not_apart", None, arms.pupils, arms.classes)
    word: VerdictWord = "cannot_tell"
    if found.low > 0:
        word = "helped"
    elif found.high < -limits.worse_margin * spread:
        word = "worse"
    reason: Reason = "within" if word == "cannot_tell" else "beyond"
    return Verdict(word, reason, found, arms.pupils, arms.classes)
