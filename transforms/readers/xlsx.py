"""XLSX: the first sheet that holds something, as a text table; a cover before it is passed over.

A further sheet with the same headings is another class, which nobody may lose: such a workbook is
refused, and a hidden sheet is a sheet. Any other one (notes, lists for the form) is not part of the
answers; its rows are counted as not read. A national number in any sheet, in the name of one or
outside the cells (`xlsx_outside`: an address there too) refuses the workbook: it would lie with us
for good.

A blank cell is "" (asked, left blank). Formatting is not content: what counts is the value that
the cell holds. Reading is done by calamine on a package that `xlsx_parts` has proven, and rows
are counted twice, because some workbooks make a library return fewer rows than they hold.
"""

import io
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

import numpy as np
import polars as pl
import pyarrow as pa
from python_calamine import CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.identifiers import find_identifiers
from transforms.readers.cells import float_text
from transforms.readers.reading import FileProblem, Reading
from transforms.readers.xlsx_outside import said_of_itself, said_outside
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
from transforms.readers.xlsx_sheets import is_cover, is_table, sheet_behind_covers, wide_rows

# Where the headings of another sheet are looked for, and what is as wide as a form.
_TOPS, _WIDE, _AS_WIDE = 5, 6, 0.8
# A sheet's fraction of a day is no number of a person, however many digits it has.
_FRACTION = r"[0-9]+[.][0-9]{7,}"
_NONE = np.zeros(0, np.bool_)
_OUTSIDE_KINDS = (Personal.NATIONAL_ID, Personal.EMAIL)

T = TypeVar("T")
Row = list[Any]


def read_xlsx(content: bytes) -> Reading:
    """The sheet that `_rows` chooses; its first row with content is the heading.

    `row_no` is the row number that the sheet shows. Rows that are wholly blank are not rows.
    Raises `FileProblem`: TOO_LARGE, UNREADABLE (damaged, encrypted, formulas without results),
    COUNTS_DO_NOT_ADD_UP, HEADER_REPEATED, NO_ROWS, ANSWERS_ON_OTHER_SHEET, SHEETS_ALIKE, and
    PERSONAL_DATA for a national number outside that sheet.
    """
    rows, row_no, unread, other = _rows(read_parts(content))
    said = [at for at, row in enumerate(rows) if any(map(_says_something, row))]
    rows, row_no = [rows[at] for at in said], [row_no[at] for at in said]
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        reason = Reason.ANSWERS_ON_OTHER_SHEET if other else Reason.NO_ROWS
        raise FileProblem(reason).with_sheet(other)
    columns = [[_text(value) for value in column] for column in zip(*rows, strict=True)]
    row_no = pa.array(row_no[1:], pa.int32())
    return Reading(_table(columns), row_no, "xlsx", unread=unread, other_sheet=other)


def _says_something(value: object) -> bool:
    """Whether a cell holds more than spaces."""
    return bool(value.strip()) if type(value) is str else True


def rows_of_sheets(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Every row of every sheet as texts, with its number; nothing is demanded of them.

    The names of the sheets stand first, as a row without a number: 0.
    """
    parts = read_parts(content)
    where = sheet_parts(parts)
    yield 0, list(where)
    package = pack(parts, set(where.values()))
    workbook = _ask(CalamineWorkbook.from_filelike, io.BytesIO(package))
    for name in _sheets(workbook):
        if name in where and measure(parts[where[name]]).filled_rows:
            rows, row_no = _sheet(workbook, name, parts[where[name]])
            yield from zip(row_no, ([_text(cell) for cell in row] for row in rows), strict=True)


def texts_outside_cells(content: bytes) -> list[str]:
    """What a workbook says outside its cells, and of itself (`xlsx_outside`)."""
    parts = read_parts(content)
    return [*said_outside(parts, set(sheet_parts(parts).values())), *said_of_itself(parts)]


def _rows(parts: Parts) -> tuple[list[Row], list[int], int, tuple[int, int] | None]:
    """Rows that are not blank, heading first; the sheet row of each; and of further sheets.

    Of these, how many rows they hold, and which visible one has the most that could be forms: its
    number from the left, and its rows. Read is the first visible sheet with content, or the one
    table behind covers (`xlsx_sheets`).
    """
    where = sheet_parts(parts)
    package = pack(parts, set(where.values()))
    workbook = _ask(CalamineWorkbook.from_filelike, io.BytesIO(package))
    names = _sheets(workbook)
    if any(name not in where for name in names):
        raise FileProblem(Reason.UNREADABLE)
    _require_nobody([*where, *said_of_itself(parts)])
    _require_nobody(said_outside(parts, set(where.values())), _OUTSIDE_KINDS)
    filled = [name for name in names if measure(parts[where[name]]).filled_rows]
    tabs = _visible(workbook)
    shown = [name for name in filled if name in tabs]
    if not shown:
        raise FileProblem(Reason.NO_ROWS)
    answers = _of_answers(shown, lambda name: _sheet(workbook, name, parts[where[name]])[0])
    sheet = parts[where[answers]]
    rows, row_no = _sheet(workbook, answers, sheet)
    if len(rows) != measure(sheet).filled_rows and len(rows) != count_rows(sheet, parts):
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
    unread = 0
    wide: dict[str, tuple[int, int]] = {}
    for name in filled:
        others = [] if name == answers else _sheet(workbook, name, parts[where[name]])[0]
        _require_nobody([_text(cell) for row in others for cell in row])
        if len(others) > 1 and _are_alike(rows, others):
            raise FileProblem(Reason.SHEETS_ALIKE)
        unread += len(others)
        if name in shown and (count := wide_rows(others)) > 1:
            wide[name] = (count, len(others))
    most = max(wide, key=lambda name: wide[name][0], default=None)
    other = (tabs.index(most) + 1, wide[most][1]) if most else None
    return rows, row_no, unread, other


def _of_answers(shown: list[str], rows_of: Callable[[str], list[Row]]) -> str:
    """The sheet to read: the first, or the one table where only covers stand before it."""
    if len(shown) == 1 or not is_cover(rows_of(shown[0])):
        return shown[0]
    shapes = {}
    for name in shown:
        rows = rows_of(name)
        shapes[name] = is_cover(rows), is_table(rows)
    return sheet_behind_covers(shapes) or shown[0]


def _require_nobody(texts: list[str], kinds: Iterable[Personal] = (Personal.NATIONAL_ID,)) -> None:
    """Nothing but the answers is looked at later on, so a person beside them is found here."""
    cells = pl.Series(texts, dtype=pl.String).str.replace_all(_FRACTION, "|")
    found = find_identifiers(cells, np.ones(len(cells), np.bool_))
    if any(found.get(kind, _NONE).any() for kind in kinds):
        raise FileProblem(Reason.PERSONAL_DATA)


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


def _sheets(workbook: CalamineWorkbook) -> list[str]:
    return [
        sheet.name for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet
    ]


def _visible(workbook: CalamineWorkbook) -> list[str]:
    # A hidden sheet holds lists for a form, or a copy: not the answers that somebody delivers.
    return [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible
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
