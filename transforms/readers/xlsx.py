"""XLSX: the first sheet that holds something, as a text table.

A further sheet with the same headings is another class, which nobody may lose: such a workbook is
refused. Any other sheet (notes, lists for the form) is not part of the answers, and left alone.

A blank cell is "" (asked, left blank). Formatting is not content: what counts is the value that
the cell holds. Reading is done by calamine on a package that `xlsx_parts` has proven, and rows
are counted twice, because some workbooks make a library return fewer rows than they hold.
"""

import io
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

import pyarrow as pa
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from schemas.reason import Reason
from transforms.readers.cells import float_text
from transforms.readers.reading import FileProblem, Reading
from transforms.readers.xlsx_parts import (
    MAX_CELLS,
    MAX_COLUMNS,
    Extent,
    Parts,
    count_rows,
    measure,
    pack,
    read_parts,
    sheet_parts,
)

# Where the headings of another sheet are looked for, and what is as wide as a form.
_TOPS, _WIDE, _AS_WIDE = 5, 6, 0.8

T = TypeVar("T")
Row = list[Any]


def read_xlsx(content: bytes) -> Reading:
    """The first visible sheet with content; its first row with content is the heading.

    `row_no` is the row number that the sheet shows. Rows that are wholly blank are not rows.
    Raises `FileProblem`: TOO_LARGE, UNREADABLE (damaged, encrypted, formulas without results),
    COUNTS_DO_NOT_ADD_UP, HEADER_REPEATED, NO_ROWS, SHEETS_ALIKE.
    """
    rows, row_no = _rows(read_parts(content))
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        raise FileProblem(Reason.NO_ROWS)
    columns = [[_text(value) for value in column] for column in zip(*rows, strict=True)]
    return Reading(_table(columns), pa.array(row_no[1:], pa.int32()), "xlsx")


def rows_of_sheets(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Every row of every visible sheet as texts, with its number; nothing is demanded of them."""
    parts = read_parts(content)
    where = sheet_parts(parts)
    package = pack(parts, set(where.values()))
    workbook = _ask(CalamineWorkbook.from_filelike, io.BytesIO(package))
    for name in _visible_sheets(workbook):
        if name in where and measure(parts[where[name]]).filled_rows:
            rows, row_no = _sheet(workbook, name, parts[where[name]])
            yield from zip(row_no, ([_text(cell) for cell in row] for row in rows), strict=True)


def _rows(parts: Parts) -> tuple[list[Row], list[int]]:
    """Rows that are not blank, heading first, and the sheet row of each."""
    where = sheet_parts(parts)
    package = pack(parts, set(where.values()))
    workbook = _ask(CalamineWorkbook.from_filelike, io.BytesIO(package))
    names = _visible_sheets(workbook)
    if any(name not in where for name in names):
        raise FileProblem(Reason.UNREADABLE)
    filled = [name for name in names if measure(parts[where[name]]).filled_rows]
    if not filled:
        raise FileProblem(Reason.NO_ROWS)
    sheet = parts[where[filled[0]]]
    rows, row_no = _sheet(workbook, filled[0], sheet)
    if len(rows) != measure(sheet).filled_rows and len(rows) != count_rows(sheet, parts):
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
    for name in filled[1:]:
        others, _ = _sheet(workbook, name, parts[where[name]])
        if len(others) > 1 and _are_alike(rows, others):
            raise FileProblem(Reason.SHEETS_ALIKE)
    return rows, row_no


def _sheet(workbook: CalamineWorkbook, name: str, sheet: bytes) -> tuple[list[Row], list[int]]:
    _require_within_limits(measure(sheet))
    return _filled(_ask(workbook.get_sheet_by_name, name))


def _are_alike(rows: list[Row], others: list[Row]) -> bool:
    """Whether a sheet may hold answers to the same form: its headings, or rows as wide as those.

    A title may stand above the headings, or nobody has written any. Notes and lists are narrow.
    """
    names = _said(rows[0])
    tops = [_said(row) for row in others[:_TOPS]]
    if any(2 * len(names & top) > max(len(names), len(top)) for top in tops):
        return True
    widths = sorted(sum(cell != "" for cell in row) for row in others)
    return len(names) >= _WIDE and widths[len(widths) // 2] >= _AS_WIDE * len(names)


def _said(row: Row) -> set[str]:
    return {_text(cell) for cell in row} - {""}


def _ask(call: Callable[[Any], T], argument: object) -> T:
    """Call calamine; whatever goes wrong in there means that the workbook cannot be read."""
    try:
        return call(argument)
    except BaseException as error:  # a panic in Rust is not an Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
    raise FileProblem(Reason.UNREADABLE)


def _visible_sheets(workbook: CalamineWorkbook) -> list[str]:
    # A hidden sheet holds lists for a form, not what a person means to deliver.
    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]


def _require_within_limits(extent: Extent) -> None:
    if extent.columns > MAX_COLUMNS or extent.columns * extent.rows > MAX_CELLS:
        raise FileProblem(Reason.TOO_LARGE)


def _filled(sheet: CalamineSheet) -> tuple[list[Row], list[int]]:
    first = (sheet.start or (0, 0))[0] + 1
    numbered = [
        (number, row)
        for number, row in enumerate(sheet.to_python(skip_empty_area=True), first)
        if any(value != "" for value in row)
    ]
    return [row for _, row in numbered], [number for number, _ in numbered]


def _table(columns: list[list[str]]) -> pa.Table:
    used = [column for column in columns if any(column)]
    names = [column[0] for column in used]
    if len(set(names)) < len(names):
        raise FileProblem(Reason.HEADER_REPEATED)
    if len(names) > MAX_COLUMNS:
        raise FileProblem(Reason.TOO_LARGE)
    return pa.table([pa.array(column[1:], pa.string()) for column in used], names=names)


def _text(value: object) -> str:
    return value if type(value) is str else _WRITERS[type(value)](value)


def _clock(value: time) -> str:
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def _moment(value: datetime) -> str:
    # A sheet stores a moment as a fraction of a day, a hair off the second.
    return (value + timedelta(milliseconds=500)).replace(microsecond=0).isoformat()


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{clock}:{seconds:02}" if seconds else clock


_WRITERS: dict[type, Callable[[Any], str]] = {
    float: float_text,
    int: str,
    bool: lambda value: "1" if value else "0",
    date: date.isoformat,
    datetime: _moment,
    time: _clock,
    timedelta: _duration,
}
