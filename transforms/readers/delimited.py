"""Delimited text: our canonical CSV and the exports of most survey tools.

The structure is proven first (`structure.py`), then pyarrow parses the sound records, and the two
counts must agree. Many small files with one heading are read as one block: 900 class files cost
little more than one file of their size.
"""

import csv
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from schemas.reason import Reason
from transforms.readers.reading import Batch, FileProblem, MalformedRow, Reading
from transforms.readers.structure import (
    MAX_RECORD,
    NEWLINE,
    QUOTE,
    Records,
    require_bounded,
    scan_records,
    sound_bytes,
)

DELIMITERS = ";,\t|"
BLOCK_BYTES = 8 << 20
MAX_BLOCK = 32 << 20  # a record that has no end by then has none
_FEW_LINES = 100  # of an answer with line ends in it; beyond, whole columns are faster
PARSE_BYTES = 8 << 20  # pyarrow parses blocks of this size
MAX_COLUMNS = 500

_TEXT = re.compile(rb"\S")
_FIELD = re.compile(rb"[^ \r\n]")  # a line of tabs may be a record of blanks
_QUOTED = re.compile(r'"[^"]*"')
_VALUE = re.compile(r"[-+]?[0-9]+([.,][0-9]+)?|[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([T ].*)?")


@dataclass(frozen=True, slots=True)
class Heading:
    """The first record: the delimiter, the column names, and its size in bytes and lines."""

    delimiter: str
    columns: tuple[str, ...]
    size: int
    lines: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole records of one file, and how many lines of the file stand before them."""

    file_no: int
    lines_before: int
    content: bytes = field(repr=False)
    lines: int
    cut_off: bytes = field(default=b"", repr=False)  # a last line that may be half of one


def as_utf8(content: bytes) -> bytes:
    """The text as UTF-8 without a byte order mark and with newlines.

    Only what is proven is taken: a byte order mark, or bytes that are strictly UTF-8. Anything else
    raises ENCODING_UNKNOWN; an encoding is never guessed.
    """
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeError:
            raise FileProblem(Reason.ENCODING_UNKNOWN) from None
    content = content.removeprefix(BOM_UTF8)
    if not content.isascii():
        _require_utf8(content)
    if b"\n" not in content and b"\r" in content:
        content = content.replace(b"\r", b"\n")
    return content


def _require_utf8(content: bytes) -> None:
    decoder = getincrementaldecoder("utf-8")()
    view = memoryview(content)
    try:
        for at in range(0, len(content), BLOCK_BYTES):
            decoder.decode(view[at : at + BLOCK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None


def read_heading(content: bytes) -> Heading:
    """Find the delimiter and the column names of a UTF-8 text.

    The delimiter is the one that stands most often outside quotes. A heading that names a column
    twice, or that no delimiter splits, is a problem of the file; so is one that is missing, which
    shows where the first row's answers are taken for column names and one comes twice.
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
    size, lines = _first_record(content)
    text = content[:size].decode().rstrip("\r\n")
    delimiter = max(DELIMITERS, key=_QUOTED.sub("", text).count)
    columns = _split(text, delimiter)
    if columns and not columns[-1]:
        columns = columns[:-1]
    if len(columns) < 2 or len(columns) > MAX_COLUMNS:  # noqa: PLR2004 - one column is no table
        raise FileProblem(Reason.NOT_RECOGNISED)
    return Heading(delimiter, tuple(columns), size, lines)


def looks_like_data(cells: Sequence[str]) -> bool:
    """Whether a first record is one of answers: most of what it says is numbers and dates.

    A heading of nothing but question numbers has no number twice, so it is not asked about.
    """
    said = [cell for cell in cells if cell]
    return 2 * sum(_VALUE.fullmatch(cell) is not None for cell in said) > len(said)


def holds_text(content: bytes, start: int = 0) -> bool:
    """Whether anything but blanks stands from `start` on; looks no further than it must."""
    return _TEXT.search(content, start) is not None


def _first_record(content: bytes) -> tuple[int, int]:
    """Size in bytes and lines of the first record, which may hold newlines inside quotes."""
    at, lines, quotes = 0, 0, 0
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


def read_delimited(content: bytes) -> Reading:
    """Read one delimited file, of any size and with any heading."""
    text = as_utf8(content)
    heading = read_heading(text)
    require_bounded(text, heading.delimiter.encode())
    batches = list(read_batches([(0, text)], heading))
    if not batches:
        raise FileProblem(Reason.NO_ROWS)
    return Reading(
        table=pa.concat_tables([batch.table for batch in batches]).unify_dictionaries(),
        row_no=pa.concat_arrays([batch.row_no for batch in batches]),
        format="csv",
        malformed=tuple(row for batch in batches for _, row in batch.malformed),
    )


def read_batches(
    files: Iterable[tuple[int, bytes]], heading: Heading, *, block_bytes: int = BLOCK_BYTES
) -> Iterator[Batch]:
    """Read files that begin with the same heading, in blocks of about `block_bytes`.

    `files` are pairs of a file number and the whole UTF-8 content, heading included. Raises
    UNTERMINATED_QUOTE where a file has an open quote at its end: check with `require_closed` first
    where one file must not stop the others.
    """
    pieces: list[_Piece] = []
    gathered = 0
    for file_no, content in files:
        for piece in _pieces(file_no, content, heading, block_bytes):
            if pieces and gathered + len(piece.content) > block_bytes:
                yield _read_block(pieces, heading)
                pieces, gathered = [], 0
            pieces.append(piece)
            gathered += len(piece.content)
    if pieces:
        yield _read_block(pieces, heading)


def require_closed(content: bytes) -> None:
    """Raise UNTERMINATED_QUOTE where the text ends inside a quoted field."""
    if content.count(b'"') % 2:
        raise FileProblem(Reason.UNTERMINATED_QUOTE)


def count_lines(content: bytes, heading: Heading) -> int:
    """Lines with something on them after the heading: what a file without structure holds."""
    return sum(1 for line in content[heading.size :].split(b"\n") if line.strip())


def _pieces(file_no: int, content: bytes, heading: Heading, block_bytes: int) -> Iterator[_Piece]:
    """Cut one file into pieces that end with a record."""
    at, lines = heading.size, heading.lines
    while at < len(content):
        end = _cut(content, at, block_bytes)
        piece = content[at:end]
        cut_off = b"" if piece.endswith(b"\n") else _cut_off(piece, heading)
        piece = piece.removesuffix(cut_off)
        if piece and not piece.endswith(b"\n"):
            piece += b"\n"
        inside = piece.count(b"\n")
        if cut_off or _FIELD.search(piece):
            yield _Piece(file_no, lines, piece, inside, cut_off)
        lines += inside
        at = end


def _cut_off(piece: bytes, heading: Heading) -> bytes:
    """The last line of a file, if it has no end and stops where an answer should follow.

    The answer may have been blank, or the upload was cut there. To take it as blank could lose the
    one answer in which a child asks for help.
    """
    line = piece[piece.rfind(b"\n") + 1 :]
    mark = heading.delimiter.encode()
    ends_early = line.endswith(mark) and line.count(mark) == len(heading.columns) - 1
    return line if ends_early and b'"' not in line else b""


def _cut(content: bytes, at: int, block_bytes: int) -> int:
    """The end of the last whole record that starts before `at + block_bytes`."""
    if len(content) - at <= block_bytes:
        return len(content)
    end = at + block_bytes
    quotes = content.count(b'"', at, end)  # counted once, then down: a block is walked once
    newline = content.rfind(b"\n", at, end)
    for _ in range(_FEW_LINES):
        quotes -= content.count(b'"', max(newline, at), end)
        if newline < 0 or quotes % 2 == 0:
            break
        end = newline
        newline = content.rfind(b"\n", at, end)
    else:
        newline = _last_record_end(content, at, end)
    if newline >= 0:
        return newline + 1
    if block_bytes > MAX_BLOCK:
        raise FileProblem(Reason.TOO_LARGE)
    return _cut(content, at, block_bytes * 2)


def _last_record_end(content: bytes, at: int, end: int) -> int:
    """The last newline outside quotes of a text that begins outside quotes; -1 if there is none."""
    data = np.frombuffer(content, np.uint8, end - at, at)
    newlines = np.flatnonzero(data == NEWLINE)
    outside = np.searchsorted(np.flatnonzero(data == QUOTE), newlines) % 2 == 0
    return at + int(newlines[outside][-1]) if outside.any() else -1


def _read_block(pieces: Sequence[_Piece], heading: Heading) -> Batch:
    batch = _read_records(pieces, heading)
    return replace(batch, malformed=(*batch.malformed, *_cut_off_rows(pieces)))


def _cut_off_rows(pieces: Sequence[_Piece]) -> Iterator[tuple[int, MalformedRow]]:
    for piece in pieces:
        if piece.cut_off:
            line = piece.lines_before + piece.lines + 1
            yield piece.file_no, MalformedRow(line, Reason.ROW_CUT_OFF, piece.cut_off.decode())


def _read_records(pieces: Sequence[_Piece], heading: Heading) -> Batch:
    content = b"".join(piece.content for piece in pieces)
    if not content:
        no_rows = pa.array([], pa.int32())
        return Batch(_parse(content, heading, rows=0), no_rows, no_rows)
    if _is_plain(content):
        batch = _read_plain(content, pieces, heading)
        if batch is not None:
            return batch
    for piece in pieces:
        require_closed(piece.content)
    data = np.frombuffer(content, np.uint8)
    delimiter = ord(heading.delimiter)
    records = scan_records(data, delimiter=delimiter, fields=len(heading.columns))
    file_no, row_no = _Places(pieces).of(records.line)
    return Batch(
        table=_parse(sound_bytes(data, records), heading, rows=int(records.sound.sum())),
        file_no=pa.array(file_no[records.sound], pa.int32()),
        row_no=pa.array(row_no[records.sound], pa.int32()),
        malformed=tuple(_malformed(data, records, file_no, row_no)),
    )


def _is_plain(content: bytes) -> bool:
    """Whether every line is a record: no quotes, no blank lines, no carriage return but in CRLF."""
    returns = content.count(b"\r")
    return (
        b'"' not in content
        and not content.startswith((b"\n", b"\r\n"))
        and b"\n\n" not in content
        and b"\n\r\n" not in content
        and returns == (content.count(b"\r\n") if returns else 0)
    )


def _read_plain(content: bytes, pieces: Sequence[_Piece], heading: Heading) -> Batch | None:
    """Read plain lines without the scan: pyarrow counts their fields, and tells each wrong line.

    None where a line ends in one delimiter too many, which the scan forgives and pyarrow does not.
    """
    wrong: dict[int, str] = {}

    def set_aside(row: pa.csv.InvalidRow) -> str:
        wrong[row.number - 1] = row.text
        return "skip"

    lines = sum(piece.lines for piece in pieces)
    table = _read_csv(content, heading, set_aside=set_aside)
    if any(
        text.endswith(heading.delimiter) and text.count(heading.delimiter) == len(heading.columns)
        for text in wrong.values()
    ):
        return None
    if table.num_rows + len(wrong) != lines:
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
    file_no, row_no = _Places(pieces).of(np.arange(lines))
    is_row = np.ones(lines, np.bool_)
    is_row[list(wrong)] = False
    return Batch(
        table=table,
        file_no=pa.array(file_no[is_row], pa.int32()),
        row_no=pa.array(row_no[is_row], pa.int32()),
        malformed=tuple(
            (int(file_no[at]), MalformedRow(int(row_no[at]), Reason.FIELD_COUNT, text))
            for at, text in sorted(wrong.items())
            if text.strip(" \r")
        ),
    )


class _Places:
    """Turns a line of a block into the file, and the line in it."""

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._file_no = np.array([piece.file_no for piece in pieces])
        self._first = np.cumsum([0, *[piece.lines for piece in pieces[:-1]]])
        self._shift = np.array([piece.lines_before for piece in pieces]) - self._first + 1

    def of(
        self, line: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        piece = np.searchsorted(self._first, line, side="right") - 1
        return self._file_no[piece], line + self._shift[piece]


def _parse(content: bytes, heading: Heading, *, rows: int) -> pa.Table:
    """Parse sound records; every column is dictionary-encoded text, so equal cells cost once."""
    text = pa.dictionary(pa.int32(), pa.string())
    if not rows:
        return pa.table({name: pa.array([], text) for name in heading.columns})
    table = _read_csv(content, heading)
    if table.num_rows != rows:
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
    return table


def _read_csv(
    content: bytes,
    heading: Heading,
    *,
    set_aside: Callable[[pa.csv.InvalidRow], str] | None = None,
) -> pa.Table:
    """Pyarrow's parser; only without threads does it know the number of a wrong line."""
    text = pa.dictionary(pa.int32(), pa.string())
    try:
        return pa.csv.read_csv(
            pa.py_buffer(content),
            read_options=pa.csv.ReadOptions(
                column_names=heading.columns,
                block_size=PARSE_BYTES,
                use_threads=set_aside is None,
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=heading.delimiter,
                newlines_in_values=b'"' in content,
                invalid_row_handler=set_aside,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(heading.columns, text),
                strings_can_be_null=False,
                null_values=[],
            ),
        )
    except pa.ArrowInvalid:
        raise FileProblem(Reason.UNREADABLE) from None


def _malformed(
    data: npt.NDArray[np.uint8],
    records: Records,
    file_no: npt.NDArray[np.int64],
    row_no: npt.NDArray[np.int64],
) -> Iterator[tuple[int, MalformedRow]]:
    """The records that are no rows, a line each where a stray quote has glued lines together.

    A line of spaces is none. The text is the same whether lines end in LF or CRLF.
    """
    for at in np.flatnonzero(~records.sound & ~records.blank):
        text = data[records.start[at] : records.end[at]].tobytes().decode()
        stray = records.stray_quote[at]
        reason = Reason.QUOTE_MISPLACED if stray else Reason.FIELD_COUNT
        for offset, line in enumerate(text.split("\n") if stray else [text]):
            if line.strip(" \r"):
                row = MalformedRow(int(row_no[at]) + offset, reason, line.rstrip("\r"))
                yield int(file_no[at]), row
