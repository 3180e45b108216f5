"""Class lists that only count: school_year, school, class_group, grade, and pupils enrolled."""

from collections.abc import Collection

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.class_list import class_list_model
from schemas.reason import Reason
from schemas.settings import Settings
from transforms.class_spelling import plain_class
from transforms.held import HeldRow
from transforms.listed import (
    LISTED_CLASSES,
    LISTED_PUPILS,
    Listed,
    arrow,
    failed_rows,
    held_rows,
    is_named_after,
    is_unlike_class,
    trimmed_cells,
)
from transforms.readers.reading import Reading

_COLUMNS = ("school_year", "school", "class_group", "grade", "enrolled")


def list_of_counts(reading: Reading, settings: Settings) -> Listed:
    """A list of classes as a class list; it says nothing of classes that it does not name."""
    classes, held = validate_class_list(reading, settings)
    rows = pl.DataFrame(classes)
    unlike = rows.filter(is_unlike_class("grade")).height
    frame = _classes(rows)
    return Listed(
        classes=arrow(frame, LISTED_CLASSES),
        pupils=pl.DataFrame(schema=LISTED_PUPILS).to_arrow(),
        scope=frame.select("school_id", "school_year").unique(maintain_order=True).to_arrow(),
        held=held,
        delivered=reading.delivered,
        accepted=classes.num_rows,
        is_whole=False,
        not_listed=frame.select("school_id", "class_group").clear().to_arrow(),
        warned={Reason.GRADE_NOT_AS_CLASS.value: unlike} if unlike else {},
    )


def validate_class_list(reading: Reading, settings: Settings) -> tuple[pa.Table, list[HeldRow]]:
    """Typed classes (school_id, class_group, school_year, grade, enrolled), and held rows.

    A class that stands twice with different numbers is held both times: nobody can tell which is
    right. Not so a class that is named after several grades and has a row for each.
    """
    frame = trimmed_cells(reading, settings, _COLUMNS)
    failed = failed_rows(class_list_model(settings), frame)
    one_name = plain_class(settings.classes.names)
    twice = _contradicted(frame, failed, one_name)
    failed |= {at: Reason.CLASS_INVALID for at in twice if at not in failed}
    sound = np.ones(frame.height, np.bool_)
    sound[list(failed)] = False
    return _typed(frame.filter(pl.Series(sound)), one_name), held_rows(frame, reading, failed)


def _contradicted(frame: pl.DataFrame, failed: Collection[int], one_name: pl.Expr) -> list[int]:
    """Every row of a class that stands with different numbers, however its name is spelt.

    Where it has a row for each grade and one of them waits, all do: the class would be too small.
    """
    own = ("school_year", "school", one_name)
    rows = pl.struct("grade", "enrolled").n_unique().over(own)
    grades = pl.col("grade").n_unique().over(own)
    number = pl.col("grade").cast(pl.Int8, strict=False)
    sound = ~pl.int_range(pl.len()).is_in(list(failed))
    named = frame.select(number, "class_group").select(is_named_after("grade") & sound)
    # A column and no literal: `over` looks at all of a literal for every class.
    told = frame.with_columns(named.to_series().alias("is_named"))
    each_once = (rows == grades) & pl.col("is_named").all().over(own)
    return told.select(pl.arg_where((rows > 1) & ~each_once)).to_series().to_list()


def _classes(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a class, under the grade that most of its pupils are in, the lowest of those."""
    return (
        rows.sort("enrolled", "grade", descending=[True, False])
        .group_by("school_id", "class_group", "school_year", maintain_order=True)
        .agg(
            pl.col("grade").first(),
            pl.col("grade").sort().alias("grades"),
            pl.col("enrolled").sum(),
        )
    )


def _typed(frame: pl.DataFrame, one_name: pl.Expr) -> pa.Table:
    return (
        frame.select(
            pl.col("school").alias("school_id"),
            one_name,
            "school_year",
            pl.col("grade").cast(pl.Int8),
            pl.col("enrolled").cast(pl.Int32),
        )
        .unique(["school_id", "class_group", "school_year", "grade"], maintain_order=True)
        .to_arrow()
    )
