"""The plain reading of delimited text, a character at a time: what the fast reader is held to.

A quote opens and closes wherever it stands, so a record ends at a newline that an even number of
quotes has preceded. What is then no field of RFC 4180 makes the record malformed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from schemas.reason import Reason


@dataclass
class Read:
    """Rows as (line, cells) and malformed records as (line, reason, text)."""

    rows: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    malformed: list[tuple[int, Reason, str]] = field(default_factory=list)


def read_plainly(body: str, *, fields: int, delimiter: str = ";", first_line: int = 2) -> Read:
    """Read what stands below the heading; `body` holds an even number of quotes."""
    read = Read()
    records = list(_records(body, first_line))
    for at, (line, record) in enumerate(records, start=1):
        text = record.removesuffix("\r")
        if _says_nothing(text, delimiter):
            continue
        if _has_stray_quote(record, delimiter):
            read.malformed += [
                (line + offset, Reason.QUOTE_MISPLACED, part.rstrip("\r"))
                for offset, part in enumerate(record.split("\n"))
                if part.strip(f" \r{delimiter}")
            ]
            continue
        may_be_half = at == len(records) and not body.endswith("\n") and record.endswith(delimiter)
        if may_be_half and not {'"', "\n"} & set(record) and record.count(delimiter) == fields - 1:
            read.malformed.append((line, Reason.ROW_CUT_OFF, record))
            continue
        cells = None if _has_lone_return(record) else _cells(text.rstrip("\r"), delimiter)
        if cells and len(cells) == fields + 1 and text.endswith(delimiter):
            cells = cells[:-1]
        if cells and len(cells) == fields:
            read.rows.append((line, tuple(cells)))
        else:
            read.malformed.append((line, Reason.FIELD_COUNT, record.rstrip("\r")))
    return read


def _says_nothing(text: str, delimiter: str) -> bool:
    if _has_stray_quote(text, delimiter):
        return False
    is_inside = False
    for at, char in enumerate(text):
        if char == '"':
            if not is_inside and text[at - 1 : at] == '"':
                return False  # two quotes within quotes are a quote
            is_inside = not is_inside
        elif char not in (" \r\n" if is_inside else f" \r\n{delimiter}"):
            return False
    return True


def _records(body: str, line: int) -> Iterator[tuple[int, str]]:
    record, starts_at, is_inside = "", line, False
    for char in body if body.endswith("\n") else body + "\n":
        is_inside ^= char == '"'
        line += char == "\n"
        if char == "\n" and not is_inside:
            yield starts_at, record
            record, starts_at = "", line
        else:
            record += char


def _has_stray_quote(record: str, delimiter: str) -> bool:
    edges = {delimiter, '"', "\r", "\n", ""}
    is_inside = False
    for at, char in enumerate(record):
        if char == '"':
            is_inside = not is_inside
            beside = record[at - 1 : at] if is_inside else record[at + 1 : at + 2]
            if beside not in edges:
                return True
    return False


def _has_lone_return(record: str) -> bool:
    is_inside = False
    body = record.rstrip("\r")
    for char in body:
        is_inside ^= char == '"'
        if char == "\r" and not is_inside:
            return True
    return False


def _cells(text: str, delimiter: str) -> list[str]:
    cells, cell, is_inside = [], "", False
    for char in text:
        is_inside ^= char == '"'
        if char == delimiter and not is_inside:
            cells.append(cell)
            cell = ""
        else:
            cell += char
    cells.append(cell)
    return [cell[1:-1].replace('""', '"') if cell.startswith('"') else cell for cell in cells]
