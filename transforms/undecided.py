"""Personal data in a file that nobody can use as it is: looked for before its problem is told.

Nobody has decided what the columns of such a file are, and where it could not be read there are
none. A valid national number is a person wherever it stands. Addresses and phones may stand where
they belong: they are told beside the problem, so that a person can judge.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.bare_codes import bare_codes
from transforms.birth_dates import LOOKED_AT, are_birth_dates, classes_are_birth_dates
from transforms.code_numbers import numbers_by_chance, numbers_of_persons
from transforms.encoded import distinct, indices
from transforms.gate import Place, personal_heading, persons_among
from transforms.identifiers import Found, find_identifiers
from transforms.readers.reading import FileProblem, MalformedRow, PersonAt, Reading
from transforms.readers.sniff import sniff
from transforms.readers.xlsx import rows_of_sheets, texts_outside_cells
from transforms.readers.xlsx_outside import OUTSIDE
from transforms.spelling import composed

HEADING_ROW = 1
_LONGEST_HEADING = 100  # bytes of the one heading of a list
_MIB = 1 << 20
_MOST = 64 * _MIB  # of a package's parts, unpacked

# Files of these reasons are no table of text, cost too much, or were looked at before.
_NOT_LOOKED_AT = frozenset(
    {
        Reason.PERSONAL_DATA,
        Reason.TOO_LARGE,
        Reason.TOO_COSTLY,
        Reason.EMPTY_FILE,
        Reason.NOT_A_FILE,
        Reason.NOT_A_TABLE,
        Reason.OLD_WORKBOOK,
        Reason.CODEBOOK_DELIVERED,
    }
)
_TEXTS = (".csv", ".txt", ".json", ".xml", ".ndjson", ".tsv")
_REGISTER = "manifest.csv"  # a register's package holds numbers that its reader takes away
_DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, OSError, EOFError)
_TAG = re.compile(r"<[^>]*>")
# A spreadsheet's fraction of a day is no number of a person, however many digits it has.
_FRACTION = r"[0-9]+[.][0-9]{7,}"
_LIST_MARKS = r"[\t;|]"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, or a cell, with where it stands: a column number, or nothing."""

    row_no: int
    column: str
    text: str


def is_worth_a_look(problem: FileProblem, content: bytes) -> bool:
    """Whether a refused file may hold text that nobody has looked at for persons."""
    if problem.reason is Reason.PERSONAL_DATA and problem.persons is None:
        return sniff(content).format == "xlsx"  # found beside the answers: nobody has said where
    if problem.reason is Reason.FILE_PACKED:
        return content.startswith(b"PK")
    return problem.reason not in _NOT_LOOKED_AT


def told_with(problem: FileProblem, persons: Iterable[PersonAt]) -> FileProblem:
    """The problem with the persons that the file holds: PERSONAL_DATA if there is a number."""
    found = sorted({*persons, *(problem.persons or ())})
    if not any(kind is Personal.NATIONAL_ID for _, kind, _ in found):
        return problem.with_persons(tuple(found))
    columns = [column for _, kind, column in found if kind is Personal.NATIONAL_ID and column]
    return FileProblem(
        Reason.PERSONAL_DATA,
        column=next(iter(columns), None),
        tool=problem.tool,
        rows=problem.rows,
        persons=tuple(found),
    )


def list_of_one_column(problem: FileProblem, content: bytes) -> FileProblem:
    """The problem; PERSONAL_DATA where the text is one column under a heading of a person.

    A list of names has no sign that could stand between columns, and so is no table to any reader.
    """
    first, _, below = content.partition(b"\n")
    heading = _decoded(first[:_LONGEST_HEADING]).strip(' \r"\ufeff')
    kind = personal_heading(heading) if heading and b"\0" not in first else None
    if problem.reason is not Reason.NOT_RECOGNISED or kind is None:
        return problem
    rows = [at for at, line in enumerate(below.split(b"\n"), HEADING_ROW + 1) if line.strip()]
    if not rows:
        return problem
    persons = tuple((row_no, kind, "1") for row_no in rows)
    return FileProblem(Reason.PERSONAL_DATA, column="1", rows=len(rows), persons=persons)


def told_by_heading(problem: FileProblem, reading: Reading) -> FileProblem:
    """A column that asks for a person, told with the kind and the rows in which it is filled in."""
    names = reading.table.column_names
    column = problem.column or ""
    at = int(column) - 1 if column.isdigit() else names.index(column) if column in names else -1
    kind = personal_heading(names[at]) if 0 <= at < len(names) else None
    if kind is None or problem.persons:
        return problem
    return problem.with_persons(tuple((row, kind, column) for row in _filled_in(reading, at)))


def _filled_in(reading: Reading, at: int) -> list[int]:
    """The rows in which the column of this place says something."""
    cells = pl.Series(reading.table.column(at).cast(pa.string()), dtype=pl.String)
    rows = (cells.str.strip_chars().fill_null("") != "").arg_true().to_arrow()
    told: list[int] = reading.row_no.take(rows).to_pylist()
    return told


def _under_headings(reading: Reading, dropped: Collection[str]) -> Iterator[PersonAt]:
    """Where columns are filled in that ask for a person by what they are called."""
    for at, heading in enumerate(reading.table.column_names):
        kind = personal_heading(heading)
        if kind is not None and str(at + 1) not in dropped:
            yield from ((row_no, kind, str(at + 1)) for row_no in _filled_in(reading, at))


def persons_in_table(reading: Reading, decided: Collection[str] = ()) -> Iterator[PersonAt]:
    """Where a table's headings, cells and broken rows hold persons: row, kind and column number.

    The column is told by its number, for its heading may be the person. `decided`: the columns
    that some survey drops, where only a national number is told.
    """
    table = reading.table
    named = [str(at) for at in range(1, table.num_columns + 1)]
    numbered = replace(reading, table=table.rename_columns(named))
    running = [
        name for name in named if _counts_up(distinct(_encoded(numbered.table.column(name))))
    ]
    dropped = {
        name
        for name, heading in zip(named, table.column_names, strict=True)
        if composed(heading) in decided
    }
    yield from _in_headings(table.column_names)
    for row_no, kind, name in persons_in_columns(numbered, dict.fromkeys(running, "id")):
        if name not in dropped or kind is Personal.NATIONAL_ID:
            yield row_no, kind, name
    yield from _under_headings(reading, dropped)
    yield from numbers_in_broken(reading.malformed)


def persons_in_columns(reading: Reading, places: Mapping[str, Place]) -> Iterator[PersonAt]:
    """The cells of a table that hold a person, by row, kind and the column's own name."""
    columns = {name: _encoded(reading.table.column(name)) for name in reading.table.column_names}
    cells = {name: distinct(column) for name, column in columns.items()}
    for name, kinds in persons_among(cells, places).items():
        at = indices(columns[name], if_null=len(cells[name]))
        for kind, hits in kinds.items():
            rows = np.flatnonzero(np.append(hits, np.False_)[at])
            yield from ((row, kind, name) for row in reading.row_no.take(rows).to_pylist())


def births_in_list(reading: Reading) -> list[PersonAt]:
    """The rows of a class list whose pupil codes, or names of classes, are birth dates."""
    table = reading.table.cast(pa.schema([(n, pa.string()) for n in reading.table.column_names]))
    known = _known_in(table)
    if "pupil_code" in table.column_names:
        known = known.with_columns(codes_in_list(reading).select(LOOKED_AT))
    found = []
    ways = {"pupil_code": are_birth_dates, "class_group": classes_are_birth_dates}
    for column in set(ways) & set(table.column_names):
        cells = pl.Series(table.column(column), dtype=pl.String).str.strip_chars()
        asked = known.drop(LOOKED_AT, strict=False) if column == "class_group" else known
        rows = np.flatnonzero(ways[column](asked.with_columns(cells.alias("code"))))
        told = reading.row_no.take(pa.array(rows)).to_pylist()
        found += [(row_no, Personal.BIRTH_DATE, column) for row_no in told]
    return found


def numbers_in_list(reading: Reading) -> list[PersonAt]:
    """The rows of a class list whose pupil codes hold somebody's number."""
    if "pupil_code" not in reading.table.column_names:
        return []
    return [
        (row_no, kind, "pupil_code")
        for kind, hits in numbers_of_persons(codes_in_list(reading)).items()
        for row_no in reading.row_no.take(np.flatnonzero(hits)).to_pylist()
    ]


def without_chance(found: Iterable[PersonAt], reading: Reading) -> Iterator[PersonAt]:
    """What was found in a class list, but for codes that are drawn of 0 to F and look like it."""
    numbers = {Personal.PHONE, Personal.NATIONAL_ID}
    told = list(found)
    drawn: set[int] = set()
    if any(kind in numbers and name == "pupil_code" for _, kind, name in told):
        rows = np.flatnonzero(numbers_by_chance(codes_in_list(reading)))
        drawn = set(reading.row_no.take(rows).to_pylist())
    for row_no, kind, name in told:
        if name != "pupil_code" or kind not in numbers or row_no not in drawn:
            yield row_no, kind, name


def codes_in_list(reading: Reading) -> pl.DataFrame:
    """The `bare_codes` of a class list with a row a pupil."""
    names = {"code": "pupil_code", "school": "school", "class_group": "class_group"}
    cells = {
        own: pl.Series(reading.table.column(name).cast(pa.string()), dtype=pl.String)
        for own, name in names.items()
    }
    return bare_codes(_known_in(reading.table).with_columns(**cells))


def _known_in(table: pa.Table) -> pl.DataFrame:
    """The first of the school year (`year`) and the `grade` of each row of a class list."""
    cells = [pl.Series(n, table.column(n).cast(pa.string())) for n in ("school_year", "grade")]
    return pl.DataFrame(cells).select(
        pl.lit(0).alias("file_no"),
        pl.col("school_year").str.slice(0, 4).cast(pl.Int32, strict=False).alias("year"),
        pl.col("grade").str.strip_chars().cast(pl.Int32, strict=False),
    )


def _encoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column as texts, each distinct one once."""
    return pa.chunked_array([column.cast(pa.string()).combine_chunks().dictionary_encode()])


def _counts_up(column: pa.ChunkedArray) -> bool:
    """Whether a column holds whole numbers in order: a tool's own running number."""
    cells = pl.Series(column.cast(pa.string()), dtype=pl.String)
    numbers = cells.drop_nulls().cast(pl.Int64, strict=False)
    rises = numbers.is_sorted() or numbers.is_sorted(descending=True)
    return len(numbers) > 1 and not numbers.null_count() and rises


def _in_headings(columns: Iterable[str]) -> Iterator[PersonAt]:
    headings = pl.Series(list(columns), dtype=pl.String)
    for kind, hits in find_identifiers(headings).items():
        yield from ((HEADING_ROW, kind, str(at + 1)) for at in np.flatnonzero(hits).tolist())


def numbers_in_broken(rows: Iterable[MalformedRow]) -> Iterator[PersonAt]:
    """Records that are no rows and hold a national number. Which column it stood in, none knows."""
    told = list(rows)
    found = _of_lines([row.text for row in told]).get(Personal.NATIONAL_ID, ())
    for at in np.flatnonzero(found).tolist():
        yield told[at].row_no, Personal.NATIONAL_ID, ""


def _of_lines(texts: list[str]) -> Found:
    lines = pl.Series(texts, dtype=pl.String).str.replace_all(_LIST_MARKS, " | ")
    lines = lines.str.replace_all(_FRACTION, "|")
    return find_identifiers(lines, np.ones(len(lines), np.bool_))


def look_through(content: bytes) -> Reading:
    """Where the text of any file holds persons: a row a find, with `kind` and `column` as columns.

    Nothing is demanded of the file. A workbook is read cell by cell, a package part by part, any
    other file line by line; what is no text holds nothing.
    """
    lines = list(_lines(content))
    found = [
        (lines[at], kind)
        for kind, hits in _of_lines([line.text for line in lines]).items()
        for at in np.flatnonzero(hits).tolist()
    ]
    columns = {
        "kind": [kind.value for _, kind in found],
        "column": [line.column for line, _ in found],
    }
    table = pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})
    return Reading(table, pa.array([line.row_no for line, _ in found], pa.int32()), "persons")


def persons_told(found: Reading) -> Iterator[PersonAt]:
    """What `look_through` found, as it was told by the child that looked."""
    for row_no, row in zip(found.row_no.to_pylist(), found.table.to_pylist(), strict=True):
        yield row_no, Personal(row["kind"]), row["column"]


def _lines(content: bytes) -> Iterator[Line]:
    if sniff(content).format == "xlsx":
        with suppress(FileProblem):
            yield from (Line(0, OUTSIDE, text) for text in texts_outside_cells(content))
            for row_no, cells in rows_of_sheets(content):
                yield from (
                    Line(row_no, str(at) if row_no else "", cell)
                    for at, cell in enumerate(cells, start=1)
                )
            return
    if content.startswith(b"PK"):
        for part in _parts(content):
            yield from _of_text(_TAG.sub("|", part))
        return
    if not content.startswith(b"PAR1"):
        yield from _of_text(_decoded(content))


def _of_text(text: str) -> Iterator[Line]:
    yield from (Line(at, "", line) for at, line in enumerate(text.splitlines(), start=1))


def _parts(content: bytes) -> Iterator[str]:
    """The texts of a package, as far as the measure goes; none of a register's."""
    left = _MOST
    with suppress(*_DAMAGED), zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [entry.filename for entry in archive.infolist()]
        if any(name.lower().endswith(_REGISTER) for name in names):
            return
        for name in names:
            if left > 0 and name.lower().endswith(_TEXTS):
                with archive.open(name) as part:
                    text = part.read(left)
                left -= len(text)
                yield _decoded(text)


def _decoded(content: bytes) -> str:
    """The text, letter for letter or not: digits and addresses are the same in all of them."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
