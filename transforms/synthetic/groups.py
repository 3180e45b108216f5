"""Pupils who are flagged, of whom adults follow some up, with a planted effect or without one.

Cheaper than a whole municipality: only what a comparison looks at is drawn, so that it can be asked
hundreds of times how often it is right. Adults begin with those who are worst off, as far as they
see it, some say no, and whoever is worse off answers the second time less often.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import expit

from transforms.did_it_help.comparison import Arms

MEAN, SPREAD, STEP, HIGHEST = 68.0, 19.0, 4, 100  # WHO-5, domain notes 0.5
LOW = 50  # whoever is no higher is flagged
_ITEMS_TELL = 0.8  # reliability of one answer
_STAYS = 0.75  # of a hidden quantity, half a year later
_CLASS_SHARE = 0.05  # of the variance lies between classes
_CLASS_SIZE = 22
# Someone to be with in the breaks (domain notes 3.1): never .45 %, seldom 1.5 %, sometimes 5.8 %,
# often 31 % and less, on the scale of the hidden quantity.
_CUTS = np.array([-2.61, -2.17, -1.57, -0.5])
_ALONE, _RARE = 2, -1.64
_SAYS_YES = 0.85
_ATTENDANCE, _BURDEN = 2.24, 0.6  # as in `answers`


@dataclass(frozen=True, slots=True)
class GroupWorld:
    """`pupils` answer; adults have time for `groups`; a group is worth `effect` hidden SD.

    `insight`: how much adults know beyond the answers, 0 (they go by the score alone) to 1 (they
    know how each pupil really is, whatever the pupil answered). `one_item`: the answer is one of
    five to a single question, most at the best; others are flagged for something else.
    """

    pupils: int
    groups: int
    effect: float = 0.0
    insight: float = 0.0
    one_item: bool = False


@dataclass(frozen=True, slots=True)
class Drawn:
    """One municipality: the flagged pupils in two arms, and who was not flagged at all."""

    arms: Arms
    others: Arms


def draw_groups(rng: Generator, world: GroupWorld) -> Drawn:
    """Draw two waves. `others` are all in the comparison arm, and answered in both waves too."""
    count = world.pupils
    class_no = np.arange(count) // _CLASS_SIZE
    mood = rng.standard_normal(class_no[-1] + 1)[class_no]
    own = rng.standard_normal(count)
    first = np.sqrt(_CLASS_SHARE) * mood + np.sqrt(1 - _CLASS_SHARE) * own
    before = _answers(rng, first, world)
    flagged = before <= LOW
    if world.one_item:
        something_else = 0.5 * first + np.sqrt(0.75) * rng.standard_normal(count)
        flagged = (before <= _ALONE) | (something_else < _RARE)
    followed = flagged & _chosen(rng, world, first, before, flagged)
    fresh = rng.standard_normal(count)
    kept = _STAYS * own + np.sqrt(1 - _STAYS**2) * fresh
    second = np.sqrt(_CLASS_SHARE) * mood + np.sqrt(1 - _CLASS_SHARE) * kept
    second += world.effect * followed
    after = _answers(rng, second, world)
    is_there = rng.random(count) < expit(_ATTENDANCE + _BURDEN * second)
    arms = [
        Arms(
            before[who],
            after[who],
            followed[who],
            5 + class_no[who] % 6,
            class_no[who],
            np.ones(np.count_nonzero(who), dtype=np.int64),
        )
        for who in (flagged & is_there, ~flagged & is_there)
    ]
    return Drawn(*arms)


def _answers(rng: Generator, hidden: np.ndarray, world: GroupWorld) -> np.ndarray:
    told = np.sqrt(_ITEMS_TELL) * hidden + np.sqrt(1 - _ITEMS_TELL) * rng.standard_normal(
        len(hidden)
    )
    if world.one_item:
        return np.asarray(1.0 + np.searchsorted(_CUTS, told))
    return np.asarray(np.clip(np.rint((MEAN + SPREAD * told) / STEP) * STEP, 0, HIGHEST))


def _chosen(
    rng: Generator, world: GroupWorld, hidden: np.ndarray, before: np.ndarray, flagged: np.ndarray
) -> np.ndarray:
    """The worst off first, as far as adults see it; whoever says no leaves room for the next."""
    seen = (before - MEAN) / SPREAD
    known = (1 - world.insight) * seen + world.insight * hidden
    known = known + 0.3 * rng.standard_normal(len(hidden))
    may = flagged & (rng.random(len(hidden)) < _SAYS_YES)
    order = np.argsort(np.where(may, known, np.inf))
    chosen = np.zeros(len(hidden), dtype=bool)
    chosen[order[: world.groups]] = True
    return chosen & may
