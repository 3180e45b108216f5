"""Which sheet of a workbook holds the answers, told by the shape of its rows alone.

People put a cover before the answers: a title, the day of the export, a few words. It is passed
over where nothing else could be meant: every sheet before is a few lines of text, and one sheet
alone is a table. Otherwise the first sheet is read as it stands, and the note tells of the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Sequence[Any]

_COVER_LINES, _COVER_CELLS = 10, 2
_FEWEST_COLUMNS = 4  # no form and no class list has fewer
_HALF = 0.5


def is_cover(rows: Sequence[Row]) -> bool:
    """Whether a sheet's filled rows are a few lines of text, side by side with nothing."""
    return len(rows) <= _COVER_LINES and all(_filled(row) <= _COVER_CELLS for row in rows)


def is_table(rows: Sequence[Row]) -> bool:
    """Whether the first row has headings, each a text of its own, and rows as wide stand below."""
    if len(rows) < 2:  # noqa: PLR2004 - a heading and a row
        return False
    names = [cell.strip() for cell in rows[0] if isinstance(cell, str) and cell.strip()]
    widths = sorted(map(_filled, rows[1:]))
    return len(set(names)) == _filled(rows[0]) >= _FEWEST_COLUMNS and widths[
        len(widths) // 2
    ] >= _HALF * len(names)


def wide_rows(rows: Iterable[Row]) -> int:
    """How many rows could be forms, or the headings of some."""
    return sum(_filled(row) >= _FEWEST_COLUMNS for row in rows)


def sheet_behind_covers(shapes: Mapping[str, tuple[bool, bool]]) -> str | None:
    """Of sheets in their order, each a cover or a table or neither: the one table behind covers."""
    tables = [name for name, (_, table) in shapes.items() if table]
    if len(tables) != 1:
        return None
    before = list(shapes)[: list(shapes).index(tables[0])]
    return tables[0] if all(shapes[name][0] for name in before) else None


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) if isinstance(cell, str) else True for cell in row)
