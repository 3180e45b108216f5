"""Delimited files cut into pieces that end with a record, each knowing its file and its lines.

So many small files, or one that is larger than memory should hold, are read in blocks of one size,
and every row still knows the line of its own file.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from schemas.reason import Reason
from transforms.readers.heading import Heading
from transforms.readers.reading import FileProblem
from transforms.readers.structure import NEWLINE, QUOTE

MAX_BLOCK = 32 << 20  # a record that has no end by then has none
_FEW_LINES = 100  # of an answer with line ends in it; beyond, whole columns are faster
_FIELD = re.compile(rb"[^ \r\n]")  # a line of tabs may be a record of blanks


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole records of one file, and how many lines of the file stand before them."""

    file_no: int
    lines_before: int
    content: bytes = field(repr=False)
    lines: int
    cut_off: bytes = field(default=b"", repr=False)  # a last line that may be half of one


def pieces_of(file_no: int, content: bytes, heading: Heading, block_bytes: int) -> Iterator[Piece]:
    """Cut one file into pieces that end with a record."""
    at, lines = heading.size, heading.lines
    while at < len(content):
        end = end_of_block(content, at, block_bytes)
        piece = content[at:end]
        cut_off = b"" if piece.endswith(b"\n") else _cut_off(piece, heading)
        piece = piece.removesuffix(cut_off)
        if piece and not piece.endswith(b"\n"):
            piece += b"\n"
        inside = piece.count(b"\n")
        if cut_off or _FIELD.search(piece):
            yield Piece(file_no, lines, piece, inside, cut_off)
        lines += inside
        at = end


def _cut_off(piece: bytes, heading: Heading) -> bytes:
    """The last line of a file, if it has no end and stops where an answer should follow.

    The answer may have been blank, or the upload was cut there. To take it as blank could lose the
    one answer in which a child asks for help. A line of nothing but delimiters is blank.
    """
    line = piece[piece.rfind(b"\n") + 1 :]
    mark = heading.delimiter.encode()
    ends_early = line.endswith(mark) and line.count(mark) == len(heading.columns) - 1
    return line if ends_early and b'"' not in line and line.strip(b" \r" + mark) else b""


def end_of_block(content: bytes, at: int, block_bytes: int) -> int:
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
    return end_of_block(content, at, block_bytes * 2)


def _last_record_end(content: bytes, at: int, end: int) -> int:
    """The last newline outside quotes of a text that begins outside quotes; -1 if there is none."""
    data = np.frombuffer(content, np.uint8, end - at, at)
    newlines = np.flatnonzero(data == NEWLINE)
    outside = np.searchsorted(np.flatnonzero(data == QUOTE), newlines) % 2 == 0
    return at + int(newlines[outside][-1]) if outside.any() else -1


class Places:
    """Turns a line of a block into the file, and the line in it."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._file_no = np.array([piece.file_no for piece in pieces])
        self._first = np.cumsum([0, *[piece.lines for piece in pieces[:-1]]])
        self._shift = np.array([piece.lines_before for piece in pieces]) - self._first + 1

    def of(
        self, line: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """The file number, and the line in that file, of each line of the block."""
        piece = np.searchsorted(self._first, line, side="right") - 1
        return self._file_no[piece], line + self._shift[piece]
