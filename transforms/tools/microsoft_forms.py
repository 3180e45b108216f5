"""Microsoft Forms: the workbook of a form's answers, and CSV files that were saved from it.

A row is a form that was sent in; unfinished forms are not exported. A question's column is called
what the question says, without blanks around it, for Forms gives questions no codes; a statement
of a Likert question is a column of its own, and Forms puts a number after a heading that repeats.
The answers are the options' texts, of several choices `one;another;`, and are left as they are. A
question that a branch hid cannot be told from one left blank: both are "".

Columns: `submission_id`, which starts at 1 in every form; `created`, the local date on which the
form was sent in; the questions; `answer_time_ms` from start to end, null where a second is missing.
`Language` stays as it is. `created` is a date only where the whole column proves how it is written
(`readers/proof.py`); else it is marked, so that validation holds every row.

Taken away: the columns of e-mail address and name, which Forms fills in for everybody who is logged
in, counted in `Reading.dropped`; the times that the columns above are made of, and the time of the
last change; points and feedback of a quiz. The last two are not counted.

The language of whoever exports decides the headings. English and Norwegian are known, the names of
a quiz's columns in Norwegian from the English ones only: whichever is called otherwise is left, and
stops the file until somebody decides on it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

import polars as pl
import pyarrow as pa

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.cells import numbers_text
from transforms.readers.proof import ProvenDates, local_days, prove_dates
from transforms.readers.reading import Codebook, FileProblem, Question, Reading
from transforms.tools.evidence import Evidence

TOOL = "microsoft_forms"
Cells: TypeAlias = "pa.ChunkedArray"

# Number, start and end of a form: the first three headings, in the language of whoever exports.
_STAMPS: Mapping[str, tuple[str, str, str]] = {
    "ID, Start time, Completion time": ("id", "start time", "completion time"),
    "ID, Starttidspunkt, Fullføringstidspunkt": ("id", "starttidspunkt", "fullføringstidspunkt"),
}
_PERSONAL: Mapping[str, Personal] = {
    "email": Personal.EMAIL,
    "e-postadresse": Personal.EMAIL,
    "name": Personal.NAME,
    "navn": Personal.NAME,
    "namn": Personal.NAME,
}
_TAKEN_OFF = frozenset(
    {
        "last modified time",
        "tidspunkt for siste endring",
        "total points",
        "totalt antall poeng",
        "quiz feedback",
        "tilbakemelding på test",
        "grade posted time",
    }
)
# A quiz has two more columns a question, called after it (without the number of a repeated one).
_OF_A_QUESTION = re.compile(r"(?:points|feedback|poeng|tilbakemelding) [-–] (.+)", re.DOTALL)
_DIGITS = "0123456789"


def recognise(columns: Sequence[str], first: Sequence[Sequence[str | None]]) -> Evidence | None:
    """Whether the headings have a form's number, start and end, in one language."""
    del first  # the headings are enough
    headings = [_plain(column) for column in columns]
    for mark, stamps in _STAMPS.items():
        if set(stamps) <= set(headings):
            leading = tuple(headings[: len(stamps)]) == stamps
            return Evidence(TOOL, "certain" if leading else "likely", (mark,))
    return None


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The canonical table of an export that `recognise` knows.

    Raises `FileProblem`: HEADER_MISMATCH where the tool's own columns are not there,
    HEADER_REPEATED where two columns are called the same once the blanks around them are gone.
    """
    table = reading.table.rename_columns([name.strip() for name in reading.table.column_names])
    own = {_plain(name): name for name in table.column_names}
    stamps = next((names for names in _STAMPS.values() if own.keys() >= set(names)), None)
    if stamps is None:
        raise FileProblem(Reason.HEADER_MISMATCH)
    _require_distinct(table.column_names)
    number, start, end = (table[own[name]].cast(pa.string()) for name in stamps)
    questions = _questions(table.column_names, stamps)
    columns = [
        ("submission_id", numbers_text(number)),
        ("created", local_days(end)),
        *((name, table[name]) for name in questions),
        ("answer_time_ms", _milliseconds(start, end)),
    ]
    names = [name for name, _ in columns]
    _require_distinct(names)
    told = codebook or reading.codebook
    return replace(
        reading,
        table=pa.table([cells for _, cells in columns], names=names),
        codebook={name: told.get(name, Question(label=name)) for name in questions},
        dropped=Counter(_PERSONAL[name] for name in own if name in _PERSONAL),
    )


def _plain(heading: str) -> str:
    return heading.strip().casefold()


def _require_distinct(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise FileProblem(Reason.HEADER_REPEATED)


def _questions(columns: Sequence[str], stamps: Sequence[str]) -> list[str]:
    """The columns that are neither the tool's own nor about the points of another one."""
    headings = {_plain(column) for column in columns}
    asked = headings | {heading.rstrip(_DIGITS).rstrip() for heading in headings}
    own = {*stamps, *_PERSONAL, *_TAKEN_OFF}
    return [
        column
        for column in columns
        if _plain(column) not in own
        and not ((about := _OF_A_QUESTION.fullmatch(_plain(column))) and about[1] in asked)
    ]


def _milliseconds(start: Cells, end: Cells) -> Cells:
    """From start to end; null where it is not proven, or told to the minute only."""
    moments = [prove_dates(start), prove_dates(end)]
    proven = [found for found in moments if isinstance(found, ProvenDates) and found.seconds]
    if len(proven) < len(moments):
        return pa.chunked_array([pa.nulls(len(start), pa.string())])
    began, ended = (
        pl.Series(found.cells, dtype=pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False)
        for found in proven
    )
    passed = (ended - began).dt.total_milliseconds()
    text = passed.set(passed < 0, None).cast(pl.String)
    return pa.chunked_array([text.to_arrow().cast(pa.string())])
