"""Class lists: school_year, school, class_group, grade, and the number of pupils enrolled."""

import numpy as np
import pandera.polars as pandera
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

from schemas.answer import class_list_model
from schemas.reason import Reason
from schemas.settings import Settings
from transforms.readers.reading import Reading
from transforms.validate import HeldRow

# One spelling a class, as in transforms/validate.py: `7a`, `7 A` and `7A` are the same.
_PLAIN_CLASS = pl.col("class_group").str.to_uppercase().str.replace_all(" ", "", literal=True)


def validate_class_list(reading: Reading, settings: Settings) -> tuple[pa.Table, list[HeldRow]]:
    """Typed classes (school_id, class_group, school_year, grade, enrolled), and held rows.

    A class that stands twice with different numbers is held both times: nobody can tell which is
    right.
    """
    frame = pl.DataFrame(reading.table.cast(_text_schema(reading.table)))
    frame = frame.with_columns(pl.all().str.strip_chars().replace("", None))
    failed = _failed_rows(class_list_model(settings), frame)
    failed |= {at: Reason.CLASS_INVALID for at in _contradicted(frame) if at not in failed}
    sound = np.ones(frame.height, np.bool_)
    sound[list(failed)] = False
    held = [
        HeldRow(0, row_no, (failed[at],), (), repr(frame.row(at)).encode())
        for at, row_no in enumerate(reading.row_no.to_pylist())
        if at in failed
    ]
    held += [
        HeldRow(0, row.row_no, (row.reason,), (), row.text.encode()) for row in reading.malformed
    ]
    return _typed(frame.filter(pl.Series(sound))), held


def _text_schema(table: pa.Table) -> pa.Schema:
    return pa.schema({name: pa.string() for name in table.column_names})


def _failed_rows(model: pandera.DataFrameSchema, frame: pl.DataFrame) -> dict[int, Reason]:
    """Row -> its first reason; pandera's own error, which carries cells, ends here."""
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as error:
        found = error.failure_cases.select("index", "column", "check")
    else:
        return {}
    reasons: dict[int, Reason] = {}
    for index, column, check in found.sort("index", "column", "check").iter_rows():
        reasons.setdefault(index, _reason(column, check))
    return reasons


def _reason(column: str, check: str) -> Reason:
    if check in Reason.__members__:
        return Reason(check)
    missing = {"school": Reason.SCHOOL_UNKNOWN, "grade": Reason.GRADE_INVALID}
    return missing.get(
        column, Reason.CLASS_INVALID if column == "class_group" else Reason.ENROLLED_INVALID
    )


def _contradicted(frame: pl.DataFrame) -> list[int]:
    """Every row of a class that stands with different numbers, however its name is spelt."""
    differs = pl.struct("grade", "enrolled").n_unique().over("school_year", "school", _PLAIN_CLASS)
    return frame.select(pl.arg_where(differs > 1)).to_series().to_list()


def _typed(frame: pl.DataFrame) -> pa.Table:
    return (
        frame.select(
            pl.col("school").alias("school_id"),
            _PLAIN_CLASS,
            "school_year",
            pl.col("grade").cast(pl.Int8),
            pl.col("enrolled").cast(pl.Int32),
        )
        .unique(["school_id", "class_group", "school_year"], maintain_order=True)
        .to_arrow()
    )
