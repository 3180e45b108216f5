"""What a class list says, whichever way it was written: classes, their pupils, and what is held."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandera.polars as pandera
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

from schemas.reason import Reason
from schemas.settings import Settings
from transforms.held import HeldRow
from transforms.readers.reading import Reading

LISTED_CLASSES = {
    "school_id": pl.String,
    "school_year": pl.String,
    "class_group": pl.String,
    "grade": pl.Int8,
    "grades": pl.List(pl.Int8),
    "enrolled": pl.Int32,
}
LISTED_PUPILS = {
    "person": pl.String,
    "pupil": pl.String,
    "school_id": pl.String,
    "school_year": pl.String,
    "class_group": pl.String,
    "grade": pl.Int8,
    "enrolled_on": pl.Date,
    "left_on": pl.Date,
}

_HIGHEST_GRADE = 13
_MISSING = {
    "school": Reason.SCHOOL_UNKNOWN,
    "grade": Reason.GRADE_INVALID,
    "grades": Reason.GRADE_INVALID,
    "class_group": Reason.CLASS_INVALID,
    "pupil_code": Reason.PUPIL_CODE_MISSING,
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A class list, read.

    `classes` has the columns of `LISTED_CLASSES`; `enrolled` is null where the pupils are listed.
    `pupils` has those of `LISTED_PUPILS`, with codes where pseudonyms will stand. `scope` are the
    schools and school years that the list speaks of; where it is whole, nothing else is true of
    them, but for the classes of `not_listed` (school_id, class_group): those it names and cannot
    tell. `warned` counts rows that a person should look at, and that were taken as they stand.
    """

    classes: pa.Table = field(repr=False)
    pupils: pa.Table = field(repr=False)
    scope: pa.Table = field(repr=False)
    held: Sequence[HeldRow]
    delivered: int
    accepted: int
    is_whole: bool
    not_listed: pa.Table = field(repr=False)
    warned: Mapping[str, int] = field(default_factory=dict)


def trimmed_cells(reading: Reading, settings: Settings, columns: Sequence[str]) -> pl.DataFrame:
    """The columns as text, blanks as nulls, and every school by our own id of it."""
    texts = pa.schema({name: pa.string() for name in reading.table.column_names})
    frame = pl.DataFrame(reading.table.cast(texts))
    frame = frame.with_columns(pl.all().str.strip_chars().replace("", None))
    absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns]
    return frame.with_columns(our_school(settings, "school"), *absent).select(columns)


def our_school(settings: Settings, *columns: str) -> pl.Expr:
    """Our id of a school that lists may name otherwise; what no setting knows stays as it is."""
    ids = {school.register_id or school.id: school.id for school in settings.schools}
    known = [pl.col(name).replace_strict(ids, default=None) for name in columns]
    return pl.coalesce(*known, *columns).alias(columns[0])


def failed_rows(model: pandera.DataFrameSchema, frame: pl.DataFrame) -> dict[int, Reason]:
    """Row -> its first reason; pandera's own error, which carries cells, ends here."""
    try:
        model.validate(frame, lazy=True)
    except SchemaErrors as error:
        found = error.failure_cases.select("index", "column", "check")
    else:
        return {}
    reasons: dict[int, Reason] = {}
    ordered = found.sort("index", "column", "check", nulls_last=True)
    for index, column, check in ordered.iter_rows():
        reasons.setdefault(index, _reason(column, check))
    return reasons


def _reason(column: str | None, check: str) -> Reason:
    if check in Reason.__members__:
        return Reason(check)
    return _MISSING.get(column or "", Reason.ENROLLED_INVALID)


def held_rows(
    frame: pl.DataFrame, reading: Reading, reasons: Mapping[int, Reason]
) -> list[HeldRow]:
    """The rows that wait, and those that are none."""
    numbers = reading.row_no.to_pylist()
    held = [
        HeldRow(0, numbers[at], (reason,), (), repr(frame.row(at)).encode())
        for at, reason in sorted(reasons.items())
    ]
    return held + [
        HeldRow(0, row.row_no, (row.reason,), (), row.text.encode(errors="replace"))
        for row in reading.malformed
    ]


def is_unlike_class(grade: str) -> pl.Expr:
    """Whether a grade is none of the numbers in the class's name; no number, no contradiction.

    The first year of upper secondary is grade 11, and its classes are called 1STA.
    """
    grades = _numbers_in_name()
    own = grades.list.contains(pl.col(grade)) | grades.list.contains(pl.col(grade) - 10)
    return (~own & ~is_named_after(grade) & (grades.list.len() > 0)).fill_null(value=False)


def is_named_after(grade: str) -> pl.Expr:
    """Whether a grade lies among several numbers in the class's name: 5 in 5-6, 2 in 1-4."""
    grades = _numbers_in_name()
    lies_among = pl.col(grade).is_between(grades.list.min(), grades.list.max())
    return (lies_among & (grades.list.len() > 1)).fill_null(value=False)


def _numbers_in_name() -> pl.Expr:
    numbers = pl.col("class_group").str.extract_all(r"\d+").cast(pl.List(pl.Int64))
    return numbers.list.eval(pl.element().filter(pl.element() <= _HIGHEST_GRADE))


def arrow(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pa.Table:
    """The columns of a schema as an Arrow table."""
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items()).to_arrow()
