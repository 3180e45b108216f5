"""An XLSX file as a package: its parts, proven whole, and what its sheets hold by our own count.

The workbook library is handed exactly the bytes that were checked here, so it can neither unpack
more than was measured nor see another file than we did.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from posixpath import join, normpath
from xml.etree import ElementTree as ET

from schemas.reason import Reason
from transforms.readers.reading import FileProblem

MAX_BYTES = 200_000_000
MAX_RATIO = 100
MAX_ENTRIES = 1000
MAX_SHEETS = 20
MAX_COLUMNS = 500
MAX_CELLS = 10_000_000

Parts = dict[str, bytes]

_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # an entry with a password
    NotImplementedError,
)
# LookupError: an encoding or a part that is not there, a shared string beyond the last.
_XML_ERRORS = (ET.ParseError, LookupError, ValueError)
_WORKBOOK = "xl/workbook.xml"
_RELATIONS = "xl/_rels/workbook.xml.rels"
_STRINGS = "xl/sharedstrings.xml"
_ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?(?<!/)>(.*?)</(?:\w+:)?row>", re.DOTALL)
_VALUE = re.compile(rb"<(?:\w+:)?[vt](?:\s[^>]*)?>(?!</)")
_FILLED_CELL = re.compile(
    rb"<(?:\w+:)?c\b[^>]*?\sr\s*=\s*[\"']([A-Z]{1,3})(\d{1,7})[\"'][^>]*(?<!/)>(?!</)"
)
_ERROR_CELL = re.compile(rb"(<(?:\w+:)?c\b[^>]*?\st\s*=\s*)([\"'])e\2")
_FORMULA_WITHOUT_VALUE = re.compile(rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^>]*)?/>)\s*</(?:\w+:)?c>")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a sheet holds: rows with content, and the rectangle that its cells span."""

    filled_rows: int
    rows: int
    columns: int


def read_parts(content: bytes) -> Parts:
    """Every part of the package by its lower-case name, each read whole and its checksum compared.

    Raises `FileProblem` TOO_LARGE for a package that would unpack to more than the limits, and
    UNREADABLE for one that is damaged, encrypted, or holds a document type definition.
    """
    try:
        parts = _unpack(content)
    except _ZIP_ERRORS:
        parts = {}
    if not parts or any(_is_hostile(name, part) for name, part in parts.items()):
        raise FileProblem(Reason.UNREADABLE)
    return parts


def _unpack(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _require_within_limits(entries)
        parts = {_part_name(entry.filename): archive.read(entry) for entry in entries}
    if len(parts) < len(entries):
        raise ValueError("two entries have one name")
    return parts


def _require_within_limits(entries: list[zipfile.ZipInfo]) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_BYTES or unpacked > MAX_RATIO * packed:
        raise FileProblem(Reason.TOO_LARGE)


def _part_name(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").lower()


def _is_hostile(name: str, part: bytes) -> bool:
    # Office files hold no DTD, and are UTF-8; anything else is there to be expanded.
    return name.endswith((".xml", ".rels")) and (
        b"<!DOCTYPE" in part or b"<!ENTITY" in part or b"\0" in part[:512]
    )


def pack(parts: Parts, sheets: Collection[str]) -> bytes:
    """The parts as a package again, stored without compression.

    Error cells of `sheets` become text cells on the way: `#DIV/0!` must reach validation, and the
    workbook library would show a blank.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(name, _with_errors_as_text(part) if name in sheets else part)
    return buffer.getvalue()


def _with_errors_as_text(sheet: bytes) -> bytes:
    if b'"e"' in sheet or b"'e'" in sheet:
        return _ERROR_CELL.sub(rb"\1\2str\2", sheet)
    return sheet


def sheet_parts(parts: Parts) -> dict[str, str]:
    """The part of each worksheet by the sheet's name.

    Raises `FileProblem` UNREADABLE where a part is missing, TOO_LARGE above 20 sheets.
    """
    try:
        targets = {
            relation.get("Id"): relation.get("Target", "")
            for relation in _elements(parts[_RELATIONS], "Relationship")
        }
        sheets = _elements(parts[_WORKBOOK], "sheet")
        found = {
            sheet.get("name", ""): _part_name(normpath(join("/xl", targets[_relation_id(sheet)])))
            for sheet in sheets
        }
    except _XML_ERRORS:
        found = {}
    if not found or not set(found.values()) <= set(parts):
        raise FileProblem(Reason.UNREADABLE)
    if len(found) > MAX_SHEETS:
        raise FileProblem(Reason.TOO_LARGE)
    return found


def _relation_id(sheet: ET.Element) -> str:
    # The attribute's namespace differs between transitional and strict files.
    return next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")


def measure(sheet: bytes) -> Extent:
    """The extent of a worksheet's cells that hold something, by a quick look at its XML.

    Raises `FileProblem` UNREADABLE where a formula has no stored result: it would read as blank.
    """
    if _FORMULA_WITHOUT_VALUE.search(sheet):
        raise FileProblem(Reason.UNREADABLE)
    filled = sum(_VALUE.search(row) is not None for row in _ROW.findall(sheet))
    cells = _FILLED_CELL.findall(sheet)
    columns = {_column_number(letters) for letters in {letters for letters, _ in cells}}
    rows = {int(row) for row in {row for _, row in cells}}
    return Extent(filled, max(rows, default=0), max(columns, default=0))


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def count_rows(sheet: bytes, parts: Parts) -> int:
    """Rows with at least one cell that is not blank, counted cell by cell with an XML parser.

    Slower than `measure`, and exact: it follows shared strings, of which one may be empty.
    """
    try:
        filled = _filled_strings(parts.get(_STRINGS, b""))
        rows = [
            any(_is_filled(cell, filled) for cell in row.iterfind("{*}c"))
            for row in _elements(sheet, "row")
        ]
    except _XML_ERRORS:
        raise FileProblem(Reason.UNREADABLE) from None
    return sum(rows)


def _elements(xml: bytes, tag: str) -> Iterator[ET.Element]:
    # `read_parts` has refused every document type definition, so nothing can be expanded.
    for _, element in ET.iterparse(io.BytesIO(xml)):  # noqa: S314
        if element.tag.rpartition("}")[2] == tag:
            yield element
            element.clear()


def _filled_strings(strings: bytes) -> list[bool]:
    if not strings:
        return []
    return [_has_text(entry) for entry in _elements(strings, "si")]


def _is_filled(cell: ET.Element, filled: list[bool]) -> bool:
    value = cell.find("{*}v")
    if value is None or not value.text:
        inline = cell.find("{*}is")
        return inline is not None and _has_text(inline)
    return filled[int(value.text)] if cell.get("t") == "s" else True


def _has_text(element: ET.Element) -> bool:
    return any(text.text for text in element.iterfind(".//{*}t"))
