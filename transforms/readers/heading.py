"""The heading of a delimited text: its delimiter and the names of its columns.

What a file is gets told here, before a row is read; so it must cost no more than its first record.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from schemas.reason import Reason
from transforms.readers.reading import FileProblem
from transforms.readers.structure import MAX_RECORD

DELIMITERS = ";,\t|"
MAX_COLUMNS = 500

_QUOTED = re.compile(r'"[^"]*"')
_TOLD = re.compile(rb'"?[sS][eE][pP]=[;,\t|]"?[;,\t|]*\r?\n')  # a line for Excel, no heading
_BLANK = re.compile(rb'(?:(?:""|[ \t;,|])*\r?\n)*')  # lines that a sheet leaves above the headings
_VALUE = re.compile(r"[-+]?[0-9]+([.,][0-9]+)?|[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([T ].*)?")


@dataclass(frozen=True, slots=True)
class Heading:
    """The first record: the delimiter, the column names, and its size in bytes and lines."""

    delimiter: str
    columns: tuple[str, ...]
    size: int
    lines: int


def read_heading(content: bytes) -> Heading:
    """Find the delimiter and the column names of a UTF-8 text.

    The delimiter is the one that stands most often outside quotes. A first line for Excel (`sep=;`)
    is passed over, and so are blank lines and lines of nothing but delimiters. A heading that names
    a column twice, or that no delimiter splits, is a problem of the file; so is one that is
    missing, which shows where the first row's answers are taken for column names and one comes
    twice.
    """
    heading = heading_as_named(content)
    if len(set(heading.columns)) != len(heading.columns):
        is_data = looks_like_data(heading.columns)
        raise FileProblem(Reason.HEADER_MISSING if is_data else Reason.HEADER_REPEATED)
    return heading


def heading_as_named(content: bytes) -> Heading:
    """`read_heading`, also where a column is named twice: to see what the file is, not to read."""
    if not holds_text(content):
        raise FileProblem(Reason.EMPTY_FILE)
    told = _TOLD.match(content)
    above = _BLANK.match(content, told.end() if told else 0)
    start = above.end() if above else 0
    size, lines = _first_record(content, start)
    text = content[start:size].decode().rstrip("\r\n")
    delimiter = max(DELIMITERS, key=_QUOTED.sub("", text).count)
    columns = _split(text, delimiter)
    if columns and not columns[-1]:
        columns = columns[:-1]
    if len(columns) < 2 or len(columns) > MAX_COLUMNS:  # noqa: PLR2004 - one column is no table
        raise FileProblem(Reason.NOT_RECOGNISED)
    return Heading(delimiter, tuple(columns), size, lines + content.count(b"\n", 0, start))


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a first record is one of answers: most of what it says is numbers and dates.

    A heading of nothing but question numbers has no number twice, so it is not asked about.
    """
    said = [cell for cell in cells if cell]
    return 2 * sum(map(is_value, said)) > len(said)


def is_value(cell: str) -> bool:
    """Whether a cell is a number or a day."""
    return _VALUE.fullmatch(cell) is not None


def holds_text(content: bytes, start: int = 0, delimiter: str = "") -> bool:
    """Whether anything but blanks and delimiters stands from `start` on; looks no further."""
    said = re.compile(rb"[^\s" + re.escape(delimiter.encode()) + rb"]")
    return said.search(content, start) is not None


def count_lines(content: bytes, heading: Heading) -> int:
    """Lines with something on them after the heading: what a file without structure holds."""
    blanks = b" \t\r" + heading.delimiter.encode()
    return sum(1 for line in content[heading.size :].split(b"\n") if line.strip(blanks))


def _first_record(content: bytes, start: int) -> tuple[int, int]:
    """The end in bytes and the lines of the first record from `start`; quotes may hold newlines."""
    at, lines, quotes = start, 0, 0
    while True:
        newline = content.find(b"\n", at)
        end = newline + 1 or len(content)
        quotes += content.count(b'"', at, end)
        lines += 1
        if end > MAX_RECORD:
            # Over several lines it is no heading, but a quote that nobody closed.
            raise FileProblem(Reason.UNTERMINATED_QUOTE if lines > 1 else Reason.TOO_LARGE)
        if quotes % 2 == 0:
            return end, lines
        if newline < 0:
            raise FileProblem(Reason.UNTERMINATED_QUOTE)
        at = end


def _split(text: str, delimiter: str) -> list[str]:
    try:
        row = next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error:  # a misplaced quote or line end, or a name without end: no heading
        return []
    return [cell.strip() for cell in row]
