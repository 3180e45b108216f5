"""What kind of file this is, told by its content alone: a Nettskjema CSV arrives as `.txt`.

Also the first look for an upload that was cut off: a zip or Parquet file without its end is held
back here, before a reader could take a part for the whole.
"""

import io
import re
import zipfile
from dataclasses import dataclass
from typing import Literal

from schemas.reason import Reason
from transforms.readers.reading import FileProblem

Format = Literal["delimited", "xlsx", "parquet", "ndjson", "json", "unknown"]

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n\x0b\x0c"
_LOOK = 65_536
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PARQUET = b"PAR1"
_ZIP = b"PK\x03\x04"
_LOCKED_PARQUET = b"PARE"
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED_OFFICE = "EncryptedPackage".encode("utf-16-le")
_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22
_ZIP_LIST_SIZE = 12  # where the end says how long the list of entries is
_SEE_LARGER_END = (1 << 32) - 1
_ZIP64_SIGN = b"PK\x06\x07"
_ZIP64_SIGN_SIZE, _ZIP64_END_SIZE, _ZIP64_LIST_SIZE = 20, 56, 40
_MAX_LIST = 1 << 20  # some 10,000 entries: Python would make an object of each
_LOCKED_ENTRY = 1
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_NOT_OURS = {
    b"\x1f\x8b": "gzip",
    _OLE2: "ole2",
    b"%PDF-": "pdf",
    b"\x89PNG": "png",
    b"\xff\xd8\xff": "jpeg",
    b"GIF8": "gif",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "rar",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"SQLite format 3": "sqlite",
    b"ARROW1": "arrow",
    _LOCKED_PARQUET: "parquet-encrypted",
    _ZIP_END: "zip-empty",
}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """The format, and the signature in the content that told it."""

    format: Format
    evidence: str


def sniff(content: bytes) -> Sniffed:
    """The format of a file's content.

    Raises `FileProblem` EMPTY_FILE for nothing but blanks, INCOMPLETE_UPLOAD for a zip or Parquet
    file whose end is missing, PASSWORD_PROTECTED for a locked workbook, zip or Parquet file, and
    TOO_LARGE for a zip with entries beyond measure.
    """
    text = content[:_LOOK].removeprefix(_BOM).lstrip(_BLANK)
    if not text and not content.removeprefix(_BOM).strip(_BLANK):
        raise FileProblem(Reason.EMPTY_FILE)
    if _is_locked(content):
        raise FileProblem(Reason.PASSWORD_PROTECTED)
    for signature, name in _NOT_OURS.items():
        if content.startswith(signature):
            return Sniffed("unknown", name)
    if content.startswith(_ZIP):
        return _zip(content)
    if content.startswith(_PARQUET) and not _is_printable(content[4:5]):
        return _parquet(content)
    return _text(content, text)


def _is_locked(content: bytes) -> bool:
    """Whether this is a locked Parquet file, or a workbook that Office has locked."""
    # A locked workbook is no zip any more: an older kind of container, with the zip in one stream.
    return content.startswith(_LOCKED_PARQUET) or (
        content.startswith(_OLE2) and _LOCKED_OFFICE in content
    )


def _zip(content: bytes) -> Sniffed:
    end = content.rfind(_ZIP_END)
    if end < 0 or len(content) - end < _ZIP_END_SIZE:
        raise FileProblem(Reason.INCOMPLETE_UPLOAD)
    if _list_size(content, end) > _MAX_LIST:
        raise FileProblem(Reason.TOO_LARGE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return Sniffed("unknown", "zip-damaged")
    if any(entry.flag_bits & _LOCKED_ENTRY for entry in entries):
        raise FileProblem(Reason.PASSWORD_PROTECTED)
    names = {entry.filename.replace("\\", "/").lower() for entry in entries}
    return Sniffed("xlsx", "workbook") if "xl/workbook.xml" in names else Sniffed("unknown", "zip")


def _list_size(content: bytes, end: int) -> int:
    """How many bytes the list of entries is said to have, by the end and by the larger end."""
    at, sign = end + _ZIP_LIST_SIZE, end - _ZIP64_SIGN_SIZE
    told = int.from_bytes(content[at : at + 4], "little")
    if sign < _ZIP64_END_SIZE or not content.startswith(_ZIP64_SIGN, sign):
        return told
    # The larger end goes before the other, whatever that says.
    at = sign - _ZIP64_END_SIZE + _ZIP64_LIST_SIZE
    larger = int.from_bytes(content[at : at + 8], "little")
    return larger if told == _SEE_LARGER_END else max(told, larger)


def _parquet(content: bytes) -> Sniffed:
    if not content.endswith(_PARQUET) or len(content) < 3 * len(_PARQUET):
        raise FileProblem(Reason.INCOMPLETE_UPLOAD)
    return Sniffed("parquet", "PAR1")


def _text(content: bytes, text: bytes) -> Sniffed:
    if content.startswith(_UTF16):
        return Sniffed("delimited", "utf-16-bom")
    if _CONTROL.search(content, 0, _LOOK):
        return Sniffed("unknown", "binary")
    if text.startswith(b"["):
        return Sniffed("json", "array")
    if text.startswith(b"{"):
        return _object(text)
    if text.startswith(b"<"):
        return Sniffed("unknown", "markup")
    return Sniffed("delimited", "text")


def _object(text: bytes) -> Sniffed:
    # Nothing but lines is read line by line; an object spread over lines is a document.
    first, newline, _ = text.partition(b"\n")
    is_document = bool(newline) and not first.rstrip().endswith(b"}")
    return Sniffed("json", "object") if is_document else Sniffed("ndjson", "object-lines")


def _is_printable(byte: bytes) -> bool:
    # A CSV may have a heading that begins with these four letters; Parquet goes on in binary.
    return byte >= b" "
