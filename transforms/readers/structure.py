"""Where the records of a delimited text begin and end, and which of them are sound.

Every CSV reader has its own idea of a broken line: some pad it, some swallow the lines after it,
some count it twice. So the structure is proven here, on the bytes, before a reader sees them, and
the reader gets sound records only. The scan works on whole blocks with numpy (RFC 4180 rules: a
field is quoted or it is not, and a quote inside a quoted field is doubled).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.reason import Reason
from transforms.readers.reading import FileProblem

NEWLINE, RETURN, QUOTE, SPACE = 10, 13, 34, 32
MAX_FIELD = 10_000  # bytes
MAX_RECORD = 1_000_000

Flags = npt.NDArray[np.bool_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one block. All arrays have one entry a record.

    `start` is the first byte and `end` the newline; `line` counts the newlines before `start`;
    `sound` records have the right number of fields, `blank` ones hold nothing but delimiters and
    spaces, in quotes or not (a sheet saved as text leaves such lines below the answers);
    `stray_quote` ones have a quote where none may stand. `extra_delimiter` records end in one empty
    field too many. A record with a carriage return of its own is unsound: readers end a line
    there, or do not.
    """

    start: Positions
    end: Positions
    line: Positions
    sound: Flags
    blank: Flags
    stray_quote: Flags
    extra_delimiter: Flags


def scan_records(data: npt.NDArray[np.uint8], *, delimiter: int, fields: int) -> Records:
    """Find the records of a block of bytes that ends in a newline outside quotes.

    Raises `FileProblem` TOO_LARGE for a record or a quoted text that is longer than any answer.
    """
    newline = data == NEWLINE
    every_newline = np.flatnonzero(newline)
    is_quote = data == QUOTE
    mark = data == delimiter
    if is_quote.any():
        quotes = np.flatnonzero(is_quote)
        inside = _inside_quotes(quotes, len(data))
        newline &= ~inside
        mark &= ~inside
        end = np.flatnonzero(newline)
        strays = _stray_quotes(data, quotes, inside, delimiter)
        doubled = quotes[2::2][quotes[2::2] - quotes[1:-1:2] == 1]
        speaks = inside & (data == delimiter)
        speaks[doubled] = True
        says_something = np.flatnonzero(speaks)
        long = quotes[:-1:2][quotes[1::2] - quotes[:-1:2] > MAX_FIELD + 1]
        returns = _lone_returns(data)
        returns = returns[~inside[returns]]
    else:
        end = every_newline
        strays = long = says_something = np.empty(0, np.int64)
        returns = _lone_returns(data)
    start = np.concatenate((np.zeros(1, np.int64), end[:-1] + 1))
    content_end = end - ((end > start) & (data[end - 1] == RETURN))
    count = np.add.reduceat(mark, start, dtype=np.int32) + 1
    says_nothing = np.zeros(256, np.bool_)
    says_nothing[[delimiter, SPACE, RETURN, NEWLINE, QUOTE]] = True
    blank = np.logical_and.reduceat(says_nothing[data], start)
    extra = (count == fields + 1) & (data[content_end - 1] == delimiter)
    stray = _holds_any(start, strays)
    blank &= ~(_holds_any(start, says_something) | stray)
    # A stray quote may glue any number of sound lines together: that is no long answer.
    if ((end - start > MAX_RECORD) & ~stray).any() or (_holds_any(start, long) & ~stray).any():
        raise FileProblem(Reason.TOO_LARGE)
    broken = stray | _holds_any(start, returns)
    return Records(
        start=start,
        end=end,
        line=np.searchsorted(every_newline, start),
        sound=~blank & ~broken & ((count == fields) | extra),
        blank=blank,
        stray_quote=stray,
        extra_delimiter=extra,
    )


def require_closed(content: bytes) -> None:
    """Raise UNTERMINATED_QUOTE where the text ends inside a quoted field."""
    if content.count(b'"') % 2:
        raise FileProblem(Reason.UNTERMINATED_QUOTE)


def require_bounded(content: bytes, delimiter: bytes) -> None:
    """Raise TOO_LARGE where a line or a field without quotes is longer than any answer.

    Each look reaches over the longest that is allowed, so this costs next to nothing.
    """
    _require_ends(content, (b"\n",), MAX_RECORD)
    _require_ends(content, (delimiter, b"\n", b'"'), MAX_FIELD)


def _require_ends(content: bytes, ends: tuple[bytes, ...], limit: int) -> None:
    at = 0
    while len(content) - at > limit:
        found = (content.rfind(end, at, at + limit + 1) for end in ends)
        last = next((place for place in found if place >= 0), -1)
        if last < 0:
            raise FileProblem(Reason.TOO_LARGE)
        at = last + 1


def _inside_quotes(quotes: Positions, size: int) -> Flags:
    """For each byte, whether an odd number of quotes has been seen, the byte itself included."""
    runs = np.diff(np.concatenate(([0], quotes, [size])))
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs)


def _stray_quotes(
    data: npt.NDArray[np.uint8], quotes: Positions, inside: Flags, delimiter: int
) -> Positions:
    """Quotes that open in the middle of a field, or close before its end.

    An escaped quote closes and opens again, so a neighbouring quote is always allowed.
    """
    opens = inside[quotes]
    edges = np.zeros(256, np.bool_)
    edges[[delimiter, NEWLINE, RETURN, QUOTE]] = True
    before = edges[data[quotes - 1]] | (quotes == 0)
    after = edges[data[np.minimum(quotes + 1, len(data) - 1)]]
    return quotes[np.where(opens, ~before, ~after)]


def _lone_returns(data: npt.NDArray[np.uint8]) -> Positions:
    """Carriage returns that neither end a line nor stand before one that does."""
    returns = np.flatnonzero(data == RETURN)
    after = data[np.minimum(returns + 1, len(data) - 1)]
    lone: Positions = returns[(after != NEWLINE) & (after != RETURN)]
    return lone


def _holds_any(start: Positions, places: Positions) -> Flags:
    """For each record, whether one of the places lies in it."""
    holds = np.zeros(len(start), np.bool_)
    holds[np.searchsorted(start, places, side="right") - 1] = True
    return holds


def sound_bytes(data: npt.NDArray[np.uint8], records: Records) -> bytes:
    """The block without its unsound records and without superfluous last delimiters."""
    if records.sound.all() and not records.extra_delimiter.any():
        return data.tobytes()
    keep = np.repeat(records.sound, records.end - records.start + 1)
    spare = records.sound & records.extra_delimiter
    last = records.end[spare]
    keep[last - 1 - (data[last - 1] == RETURN)] = False
    return data[keep].tobytes()
