"""Parquet: the footer is held against limits before any data is read, and pages are checked.

A null in a Parquet column becomes "" (asked, left blank): the column is in the file, so the
question was in the form. A question that was not asked has no column. NaN stays the word "nan",
which no validation accepts.
"""

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as pt

from schemas.reason import Reason
from transforms.readers.cells import numbers_text, oslo_clock
from transforms.readers.reading import FileProblem, Reading

MAX_ROWS = 2_000_000
MAX_COLUMNS = 500
MAX_BYTES = 200_000_000
MAX_CELLS = 50_000_000  # a dictionary holds any number of equal cells in a few bytes
_FIRST_YEAR, _LAST_YEAR = 1, 9999
_CLOCK_NOUGHT = r"^(\d\d:\d\d):00$"

# What pyarrow raises on damaged files; ArrowInvalid and its kin derive from these.
_PYARROW_ERRORS = (
    pa.ArrowException,
    OSError,
    ValueError,
    TypeError,
    LookupError,
    NotImplementedError,
    MemoryError,
    OverflowError,
)


def read_parquet(content: bytes) -> Reading:
    """A flat Parquet file as a text table; row 2 is the first row, as under a heading.

    Raises `FileProblem`: TOO_LARGE by its footer, UNREADABLE when damaged, encrypted or nested,
    HEADER_REPEATED, NO_ROWS.
    """
    try:
        table = _text_table(_checked(content))
    except _PYARROW_ERRORS:
        problem = FileProblem(Reason.UNREADABLE)
    else:
        return Reading(table, pa.array(range(2, table.num_rows + 2), pa.int32()), "parquet")
    raise problem


def _checked(content: bytes) -> pa.Table:
    file = pq.ParquetFile(
        pa.BufferReader(content),
        page_checksum_verification=True,
        arrow_extensions_enabled=False,
        pre_buffer=False,
    )
    _require_within_limits(file.metadata)
    names = file.schema_arrow.names
    if len(set(names)) < len(names):
        raise FileProblem(Reason.HEADER_REPEATED)
    if file.metadata.num_rows == 0 or not names:
        raise FileProblem(Reason.NO_ROWS)
    # A damaged page has to fail in this thread: another one would abort the process at its end.
    table = file.read(use_threads=False)
    table.validate(full=True)
    if table.num_rows != file.metadata.num_rows:
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
    return table


def _require_within_limits(footer: pq.FileMetaData) -> None:
    size = sum(footer.row_group(i).total_byte_size for i in range(footer.num_row_groups))
    is_too_wide = footer.num_columns > MAX_COLUMNS
    is_too_long = footer.num_rows > min(MAX_ROWS, MAX_CELLS // max(footer.num_columns, 1))
    if is_too_wide or is_too_long or size > MAX_BYTES:
        raise FileProblem(Reason.TOO_LARGE)


def _text_table(table: pa.Table) -> pa.Table:
    columns = [pc.fill_null(_as_text(column), "") for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pt.is_nested(kind) or pt.is_duration(kind) or pt.is_interval(kind):
        raise TypeError("a flat column of text, numbers or dates was expected")
    if pt.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    if pt.is_boolean(kind):
        return column.cast(pa.int8()).cast(pa.string())
    if pt.is_timestamp(kind):
        return _moment_text(column)
    if pt.is_time(kind):
        seconds = column.cast(pa.time64("us")).cast(pa.string())
        return pc.replace_substring_regex(
            pc.utf8_slice_codeunits(seconds, 0, 8), _CLOCK_NOUGHT, r"\1"
        )
    text = column.cast(pa.string())
    return numbers_text(text) if pt.is_floating(kind) or pt.is_decimal(kind) else text


def _moment_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Floored in Arrow, not cast: before 1970 a cast would round towards the future. And in UTC,
    # which is the one zone that Arrow knows without a file of the system's.
    if column.type.tz is None:
        seconds = pc.floor_temporal(column, unit="second").cast(pa.timestamp("s"))
        return pc.replace_substring(seconds.cast(pa.string()), " ", "T")
    # A moment with a zone is shown as the clock on the wall here, like the other exports.
    utc = pc.floor_temporal(column.cast(pa.timestamp(column.type.unit, "UTC")), unit="second")
    _require_in_calendar(pc.year(utc))
    return oslo_clock(pl.Series(utc.cast(pa.timestamp("ms", "UTC"))))


def _require_in_calendar(years: pa.ChunkedArray) -> None:
    # Polars may panic on moments that no calendar has.
    found = pc.min_max(years)
    first, last = found["min"].as_py(), found["max"].as_py()
    if first is not None and not _FIRST_YEAR <= first <= last <= _LAST_YEAR:
        raise ValueError("moments within the calendar were expected")
