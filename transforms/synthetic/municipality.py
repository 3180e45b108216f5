"""An invented municipality with planted truth: what is so, and what the survey gets to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.random import Generator, default_rng

from schemas.instrument import shipped_instruments
from schemas.settings import School, Wave
from transforms.synthetic.answers import draw_answered, draw_answers, draw_careless
from transforms.synthetic.names import pupil_codes, school_names
from transforms.synthetic.register import Register, make_register
from transforms.synthetic.states import (
    BULLYING,
    FACTORS,
    STATE_NAMES,
    UNSAFE,
    circumstances,
    draw_components,
)

WavePlan: TypeAlias = Wave

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
    *, schools: int, grades: range, waves: Sequence[WavePlan], seed: int
) -> Municipality:
    """Draw schools, classes, pupils, true states and answers; the same seed gives the same.

    About 350 pupils a school with six grades. Raises ValueError where there is nothing to draw.
    """
    if schools < 1 or len(grades) < 1 or not waves:
        raise ValueError("expected at least one school, one grade and one wave")
    waves = tuple(sorted(waves, key=lambda wave: wave.opens))
    known = _schools(default_rng([seed, 1]), schools)
    register = make_register(default_rng([seed, 2]), schools=schools, grades=grades, waves=waves)
    classes = _plant(default_rng([seed, 3]), register.classes, last_grade=grades[-1], waves=waves)
    register = _named(default_rng([seed, 4]), Register(classes, register.pupils), known)
    pupils, answers = _survey(default_rng([seed, 5]), register, waves)
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
    rng: Generator, register: Register, waves: Sequence[WavePlan]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    people = int(register.pupils["pupil"].to_numpy().max()) + 1
    components = draw_components(rng, people)
    pupils, answers = [], []
    for wave in waves:
        here = register.pupils.filter(pl.col("wave") == wave.id)
        climate = register.classes.filter(pl.col("wave") == wave.id)
        truth, given = _ask(rng, here, climate, components, wave=wave)
        pupils.append(truth)
        answers.append(given)
        components = draw_components(rng, components)
    return pl.concat(pupils), pl.concat(answers)


def _ask(
    rng: Generator,
    here: pl.DataFrame,
    climate: pl.DataFrame,
    components: np.ndarray,
    *,
    wave: WavePlan,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    climate = climate.select("cohort", "elevated", "low_response")
    here = here.join(climate, on="cohort", how="left", maintain_order="left")
    states = circumstances(
        components[here["pupil"].to_numpy()],
        grade=here["grade"].to_numpy(),
        theme=here["elevated"].fill_null("").to_numpy(),
    )
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
        pl.Series("answered", answered),
        pl.Series("careless", careless & answered),
        pl.Series("submitted_on", _days(rng, here["cohort"].to_numpy(), wave)),
    )
    return _truth(here), _canonical(here, given).filter(here["answered"])


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
    kept = ("pupil_code", *STATE_NAMES, "new_pupil", "answered", "careless", *latent)
    return here.select(*_PLACE, *kept)


def _canonical(here: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    context = here.select(*_PLACE, "gender", "pupil_code", "submitted_on", "enrolled_on")
    return context.hstack(given.get_columns())
