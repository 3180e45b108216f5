"""Qualtrics: the CSV, TSV or Excel export with its heading rows, and the `.qsf` that explains it.

A new export has three heading rows: names, the words of the questions (in the language of whoever
exported), and `{"ImportId": ...}`. The older one has two, and hides what it knows of the person
under `V1`, `V2` and so on; these get their names of the second row. Rows are told by what is in
them, not by their number, so a broken row of words costs the words and nothing else.

Columns keep the names of the first row (the export tags, `ResponseId`, `StartDate` and the like;
`ResponseID` becomes `ResponseId`). Times are local, without zone, and stay text. An unfinished
response is kept: `Finished` tells it (1 or 0), and `Progress` how far it came. Where the export has
the words of the choices instead of their codes, True and False become 1 and 0, and with the
definition the words of a question with one answer become its recode values.

A blank cell is "": the export does not tell a question that was not shown from one left blank. -99
is the code that an export may write for "seen but unanswered"; it is left as it is, for nothing in
the file or the definition says that it was chosen.

Left out and counted: IP address, place, name, e-mail, the reference to a list of contacts (so a
pupil code needs a field of its own), browser and screen, uploaded files and signatures, and texts
that the definition wants to be an e-mail address or a phone number.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.plain_text import plain_text
from transforms.readers.cells import numbers_text
from transforms.readers.ndjson import strict_json
from transforms.readers.reading import Codebook, FileProblem, Question, Reading
from transforms.tools.evidence import Evidence
from transforms.tools.labels import answer_codes

TOOL = "qualtrics"
RESPONSE = "ResponseId"
FINISHED = "Finished"

_HEADING_ROWS = 2  # at most, below the names
_MANY_OWN = 3
_IMPORT_ID = re.compile(r'^\s*\{\s*"ImportId"\s*:')
_RESPONSE = re.compile(r"^R_\w+$")
_OLD_NAME = re.compile(r"^V\d{1,2}$")
_RESPONSE_NAMES = ("ResponseId", "ResponseID")
# What the tool writes of each response, as both exports call it.
OWN = frozenset(
    {
        *_RESPONSE_NAMES, "ResponseSet", "StartDate", "EndDate", "RecordedDate", "Status",
        "Progress", "Duration (in seconds)", "Finished", "DistributionChannel", "UserLanguage",
        "IPAddress", "LocationLatitude", "LocationLongitude", "LocationAccuracy",
        "RecipientLastName", "RecipientFirstName", "RecipientEmail", "ExternalReference",
        "ExternalDataReference",
    }
)  # fmt: skip
# Only behind a `V`: in a new export these are somebody's own export tags.
_OLD_OWN = OWN | {"Name", "EmailAddress"}
_PERSONAL = {
    "ipaddress": Personal.IP_ADDRESS,
    "locationlatitude": Personal.PLACE,
    "locationlongitude": Personal.PLACE,
    "locationaccuracy": Personal.PLACE,
    "recipientlastname": Personal.NAME,
    "recipientfirstname": Personal.NAME,
    "recipientemail": Personal.EMAIL,
    "externalreference": Personal.ACCOUNT,
    "externaldatareference": Personal.ACCOUNT,
}
_OLD_PERSONAL = {"Name": Personal.NAME, "EmailAddress": Personal.EMAIL}
_NEW_NAMES = {"ResponseID": RESPONSE, "ExternalDataReference": "ExternalReference"}
_FINISHED = {"1": "True", "0": "False"}
# What a question of this kind turns into, by ImportId and by the ends of all its names.
_PARTS = {
    Personal.DEVICE: (
        re.compile(r"QID\d+_(BROWSER|VERSION|OS|RESOLUTION)$"),
        ("Browser", "Version", "Operating System", "Resolution"),
    ),
    Personal.FREE_TEXT: (
        re.compile(r"QID\d+_FILE_(ID|NAME|SIZE|TYPE)$"),
        ("Id", "Name", "Size", "Type"),
    ),
}
_LOOP = re.compile(r"^[^_]+_(?=QID\d)")  # a question that is asked once for each of several things

Cells: TypeAlias = "pa.ChunkedArray"


@dataclass(frozen=True, slots=True)
class _Heading:
    """What stands above the responses, and of each column its name, its words, its ImportId.

    `rows` of the table are heading rows, the last of them on `last_line`.
    """

    rows: int
    last_line: int
    names: Mapping[str, str]
    words: Mapping[str, str]
    imports: Mapping[str, str]


def recognise(columns: Sequence[str], first: Sequence[Sequence[str | None]]) -> Evidence | None:
    """Whether headings and the rows below them are those of an export."""
    own = tuple(sorted(OWN.intersection(columns)))
    if any(_is_import_row(row) for row in first[:_HEADING_ROWS]):
        return Evidence(TOOL, "certain", ("ImportId", *own))
    if first and set(_old_names(columns, first[0]).values()) & set(_RESPONSE_NAMES):
        return Evidence(TOOL, "certain", ("V1", "ResponseID"))
    if len(own) > _MANY_OWN and any(name in own for name in _RESPONSE_NAMES):
        return Evidence(TOOL, "likely", own)
    return None


def _is_import_row(row: Sequence[str | None]) -> bool:
    """Most of what is in the row; a column that somebody added has nothing there."""
    filled = [cell for cell in row if cell]
    return 2 * sum(bool(_IMPORT_ID.match(cell)) for cell in filled) > len(filled)


def _old_names(columns: Sequence[str], words: Sequence[str | None]) -> dict[str, str]:
    """`V1` and so on -> what the second row calls it, where that is a name of the tool's."""
    return {
        column: word
        for column, word in zip(columns, words, strict=False)
        if _OLD_NAME.match(column) and word in _OLD_OWN
    }


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The canonical table of an export.

    The heading rows are taken off, also those that the reader could not take for rows. Raises
    `FileProblem`: NO_ROWS where nothing else is there, HEADER_REPEATED where two names meet, and
    what `answer_codes` raises.
    """
    heading, known = _heading(reading), codebook or {}
    personal = _personal(reading.table.column_names, heading, known)
    kept = {
        column: heading.names.get(column, column)
        for column in reading.table.column_names
        if column not in personal
    }
    if len(set(kept.values())) < len(kept):
        raise FileProblem(Reason.HEADER_REPEATED)
    malformed = tuple(row for row in reading.malformed if row.row_no > heading.last_line)
    if reading.table.num_rows == heading.rows and not malformed:
        raise FileProblem(Reason.NO_ROWS)
    told = {name: _question(column, name, heading, known) for column, name in kept.items()}
    rows = reading.table.slice(heading.rows)
    table = pa.table({name: _written(rows[at], told[name]) for at, name in kept.items()})
    return replace(
        reading,
        table=answer_codes(table, told),
        row_no=reading.row_no.slice(heading.rows),
        malformed=malformed,
        codebook={name: question for name, question in told.items() if question != Question()},
        dropped=Counter(personal.values()),
    )


def _heading(reading: Reading) -> _Heading:
    columns = reading.table.column_names
    first = list(zip(*reading.table.slice(0, _HEADING_ROWS).to_pydict().values(), strict=True))
    at = next((at for at, row in enumerate(first) if _is_import_row(row)), None)
    if at is None:
        return _old_heading(reading, first)
    words = dict(zip(columns, first[0], strict=True)) if at else {}
    imports = {column: _import_id(cell) for column, cell in zip(columns, first[at], strict=True)}
    names = _new_names(columns)
    return _Heading(at + 1, reading.row_no[at].as_py(), names, words, imports)


def _old_heading(reading: Reading, first: Sequence[Sequence[str]]) -> _Heading:
    """The heading of an export without ImportIds: with a row of words below the names, or none."""
    columns = reading.table.column_names
    old = _old_names(columns, first[0]) if first else {}
    names = _new_names(columns) | {
        column: _NEW_NAMES.get(word, word) for column, word in old.items()
    }
    is_words = bool(old) or _is_words([_response_of(columns, names, row) for row in first])
    if not is_words:
        return _Heading(0, 0, names, {}, {})
    words = dict(zip(columns, first[0], strict=True))
    return _Heading(1, reading.row_no[0].as_py(), names, words, {})


def _new_names(columns: Sequence[str]) -> dict[str, str]:
    return {column: _NEW_NAMES[column] for column in columns if column in _NEW_NAMES}


def _response_of(columns: Sequence[str], names: Mapping[str, str], row: Sequence[str]) -> str:
    """The number of the response in a row, "" where the export has no such column."""
    numbered = zip(columns, row, strict=True)
    return next((cell for name, cell in numbered if names.get(name, name) == RESPONSE), "")


def _is_words(responses: Sequence[str]) -> bool:
    """Whether the first row is no response, and the second is one: so no pupil is lost."""
    is_response = [bool(_RESPONSE.match(number)) for number in responses]
    return is_response == [False, True]


def _import_id(cell: str) -> str:
    """The ImportId in a cell, with the choice that the column is about behind it."""
    try:
        found = strict_json(cell)
    except ValueError:
        return ""
    if not isinstance(found, dict):
        return ""
    parts = [found.get("ImportId"), found.get("choiceId")]
    return _LOOP.sub("", "_".join(part for part in parts if isinstance(part, str)))


def _personal(columns: Sequence[str], heading: _Heading, codebook: Codebook) -> dict[str, Personal]:
    """The columns to leave out, and what each holds."""
    found: dict[str, Personal] = {}
    for kind, (import_ids, ends) in _PARTS.items():
        found |= {at: kind for at in columns if import_ids.search(heading.imports.get(at, ""))}
        found |= dict.fromkeys(_together(columns, ends), kind)
    for column in columns:
        import_id, name = heading.imports.get(column, ""), heading.names.get(column, column)
        own = _PERSONAL.get(import_id.lower()) or _PERSONAL.get(name.lower())
        if name != column:
            own = own or _OLD_PERSONAL.get(name)
        if own:
            found[column] = own
        elif _known(import_id, name, codebook).personal:
            found[column] = Personal.IDENTIFIER
    return found


def _together(columns: Sequence[str], ends: Sequence[str]) -> list[str]:
    """All columns of a question whose names have these ends, where each of the ends is there."""
    stems = [name.removesuffix(ends[0]) for name in columns if name.endswith(f"_{ends[0]}")]
    found = [stem for stem in stems if {stem + end for end in ends} <= set(columns)]
    return [name for name in columns if name.startswith(tuple(found))]


def _known(import_id: str, name: str, codebook: Codebook) -> Question:
    return codebook.get(import_id) or codebook.get(name) or Question()


def _question(column: str, name: str, heading: _Heading, codebook: Codebook) -> Question:
    """What the definition says of a column, in the words of the export where it has some."""
    known = _known(heading.imports.get(column, ""), name, codebook)
    if name == FINISHED:
        known = Question(options=dict(_FINISHED), kind="one")
    return replace(known, label=plain_text(heading.words.get(column, "")) or known.label)


def _written(cells: Cells, question: Question) -> Cells:
    # As plain text: a dictionary would still hold the words of the heading rows.
    text = cells.cast(pa.string())
    if question.kind == "number":
        return numbers_text(pc.replace_substring_regex(text, r"^(-?\d*),(\d+)$", r"\1.\2"))
    return text
