"""The grains of class lists, as they are delivered: text, checked before anything is typed.

`class_list_model` is a class and its number of pupils, `pupil_list_model` a pupil in a class, and
`roster_class_model` a class that a register tells of.
"""

from collections.abc import Mapping

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from schemas.answer import (
    GRADES,
    ISO_DATE,
    LOOKS_PERSONAL,
    MAX_ENROLLED,
    PUPIL_CODE,
)
from schemas.class_date import is_date
from schemas.class_name import class_pattern
from schemas.reason import Reason
from schemas.settings import Settings

# A date of a pupil's enrolment lies within these years before and after the school year.
YEARS_BEFORE, YEARS_AFTER = 25, 1
SCHOOL_YEAR = r"^[0-9]{4}-[0-9]{2}$"
FIRST_MONTH = 8  # a school year runs from August to July

_CENTURY = 100


def first_year(column: str = "school_year") -> pl.Expr:
    """The calendar year that a school year begins in; null where it is none."""
    begins = pl.col(column).str.slice(0, 4).cast(pl.Int32, strict=False)
    ends = pl.col(column).str.slice(5, 2).cast(pl.Int32, strict=False)
    is_year = pl.col(column).str.contains(SCHOOL_YEAR) & ((begins + 1) % _CENTURY == ends)
    return pl.when(is_year).then(begins)


def day(column: str) -> pl.Expr:
    """The calendar day that a cell begins with; null where it is none."""
    return pl.col(column).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)


def is_near(date: pl.Expr, year: pl.Expr) -> pl.Expr:
    """Whether a date lies near enough to its school year to be true; null where either is."""
    month = pl.lit(FIRST_MONTH)
    earliest = pl.date(year - YEARS_BEFORE, month, 1)
    return (date >= earliest) & (date < pl.date(year + 1 + YEARS_AFTER, month, 1))


def _is_school_year(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(first_year(data.key).is_not_null() | pl.col(data.key).is_null())


def _is_no_identity(data: PolarsData) -> pl.LazyFrame:
    looks_personal = pl.col(data.key).str.contains(LOOKS_PERSONAL)
    return data.lazyframe.select(~looks_personal.fill_null(value=False))


def _is_no_date(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(~is_date(data.key))


def _is_calendar_date(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(day(data.key).is_not_null() | pl.col(data.key).is_null())


def _dates_are_near(data: PolarsData) -> pl.LazyFrame:
    near = [is_near(day(name), first_year()) for name in ("enrolled_on", "left_on")]
    return data.lazyframe.select(
        pl.all_horizontal(one.fill_null(value=True) for one in near).alias("near")
    )


def _leaves_after_coming(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(
        (day("left_on") >= day("enrolled_on")).fill_null(value=True).alias("in_order")
    )


def _places(settings: Settings) -> dict[str, list[pa.Check]]:
    schools = [school.id for school in settings.schools]
    return {
        "school_year": [pa.Check(_is_school_year, error=Reason.ENROLLED_INVALID.value)],
        "school": [pa.Check.isin(schools, error=Reason.SCHOOL_UNKNOWN.value)],
        "class_group": [
            pa.Check.str_matches(
                class_pattern(settings.classes.names), error=Reason.CLASS_INVALID.value
            ),
            pa.Check(_is_no_identity, error=Reason.CLASS_INVALID.value),
            pa.Check(_is_no_date, error=Reason.CLASS_INVALID.value),
        ],
    }


def _model(
    name: str,
    columns: Mapping[str, list[pa.Check]],
    *,
    may_lack: frozenset[str] = frozenset(),
    checks: list[pa.Check] | None = None,
) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        {
            column: pa.Column(pl.String, tests, nullable=column in may_lack)
            for column, tests in columns.items()
        },
        checks=checks,
        name=name,
    )


def class_list_model(settings: Settings) -> pa.DataFrameSchema:
    """One row a class and school year, with the number of pupils on the list."""
    sizes = [str(size) for size in range(1, MAX_ENROLLED + 1)]
    return _model(
        "class_list",
        {
            **_places(settings),
            "grade": [pa.Check.isin(GRADES, error=Reason.GRADE_INVALID.value)],
            "enrolled": [pa.Check.isin(sizes, error=Reason.ENROLLED_INVALID.value)],
        },
    )


def pupil_list_model(settings: Settings) -> pa.DataFrameSchema:
    """One row a pupil, class and school year, with the dates of it where they are known."""
    date = [
        pa.Check.str_matches(ISO_DATE, error=Reason.ENROLLED_INVALID.value),
        pa.Check(_is_calendar_date, error=Reason.ENROLLED_INVALID.value),
    ]
    return _model(
        "pupil_list",
        {
            **_places(settings),
            "grade": [pa.Check.isin(GRADES, error=Reason.GRADE_INVALID.value)],
            "pupil_code": [
                pa.Check.str_matches(PUPIL_CODE, error=Reason.PUPIL_CODE_INVALID.value),
                pa.Check(_is_no_identity, error=Reason.PUPIL_CODE_INVALID.value),
            ],
            "enrolled_on": date,
            "left_on": date,
        },
        may_lack=frozenset({"enrolled_on", "left_on"}),
        checks=[
            pa.Check(_dates_are_near, error=Reason.ENROLLED_INVALID.value),
            pa.Check(_leaves_after_coming, error=Reason.ENROLLED_INVALID.value),
        ],
    )


def roster_class_model(settings: Settings) -> pa.DataFrameSchema:
    """One row a class of a register; `grades` are one or several, such as `5,6`."""
    one = "|".join(sorted(GRADES, key=len, reverse=True))
    grades = pa.Check.str_matches(f"^({one})(,({one}))*$", error=Reason.GRADE_INVALID.value)
    return _model("roster_class", {**_places(settings), "grades": [grades]})
