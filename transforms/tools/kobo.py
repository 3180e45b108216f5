"""KoboToolbox: the CSV and Excel downloads, headed with names or with labels.

Columns are named by the question's own `name`, a choice of a select-multiple by `name/choice`.
With the XLSForm as codebook this holds whether or not the file has groups before the names, and
labels or names as headings; without it headings stay as they are. Kobo's own columns keep their
names: `_id` tells the submission, and `_submission_time`, which Kobo writes in UTC, is put on the
clock in Norway.

- Every row is a form that was sent in: Kobo exports no unfinished ones. `_validation_status` tells
  which a person has turned down.
- Rows of tags (HXL) under the heading are taken off.
- Choices in words become names with the codebook. A select-multiple in words, all in one cell,
  stays as it is: its words cannot be parted. Its columns of 1 and 0 are good.
- What was not asked and what was left blank are both "", and so is a question that was not yet, or
  no longer, in the version of the form that was filled in.

Left out: who sent it in, from which device, notes on it, places, files and links to files.
"""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from schemas.personal import Personal
from transforms.readers.reading import Codebook, Question, Reading
from transforms.tools.evidence import Evidence
from transforms.tools.labels import answer_codes, without_columns
from transforms.tools.xforms import (
    first_of,
    identifying_columns,
    known_names,
    metadata_columns,
    on_local_clock,
)

TOOL = "kobo"
SUBMITTED = "_submission_time"

_OWN = ("_id", "_uuid", SUBMITTED, "_validation_status", "_submitted_by", "__version__", "_index")
_SURE = {"_id", "_uuid", SUBMITTED}
_OF_A_REPEAT = {"_parent_index", "_parent_table_name"}
_OWN_PERSONAL = {
    "_submitted_by": Personal.ACCOUNT,
    "_notes": Personal.FREE_TEXT,
    "_geolocation": Personal.PLACE,
    "_attachments": Personal.ACCOUNT,
}
_PLACES = ("latitude", "longitude", "altitude", "precision")
_MOST_TAG_ROWS = 5


def recognise(columns: Sequence[str], first: Sequence[Sequence[str | None]]) -> Evidence | None:
    """Whether the headings are those of Kobo's main table; a repeat's own sheet is not one."""
    del first
    if not set(columns) >= _SURE or set(columns) & _OF_A_REPEAT:
        return None
    return Evidence(TOOL, "certain", tuple(name for name in _OWN if name in columns))


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The download with columns by name, choices by name, and no tag rows or personal columns.

    Raises `FileProblem` NOT_RECOGNISED where nobody can tell a label from a name (`answer_codes`).
    """
    known = codebook or {}
    headings = reading.table.column_names
    tags = _tag_rows(reading.table)
    table, dropped = without_columns(reading.table.slice(tags), _personal(headings, known))
    kept = table.column_names
    table = table.rename_columns(known_names(known, _OWN).of(kept, "/"))
    told = {
        name: Question(heading)
        for name, heading in zip(table.column_names, kept, strict=True)
        if name != heading
    }
    return replace(
        reading,
        table=answer_codes(on_local_clock(table, SUBMITTED), known),
        row_no=reading.row_no.slice(tags),
        codebook={**told, **known},
        dropped=dropped,
    )


def _tag_rows(table: pa.Table) -> int:
    """How many rows of tags stand under the heading: nothing but #tags, so no id either."""
    top = table.slice(0, _MOST_TAG_ROWS)
    rows = [[cell for cell in row.values() if cell] for row in top.to_pylist()]
    count = 0
    for row in rows:
        if not row or not all(cell.startswith("#") for cell in row):
            break
        count += 1
    return count


def _personal(headings: Sequence[str], codebook: Codebook) -> dict[str, Personal]:
    return first_of(
        [
            {name: kind for name, kind in _OWN_PERSONAL.items() if name in headings},
            metadata_columns(headings, "/"),
            _places(headings),
            _links(headings),
            identifying_columns(headings, codebook, separator="/"),
        ]
    )


def _places(headings: Sequence[str]) -> dict[str, Personal]:
    """A place is five columns: `home`, `_home_latitude`, `_home_longitude` and so on."""
    found: dict[str, Personal] = {}
    for heading in headings:
        groups, _, name = heading.rpartition("/")
        before = f"{groups}/" if groups else ""
        around = [f"{before}_{name}_{each}" for each in _PLACES]
        if set(around[:2]) <= set(headings):
            found.update(dict.fromkeys([heading, *around], Personal.PLACE))
    return found


def _links(headings: Sequence[str]) -> dict[str, Personal]:
    """A file is two columns: `photo`, its name, and `photo_URL`, a link to it."""
    found: dict[str, Personal] = {}
    for heading in headings:
        stem = heading.removesuffix("_URL")
        if stem != heading and stem in headings:
            found.update({stem: Personal.FREE_TEXT, heading: Personal.ACCOUNT})
    return found
