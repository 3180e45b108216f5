"""A OneRoster package: a zip of CSV files, of which only the columns named here are ever parsed.

Names, e-mail addresses, telephone numbers, passwords and birth dates stand in columns and files
that are not among them. A file's bytes are let go as soon as its few columns are read.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv

from schemas.reason import Reason
from transforms.readers.delimited import Heading, as_utf8, read_heading, require_closed
from transforms.readers.reading import FileProblem
from transforms.readers.sniff import sniff
from transforms.readers.structure import scan_records, sound_bytes
from transforms.readers.xlsx_parts import MAX_BYTES, MAX_RATIO

Mode = Literal["bulk", "delta", "absent"]
MAX_ENTRIES = 100

_MODES: tuple[Mode, ...] = ("bulk", "delta", "absent")
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # an entry with a password
    NotImplementedError,
)
# The columns that are read of each file, headings without capitals; those that must be there first.
_MANIFEST = ("propertyname", "value")
_MUST: Mapping[str, tuple[str, ...]] = {
    "orgs": ("sourcedid",),
    "academicsessions": ("sourcedid",),
    "courses": ("sourcedid",),
    "classes": ("sourcedid", "schoolsourcedid"),
    "enrollments": ("sourcedid", "classsourcedid", "usersourcedid"),
    "users": ("sourcedid",),
    "roles": ("usersourcedid", "role"),
}
_MAY: Mapping[str, tuple[str, ...]] = {
    "orgs": ("identifier",),
    "academicsessions": ("startdate", "enddate", "schoolyear"),
    "courses": ("grades",),
    "classes": (
        "title",
        "classcode",
        "classtype",
        "grades",
        "coursesourcedid",
        "termsourcedids",
        "status",
    ),
    "enrollments": ("schoolsourcedid", "role", "begindate", "enddate", "status"),
    "users": ("status",),
    "roles": ("status",),
}
# A municipality does well to take these out of the zip before it leaves the school's system.
_MAY_BE_TAKEN_OUT = frozenset({"users", "roles"})
# Slips seen in real exports, capitals and marks apart: `sourceId`, `Property`, `termSourcedId`.
_SLIPS = {"property": "propertyname", "termsourcedid": "termsourcedids", "grade": "grades"}
_MARKS = re.compile(r"[^a-z0-9]")


@dataclass(frozen=True, slots=True)
class Package:
    """The tables of a package by file name, a null for a blank cell, and how whole each is.

    A file that is absent has a table without rows. `unread` counts a file's broken lines.
    """

    tables: dict[str, pl.DataFrame] = field(repr=False)
    modes: dict[str, Mode]
    unread: dict[str, int]


def is_oneroster(content: bytes) -> bool:
    """Whether a file is a zip with a manifest and classes, enrolments or users."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {_name(entry) for entry in archive.namelist()}
    except _ZIP_ERRORS:
        return False
    return "manifest" in names and not names.isdisjoint({"classes", "enrollments", "users"})


def read_package(content: bytes, *, with_identifier: bool = False) -> Package:
    """The package's tables, with the columns that are read.

    Of users the `identifier` is one of them only `with_identifier`: many a register has the
    national identity number there.

    Raises `FileProblem`: NOT_RECOGNISED for no zip or one without a manifest (nobody could tell
    changes from the whole), INCOMPLETE_UPLOAD for a zip that was cut off or lacks a file that the
    manifest promises, TOO_LARGE for one that would unpack to more than the limits, UNREADABLE for
    one that is damaged or has a password, HEADER_MISMATCH and HEADER_REPEATED with the column.
    """
    if sniff(content).evidence not in ("zip", "zip-damaged"):
        raise FileProblem(Reason.NOT_RECOGNISED)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _ZIP_ERRORS:
        raise FileProblem(Reason.UNREADABLE) from None
    with archive:
        entries = _entries(archive)
        if "manifest" not in entries:
            raise FileProblem(Reason.NOT_RECOGNISED)
        modes = _modes(_unzip(archive, entries["manifest"]), set(entries))
        tables: dict[str, pl.DataFrame] = {}
        unread: dict[str, int] = {}
        for name, mode in modes.items():
            tables[name] = _nothing(name)
            if mode != "absent":
                more = ("identifier",) if with_identifier and name == "users" else ()
                text = _unzip(archive, entries[name])
                tables[name], unread[name] = _read_csv(text, _MUST[name], (*_MAY[name], *more))
    return Package(tables, modes, {name: count for name, count in unread.items() if count})


def _entries(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Every CSV file by its name; the files may stand in a folder."""
    entries = [one for one in archive.infolist() if not one.is_dir() and _name(one.filename)]
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_BYTES or unpacked > MAX_RATIO * packed:
        raise FileProblem(Reason.TOO_LARGE)
    named = {_name(entry.filename): entry for entry in entries}
    if len(named) < len(entries):
        raise FileProblem(Reason.UNREADABLE)
    return named


def _name(path: str) -> str:
    """`classes` of `Export/Classes.csv`; "" for anything else, such as a Mac's `._classes.csv`."""
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    return name.removesuffix(".csv") if name.endswith(".csv") and name[0] not in "._" else ""


def _unzip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # Never more than the size it declares, which has been measured.
    try:
        return archive.read(entry)
    except _ZIP_ERRORS:
        raise FileProblem(Reason.UNREADABLE) from None


def _modes(manifest: bytes, present: set[str]) -> dict[str, Mode]:
    """How whole each file is. What the manifest does not mention is absent, whatever is there."""
    table, _ = _read_csv(manifest, _MANIFEST, ())
    told = {
        _plain(key.removeprefix("file.")): (value or "").lower()
        for key, value in table.select(pl.col("propertyname").str.to_lowercase(), "value").rows()
        if key and key.startswith("file.")
    }
    modes: dict[str, Mode] = {}
    for name in _MUST:
        mode = told.get(name, "absent")
        if mode not in _MODES:
            raise FileProblem(Reason.UNREADABLE, column=f"file.{name}")
        if name not in present and mode != "absent" and name not in _MAY_BE_TAKEN_OUT:
            raise FileProblem(Reason.INCOMPLETE_UPLOAD, column=f"file.{name}")
        modes[name] = cast("Mode", mode) if name in present else "absent"
    return modes


def _plain(heading: str) -> str:
    """A heading without capitals and marks, and without the slips that we know."""
    name = _MARKS.sub("", heading.lower()).replace("sourceid", "sourcedid")
    return _SLIPS.get(name, name)


def _nothing(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys((*_MUST[name], *_MAY[name]), pl.String))


def _read_csv(
    content: bytes, must: tuple[str, ...], may: tuple[str, ...]
) -> tuple[pl.DataFrame, int]:
    """The columns of a CSV file that are asked for, trimmed, and how many lines are no rows."""
    text = as_utf8(content)
    heading = read_heading(text)
    names = [_plain(name) for name in heading.columns]
    _require_headings(names, must, may)
    body = text[heading.size :]
    body = body if body.endswith(b"\n") else body + b"\n"
    require_closed(body)
    data = np.frombuffer(body, np.uint8)
    records = scan_records(data, delimiter=ord(heading.delimiter), fields=len(names))
    wanted = [name for name in (*must, *may) if name in names]
    table = pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
    if records.sound.any():
        table = _parse(sound_bytes(data, records), heading, names, wanted)
    if table.height != records.sound.sum():
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
    lacking = [pl.lit(None, pl.String).alias(name) for name in may if name not in names]
    trimmed = table.with_columns(pl.all().str.strip_chars().replace("", None), *lacking)
    return trimmed.select(*must, *may), int((~records.sound & ~records.blank).sum())


def _require_headings(names: list[str], must: tuple[str, ...], may: tuple[str, ...]) -> None:
    missing = [name for name in must if name not in names]
    if missing:
        raise FileProblem(Reason.HEADER_MISMATCH, column=missing[0])
    twice = [name for name in (*must, *may) if names.count(name) > 1]
    if twice:
        raise FileProblem(Reason.HEADER_REPEATED, column=twice[0])


def _parse(text: bytes, heading: Heading, names: list[str], wanted: list[str]) -> pl.DataFrame:
    # Only what is wanted becomes text of ours; pyarrow skips the other columns unread.
    numbered = [name if name in wanted else f"{at}" for at, name in enumerate(names)]
    try:
        table = pa.csv.read_csv(
            pa.py_buffer(text),
            read_options=pa.csv.ReadOptions(column_names=numbered),
            parse_options=pa.csv.ParseOptions(
                delimiter=heading.delimiter, newlines_in_values=b'"' in text
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        raise FileProblem(Reason.UNREADABLE) from None
    return pl.DataFrame(table)
