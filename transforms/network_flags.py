"""What positive nominations say of the pupils and the classes of one wave (signals S11 and C7).

A situation of a class is looked at only where at least LEAST_ANSWERED pupils chose a class mate in
it, and they are at least LEAST_RESPONSE of the class list: else nobody was there to choose the one
whom nobody chose. Who chose only codes that nobody in the class has (another class's, or codes that
a spreadsheet has changed) chose nobody in it, and is not counted. Without a list that cannot be
known, so nothing is said (domain notes 5.2).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.network_rule import LEAST_ANSWERED, LEAST_RESPONSE
from transforms.sociometry import Choices, Counts, Marks, cohesion, components, received, unchosen

DEALS = 999  # classes of equal choices that a class is compared with


@dataclass(frozen=True, slots=True)
class Asked:
    """One class as it was asked: `choices` are situations x pupils x pupils.

    `has_form` marks the pupils who answered anything; the others are on the class list alone.
    """

    name: str
    choices: Choices
    has_form: Marks
    enrolled: int | None


@dataclass(frozen=True, slots=True)
class ClassNetwork:
    """What follows for a class; figures are None behind a gate, and `unchosen_in` -1 there."""

    answered: int
    gate: str
    unchosen_in: Counts
    unchosen: int | None = None
    groups: int | None = None
    cohesion: float | None = None
    p_cohesion: float | None = None


def measure_class(asked: Asked) -> ClassNetwork:
    """The network of one class; the same whenever and in whatever order it is measured."""
    answered = _answered(asked)
    looked_at = _is_looked_at(answered, asked.enrolled)
    fewest = int(answered[looked_at].min() if looked_at.any() else answered.max(initial=0))
    if not looked_at.any():
        nobody = np.full(asked.has_form.size, -1)
        return ClassNetwork(fewest, _gate(fewest, asked.enrolled), nobody)
    choices = asked.choices[looked_at]
    tied = cohesion(choices)
    return ClassNetwork(
        answered=fewest,
        gate="tested",
        unchosen_in=_unchosen_in(choices),
        unchosen=int((unchosen(choices) & asked.has_form).sum()),
        groups=_groups(choices),
        cohesion=tied,
        p_cohesion=_share_as_low(choices, tied, asked.name),
    )


def unchosen_in(asked: Asked) -> Counts:
    """As `measure_class` says it of the pupils, for whom no class has to be dealt."""
    looked_at = _is_looked_at(_answered(asked), asked.enrolled)
    if not looked_at.any():
        return np.full(asked.has_form.size, -1)
    return _unchosen_in(asked.choices[looked_at])


def _answered(asked: Asked) -> Counts:
    """How many chose a class mate, in each situation."""
    return np.asarray(asked.choices.any(axis=2).sum(axis=1), np.int64)


def _unchosen_in(choices: Choices) -> Counts:
    """In how many of the situations nobody chose each pupil."""
    nobody_chose = np.stack([received(one) == 0 for one in choices])
    return np.asarray(nobody_chose.sum(axis=0), np.int64)


def _is_looked_at(answered: Counts, enrolled: int | None) -> Marks:
    if not enrolled:
        return np.zeros(answered.shape, np.bool_)
    return np.asarray(
        (answered >= LEAST_ANSWERED) & (answered >= np.ceil(LEAST_RESPONSE * enrolled - 1e-9))
    )


def gate_of(answered: int, enrolled: int | None) -> str:
    """Whether a class of which so many chose a class mate is looked at (`tested`), or why not."""
    looked_at = _is_looked_at(np.array([answered]), enrolled)
    return "tested" if looked_at.any() else _gate(answered, enrolled)


def _gate(answered: int, enrolled: int | None) -> str:
    if answered < LEAST_ANSWERED:
        return "few_answers"
    return "low_response" if enrolled else "no_list"


def _groups(choices: Choices) -> int:
    """Groups of those who chose or were chosen: of anybody else nothing is known."""
    either = np.any(choices, axis=0)
    known = np.any(either, axis=0) | np.any(either, axis=1)
    return int(np.unique(components(choices)[known]).size)


def _share_as_low(choices: Choices, observed: float, name: str) -> float:
    """The share of DEALS classes as little tied as this one, itself counted (Phipson & Smyth 2010).

    Each pupil deals as many choices as it made, in each situation, to others at random. The seed is
    the class's name, so that a wave that is computed again says the same.
    """
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    rng = np.random.default_rng(seed)
    dealt = np.stack([_deal(one.sum(axis=1), rng) for one in choices])
    either = np.any(dealt, axis=0)
    pairs = (either & np.swapaxes(either, 1, 2)).sum(axis=(1, 2))
    pupils = choices.shape[-1]
    as_low = pairs <= observed * pupils * (pupils - 1) + 1e-9
    return float((1 + as_low.sum()) / (1 + DEALS))


def _deal(made: Counts, rng: np.random.Generator) -> Choices:
    """DEALS matrices in which each pupil makes as many choices as it made: those of lowest lot."""
    pupils = len(made)
    lots = rng.random((DEALS, pupils, pupils))
    lots[:, np.arange(pupils), np.arange(pupils)] = 2.0  # never oneself
    rank = lots.argsort(axis=2).argsort(axis=2)
    return np.asarray(rank < made[None, :, None])


def stands_out(
    network: ClassNetwork, *, cohesion_below: float, min_unchosen: int, min_groups: int, marks: int
) -> bool:
    """Whether at least `marks` of the three marks of a loose class are there."""
    if network.unchosen is None or network.groups is None or network.p_cohesion is None:
        return False
    found: Sequence[bool] = (
        network.p_cohesion < cohesion_below,
        network.unchosen >= min_unchosen,
        network.groups >= min_groups,
    )
    return sum(found) >= marks
