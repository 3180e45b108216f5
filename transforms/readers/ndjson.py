"""Lines of JSON objects, or one JSON array of them, as a text table.

A key that a line lacks was not asked (null); JSON null and "" were asked and left blank (""). A
line that is not one flat object in strict JSON is a malformed row: read loosely, a doubled key or
a NaN would become an answer that nobody gave.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from schemas.reason import Reason
from transforms.readers.cells import number_text
from transforms.readers.reading import FileProblem, MalformedRow, Reading

MAX_COLUMNS = 500
_LOOK = 1_000_000

Record = dict[str, str]

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_SCALARS: dict[object, str] = {True: "1", False: "0", None: ""}


@dataclass(frozen=True, slots=True)
class Source:
    """One record as delivered, and where it stands: its line, or its place in the array."""

    row_no: int
    text: bytes


def read_ndjson(content: bytes) -> Reading:
    """One row an object; columns are the keys of all objects in the order first seen.

    `row_no` is the line, or in an array the place, counted from 1. Raises `FileProblem`:
    INCOMPLETE_UPLOAD where the last object or the array does not end, UNREADABLE where no object
    can be read, JSON_WITHOUT_ROWS where the file is JSON nevertheless, EMPTY_FILE, NO_ROWS,
    TOO_LARGE above 500 keys. One object over several lines is a row.
    """
    sources = json_sources(content)
    records = [_record(source.text) for source in sources]
    read = [record for record in records if record]
    if not read and len(sources) > 1 and (one := _record(content.removeprefix(_BOM))):
        return Reading(_table([one]), pa.array([1], pa.int32()), "ndjson")
    if not read and _is_json(content):
        raise FileProblem(Reason.JSON_WITHOUT_ROWS)
    if not records[-1]:
        require_whole(sources[-1])
    if not read:
        raise FileProblem(Reason.UNREADABLE)
    pairs = list(zip(sources, records, strict=True))
    row_no = [source.row_no for source, record in pairs if record]
    malformed = tuple(_malformed(source) for source, record in pairs if not record)
    return Reading(_table(read), pa.array(row_no, pa.int32()), "ndjson", malformed)


def _is_json(content: bytes) -> bool:
    """Whether a file is one document in JSON, whatever it holds."""
    try:
        _ANY_JSON.decode(content.removeprefix(_BOM).strip(_BLANK).decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def _record(source: bytes) -> Record:
    """One flat object with text for values; empty where it is not one."""
    try:
        document = strict_json(source.decode("utf-8"))
        if not isinstance(document, dict):
            return {}
        return {
            key: value if type(value) is str else _SCALARS[value] for key, value in document.items()
        }
    except (ValueError, TypeError):
        # A TypeError: a list or an object as a value, which has no text of its own.
        return {}


def _malformed(source: Source) -> MalformedRow:
    text = source.text.decode("utf-8", errors="replace").rstrip("\r\n")
    return MalformedRow(source.row_no, Reason.UNREADABLE, text)


def _table(records: list[Record]) -> pa.Table:
    names = list(dict.fromkeys(key for keys in _key_sets(records) for key in keys))
    if len(names) > MAX_COLUMNS:
        raise FileProblem(Reason.TOO_LARGE)
    columns = [pa.array([record.get(name) for record in records], pa.string()) for name in names]
    return pa.table(columns, names=names)


def _key_sets(records: list[Record]) -> Iterable[tuple[str, ...]]:
    # Nearly all lines have the same keys: look at each set of them once.
    return dict.fromkeys(tuple(record) for record in records)


def _lines(content: bytes) -> list[Source]:
    lines = enumerate(content.removeprefix(_BOM).split(b"\n"), start=1)
    return [Source(number, line) for number, line in lines if line.strip(_BLANK)]


def _elements(content: bytes) -> list[Source]:
    """The elements of an array, each as its own text."""
    try:
        text = content.decode("utf-8")
        spans = list(_spans(text))
    except json.JSONDecodeError as error:
        problem = Reason.INCOMPLETE_UPLOAD if _stops_early(error) else Reason.UNREADABLE
    except UnicodeDecodeError:
        problem = Reason.UNREADABLE if content.endswith(b"]") else Reason.INCOMPLETE_UPLOAD
    except RecursionError:
        problem = Reason.UNREADABLE
    else:
        return [Source(n, text[a:b].encode()) for n, (a, b) in enumerate(spans, start=1)]
    raise FileProblem(problem)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where each element of the array that `text` is begins and ends."""
    at = _after_space(text, 1)
    while not _is_end(text, at):
        _, end = _LOOK_ONLY.raw_decode(text, at)
        yield at, end
        at = _after_space(text, end)
        if _is_end(text, at):
            return
        _require_comma(text, at)
        at = _after_space(text, at + 1)
        if _is_end(text, at):
            raise json.JSONDecodeError("Expecting value", text, at)


def _is_end(text: str, at: int) -> bool:
    return at == len(text) - 1 and text.endswith("]")


def _require_comma(text: str, at: int) -> None:
    if not text.startswith(",", at):
        raise json.JSONDecodeError("Expecting ',' delimiter", text, at)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def first_keys(content: bytes) -> tuple[str, ...]:
    """The keys of the first object, to tell what a JSON file holds; empty where there is none."""
    text = content[:_LOOK].removeprefix(_BOM).strip(_BLANK).removeprefix(b"[").lstrip(_BLANK)
    try:
        found, _ = _LOOK_ONLY.raw_decode(text.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return ()
    return tuple(found) if isinstance(found, dict) else ()


def json_sources(content: bytes) -> list[Source]:
    """Each line that is not blank, or each element of an array, as delivered.

    Raises `FileProblem` EMPTY_FILE, NO_ROWS, and for an array that cannot be taken apart
    INCOMPLETE_UPLOAD or UNREADABLE.
    """
    text = content.removeprefix(_BOM).strip(_BLANK)
    if not text:
        raise FileProblem(Reason.EMPTY_FILE)
    sources = _elements(text) if text.startswith(b"[") else _lines(content)
    if not sources:
        raise FileProblem(Reason.NO_ROWS)
    return sources


def require_whole(last: Source) -> None:
    """Raise INCOMPLETE_UPLOAD where the last record, unreadable, stops inside its object."""
    text = last.text.strip(_BLANK)
    if not text.startswith(b"{"):
        return
    try:
        _LOOK_ONLY.decode(text.decode("utf-8", errors="replace"))
        is_whole = True
    except json.JSONDecodeError as error:
        is_whole = not _stops_early(error)
    except RecursionError:
        is_whole = text.endswith(b"}")
    if not is_whole:
        raise FileProblem(Reason.INCOMPLETE_UPLOAD, line=last.row_no)


def _stops_early(error: json.JSONDecodeError) -> bool:
    if error.msg.startswith("Extra data"):
        return False
    ends = error.doc.rstrip().endswith(("}", "]"))
    return not ends or error.msg.startswith("Unterminated") or error.pos >= len(error.doc)


def strict_json(text: str) -> Any:  # noqa: ANN401 - what JSON holds is not known before
    """One JSON document with every number as canonical text.

    Raises ValueError for what strict JSON forbids or leaves open: NaN, Infinity, a doubled key,
    half a surrogate pair, nesting beyond Python's own depth.
    """
    try:
        document = _DECODER.decode(text)
        _require_text(text, document)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return document


def _require_text(source: str, document: Any) -> None:  # noqa: ANN401
    # Only an escape can smuggle in half a pair, so most documents need no second look.
    if _SURROGATE.search(source):
        json.dumps(document, ensure_ascii=False).encode("utf-8")


def _pairs_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a key stands twice")
    return record


def _integer_text(text: str) -> str:
    return "0" if text == "-0" else text


def _no_constant(_: str) -> None:
    raise ValueError("not a number in JSON")


# Only where things begin and end. Numbers stay texts: Python refuses to make one of 4,301 digits.
_LOOK_ONLY = json.JSONDecoder(parse_int=str, parse_float=str)
_ANY_JSON = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_no_constant)

_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs_once,
    parse_float=number_text,
    parse_int=_integer_text,
    parse_constant=_no_constant,
)
