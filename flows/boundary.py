"""The wall between our steps and Prefect, whose database keeps messages and tracebacks.

A library's error may quote a cell in its message, in the error that it came from, or in a note. So
no error of a library passes: what does pass says of what kind it was and where it rose.
"""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from flows.fault import place_of
from schemas.speakable import SpeakableError

P = ParamSpec("P")
R = TypeVar("R")


class StepFailedError(Exception):
    """A step failed in a way that nobody foresaw; the message has kind and place, no value."""


def without_values(step: Callable[P, R]) -> Callable[P, R]:
    """Let no error out of a step but those that carry counts and codes only."""

    @wraps(step)
    def guarded(*arguments: P.args, **named: P.kwargs) -> R:
        try:
            return step(*arguments, **named)
        except Exception as error:  # noqa: BLE001 - the wall is for every one of them
            told = _speakable(error)
        # Outside the except block, or the error that was caught would travel along as its context.
        raise told from None

    return guarded


def _speakable(error: Exception) -> Exception:
    if isinstance(error, SpeakableError):
        return type(error)(str(error))
    what = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        what = f"{what} ({error.strerror})"
    return StepFailedError(
        f"{what} at {place_of(error)}: nothing was left half done;"
        " if it comes again, tell the maintainers these words"
    )
