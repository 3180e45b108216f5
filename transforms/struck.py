"""A delivered file without the rows of one pupil, every other row in its old place.

A struck row of a text leaves a blank line, and one of a sheet an empty row, so that the rows that
wait are still where the quarantine says. Formats in which a row cannot be taken out like that are
not rewritten: None says so, and the caller has to do without the copy.
"""

import csv
import io
import json
import re
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from transforms.readers.reading import FileProblem
from transforms.readers.sniff import sniff
from transforms.struck_sheet import struck_workbook

_DELIMITERS = ";,\t|"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{1,18}[A-Za-z0-9])")
_MOST_BYTES = 1 << 30  # of a package, unpacked
SHORT_NUMBER = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Columns:
    """Headings under which a pupil's own code stands; and schools whose rows stay.

    The same code may be another child's at another school: a row with one of `spared` is left.
    """

    own: frozenset[str]
    spared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Struck:
    """The new content, and the numbers of the rows that are no longer in it."""

    content: bytes
    rows: tuple[int, ...]


def struck(content: bytes, codes: Collection[str], columns: Columns) -> Struck | None:
    """The content without the pupils' rows, and with their codes out of others' choices.

    None for a format that is not rewritten: Parquet, packages, JSON in one piece, and what nobody
    can read.
    """
    kind = _format_of(content)
    if kind == "xlsx":
        return _of_pair(struck_workbook(content, codes, columns.own, columns.spared))
    if kind not in ("delimited", "ndjson"):
        return None
    encoding = "utf-16" if content.startswith(_UTF16) else "latin-1"
    text = content.decode(encoding)
    if kind == "ndjson":
        if text.lstrip("ï»¿ \t\r\n").startswith("["):
            return None
        lines, rows = _without_objects(text, codes, columns)
    else:
        lines, rows = _without_records(text, codes, columns)
    return Struck("".join(lines).encode(encoding), tuple(rows))


def _format_of(content: bytes) -> str:
    try:
        return sniff(content).format
    except FileProblem:
        return "unknown"


def _of_pair(found: tuple[bytes, list[int]] | None) -> Struck | None:
    return None if found is None else Struck(found[0], tuple(found[1]))


def word_of(codes: Collection[str]) -> re.Pattern[str]:
    """The codes as whole words, in capitals or not."""
    told = "|".join(sorted(map(re.escape, codes)))
    return re.compile(rf"(?<![A-Za-z0-9-])(?:{told})(?![A-Za-z0-9-])", re.IGNORECASE)


def _is_own(cell: object, codes: Collection[str]) -> bool:
    return str(cell).strip().upper() in codes


def _without_records(
    text: str, codes: Collection[str], columns: Columns
) -> tuple[list[str], list[int]]:
    word = word_of(codes)
    lines: list[str] = []
    rows: list[int] = []
    delimiter, own = "", None
    for number, record in _records(text):
        if not delimiter and record.strip():
            delimiter = max(_DELIMITERS, key=record.count)
        if own is None and (at := _places(record, delimiter, columns.own)):
            own = at
        if not word.search(record):
            lines.append(record)
            continue
        cells = _cells(record, delimiter)
        if any(cell.strip() in columns.spared for cell in cells):
            lines.append(record)
            continue
        looked_at = cells if own is None else [cells[at] for at in own if at < len(cells)]
        if any(_is_own(cell, codes) for cell in looked_at):
            lines.append(_line_ends(record))
            rows.append(number)
        else:
            lines.append(_without_words(record, word, codes))
    return lines, rows


def _without_words(record: str, word: re.Pattern[str], codes: Collection[str]) -> str:
    """Codes of some length out of a record of somebody else's; short numbers may be answers."""
    if all(SHORT_NUMBER.fullmatch(code) for code in codes):
        return record
    return word.sub("", record)


def _records(text: str) -> Iterator[tuple[int, str]]:
    """Each record with the number of its first line; one in quotes may span lines."""
    begun, first, number = "", 1, 0
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+$", text), start=1):
        if not begun:
            first = number
        begun += line
        if begun.count('"') % 2 == 0:
            yield first, begun
            begun = ""
    if begun:
        yield first, begun


def _cells(record: str, delimiter: str) -> list[str]:
    return next(csv.reader([record.strip("\r\n")], delimiter=delimiter or ";"), [])


def _places(record: str, delimiter: str, names: Collection[str]) -> list[int]:
    cells = [cell.strip().removeprefix("ï»¿").lower() for cell in _cells(record, delimiter)]
    wanted = {name.encode().decode("latin-1").lower() for name in names}
    return [at for at, cell in enumerate(cells) if cell in wanted]


def _line_ends(record: str) -> str:
    return "".join(re.findall(r"\r?\n", record))


def _without_objects(
    text: str, codes: Collection[str], columns: Columns
) -> tuple[list[str], list[int]]:
    word = word_of(codes)
    lines: list[str] = []
    rows: list[int] = []
    for number, line in enumerate(re.findall(r"[^\n]*\n|[^\n]+$", text), start=1):
        if not word.search(line) or _is_spared(line, columns):
            lines.append(line)
        elif _object_is_own(line, codes, columns):
            lines.append(_line_ends(line))
            rows.append(number)
        else:
            lines.append(_without_words(line, word, codes))
    return lines, rows


def _is_spared(line: str, columns: Columns) -> bool:
    return any(f'"{school}"' in line for school in columns.spared)


def _object_is_own(line: str, codes: Collection[str], columns: Columns) -> bool:
    """Whether an object is the pupil's: its code stands where codes stand, or anywhere at all."""
    try:
        told: Any = json.loads(line.strip("ï»¿ \t\r\n"))
    except ValueError:
        return True  # a broken line that has the code
    if not isinstance(told, dict):
        return True
    wanted = {name.encode().decode("latin-1") for name in columns.own}
    named = [cell for name, cell in told.items() if name in wanted]
    return any(_is_own(cell, codes) for cell in named or told.values())


def texts_of(content: bytes) -> Iterator[str]:
    """All that can be read in a file as text, packages unpacked; ASCII stays what it is."""
    if content.startswith(b"PK\x03\x04"):
        yield from _texts_of_package(content)
    elif content.startswith(b"PAR1"):
        yield from _texts_of_parquet(content)
    elif content.startswith(_UTF16):
        yield content.decode("utf-16", "replace")
    else:
        yield content.decode("latin-1")


def _texts_of_package(content: bytes) -> Iterator[str]:
    left = _MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            for entry in package.infolist():
                left -= entry.file_size
                if left < 0:
                    return
                yield package.read(entry).decode("latin-1")
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError):
        yield content.decode("latin-1")


def _texts_of_parquet(content: bytes) -> Iterator[str]:
    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError):
        yield content.decode("latin-1")
        return
    for column in table.columns:
        yield "\n".join(str(cell) for cell in column.unique().to_pylist() if cell is not None)


def mentions(content: bytes, codes: Collection[str]) -> int:
    """How often the codes stand in a file as whole words, packed or not."""
    word = word_of(codes)
    return sum(len(word.findall(text)) for text in texts_of(content))


def words_in(content: bytes) -> Sequence[str]:
    """All that may be a pupil code in a file, in capitals, each once."""
    found = {word.upper() for text in texts_of(content) for word in _WORD.findall(text)}
    return sorted(found)
