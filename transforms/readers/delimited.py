"""Delimited text: our canonical CSV and the exports of most survey tools.

The heading comes first (`heading.py`). Files are read in blocks of whole records (`pieces.py`):
many small ones with one heading are one block, so 900 class files cost little more than one file of
their size. The structure of a block is proven (`structure.py`), then pyarrow parses the sound
records, and the two counts must agree.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from schemas.reason import Reason
from transforms.readers.heading import (
    Heading,
    read_heading,
)
from transforms.readers.letters import as_utf8
from transforms.readers.pieces import Piece, Places, pieces_of
from transforms.readers.reading import Batch, FileProblem, MalformedRow, Reading
from transforms.readers.structure import (
    Records,
    require_bounded,
    require_closed,
    scan_records,
    sound_bytes,
)
from transforms.readers.tail import without_empty_tail

BLOCK_BYTES = 8 << 20
PARSE_BYTES = 8 << 20  # pyarrow parses blocks of this size


def read_delimited(content: bytes) -> Reading:
    """Read one delimited file, of any size and with any heading."""
    text = without_empty_tail(as_utf8(content))
    heading = read_heading(text)
    require_bounded(text, heading.delimiter.encode())
    batches = list(read_batches([(0, text)], heading))
    if not any(len(batch.row_no) or batch.malformed for batch in batches):
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
    pieces: list[Piece] = []
    gathered = 0
    for file_no, content in files:
        for piece in pieces_of(file_no, content, heading, block_bytes):
            if pieces and gathered + len(piece.content) > block_bytes:
                yield _read_block(pieces, heading)
                pieces, gathered = [], 0
            pieces.append(piece)
            gathered += len(piece.content)
    if pieces:
        yield _read_block(pieces, heading)


def _read_block(pieces: Sequence[Piece], heading: Heading) -> Batch:
    batch = _read_records(pieces, heading)
    return replace(batch, malformed=(*batch.malformed, *_cut_off_rows(pieces)))


def _cut_off_rows(pieces: Sequence[Piece]) -> Iterator[tuple[int, MalformedRow]]:
    for piece in pieces:
        if piece.cut_off:
            line = piece.lines_before + piece.lines + 1
            yield piece.file_no, MalformedRow(line, Reason.ROW_CUT_OFF, piece.cut_off.decode())


def _read_records(pieces: Sequence[Piece], heading: Heading) -> Batch:
    content = b"".join(piece.content for piece in pieces)
    if not content:
        no_rows = pa.array([], pa.int32())
        return Batch(_parse(content, heading, rows=0), no_rows, no_rows)
    if _is_plain(content, heading.delimiter.encode()):
        batch = _read_plain(content, pieces, heading)
        if batch is not None:
            return batch
    for piece in pieces:
        require_closed(piece.content)
    data = np.frombuffer(content, np.uint8)
    delimiter = ord(heading.delimiter)
    records = scan_records(data, delimiter=delimiter, fields=len(heading.columns))
    file_no, row_no = Places(pieces).of(records.line)
    return Batch(
        table=_parse(sound_bytes(data, records), heading, rows=int(records.sound.sum())),
        file_no=pa.array(file_no[records.sound], pa.int32()),
        row_no=pa.array(row_no[records.sound], pa.int32()),
        malformed=tuple(_malformed(data, records, file_no, row_no, delimiter=heading.delimiter)),
    )


def _is_plain(content: bytes, delimiter: bytes) -> bool:
    """Whether every line is a record: no quotes, no blank lines, no carriage return but in CRLF.

    A line that begins with a blank cell may be blank as a whole: the scan looks.
    """
    returns = content.count(b"\r")
    return (
        b'"' not in content
        and not content.startswith((b"\n", b"\r\n", b" ", delimiter))
        and b"\n" + delimiter not in content
        and b"\n " not in content
        and b"\n\n" not in content
        and b"\n\r\n" not in content
        and returns == (content.count(b"\r\n") if returns else 0)
    )


def _read_plain(content: bytes, pieces: Sequence[Piece], heading: Heading) -> Batch | None:
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
    file_no, row_no = Places(pieces).of(np.arange(lines))
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
    *,
    delimiter: str,
) -> Iterator[tuple[int, MalformedRow]]:
    """The records that are no rows, a line each where a stray quote has glued lines together.

    A line of spaces or delimiters is none. The text is the same whether lines end in LF or CRLF.
    """
    for at in np.flatnonzero(~records.sound & ~records.blank):
        text = data[records.start[at] : records.end[at]].tobytes().decode()
        stray = records.stray_quote[at]
        reason = Reason.QUOTE_MISPLACED if stray else Reason.FIELD_COUNT
        for offset, line in enumerate(text.split("\n") if stray else [text]):
            if line.strip(f" \r{delimiter}"):
                row = MalformedRow(int(row_no[at]) + offset, reason, line.rstrip("\r"))
                yield int(file_no[at]), row
