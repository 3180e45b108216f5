"""Who is where: the classes and pupils of an invented municipality, wave by wave.

Pupils leave, join and change class between waves, and move up a grade with the school year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.random import Generator

from schemas.settings import Wave

# Domain notes S13: a pupil is new for ten weeks.
NEW_FOR = timedelta(weeks=10)

_PARALLELS, _PARALLEL_SHARES = (1, 2, 3), (0.1, 0.3, 0.6)
_SMALLEST, _LARGEST = np.array((0, 8, 18, 20)), np.array((0, 22, 28, 28))
_FULL = int(_LARGEST.max())
_JOINED_LATELY = 0.015
_LEAVE, _MOVE, _JOIN = 0.015, 0.006, 0.015
_STAY_IN_SCHOOL = 0.7
_FROM_SCHOOL_START = 0.6


@dataclass(frozen=True, slots=True)
class Register:
    """`classes`: one row a class and wave. `pupils`: one row a pupil and wave."""

    classes: pl.DataFrame
    pupils: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Moment:
    """A wave, its place among the waves, and the one before it."""

    wave: Wave
    number: int
    previous: Wave | None

    @property
    def starts_school_year(self) -> bool:
        return self.previous is None or self.previous.school_year != self.wave.school_year


@dataclass(frozen=True, slots=True)
class _Here:
    """Classes, who is in them, and how many pupils there have been: numbers are not used again."""

    classes: pl.DataFrame
    roster: pl.DataFrame
    people: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """Parallel classes of each school, and the grades that they run through."""

    parallels: np.ndarray
    grades: range


def make_register(
    rng: Generator, *, schools: int, grades: range, waves: Sequence[Wave]
) -> Register:
    """Draw the register of every wave; `waves` stand in the order that they open.

    A cohort is a class that keeps its pupils from year to year while its name moves up a grade.
    """
    shape = _Shape(rng.choice(_PARALLELS, size=schools, p=_PARALLEL_SHARES), grades)
    all_classes, all_pupils = [], []
    here: _Here | None = None
    for number, wave in enumerate(waves):
        moment = _Moment(wave, number, waves[number - 1] if number else None)
        here = _begin(rng, moment, shape) if here is None else _go_on(rng, moment, shape, here)
        all_classes.append(_class_rows(here, wave))
        all_pupils.append(_pupil_rows(here, moment))
    return Register(pl.concat(all_classes), _mark_new(pl.concat(all_pupils), waves))


def _begin(rng: Generator, moment: _Moment, shape: _Shape) -> _Here:
    classes = _new_classes(rng, shape.parallels, shape.grades, first_cohort=0)
    roster = _first_roster(rng, classes, moment, first_pupil=0)
    return _Here(classes, roster, roster.height)


def _go_on(rng: Generator, moment: _Moment, shape: _Shape, here: _Here) -> _Here:
    if moment.starts_school_year:
        here = _move_up(rng, moment, shape, here)
    roster = here.roster.filter(pl.Series(rng.random(here.roster.height) >= _LEAVE))
    roster = _change_class(rng, roster, here.classes, moment)
    joiners = _joiners(rng, moment, here, roster)
    return _Here(here.classes, pl.concat([roster, joiners]), here.people + joiners.height)


def _move_up(rng: Generator, moment: _Moment, shape: _Shape, here: _Here) -> _Here:
    lowest = range(shape.grades[0], shape.grades[0] + 1)
    first_cohort = int(here.classes["cohort"].to_numpy().max()) + 1
    newcomers = _new_classes(rng, shape.parallels, lowest, first_cohort=first_cohort)
    moved = here.classes.filter(pl.col("grade") < shape.grades[-1])
    classes = pl.concat([moved.with_columns(pl.col("grade") + 1), newcomers])
    stayed = here.roster.join(classes, on="cohort", how="semi", maintain_order="left")
    starters = _first_roster(rng, newcomers, moment, first_pupil=here.people)
    return _Here(classes, pl.concat([stayed, starters]), here.people + starters.height)


def _new_classes(
    rng: Generator, parallels: np.ndarray, grades: range, *, first_cohort: int
) -> pl.DataFrame:
    repeats = np.repeat(parallels, len(grades))
    school = np.repeat(np.repeat(np.arange(len(parallels)), len(grades)), repeats)
    grade = np.repeat(np.tile(np.array(grades), len(parallels)), repeats)
    side = np.repeat(repeats, repeats)
    letter = np.arange(len(school)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    size = rng.integers(_SMALLEST[side], _LARGEST[side] + 1)
    cohort = first_cohort + np.arange(len(school))
    return pl.DataFrame(
        {"cohort": cohort, "school_no": school, "grade": grade, "letter": letter, "size": size}
    )


def _first_roster(
    rng: Generator, classes: pl.DataFrame, moment: _Moment, *, first_pupil: int
) -> pl.DataFrame:
    at = np.repeat(np.arange(classes.height), classes["size"].to_numpy())
    started_school = _school_start(moment.wave).year - classes["grade"].to_numpy()[at] + 1
    enrolled = (started_school - 1970).astype("datetime64[Y]").astype("datetime64[D]") + 228
    lately = rng.random(len(at)) < _JOINED_LATELY
    enrolled = np.where(lately, _days_before(rng, moment.wave, len(at)), enrolled)
    return pl.DataFrame(
        {
            "pupil": first_pupil + np.arange(len(at)),
            "cohort": classes["cohort"].to_numpy()[at],
            "enrolled_on": enrolled,
            "joined": np.full(len(at), moment.number),
        }
    )


def _change_class(
    rng: Generator, roster: pl.DataFrame, classes: pl.DataFrame, moment: _Moment
) -> pl.DataFrame:
    """Move a few pupils to another class of their grade, most of them within their school."""
    known = roster.join(classes, on="cohort", how="left", maintain_order="left")
    near = rng.random(roster.height) < _STAY_IN_SCHOOL
    within = _other_class(rng, known, classes, by=["school_no", "grade"])
    across = _other_class(rng, known, classes, by=["grade"])
    target = np.where(near, within, across)
    moves = (rng.random(roster.height) < _MOVE) & (_room(roster, target) > 0)
    school_of = dict(zip(classes["cohort"], classes["school_no"], strict=True))
    new_school = pl.Series(target).replace_strict(school_of).to_numpy()
    changes_school = moves & (new_school != known["school_no"].to_numpy())
    dates = _joining_dates(rng, moment, roster.height)
    return roster.with_columns(
        pl.Series("cohort", np.where(moves, target, roster["cohort"].to_numpy())),
        pl.Series("enrolled_on", np.where(changes_school, dates, roster["enrolled_on"])),
        pl.Series("joined", np.where(changes_school, moment.number, roster["joined"])),
    )


def _other_class(
    rng: Generator, known: pl.DataFrame, classes: pl.DataFrame, *, by: list[str]
) -> np.ndarray:
    """Draw a class among those that share `by`; where there is one only, it is the pupil's own."""
    ordered = classes.sort([*by, "cohort"]).with_row_index("place")
    groups = ordered.group_by(by).agg(pl.col("place").min().alias("start"), pl.len().alias("count"))
    group = known.select(by).join(groups, on=by, how="left", maintain_order="left")
    step = (rng.random(known.height) * group["count"].to_numpy()).astype(np.int64)
    return np.asarray(ordered["cohort"].to_numpy()[group["start"].to_numpy() + step])


def _room(roster: pl.DataFrame, cohort: np.ndarray) -> np.ndarray:
    """For each of `cohort`, the pupils that still find a place in the class."""
    taken = np.bincount(roster["cohort"].to_numpy(), minlength=int(cohort.max()) + 1)
    return np.asarray(np.maximum(_FULL - taken[cohort], 0))


def _joiners(rng: Generator, moment: _Moment, here: _Here, roster: pl.DataFrame) -> pl.DataFrame:
    cohort = here.classes["cohort"].to_numpy()
    places = np.repeat(cohort, _room(roster, cohort))
    count = min(round(roster.height * _JOIN), len(places))
    return pl.DataFrame(
        {
            "pupil": here.people + np.arange(count),
            "cohort": rng.choice(places, size=count, replace=False),
            "enrolled_on": _joining_dates(rng, moment, count),
            "joined": np.full(count, moment.number),
        }
    )


def _joining_dates(rng: Generator, moment: _Moment, count: int) -> np.ndarray:
    """Days between the waves; over a summer, most of them the first day of school."""
    if moment.previous is not None and not moment.starts_school_year:
        first = np.datetime64(moment.previous.closes) + 1
        days = int((np.datetime64(moment.wave.opens) - first).astype(int))
        return first + rng.integers(0, max(days - 2, 1), size=count)
    lately = _days_before(rng, moment.wave, count)
    start = np.datetime64(_school_start(moment.wave))
    return np.where(rng.random(count) < _FROM_SCHOOL_START, start, lately)


def _days_before(rng: Generator, wave: Wave, count: int) -> np.ndarray:
    return np.datetime64(wave.opens) - rng.integers(3, NEW_FOR.days, size=count)


def _school_start(wave: Wave) -> date:
    return date(int(wave.school_year[:4]), 8, 17)


def _class_rows(here: _Here, wave: Wave) -> pl.DataFrame:
    sizes = here.roster.group_by("cohort").agg(pl.len().alias("enrolled"))
    return here.classes.join(sizes, on="cohort", maintain_order="left").select(
        pl.lit(wave.id).alias("wave"),
        pl.lit(wave.school_year).alias("school_year"),
        "cohort",
        "school_no",
        _class_name(),
        "grade",
        "enrolled",
    )


def _pupil_rows(here: _Here, moment: _Moment) -> pl.DataFrame:
    return here.roster.join(here.classes, on="cohort", how="left", maintain_order="left").select(
        pl.lit(moment.wave.id).alias("wave"),
        pl.lit(moment.number).alias("wave_no"),
        "pupil",
        "cohort",
        "school_no",
        _class_name(),
        "grade",
        "enrolled_on",
        "joined",
    )


def _class_name() -> pl.Expr:
    letter = pl.col("letter").replace_strict({0: "A", 1: "B", 2: "C"}, return_dtype=pl.String)
    return (pl.col("grade").cast(pl.String) + letter).alias("class_group")


def _mark_new(pupils: pl.DataFrame, waves: Sequence[Wave]) -> pl.DataFrame:
    """New: started at the school less than ten weeks ago, or after the year's first wave."""
    years = [wave.school_year for wave in waves]
    of_wave = pl.DataFrame(
        {
            "wave": [wave.id for wave in waves],
            "recent": [wave.opens - NEW_FOR for wave in waves],
            "first_of_year": [years.index(wave.school_year) for wave in waves],
        }
    )
    new = (pl.col("enrolled_on") >= pl.col("recent")) | (pl.col("joined") > pl.col("first_of_year"))
    joined = pupils.join(of_wave, on="wave", how="left", maintain_order="left")
    return joined.with_columns(new.alias("new_pupil")).drop("recent", "first_of_year", "joined")
