"""Nettskjema: each encoding of one form as the same wide table, cell for cell.

Columns: `submission_id`, `created` (the local date), the form's columns in form order named as in
the CSV, `answer_time_ms`. The last is null where the encoding lacks it (answers as JSON lines do),
so it tells nothing about whether two deliveries are the same; nor does `created` in a form that
stores no time.

What the encodings do differently, and what is done about it:
- CSV writes numbers as 77.0, XLSX as number cells, JSON lines with a decimal comma;
- dates are ISO in CSV, date cells in XLSX, dd.mm.yyyy in JSON lines;
- CSV has the time of submission with its offset, the others the clock on the wall;
- JSON lines leave out what was not answered: blank, and "0" for a box that was not ticked;
- a question that the form hid is null, as far as the elements tell under which answers it shows;
- file names, and names and addresses of persons, are dropped: "".

No code counts as missing here: -1 is an answer like any other.
"""

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import reduce
from typing import TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import Column, Elements, Kind
from transforms.readers.cells import numbers_text, oslo_clock
from transforms.readers.ndjson import first_keys
from transforms.readers.nettskjema_answers import read_answers
from transforms.readers.nettskjema_submissions import is_submission, read_submissions
from transforms.readers.reading import FileProblem, Reading

SUBMISSION, CREATED, ANSWER_TIME = "$submission_id", "$created", "$answer_time_ms"

# How Java writes a double: every number question of the CSV, and no class called 8.10.
_JAVA_NUMBER = r"^-?(0|[1-9]\d*)\.(0|\d*[1-9])(E-?\d+)?$"
_MOMENT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$"
_DAY_OR_MOMENT = r"^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?)?$"

Cells: TypeAlias = "pa.ChunkedArray"


def is_nettskjema_table(columns: Collection[str]) -> bool:
    """Whether a table's headings are those of Nettskjema's CSV or XLSX."""
    return SUBMISSION in columns


def is_nettskjema_answers(keys: Collection[str]) -> bool:
    """Whether the keys of a JSON file's first object are those of Nettskjema's answers.

    They come as lines, one an answer, or as whole submissions.
    """
    return {"submissionId", "elementId", "elementType"} <= set(keys) or is_submission(keys)


def from_table(reading: Reading, elements: Elements | None) -> Reading:
    """The canonical table of a CSV or XLSX that `is_nettskjema_table`.

    Without elements the kind of a column is unknown: numbers and times are put into one form only
    where every cell of the column proves to be one, and other columns are left alone. The tool's
    own further `$` columns are left out. Raises `FileProblem` HEADER_MISMATCH for a column that
    the elements do not know: they are then of another version of the form.
    """
    found = {name: reading.table[name].cast(pa.string()) for name in reading.table.column_names}
    answers = {name: cells for name, cells in found.items() if not name.startswith("$")}
    columns = _by_proof(answers) if elements is None else _by_elements(answers, elements)
    codebook = reading.codebook if elements is None else elements.codebook
    rows = reading.table.num_rows
    return replace(
        reading,
        table=_table(found, columns, rows),
        codebook=codebook,
        dropped=_emptied(elements) if elements else {},
    )


def from_answers(content: bytes, elements: Elements) -> Reading:
    """The canonical table of answers as JSON lines, one line an answer.

    `row_no` is the line of the submission's first answer. A submission that answers one question
    in two ways is a malformed row. Raises `FileProblem`: UNREADABLE with the line for any line that
    is not an answer (the answer it held would be missing from a pupil), CODEBOOK_MISSING for a
    question or an option that the elements do not know, INCOMPLETE_UPLOAD, EMPTY_FILE, NO_ROWS.
    """
    if is_submission(first_keys(content)):
        return _from_submissions(content, elements)
    answers = read_answers(content, elements)
    columns = _by_elements(answers.cells, elements)
    rows = len(answers.row_no)
    return Reading(
        _table({SUBMISSION: answers.submission, CREATED: answers.created}, columns, rows),
        answers.row_no,
        "ndjson",
        answers.malformed,
        elements.codebook,
        _emptied(elements),
    )


def _from_submissions(content: bytes, elements: Elements) -> Reading:
    """Whole submissions, read like the lines of their answers, with the time that each took.

    `row_no` is the place of the submission in the file, counted from 1.
    """
    found = read_submissions(content)
    try:
        reading = from_answers(found.lines, elements)
    except FileProblem as problem:
        place = found.places[problem.line - 1] if problem.line else None
        raise FileProblem(problem.reason, column=problem.column, line=place) from None
    places = [found.places[line - 1] for line in reading.row_no.to_pylist()]
    times = pa.array([found.times.get(place) for place in places], pa.string())
    at = reading.table.column_names.index("answer_time_ms")
    torn = (replace(row, row_no=found.places[row.row_no - 1]) for row in reading.malformed)
    return replace(
        reading,
        table=reading.table.set_column(
            at, "answer_time_ms", numbers_text(pa.chunked_array([times]))
        ),
        row_no=pa.array(places, pa.int32()),
        malformed=(*found.malformed, *torn),
    )


def _emptied(elements: Elements) -> Counter[Personal]:
    """The columns of persons that the form has: they are emptied, whatever the file holds."""
    return Counter(column.personal for column in elements.columns if column.personal)


def _table(found: dict[str, Cells], columns: dict[str, Cells], rows: int) -> pa.Table:
    nothing = pa.chunked_array([pa.nulls(rows, pa.string())])
    created = found.get(CREATED, nothing)
    named = [
        ("submission_id", numbers_text(found[SUBMISSION])),
        ("created", _local_dates(created)),
        *columns.items(),
        ("answer_time_ms", numbers_text(found.get(ANSWER_TIME, nothing))),
    ]
    names = [name for name, _ in named]
    if len(set(names)) < len(names):
        raise FileProblem(Reason.HEADER_REPEATED)
    return pa.table([cells for _, cells in named], names=names)


def _by_elements(answers: dict[str, Cells], elements: Elements) -> dict[str, Cells]:
    """The form's columns in form order, each written as its kind is; null where not asked."""
    known = {column.name for column in elements.columns}
    strangers = sorted(set(answers) - known)
    if strangers:
        raise FileProblem(Reason.HEADER_MISMATCH, column=strangers[0])
    rows = len(next(iter(answers.values()), []))
    nothing = pa.chunked_array([pa.nulls(rows, pa.string())])
    written = {
        column.name: _WRITERS[column.kind](answers.get(column.name, nothing))
        for column in elements.columns
    }
    return {column.name: _null_where_hidden(column, written) for column in elements.columns}


def _null_where_hidden(column: Column, written: dict[str, Cells]) -> Cells:
    cells = written[column.name]
    if not column.shown_if or column.kind == "dropped":
        return cells
    chosen = [
        pc.fill_null(pc.equal(written[name], value), fill_value=False)
        for name, value in column.shown_if
    ]
    nothing = ["", "0"] if column.kind == "check" else [""]
    unanswered = pc.is_in(cells, value_set=pa.array(nothing))
    hidden = pc.and_not(unanswered, reduce(pc.or_, chosen))
    return pc.if_else(hidden, pa.scalar(None, pa.string()), cells)


def _by_proof(answers: dict[str, Cells]) -> dict[str, Cells]:
    return {name: _proven(cells) for name, cells in answers.items()}


def _proven(cells: Cells) -> Cells:
    if _every(cells, _JAVA_NUMBER):
        return numbers_text(cells)
    if _every(cells, _DAY_OR_MOMENT) and pc.any(pc.match_substring_regex(cells, _MOMENT)).as_py():
        return _moments(cells)
    return _texts(cells)


def _every(cells: Cells, pattern: str) -> bool:
    """Whether there is an answer, and every one has the pattern."""
    answered = pc.filter(cells, pc.not_equal(cells, ""))
    return len(answered) > 0 and pc.all(pc.match_substring_regex(answered, pattern)).as_py()


def _numbers(cells: Cells) -> Cells:
    return numbers_text(pc.replace_substring_regex(cells, r"^(-?\d+),(\d+)$", r"\1.\2"))


def _dates(cells: Cells) -> Cells:
    iso = pc.replace_substring_regex(cells, r"^(\d\d)\.(\d\d)\.(\d{4})$", r"\3-\2-\1")
    return pc.replace_substring_regex(iso, r"^(\d{4}-\d\d-\d\d)T00:00(:00)?$", r"\1")


def _moments(cells: Cells) -> Cells:
    iso = pc.replace_substring_regex(cells, r"^(\d\d)\.(\d\d)\.(\d{4}) (\d\d:)", r"\3-\2-\1T\4")
    # A moment at midnight is a plain date cell in XLSX.
    whole = pc.replace_substring_regex(iso, r"^(\d{4}-\d\d-\d\d)$", r"\1T00:00")
    return pc.replace_substring_regex(whole, r"^(.{10}T\d\d:\d\d)$", r"\1:00")


def _times(cells: Cells) -> Cells:
    return pc.replace_substring_regex(cells, r"^(\d\d:\d\d):00$", r"\1")


def _texts(cells: Cells) -> Cells:
    return pc.replace_substring(cells, "\r\n", "\n")


def _blanks(cells: Cells) -> Cells:
    return pa.chunked_array([pa.repeat(pa.scalar("", pa.string()), len(cells))])


def _unchanged(cells: Cells) -> Cells:
    return cells


_WRITERS: dict[Kind, Callable[[Cells], Cells]] = {
    "text": _texts,
    "code": _unchanged,
    "check": _unchanged,
    "number": _numbers,
    "date": _dates,
    "time": _times,
    "datetime": _moments,
    "dropped": _blanks,
}


def _local_dates(cells: Cells) -> Cells:
    """The date of each moment on the clock in Norway; what is no moment is left as it is."""
    zoned = (
        pl.Series(cells, dtype=pl.String)
        .str.replace(r"Z$", "+00:00")
        .str.replace(r"T(\d\d:\d\d)([+-])", "T${1}:00${2}")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="ms")
    )
    local = pc.utf8_slice_codeunits(oslo_clock(zoned), 0, 10)
    plain = pc.replace_substring_regex(cells, r"^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d[\d:.]*$", r"\1")
    return pc.coalesce(local, plain)
