"""ODK Central: the zip of a form's submissions, or its main table alone as CSV.

Columns are named by the question's own `name`, a choice of a select-multiple by `name/choice`. With
the XLSForm as codebook this holds whether or not the file has groups before the names (`g1-q2`);
without it headings stay as they are. Central's own columns keep their names; `KEY` tells the
submission, and `SubmissionDate`, which Central writes in UTC, is put on the clock in Norway.

- Of a zip the main table is read. A repeat has a table of its own, which is left out and counted in
  the codebook under `(repeat 1)` and so on. Other files of the zip are not unpacked.
- Every row is a form that was sent in. `ReviewState` tells which a person has rejected or finds
  wanting.
- A row that Central could not decrypt holds no answers. "missing encrypted form data" makes it a
  malformed row; "not decrypted" means that the export was made without the passphrase, and it must
  be made again.
- What was not asked and what was left blank are both "". Central writes 0 for the choices of a
  select-multiple that nobody was asked; they are "" here if nothing at all was ticked.

Left out: who sent it in, from which device, the name that the form gives the submission, places,
and what the codebook calls identifying.
"""

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.delimited import read_delimited
from transforms.readers.heading import read_heading
from transforms.readers.letters import as_utf8
from transforms.readers.reading import Codebook, FileProblem, MalformedRow, Question, Reading
from transforms.tools.evidence import Evidence
from transforms.tools.labels import answer_codes, without_columns
from transforms.tools.xforms import (
    first_of,
    identifying_columns,
    known_names,
    metadata_columns,
    on_local_clock,
)

TOOL = "odk"
SUBMITTED, KEY, PARENT, STATUS = "SubmissionDate", "KEY", "PARENT_KEY", "Status"
MAX_ENTRIES = 20_000  # a submission may bring many pictures
MAX_TABLES = 200
MAX_BYTES = 200_000_000
MAX_RATIO = 100  # of what is larger than a wide and sparse table may be
MAX_BYTES_OF_ANY_RATIO = 10_000_000

_CENTRAL = (
    *("SubmitterID", "SubmitterName", "AttachmentsPresent", "AttachmentsExpected"),
    *(STATUS, "ReviewState", "DeviceID", "Edits", "FormVersion"),
)
OWN = (SUBMITTED, KEY, *_CENTRAL)
_OWN_PERSONAL = {
    "SubmitterID": Personal.ACCOUNT,
    "SubmitterName": Personal.NAME,
    "DeviceID": Personal.DEVICE,
}
_PLACES = ("Latitude", "Longitude", "Altitude", "Accuracy")
_NOT_DECRYPTED, _NOT_ARRIVED = "not decrypted", "missing encrypted form data"
_ZIP = b"PK\x03\x04"
_LOOK = 262_144
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # an entry with a password
    NotImplementedError,
)


@dataclass(frozen=True, slots=True)
class _Tables:
    """The tables of a zip, unpacked: the main one, and one for each repeat."""

    main: bytes = field(repr=False)
    repeats: tuple[bytes, ...] = field(repr=False)


def recognise_bytes(content: bytes) -> Evidence | None:
    """Whether a file is a zip with one main table of ODK Central, told by the tables' headings."""
    if not content.startswith(_ZIP):
        return None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            headings = [_heading(_read(archive, entry, _LOOK)) for entry in _entries(archive)]
    except (FileProblem, *_ZIP_ERRORS):
        return None
    found = [evidence for columns in headings if (evidence := recognise(columns, []))]
    return found[0] if len(found) == 1 else None


def read_bytes(content: bytes, codebook: Codebook | None) -> Reading:
    """The main table of a zip.

    Raises `FileProblem`: TOO_LARGE for a zip that would unpack to more than the limits, UNREADABLE
    for one that is damaged, has a password or is not decrypted, NOT_RECOGNISED unless it holds
    exactly one main table, and what `read_delimited` and `read` raise.
    """
    tables = _unpack(content)
    reading = read(read_delimited(tables.main), codebook)
    notes = {
        f"(repeat {number})": Question(f"A repeated group, left out: {_count(repeat)} rows.")
        for number, repeat in enumerate(tables.repeats, 1)
    }
    return replace(reading, codebook={**reading.codebook, **notes})


def recognise(columns: Sequence[str], first: Sequence[Sequence[str | None]]) -> Evidence | None:
    """Whether the headings are those of a main table; a repeat's table is not one."""
    del first
    has = set(columns)
    if not {SUBMITTED, KEY} <= has or PARENT in has:
        return None
    marks = tuple(name for name in OWN if name in has)
    return Evidence(TOOL, "certain" if has & set(_CENTRAL) else "likely", marks)


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The main table with columns by name and no personal columns.

    Raises `FileProblem` UNREADABLE where rows are not decrypted.
    """
    known = codebook or {}
    reading = _without_empty_rows(reading)
    headings = reading.table.column_names
    ticks = _blank_where_nothing_is_ticked(reading.table)
    table, dropped = without_columns(ticks, _personal(headings, known))
    kept = table.column_names
    table = table.rename_columns(known_names(known, OWN).of(kept, "-"))
    return replace(
        reading,
        table=answer_codes(on_local_clock(table, SUBMITTED), known),
        codebook=dict(known),
        dropped=dropped,
    )


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The tables among the entries, their sizes within the limits; no name is used for a path."""
    every = archive.infolist()
    tables = [entry for entry in every if _is_table(entry.filename)]
    unpacked = sum(entry.file_size for entry in tables)
    packed = sum(entry.compress_size for entry in tables)
    too_many = len(every) > MAX_ENTRIES or len(tables) > MAX_TABLES
    too_dense = unpacked > MAX_BYTES_OF_ANY_RATIO and unpacked > MAX_RATIO * packed
    if too_many or too_dense or unpacked > MAX_BYTES:
        raise FileProblem(Reason.TOO_LARGE)
    return tables


def _is_table(name: str) -> bool:
    parts = name.replace("\\", "/").lower().split("/")
    return parts[-1].endswith(".csv") and not {"media", "__macosx"} & set(parts[:-1])


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    with archive.open(entry) as part:
        return part.read(most)


def _unpack(content: bytes) -> _Tables:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(entry) for entry in _entries(archive)]
    except _ZIP_ERRORS:
        raise FileProblem(Reason.UNREADABLE) from None
    headings = [_heading(part) for part in parts]
    mains = [part for part, columns in zip(parts, headings, strict=True) if recognise(columns, [])]
    if len(mains) != 1:
        raise FileProblem(Reason.NOT_RECOGNISED)
    repeats = [part for part, columns in zip(parts, headings, strict=True) if PARENT in columns]
    return _Tables(mains[0], tuple(repeats))


def _heading(table: bytes) -> tuple[str, ...]:
    """The column names of a table, or of its beginning; none where it has no heading."""
    try:
        return read_heading(as_utf8(table[:_LOOK].rpartition(b"\n")[0] + b"\n")).columns
    except FileProblem:
        return ()


def _count(repeat: bytes) -> int:
    try:
        return read_delimited(repeat).delivered
    except FileProblem as problem:
        if problem.reason is Reason.NO_ROWS:
            return 0
        raise


def _without_empty_rows(reading: Reading) -> Reading:
    """The rows that hold a form; one whose encrypted data never arrived becomes malformed."""
    if STATUS not in reading.table.column_names:
        return reading
    status = reading.table[STATUS].cast(pa.string())
    if pc.any(pc.equal(status, _NOT_DECRYPTED)).as_py():
        raise FileProblem(Reason.UNREADABLE, column=STATUS)
    empty = pc.equal(status, _NOT_ARRIVED)
    if not pc.any(empty).as_py():
        return reading
    keys = pc.filter(reading.table[KEY], empty).to_pylist()
    rows = pc.filter(reading.row_no, empty.combine_chunks()).to_pylist()
    lost = [MalformedRow(row, Reason.ROW_CUT_OFF, key) for row, key in zip(rows, keys, strict=True)]
    there = pc.invert(empty)
    return replace(
        reading,
        table=reading.table.filter(there),
        row_no=reading.row_no.filter(there.combine_chunks()),
        malformed=(*reading.malformed, *lost),
    )


def _blank_where_nothing_is_ticked(table: pa.Table) -> pa.Table:
    for at, name in enumerate(table.column_names):
        question = name.rpartition("/")[0]
        if question and question in table.column_names:
            blank = pc.equal(table[question].cast(pa.string()), "")
            cells = pc.if_else(blank, "", table[name].cast(pa.string()))
            table = table.set_column(at, name, cells)
    return table


def _personal(headings: Sequence[str], codebook: Codebook) -> dict[str, Personal]:
    return first_of(
        [
            {name: kind for name, kind in _OWN_PERSONAL.items() if name in headings},
            dict.fromkeys(_places(headings), Personal.PLACE),
            metadata_columns(headings, "-"),
            identifying_columns(headings, codebook, separator="-"),
        ]
    )


def _places(headings: Iterable[str]) -> Iterator[str]:
    """A place is four columns: `home-Latitude`, `home-Longitude` and so on."""
    names = set(headings)
    for heading in sorted(names):
        stem, _, last = heading.rpartition("-")
        if last in _PLACES and {f"{stem}-Latitude", f"{stem}-Longitude"} <= names:
            yield heading
