"""Class lists with a row a pupil: school year, school, class, grade, pupil code, and dates."""

import numpy as np
import polars as pl

from schemas.class_list import day, pupil_list_model
from schemas.reason import Reason
from schemas.settings import Settings
from transforms.bare_codes import bare_codes
from transforms.class_spelling import plain_class
from transforms.code_names import codes_to_tell
from transforms.listed import (
    LISTED_CLASSES,
    LISTED_PUPILS,
    Listed,
    arrow,
    failed_rows,
    held_rows,
    is_unlike_class,
    trimmed_cells,
)
from transforms.readers.reading import Reading

_COLUMNS = (
    "school_year",
    "school",
    "class_group",
    "grade",
    "pupil_code",
    "enrolled_on",
    "left_on",
)
_CLASS = ("school_id", "school_year", "class_group")


def list_of_pupils(reading: Reading, settings: Settings) -> Listed:
    """A list of pupils as a class list: all of each school and school year that it names.

    A pupil who stands in two classes at once is held in both: nobody can tell which is right.
    """
    frame = trimmed_cells(reading, settings, _COLUMNS)
    failed = failed_rows(pupil_list_model(settings), frame)
    one_name = plain_class(settings.classes.names)
    sound = np.ones(frame.height, np.bool_)
    sound[list(failed)] = False
    typed = _typed(frame, sound, one_name)
    twice = _listed_twice(typed)
    failed |= dict.fromkeys(twice, Reason.PUPIL_LISTED_TWICE)
    typed = typed.filter(~pl.col("at").is_in(twice)).unique(
        [*LISTED_PUPILS], keep="first", maintain_order=True
    )
    classes = _classes(typed)
    return Listed(
        classes=arrow(classes, LISTED_CLASSES),
        pupils=arrow(typed, LISTED_PUPILS),
        scope=typed.select("school_id", "school_year").unique(maintain_order=True).to_arrow(),
        held=held_rows(frame, reading, failed),
        delivered=reading.delivered,
        accepted=typed.height,
        is_whole=True,
        not_listed=_not_listed(frame[sorted(failed)].with_columns(one_name), classes).to_arrow(),
        warned=_warned(typed, settings),
    )


def _warned(typed: pl.DataFrame, settings: Settings) -> dict[str, int]:
    """How many of the rows a person should look at, though they were taken."""
    unlike = typed.filter(is_unlike_class("grade")).height
    judged = bare_codes(
        typed.select(
            "class_group",
            "grade",
            file_no=pl.lit(0),
            code=pl.col("pupil"),
            school=pl.col("school_id"),
            year=pl.col("school_year").str.slice(0, 4).cast(pl.Int32),
        )
    )
    words = 0 if settings.pupil_codes.of_letters else codes_to_tell(judged).height
    counts = {Reason.GRADE_NOT_AS_CLASS.value: unlike, Reason.CODE_OF_LETTERS.value: words}
    return {code: count for code, count in counts.items() if count}


def _typed(
    frame: pl.DataFrame, sound: "np.ndarray[tuple[int], np.dtype[np.bool_]]", one_name: pl.Expr
) -> pl.DataFrame:
    """The sound rows in the columns of `LISTED_PUPILS`, with `at`, their place in the file."""
    code = pl.col("pupil_code").str.to_uppercase()
    return (
        frame.with_row_index("at")
        .filter(pl.Series(sound))
        .select(
            "at",
            code.alias("person"),
            code.alias("pupil"),
            pl.col("school").alias("school_id"),
            "school_year",
            one_name,
            pl.col("grade").cast(pl.Int8),
            day("enrolled_on").alias("enrolled_on"),
            day("left_on").alias("left_on"),
        )
    )


def _listed_twice(typed: pl.DataFrame) -> list[int]:
    """Places of all rows of a pupil who is in two classes of a school year on the same day.

    The last day in one class may be the first in the next.
    """
    pupil = ("school_year", "pupil")
    begin = pl.col("enrolled_on").fill_null(pl.date(1, 1, 1))
    end = pl.col("left_on").fill_null(pl.date(9999, 12, 31))
    spans = (
        typed.unique([*LISTED_PUPILS], keep="first", maintain_order=True)
        .with_columns(begin.alias("begin"), end.alias("end"))
        .sort(*pupil, "begin", "end")
        .with_columns(pl.col("end").cum_max().shift(1).over(pupil).alias("taken"))
        .filter(pl.col("begin") < pl.col("taken"))
    )
    return typed.join(spans, on=pupil, how="semi")["at"].to_list()


def _classes(typed: pl.DataFrame) -> pl.DataFrame:
    """One row a class: all of its pupils' grades, and the most common one, the lowest of those."""
    grade = pl.col("grade")
    return typed.group_by(_CLASS, maintain_order=True).agg(
        grade.mode().min(),
        grade.unique().sort().alias("grades"),
        pl.lit(None, pl.Int32).alias("enrolled"),
    )


def _not_listed(failed: pl.DataFrame, classes: pl.DataFrame) -> pl.DataFrame:
    """Classes that the file names, and of which no row is sound."""
    named = failed.select(pl.col("school").alias("school_id"), "class_group")
    return named.drop_nulls().unique().join(classes, on=["school_id", "class_group"], how="anti")
