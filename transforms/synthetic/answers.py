"""What pupils answer: ordinal answers that mostly, and not always, tell the true state.

Some stay away, some skip, a few answer without reading. Option codes come from the instruments.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from scipy.special import expit, ndtr

from schemas.instrument import Instrument
from transforms.synthetic.states import FACTORS, STATE_NAMES, Circumstances

CARELESS_SHARE = 0.03
_STRAIGHT_LINING = 0.7
# Correlation of what is so and what is told: about 0.8 of the true ones are told.
_HONESTY = 0.97
_SKIPS, _SKIPS_SENSITIVE = 0.01, 0.02
_ATTENDANCE, _BURDEN, _LOW_ATTENDANCE = 2.24, 0.6, -0.4
_SHARED_BY_ITEMS = 0.5
_TRAIT_MEAN, _TRAIT_SPREAD = 0.67, 0.25


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a state shows on an item.

    `state_split`: shares of its options where the state is told, the worst first; `other_split`:
    the rest, on from there. `worst_first`: the option list begins with the worst.
    """

    state: str
    state_split: tuple[float, ...]
    other_split: tuple[float, ...]
    skips: float = _SKIPS
    worst_first: bool = False


_BULLIED = ((0.3, 0.25, 0.45), (0.24, 0.76))

# Shares of the other options: domain notes 3.1 (thrive a bit 7.9 %, company sometimes 4.3 %).
_PLANS = {
    "thriving": _Plan("not_thriving", (0.35, 0.65), (0.081, 0.459, 0.46), worst_first=True),
    "safety": _Plan("unsafe", (0.3, 0.7), (0.08, 0.31, 0.61), worst_first=True),
    "company_in_breaks": _Plan(
        "nobody_in_breaks", (0.3, 0.7), (0.044, 0.256, 0.7), worst_first=True
    ),
    "bullied_by_pupils": _Plan("bullied_by_pupils", *_BULLIED, _SKIPS_SENSITIVE),
    "bullied_digitally": _Plan("bullied_digitally", *_BULLIED, _SKIPS_SENSITIVE),
    "bullied_by_adults": _Plan("bullied_by_adults", *_BULLIED, _SKIPS_SENSITIVE),
    "witnessed_bullying": _Plan("sees_bullying", (0.4, 0.6), (0.12, 0.38, 0.5)),
    "wants_talk": _Plan("wants_talk", (0.45, 0.55), (1.0,), _SKIPS_SENSITIVE),
}


def draw_answered(rng: Generator, pupils: Circumstances, *, low_response: np.ndarray) -> np.ndarray:
    """Draw who answers: about 88 %, fewer of the pupils who are worse off; bool per pupil.

    In classes marked `low_response`, fewer than half.
    """
    ease = np.where(low_response, _LOW_ATTENDANCE, _ATTENDANCE)
    burden = pupils.factors.mean(axis=1) + 0.5 * pupils.true.any(axis=1)
    return np.asarray(rng.random(len(burden)) < expit(ease - _BURDEN * burden))


def middling(pupils: Circumstances) -> dict[str, np.ndarray]:
    """Who is truly in the middle, next to a state: `nearly_` and the state's name, bool a pupil."""
    found = {}
    for item in ("thriving", "safety", "company_in_breaks"):
        plan = _PLANS[item]
        column = STATE_NAMES.index(plan.state)
        tail, rate = ndtr(-pupils.quantities[:, column]), pupils.rates[:, column]
        upto = rate + plan.other_split[0] * (1 - rate)
        found[f"nearly_{plan.state}"] = np.asarray((rate <= tail) & (tail < upto))
    return found


def true_wellbeing(pupils: Circumstances) -> np.ndarray:
    """The score of a scale, 0-100, without the chance in single answers; not cut at its ends."""
    shared = -pupils.factors[:, FACTORS.index("wellbeing")]
    return np.asarray(100 * (_TRAIT_MEAN + _TRAIT_SPREAD * np.sqrt(_SHARED_BY_ITEMS) * shared))


def draw_careless(rng: Generator, pupils: int) -> np.ndarray:
    """Draw who answers without reading; bool per pupil."""
    return np.asarray(rng.random(pupils) < CARELESS_SHARE)


def draw_answers(
    rng: Generator,
    instruments: Sequence[Instrument],
    pupils: Circumstances,
    *,
    careless: np.ndarray,
) -> pl.DataFrame:
    """Draw one row a pupil and one Int8 column `instrument.item` each; null is a skipped item.

    Items that show a state follow it; those of any other instrument follow wellbeing.
    """
    style = _CarelessStyle.draw(rng, careless)
    columns = {
        f"{instrument.key}.{item.id}": _item_answers(rng, instrument, item.id, pupils, style)
        for instrument in instruments
        for item in instrument.items
    }
    return pl.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class _CarelessStyle:
    """Who is careless, who of them ticks straight down, and where: 0-1 along the options."""

    careless: np.ndarray
    straight: np.ndarray
    place: np.ndarray

    @classmethod
    def draw(cls, rng: Generator, careless: np.ndarray) -> "_CarelessStyle":
        straight = rng.random(len(careless)) < _STRAIGHT_LINING
        return cls(careless, straight, rng.random(len(careless)))


def _item_answers(
    rng: Generator,
    instrument: Instrument,
    item_id: str,
    pupils: Circumstances,
    style: _CarelessStyle,
) -> pl.Series:
    codes = np.array(instrument.codes(item_id), dtype=np.int8)
    plan = _PLANS.get(item_id)
    if plan is None:
        is_reversed = instrument.item(item_id).is_reversed
        place = _trait_places(rng, pupils, options=len(codes), is_reversed=is_reversed)
    else:
        place = _state_places(rng, pupils, plan, options=len(codes))
    anywhere = np.where(style.straight, style.place, rng.random(len(place)))
    place = np.where(style.careless, (anywhere * len(codes)).astype(np.int64), place)
    skipped = rng.random(len(place)) < (plan.skips if plan else _SKIPS)
    answers = pl.Series(codes[place])
    return answers.set(pl.Series(skipped & ~style.careless), None)


def _state_places(
    rng: Generator, pupils: Circumstances, plan: _Plan, *, options: int
) -> np.ndarray:
    splits = len(plan.state_split) + len(plan.other_split)
    if splits != options:
        raise ValueError(f"the plan for {plan.state} has {splits} options, the item has {options}")
    column = STATE_NAMES.index(plan.state)
    told = _HONESTY * pupils.quantities[:, column]
    told += np.sqrt(1 - _HONESTY**2) * rng.standard_normal(len(told))
    tail, rate = ndtr(-told), pupils.rates[:, column]
    worst = _place_in(plan.state_split, tail / rate)
    other = len(plan.state_split) + _place_in(plan.other_split, (tail - rate) / (1 - rate))
    from_worst = np.where(tail < rate, worst, other)
    return np.asarray(from_worst if plan.worst_first else options - 1 - from_worst)


def _trait_places(
    rng: Generator, pupils: Circumstances, *, options: int, is_reversed: bool
) -> np.ndarray:
    """Places on an item of a scale: mean two thirds up, items correlated about 0.5."""
    shared = -pupils.factors[:, FACTORS.index("wellbeing")]
    own = rng.standard_normal(len(shared))
    seen = np.sqrt(_SHARED_BY_ITEMS) * shared + np.sqrt(1 - _SHARED_BY_ITEMS) * own
    top = options - 1
    middle, spread = _TRAIT_MEAN * top, _TRAIT_SPREAD * top
    place = np.clip(np.rint(middle + spread * seen), 0, top).astype(np.int64)
    return np.asarray(top - place if is_reversed else place)


def _place_in(split: tuple[float, ...], share: np.ndarray) -> np.ndarray:
    inner_edges = np.cumsum(split)[:-1]
    return np.asarray(np.searchsorted(inner_edges, share, side="right"))
