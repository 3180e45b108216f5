"""What a check of the installation found: a verdict, what it rests on, and how to mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """A `note` is worth knowing and nothing to mend; `unseen` is what cannot be seen from here."""

    FINE = "fine"
    NOTE = "note"
    UNSEEN = "unseen"
    MEND = "mend"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `refused` is what a run refuses too."""

    check: str
    verdict: Verdict
    told: str
    mend: str = ""


def fine(check: str, told: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Verdict.FINE, told)


def note(check: str, told: str) -> Finding:
    """Nothing to mend, and no proof of anything either."""
    return Finding(check, Verdict.NOTE, told)


def unseen(check: str, told: str) -> Finding:
    """Nobody can say from here."""
    return Finding(check, Verdict.UNSEEN, told)


def to_mend(check: str, told: str, mend: str) -> Finding:
    """A person has to do something."""
    return Finding(check, Verdict.MEND, told, mend)


def refused(check: str, told: str, mend: str) -> Finding:
    """A run does not start like this."""
    return Finding(check, Verdict.REFUSED, told, mend)


def all_fine(check: str, told: str, wrong: Iterable[Finding]) -> list[Finding]:
    """What is wrong, or one line that says that nothing is."""
    return list(wrong) or [fine(check, told)]
