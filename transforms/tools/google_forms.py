"""Google Forms: the CSV of a form's responses, or of the sheet that they are collected in.

A row is a form that was sent in; unfinished ones are not exported. A question's column is called
what the question says, without blanks around it, and a row of a matrix `Question [row]`. The
answers are the options' texts; several choices stand in one cell, with a comma or a semicolon
between, and are left so, for an option may hold either. What was not asked and what was left blank
are both "".

Columns: `created`, the local date of the timestamp, and the questions. Google gives a response no
number, so there is no `submission_id`: a form can be told from another only by a pupil code in it.
The timestamp is one of
- `2026/03/20 12:24:45 PM GMT+2` in the form's own CSV: the year first, and a time zone;
- what the sheet's country writes: `06.09.2025 kl. 15.37.20`, or `8/7/2020 15:37:20`, which tells
  the day from the month only if some form was sent in after the twelfth of one.
`created` is a date only where the whole column proves how it is written (`readers/proof.py`); else
it is marked, so that validation holds every row.

Taken away: the e-mail address or user name of whoever was logged in, counted in `Reading.dropped`;
points (cells such as `3 / 5`) and feedback of a quiz, which are not counted.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.proof import local_days
from transforms.readers.reading import Codebook, FileProblem, Question, Reading
from transforms.tools.evidence import Evidence

TOOL = "google_forms"

_STAMPS = ("timestamp", "tidsmerke")
_PERSONAL: Mapping[str, Personal] = {
    "email address": Personal.EMAIL,
    "e-postadresse": Personal.EMAIL,
    "username": Personal.ACCOUNT,
    "brukernavn": Personal.ACCOUNT,
}
_POINTS = frozenset({"score", "total score", "poengsum"})
_POINTS_CELL = r"^([0-9]+([.,][0-9]+)? / [0-9]+([.,][0-9]+)?)?$"
_OF_A_QUESTION = re.compile(r"(.+) \[(?:score|feedback)\]", re.DOTALL)
_OWN_STAMP = re.compile(
    r"[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{1,2}:[0-9]{2}:[0-9]{2}\s[AaPp]\.?[Mm]\.? \S+"
)
_SHEET_STAMP = re.compile(r"[0-9]{2}\.[0-9]{2}\.[0-9]{4} kl\. [0-9]{2}\.[0-9]{2}\.[0-9]{2}")


def recognise(columns: Sequence[str], first: Sequence[Sequence[str | None]]) -> Evidence | None:
    """Whether the first heading is the timestamp; only how Google writes one makes it certain."""
    if not columns or _plain(columns[0]) not in _STAMPS:
        return None
    stamps = [(row[0] or "").strip() for row in first if row]
    if stamps and all(_OWN_STAMP.fullmatch(stamp) for stamp in stamps):
        return Evidence(TOOL, "certain", ("Timestamp", "stamp with a zone"))
    if stamps and all(_SHEET_STAMP.fullmatch(stamp) for stamp in stamps):
        return Evidence(TOOL, "likely", ("Timestamp", "stamp of a Norwegian sheet"))
    return Evidence(TOOL, "likely", ("Timestamp",))


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The canonical table of an export that `recognise` knows.

    Raises `FileProblem`: HEADER_MISMATCH where the timestamp is not there, HEADER_REPEATED where
    two columns are called the same once the blanks around them are gone.
    """
    table = reading.table.rename_columns([name.strip() for name in reading.table.column_names])
    _require_distinct(table.column_names)
    stamp = next((name for name in table.column_names if _plain(name) in _STAMPS), None)
    if stamp is None:
        raise FileProblem(Reason.HEADER_MISMATCH)
    questions = [name for name in _questions(table) if name != stamp]
    _require_distinct(["created", *questions])
    told = codebook or reading.codebook
    columns = {"created": local_days(table[stamp]), **{name: table[name] for name in questions}}
    return replace(
        reading,
        table=pa.table(columns),
        codebook={name: told.get(name, Question(label=name)) for name in questions},
        dropped=Counter(
            _PERSONAL[_plain(name)] for name in table.column_names if _plain(name) in _PERSONAL
        ),
    )


def _plain(heading: str) -> str:
    return heading.strip().casefold()


def _require_distinct(names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise FileProblem(Reason.HEADER_REPEATED)


def _questions(table: pa.Table) -> list[str]:
    """The columns that tell neither who was logged in nor points."""
    headings = {_plain(name) for name in table.column_names}
    return [
        name
        for name in table.column_names
        if _plain(name) not in _PERSONAL
        and not _is_points(_plain(name), table[name])
        and not ((about := _OF_A_QUESTION.fullmatch(_plain(name))) and about[1] in headings)
    ]


def _is_points(heading: str, cells: pa.ChunkedArray) -> bool:
    # An author may well ask for a score; only a quiz writes one as a part of the whole.
    if heading not in _POINTS:
        return False
    return bool(pc.all(pc.match_substring_regex(cells.cast(pa.string()), _POINTS_CELL)).as_py())
