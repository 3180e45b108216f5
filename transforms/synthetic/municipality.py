"""An invented municipality with planted truth: what is so, and what the survey gets to see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.random import Generator, default_rng

from schemas.instrument import shipped_instruments
from schemas.settings import School, Wave
from transforms.synthetic.answers import (
    draw_answered,
    draw_answers,
    draw_careless,
    middling,
    true_wellbeing,
)
from transforms.synthetic.names import pupil_codes, school_names
from transforms.synthetic.register import Register, make_register
from transforms.synthetic.states import (
    BULLYING,
    FACTORS,
    STATE_NAMES,
    UNSAFE,
    Circumstances,
    circumstances,
    draw_components,
    support,
)
from transforms.synthetic.worlds import DEMO, World

WavePlan: TypeAlias = Wave
# After a wave: from its truth and its answers to the codes of the pupils who had a group.
FollowUp: TypeAlias = Callable[[WavePlan, pl.DataFrame, pl.DataFrame], Sequence[str]]

INSTRUMENTS = ("klassepuls_core_v1", "who5_v1")

# No municipality has this number.
NUMBER, NAME = "9901", "Lyngvær kommune (oppdiktet)"
_GENDERS, _GENDER_SHARES = ("girl", "boy", "other", ""), (0.485, 0.5, 0.005, 0.01)
_PLANTED = ((BULLYING, 0.012), (UNSAFE, 0.006))
_LOW_RESPONSE = 0.01
_ENOUGH_PUPILS = 18
_MAKE_UP_DAY = 0.1


@dataclass(frozen=True, slots=True)
class Municipality:
    """Everything there is to know of an invented municipality.

    `classes`: one row a wave and class, with the planted `elevated` theme (null for none).
    `pupils`: one row a wave and pupil, with the true states, and whether the pupil answered.
    `answers`: one row a wave and pupil who answered, the columns of the canonical format.
    """

    number: str
    name: str
    schools: tuple[School, ...]
    waves: tuple[WavePlan, ...]
    classes: pl.DataFrame
    pupils: pl.DataFrame
    answers: pl.DataFrame


def default_waves(count: int) -> tuple[WavePlan, ...]:
    """The last `count` rounds up to autumn 2026, one each autumn and spring."""
    ordinals = range(2 * 2026 + 1 - (count - 1), 2 * 2026 + 2)
    return tuple(_autumn(at // 2) if at % 2 else _spring(at // 2) for at in ordinals)


def _autumn(year: int) -> WavePlan:
    return _round(f"{year}H", f"Høsten {year}", school_year=year, opens=date(year, 11, 2))


def _spring(year: int) -> WavePlan:
    return _round(f"{year}V", f"Våren {year}", school_year=year - 1, opens=date(year, 3, 9))


def _round(wave_id: str, name: str, *, school_year: int, opens: date) -> WavePlan:
    """Three weeks of school days from the Monday on or after `opens`."""
    monday = opens + timedelta(days=-opens.weekday() % 7)
    year = f"{school_year}-{(school_year + 1) % 100:02}"
    closes = monday + timedelta(days=18)
    return Wave(id=wave_id, name=name, school_year=year, opens=monday, closes=closes)


def make_municipality(
    *,
    schools: int,
    grades: range,
    waves: Sequence[WavePlan],
    seed: int,
    world: World = DEMO,
    follow_up: FollowUp = lambda _wave, _truth, _answers: (),
) -> Municipality:
    """Draw schools, classes, pupils, true states and answers; the same seed gives the same.

    About 350 pupils a school with six grades. `follow_up` is called after each wave. Raises
    ValueError where there is nothing to draw.
    """
    if schools < 1 or len(grades) < 1 or not waves:
        raise ValueError("expected at least one school, one grade and one wave")
    waves = tuple(sorted(waves, key=lambda wave: wave.opens))
    known = _schools(default_rng([seed, 1]), schools)
    register = make_register(default_rng([seed, 2]), schools=schools, grades=grades, waves=waves)
    rng = default_rng([seed, 3])
    if world.share is None:
        classes = _plant(rng, register.classes, last_grade=grades[-1], waves=waves)
    else:
        classes = _plant_share(rng, register.classes, world, waves=waves)
    register = _named(default_rng([seed, 4]), Register(classes, register.pupils), known)
    pupils, answers = _survey(default_rng([seed, 5]), register, waves, world, follow_up)
    return Municipality(NUMBER, NAME, known, waves, register.classes, pupils, answers)


def _schools(rng: Generator, count: int) -> tuple[School, ...]:
    width = max(2, len(str(count)))
    names = school_names(rng, count)
    return tuple(
        School(id=f"S{number:0{width}}", name=name) for number, name in enumerate(names, start=1)
    )


def _plant(
    rng: Generator, classes: pl.DataFrame, *, last_grade: int, waves: Sequence[WavePlan]
) -> pl.DataFrame:
    """Give a few cohorts an elevated theme, and a few others a low response."""
    first = classes.filter(pl.col("wave") == waves[0].id)
    years = len({wave.school_year for wave in waves})
    lasts = first["grade"].to_numpy() + years - 1 <= last_grade
    small = first["enrolled"].to_numpy() < _ENOUGH_PUPILS
    order = np.lexsort((rng.random(first.height), small, ~lasts))
    queue = first["cohort"].to_numpy()[order].tolist()
    counts = [max(1, round(share * first.height)) for _, share in _PLANTED]
    bullied, unsafe = queue[: counts[0]], queue[counts[0] : sum(counts)]
    quiet = queue[sum(counts) : sum(counts) + max(1, round(_LOW_RESPONSE * first.height))]
    theme = {**dict.fromkeys(bullied, BULLYING), **dict.fromkeys(unsafe, UNSAFE)}
    begins_later = (pl.col("wave") == waves[0].id) & pl.col("cohort").is_in(_later(bullied, waves))
    return classes.with_columns(
        pl.when(~begins_later)
        .then(pl.col("cohort").replace_strict(theme, default=None, return_dtype=pl.String))
        .alias("elevated"),
        pl.col("cohort").is_in(quiet).alias("low_response"),
    )


def _plant_share(
    rng: Generator, classes: pl.DataFrame, world: World, *, waves: Sequence[WavePlan]
) -> pl.DataFrame:
    """Give a share of all cohorts the world's theme, and a few others a low response."""
    cohorts = classes.unique(subset="cohort", keep="first").sort("cohort")
    by_chance = rng.permutation(cohorts.height)
    of_school = rng.permutation(int(cohorts["school_no"].to_numpy().max()) + 1)
    schools = of_school[cohorts["school_no"].to_numpy()]
    order = np.lexsort((by_chance, schools)) if world.clustered else np.argsort(by_chance)
    queue = cohorts["cohort"].to_numpy()[order].tolist()
    count = round((world.share or 0) * cohorts.height)
    quiet = queue[count : count + max(1, round(_LOW_RESPONSE * cohorts.height))]
    begun = [w.id for number, w in enumerate(waves) if world.strength(number, len(waves)) > 0]
    is_planted = pl.col("cohort").is_in(queue[:count]) & pl.col("wave").is_in(begun)
    return classes.with_columns(
        pl.when(is_planted).then(pl.lit(world.theme)).alias("elevated"),
        pl.col("cohort").is_in(quiet).alias("low_response"),
    )


def _later(bullied: list[int], waves: Sequence[WavePlan]) -> list[int]:
    """The planted classes where it starts after the first wave: one, if there is one to spare."""
    return bullied[1:2] if len(waves) > 1 else []


def _named(rng: Generator, register: Register, schools: Sequence[School]) -> Register:
    people = int(register.pupils["pupil"].to_numpy().max()) + 1
    ids = pl.Series([school.id for school in schools])
    codes = pl.Series(pupil_codes(rng, people))
    genders = pl.Series(rng.choice(_GENDERS, size=people, p=_GENDER_SHARES))
    classes = register.classes
    pupils = register.pupils.with_columns(
        pl.Series("school", ids.gather(register.pupils["school_no"])),
        pl.Series("pupil_code", codes.gather(register.pupils["pupil"])),
        pl.Series("gender", genders.gather(register.pupils["pupil"])),
    )
    return Register(
        classes.with_columns(pl.Series("school", ids.gather(classes["school_no"]))), pupils
    )


def _survey(
    rng: Generator,
    register: Register,
    waves: Sequence[WavePlan],
    world: World,
    follow_up: FollowUp,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    people = int(register.pupils["pupil"].to_numpy().max()) + 1
    components = draw_components(rng, people)
    pupils, answers = [], []
    before: np.ndarray | None = None
    for number, wave in enumerate(waves):
        here = register.pupils.filter(pl.col("wave") == wave.id)
        climate = register.classes.filter(pl.col("wave") == wave.id)
        strength = world.strength(number, len(waves))
        asked = _Asked(here, climate, components, before, strength)
        truth, given = _ask(rng, asked, wave=wave)
        pupils.append(truth)
        answers.append(given)
        helped = here["pupil"].to_numpy()[
            here["pupil_code"].is_in(list(follow_up(wave, truth, given))).to_numpy()
        ]
        before, components = components, draw_components(rng, components)
        components = support(components, np.isin(np.arange(people), helped), effect=world.effect)
    return pl.concat(pupils), pl.concat(answers)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who is asked in a wave, and how they are; `before` is how they were in the wave before."""

    here: pl.DataFrame
    climate: pl.DataFrame
    components: np.ndarray
    before: np.ndarray | None
    strength: float

    def states(self, components: np.ndarray) -> Circumstances:
        return circumstances(
            components[self.here["pupil"].to_numpy()],
            grade=self.here["grade"].to_numpy(),
            theme=self.here["elevated"].fill_null("").to_numpy(),
            strength=self.strength,
        )


def _ask(rng: Generator, asked: _Asked, *, wave: WavePlan) -> tuple[pl.DataFrame, pl.DataFrame]:
    climate = asked.climate.select("cohort", "elevated", "low_response")
    here = asked.here.join(climate, on="cohort", how="left", maintain_order="left")
    asked = replace(asked, here=here)
    states = asked.states(asked.components)
    earlier = asked.states(asked.before) if asked.before is not None else None
    answered = draw_answered(rng, states, low_response=here["low_response"].to_numpy())
    careless = draw_careless(rng, here.height)
    given = draw_answers(
        rng,
        [shipped_instruments()[key] for key in INSTRUMENTS],
        states,
        careless=careless,
    )
    here = here.with_columns(
        *[pl.Series(name, states.true[:, at]) for at, name in enumerate(STATE_NAMES)],
        *[pl.Series(f"latent_{name}", states.factors[:, at]) for at, name in enumerate(FACTORS)],
        *[pl.Series(name, so) for name, so in middling(states).items()],
        *_wellbeing(states, earlier),
        pl.Series("answered", answered),
        pl.Series("careless", careless & answered),
        pl.Series("submitted_on", _days(rng, here["cohort"].to_numpy(), wave)),
    )
    return _truth(here), _canonical(here, given).filter(here["answered"])


def _wellbeing(states: Circumstances, earlier: Circumstances | None) -> list[pl.Series]:
    """The true score now and in the wave before, which the first wave does not have."""
    now = true_wellbeing(states)
    before = (
        pl.Series(true_wellbeing(earlier)) if earlier else pl.repeat(None, len(now), eager=True)
    )
    return [pl.Series("wellbeing", now), before.cast(pl.Float64).alias("wellbeing_before")]


def _days(rng: Generator, cohort: np.ndarray, wave: WavePlan) -> np.ndarray:
    """School days: most pupils' is their class's day, some a later one while the wave is open."""
    opens = np.datetime64(wave.opens)
    last = max(int(np.busday_count(opens, np.datetime64(wave.closes) + 1)) - 1, 0)
    class_day = rng.integers(0, max(last - 2, 1), size=int(cohort.max()) + 1)[cohort]
    later = (rng.random(len(cohort)) < _MAKE_UP_DAY) * rng.integers(1, 5, size=len(cohort))
    days = np.minimum(class_day + later, last)
    return np.asarray(np.busday_offset(opens, days, roll="forward"))


_PLACE = ("wave", "school", "class_group", "grade")


def _truth(here: pl.DataFrame) -> pl.DataFrame:
    latent = [f"latent_{name}" for name in FACTORS]
    nearly = [name for name in here.columns if name.startswith("nearly_")]
    scores = ("wellbeing", "wellbeing_before")
    told = ("new_pupil", "answered", "careless")
    kept = ("pupil_code", *STATE_NAMES, *nearly, *scores, *told, *latent)
    return here.select(*_PLACE, *kept)


def _canonical(here: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    context = here.select(*_PLACE, "gender", "pupil_code", "submitted_on", "enrolled_on")
    return context.hstack(given.get_columns())
