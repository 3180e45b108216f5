"""A OneRoster package: a zip of CSV files, of which only the columns named here are ever parsed.

Names, e-mail addresses, telephone numbers, passwords and birth dates stand in columns and files
that are not among them. A file's bytes are let go as soon as its few columns are read. What others
have packed is unpacked in the reading room's child only (flows/reading/room.py).
"""

import io
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv

from schemas.reason import Reason
from transforms.readers.delimited import BLOCK_BYTES
from transforms.readers.heading import Heading, read_heading
from transforms.readers.letters import as_utf8
from transforms.readers.pieces import end_of_block
from transforms.readers.reading import FileProblem
from transforms.readers.sniff import sniff
from transforms.readers.structure import require_bounded, require_closed, scan_records, sound_bytes
from transforms.readers.xlsx_parts import MAX_BYTES, MAX_RATIO
from transforms.readers.xlsx_parts import MAX_ENTRIES as MAX_ENTRIES_IN_ALL

Mode = Literal["bulk", "delta", "absent"]
MAX_ENTRIES = 100  # CSV files; a register has some twenty
MAX_ROWS = 1_000_000  # of one file: every subject of every pupil of our largest municipality
MAX_BROKEN = 100_000  # lines of one file that are no rows: each of them would wait for a person

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
FILES = tuple(_MUST)
# A municipality does well to take these out of the zip before it leaves the school's system.
_MAY_BE_TAKEN_OUT = frozenset({"users", "roles"})
_OF_A_REGISTER = frozenset({"academicsessions", "classes", "enrollments", "orgs"})
# Slips seen in real exports, capitals and marks apart: `sourceId`, `Property`, `termSourcedId`.
_SLIPS = {"property": "propertyname", "termsourcedid": "termsourcedids", "grade": "grades"}
_MARKS = re.compile(r"[^a-z0-9]")
_NO_PLACE = re.compile(r"^/|^[A-Za-z]:|(^|/)\.\.(/|$)|\0")  # a name that leads out of the package
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without measure


@dataclass(frozen=True, slots=True)
class Package:
    """The tables of a package by file name, a null for a blank cell, and how whole each is.

    A file that is absent has a table without rows. `unread` counts a file's broken lines.
    """

    tables: dict[str, pl.DataFrame] = field(repr=False)
    modes: dict[str, Mode]
    unread: dict[str, int]


def is_oneroster(content: bytes) -> bool:
    """Whether a file is a zip with a manifest and any other file of a register.

    One without the manifest is known as well, by the files that only a register has together. Looks
    at the names alone, of which `sniff` has proven that there are few.
    """
    try:
        if sniff(content).evidence != "zip":
            return False
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = {_name(entry) for entry in archive.namelist()}
    except (FileProblem, *_ZIP_ERRORS):
        return False
    return ("manifest" in names and not names.isdisjoint(FILES)) or names >= _OF_A_REGISTER


def read_package(content: bytes, *, with_identifier: bool = False) -> Package:
    """The package's tables, with the columns that are read.

    Of users the `identifier` is one of them only `with_identifier`: many a register has the
    national identity number there.

    Raises `FileProblem`: NOT_RECOGNISED for no zip or one without a manifest (nobody could tell
    changes from the whole), INCOMPLETE_UPLOAD for a zip that was cut off or lacks a file that the
    manifest promises, TOO_LARGE for one that would unpack to more than the limits, UNREADABLE for
    one that is damaged, is not what it says of itself, or holds links or names that lead out of it,
    PASSWORD_PROTECTED, HEADER_MISMATCH and HEADER_REPEATED with the column.
    """
    if sniff(content).evidence not in ("zip", "zip-damaged"):
        raise FileProblem(Reason.NOT_RECOGNISED)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _ZIP_ERRORS:
        raise FileProblem(Reason.UNREADABLE) from None
    with archive:
        entries = _entries(archive, len(content))
        if "manifest" not in entries:
            raise FileProblem(Reason.NOT_RECOGNISED)
        modes = _modes(_unzip(archive, entries["manifest"]), set(entries))
        tables: dict[str, pl.DataFrame] = {}
        unread: dict[str, int] = {}
        for name, mode in modes.items():
            more = ("identifier",) if with_identifier and name == "users" else ()
            may = (*_MAY[name], *more)
            tables[name] = pl.DataFrame(schema=dict.fromkeys((*_MUST[name], *may), pl.String))
            if mode != "absent":
                text = _unzip(archive, entries[name])
                tables[name], unread[name] = _read_csv(text, _MUST[name], may)
    return Package(tables, modes, {name: count for name, count in unread.items() if count})


def _entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    """Every CSV file by its name; the files may stand in a folder. `size` is the whole file's."""
    listed = archive.infolist()
    entries = [one for one in listed if not one.is_dir() and _name(one.filename)]
    unpacked = sum(entry.file_size for entry in entries)
    packed = min(size, sum(entry.compress_size for entry in entries))
    if len(listed) > MAX_ENTRIES_IN_ALL or len(entries) > MAX_ENTRIES:
        raise FileProblem(Reason.TOO_LARGE)
    if unpacked > MAX_BYTES or unpacked > MAX_RATIO * packed:
        raise FileProblem(Reason.TOO_LARGE)
    named = {_name(entry.filename): entry for entry in entries}
    if len(named) < len(entries) or any(_is_hostile(entry) for entry in listed):
        raise FileProblem(Reason.UNREADABLE)
    return named


def _is_hostile(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a link or a device, leads out of the package, or unpacks unmeasured."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    path = entry.filename.replace("\\", "/")
    return (
        kind not in (0, stat.S_IFREG, stat.S_IFDIR)
        or entry.compress_type not in _METHODS
        or _NO_PLACE.search(path) is not None
    )


def _name(path: str) -> str:
    """`classes` of `Export/Classes.csv`; "" for anything else, such as a Mac's `._classes.csv`."""
    name = path.replace("\\", "/").rpartition("/")[2].lower()
    return name.removesuffix(".csv") if name.endswith(".csv") and name[0] not in "._" else ""


def _unzip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    # Asked for one byte more than it declares: `read()` would first unpack all that there is.
    try:
        with archive.open(entry) as unpacked:
            content = unpacked.read(entry.file_size + 1)
    except _ZIP_ERRORS:
        raise FileProblem(Reason.UNREADABLE) from None
    if len(content) != entry.file_size:
        raise FileProblem(Reason.UNREADABLE)
    return content


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


def _read_csv(
    content: bytes, must: tuple[str, ...], may: tuple[str, ...]
) -> tuple[pl.DataFrame, int]:
    """The columns of a CSV file that are asked for, trimmed, and how many lines are no rows."""
    text = as_utf8(content)
    heading = read_heading(text)
    names = [_plain(name) for name in heading.columns]
    _require_headings(names, must, may)
    require_bounded(text, heading.delimiter.encode())
    require_closed(text)
    wanted = [name for name in (*must, *may) if name in names]
    frames, broken = [pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))], 0
    for block in _blocks(text, heading.size):
        records = scan_records(block, delimiter=ord(heading.delimiter), fields=len(names))
        broken += int((~records.sound & ~records.blank).sum())
        if records.sound.any():
            frames.append(_parse(sound_bytes(block, records), heading, names, wanted))
            if frames[-1].height != records.sound.sum():
                raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)
        if broken > MAX_BROKEN or sum(frame.height for frame in frames) > MAX_ROWS:
            raise FileProblem(Reason.TOO_LARGE)
    lacking = [pl.lit(None, pl.String).alias(name) for name in may if name not in names]
    return pl.concat(frames).with_columns(*lacking).select(*must, *may), broken


def _blocks(text: bytes, start: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The text after its heading in blocks of whole records: a scan needs many times its size."""
    while start < len(text):
        end = end_of_block(text, start, BLOCK_BYTES)
        block = text[start:end]
        yield np.frombuffer(block if block.endswith(b"\n") else block + b"\n", np.uint8)
        start = end


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
    return pl.DataFrame(table).with_columns(pl.all().str.strip_chars().replace("", None))
