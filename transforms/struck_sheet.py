"""An XLSX workbook without the rows of some pupils: the rows are emptied and keep their numbers.

Answers of a struck row that nobody else gave go from the shared strings too. Everything else in the
package stays byte for byte.
"""

import io
import re
import zipfile
from collections.abc import Collection, Iterator
from html import unescape

_ROW = re.compile(r"<((?:\w+:)?)row\b([^>]*?)(?:/>|>(.*?)</\1row>)", re.DOTALL)
_CELL = re.compile(r"<((?:\w+:)?)c\b([^>]*?)(?:/>|>(.*?)</\1c>)", re.DOTALL)
_VALUE = re.compile(r"<((?:\w+:)?)v\b[^>]*>(.*?)</\1v>", re.DOTALL)
_TEXT = re.compile(r"<((?:\w+:)?)t\b[^>]*>(.*?)</\1t>", re.DOTALL)
_STRING = re.compile(r"<((?:\w+:)?)si\b[^>]*?(?:/>|>(.*?)</\1si>)", re.DOTALL)
_STRINGS, _SHEET = (
    re.compile(r"xl/sharedstrings\.xml", re.I),
    re.compile(r"xl/worksheets/.*\.xml", re.I),
)
_NUMBER, _PLACE = re.compile(r'\br="(\d+)"'), re.compile(r'\br="([A-Z]+)\d+"')

_Cell = tuple[str, str]  # column letters, text


def struck_workbook(
    content: bytes, codes: Collection[str], own: Collection[str], spared: Collection[str] = ()
) -> tuple[bytes, list[int]] | None:
    """The workbook without the pupils' rows, and the numbers of those; None where it is damaged.

    `own`: headings under which codes stand; where no sheet has any, a code may stand anywhere.
    """
    try:
        parts = _parts(content)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError):
        return None
    name = next((part for part in parts if _STRINGS.fullmatch(part)), None)
    strings = [_told(found[2] or "") for found in _STRING.finditer(parts.get(name or "", ""))]
    sheets = [part for part in parts if _SHEET.fullmatch(part)]
    rows: list[int] = []
    for sheet in sheets:
        parts[sheet], gone = _without_rows(
            parts[sheet], strings, codes, (frozenset(own), frozenset(spared))
        )
        rows += gone
    if name:
        used = {at for sheet in sheets for at in _used(parts[sheet])}
        parts[name] = _without_strings(parts[name], used, () if spared else codes)
    return _packed(content, parts), rows


def _parts(content: bytes) -> dict[str, str]:
    """The parts as texts that turn back into the same bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {
            entry.filename: package.read(entry).decode("latin-1") for entry in package.infolist()
        }


def _packed(content: bytes, parts: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            plain = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            plain.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(plain, parts[entry.filename].encode("latin-1"))
    return out.getvalue()


def _told(part: str) -> str:
    return unescape("".join(found[2] for found in _TEXT.finditer(part))).strip()


def _cells(row: str, strings: list[str]) -> Iterator[_Cell]:
    for found in _CELL.finditer(row):
        about, inner = found[2], found[3] or ""
        value = _VALUE.search(inner)
        place = _PLACE.search(about)
        column = place[1] if place else ""
        if 't="s"' in about:
            at = int(value[2]) if value else -1
            yield column, strings[at] if 0 <= at < len(strings) else ""
        else:
            yield column, unescape(value[2]).strip() if value else _told(inner)


def _without_rows(
    sheet: str,
    strings: list[str],
    codes: Collection[str],
    own_and_spared: tuple[frozenset[str], frozenset[str]],
) -> tuple[str, list[int]]:
    own, spared = own_and_spared
    wanted = {name.encode().decode("latin-1").lower() for name in own}
    gone: list[int] = []
    columns: set[str] = set()
    number = 0

    def kept(found: re.Match[str]) -> str:
        nonlocal number
        told = _NUMBER.search(found[2])
        number = int(told[1]) if told else number + 1
        cells = list(_cells(found[3] or "", strings))
        if not columns:
            columns.update(column for column, text in cells if text.lower() in wanted)
        is_spared = any(text in spared for _, text in cells)
        if not is_spared and any(
            text.upper() in codes and column in (columns or {column}) for column, text in cells
        ):
            gone.append(number)
            return f"<{found[1]}row{found[2]}/>"
        return found[0]

    return _ROW.sub(kept, sheet), gone


def _used(sheet: str) -> Iterator[int]:
    for found in _CELL.finditer(sheet):
        value = _VALUE.search(found[3] or "")
        if value and 't="s"' in found[2]:
            yield int(value[2])


def _without_strings(part: str, used: Collection[int], codes: Collection[str]) -> str:
    """Strings that no cell has any more are blank; in choices of others the codes are."""
    told = "|".join(sorted(map(re.escape, codes)))
    word = re.compile(rf"(?<![A-Za-z0-9-])(?:{told})(?![A-Za-z0-9-])", re.IGNORECASE)
    number = -1

    def kept(found: re.Match[str]) -> str:
        nonlocal number
        number += 1
        if number not in used:
            return f"<{found[1]}si><{found[1]}t></{found[1]}t></{found[1]}si>"
        return word.sub("", found[0]) if codes else found[0]

    return _STRING.sub(kept, part)
