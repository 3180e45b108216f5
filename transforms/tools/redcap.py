"""REDCap: the raw CSV export, and the data dictionary that explains it.

Columns keep REDCap's own variable names: `record_id` (the first column, whatever its name),
`redcap_event_name`, `redcap_repeat_instrument` and the like, the fields, `field___code` for each
box, `<form>_timestamp`, `<form>_complete`. Rows stay rows: a repeating instrument has one row each
time it was filled in, and an event one row an event, so one pupil may have several.

An unfinished response is kept. `<form>_complete` tells it (0 incomplete, 1 unverified, 2 complete,
"" in newer versions where the form was never opened). The text `[not completed]` in
`<form>_timestamp` says so again and is no time: it becomes blank.

Not asked is null only where that is certain, which takes the dictionary: the fields of one form on
a row that repeats another, and those of a repeating form on a row that repeats none (not where
there are events: a form may repeat in one event and not in the next). A question that the form's
branching logic hid is "", for the export does not tell it from one left blank.

REDCap writes 0 for every box of a form that nobody has opened. With the dictionary such a form is
known by having no answer at all, and its boxes are "": the pupil did not say no. In a form that
was begun, a 0 stays a 0.

Left out and counted: `redcap_survey_identifier`, and what the dictionary calls identifying. Without
a dictionary nobody can tell which fields are, a decimal comma stays, and nothing is null.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.redcap_dictionary import CHECKED, FORM_STATUS
from transforms.readers.cells import numbers_text
from transforms.readers.reading import Codebook, FileProblem, Question, Reading
from transforms.tools.evidence import Evidence

TOOL = "redcap"
REPEAT_INSTRUMENT = "redcap_repeat_instrument"
EVENT = "redcap_event_name"
RECORD_ID = "record_id"  # as a new project calls its first field
NOT_COMPLETED = "[not completed]"
SURVEY_IDENTIFIER = "redcap_survey_identifier"

OWN = (
    EVENT,
    REPEAT_INSTRUMENT,
    "redcap_repeat_instance",
    "redcap_data_access_group",
    SURVEY_IDENTIFIER,
)
_BOX = re.compile(r"^([a-z][a-z0-9_]*?)___[a-z0-9_]+$")
STATUS_SUFFIX = "_complete"
TIME_SUFFIX = "_timestamp"

Cells: TypeAlias = "pa.ChunkedArray"


@dataclass(frozen=True, slots=True)
class _Form:
    """A form's columns that are in the file, its status apart; the record id is of no form."""

    name: str
    columns: tuple[str, ...]

    @property
    def status(self) -> str:
        return self.name + STATUS_SUFFIX


def recognise(
    columns: Sequence[str],
    first: Sequence[Sequence[str | None]],
    codebook: Codebook | None = None,
) -> Evidence | None:
    """Whether headings are those of a raw export; a dictionary that names most of them helps.

    One form's status alone is no proof: anybody may call a column `task_complete`.
    """
    own = tuple(name for name in OWN if name in columns)
    if own:
        return Evidence(TOOL, "certain", own)
    forms = _forms_by_status(columns, first)
    signs = {
        "form_complete": bool(forms),
        "field___code": any(_BOX.match(name) for name in columns),
        "form_timestamp": any(form + TIME_SUFFIX in columns for form in forms),
        RECORD_ID: bool(forms) and columns[0] == RECORD_ID,
        "data dictionary": _names_most(codebook or {}, columns),
    }
    seen = tuple(mark for mark, is_there in signs.items() if is_there)
    enough = (bool(forms) and len(seen) > 1) or signs["data dictionary"]
    return Evidence(TOOL, "likely", seen) if enough else None


def _forms_by_status(
    columns: Sequence[str], first: Sequence[Sequence[str | None]]
) -> tuple[str, ...]:
    """Names before `_complete`, of columns whose first cells are statuses."""
    by_column = zip(*first, strict=False) if first else [()] * len(columns)
    return tuple(
        name.removesuffix(STATUS_SUFFIX)
        for name, cells in zip(columns, by_column, strict=False)
        if name.endswith(STATUS_SUFFIX) and {cell or "" for cell in cells} <= {"", *FORM_STATUS}
    )


def _names_most(codebook: Codebook, columns: Sequence[str]) -> bool:
    named = sum(name in codebook for name in columns)
    return any(_is_status(name, codebook) for name in codebook) and 2 * named > len(columns)


def read(reading: Reading, codebook: Codebook | None) -> Reading:
    """The canonical table of a raw export.

    Numbers have a decimal point where the dictionary says that the field is a number. Raises
    `FileProblem` HEADER_MISMATCH for a column that the dictionary does not know: it is then of
    another version of the project, and could miss a field that says who a child is.
    """
    if codebook:
        _require_known(reading.table.column_names, codebook)
    found = {name: reading.table[name].cast(pa.string()) for name in reading.table.column_names}
    told = {**_by_name(found), **(codebook or {})}
    forms = list(_forms(codebook or {}, list(found)))
    written = {
        name: _timed(cells) if name.endswith(TIME_SUFFIX) else _written(cells, told.get(name))
        for name, cells in found.items()
    }
    for form in forms:
        written |= _form_never_opened(form, written)
    for form in forms:
        written |= _not_asked(form, written)
    personal = _personal(found, told)
    kept = [name for name in found if name not in personal]
    return replace(
        reading,
        table=pa.table([written[name] for name in kept], names=kept),
        codebook={name: told[name] for name in kept if name in told},
        dropped=Counter(personal.values()),
    )


def _require_known(columns: Sequence[str], codebook: Codebook) -> None:
    forms = [name.removesuffix(STATUS_SUFFIX) for name in codebook if _is_status(name, codebook)]
    fields = {box[1] for name in codebook if (box := _BOX.match(name))}
    known = {*OWN, *codebook, *(form + TIME_SUFFIX for form in forms)}
    for name in columns:
        # A missing data code has a box of its own, which the dictionary does not list.
        box = _BOX.match(name)
        if name not in known and not (box and box[1] in fields):
            raise FileProblem(Reason.HEADER_MISMATCH, column=name)


def _is_status(name: str, codebook: Codebook) -> bool:
    return name.endswith(STATUS_SUFFIX) and codebook[name].options == FORM_STATUS


def _by_name(found: Mapping[str, Cells]) -> Codebook:
    """What a column's name says by itself: boxes, and the statuses of forms."""
    told = {
        name: Question(options=dict(CHECKED), kind="many") for name in found if _BOX.match(name)
    }
    statuses = pa.array(["", *FORM_STATUS])
    for name, cells in found.items():
        if name.endswith(STATUS_SUFFIX) and pc.all(pc.is_in(cells, value_set=statuses)).as_py():
            told[name] = Question(options=dict(FORM_STATUS), kind="one")
    return told


def _forms(codebook: Codebook, columns: list[str]) -> Iterator[_Form]:
    """The forms of a dictionary, each ending with its status."""
    fields: list[str] = []
    for name in codebook:
        if _is_status(name, codebook):
            present = tuple(field for field in fields if field in columns[1:])
            yield _Form(name.removesuffix(STATUS_SUFFIX), present)
            fields = []
        else:
            fields.append(name)


def _written(cells: Cells, question: Question | None) -> Cells:
    if question is None or question.kind != "number":
        return cells
    # REDCap's numbers have no thousands separator, so a comma is always the decimal sign.
    return numbers_text(pc.replace_substring_regex(cells, r"^(-?\d*),(\d+)$", r"\1.\2"))


def _timed(cells: Cells) -> Cells:
    return pc.if_else(pc.equal(cells, NOT_COMPLETED), pa.scalar(""), cells)


def _form_never_opened(form: _Form, written: Mapping[str, Cells]) -> dict[str, Cells]:
    """The form's boxes, blank on the rows where it is not complete and holds no answer at all."""
    boxes = [name for name in form.columns if _BOX.match(name)]
    if not boxes or form.status not in written:
        return {}
    blanks = [_is_unanswered(name, written[name]) for name in form.columns]
    incomplete = pc.is_in(written[form.status], value_set=pa.array(["", "0"]))
    unopened = reduce(pc.and_, blanks, incomplete)
    return {name: pc.if_else(unopened, pa.scalar(""), written[name]) for name in boxes}


def _not_asked(form: _Form, written: Mapping[str, Cells]) -> dict[str, Cells]:
    """The form's columns, null on the rows that belong to another form."""
    if REPEAT_INSTRUMENT not in written:
        return {}
    repeated = written[REPEAT_INSTRUMENT]
    elsewhere = pc.and_(pc.not_equal(repeated, ""), pc.not_equal(repeated, form.name))
    if EVENT not in written and pc.any(pc.equal(repeated, form.name)).as_py():
        elsewhere = pc.not_equal(repeated, form.name)
    nothing = pa.scalar(None, pa.string())
    names = [name for name in (*form.columns, form.status) if name in written]
    return {
        name: pc.if_else(
            pc.and_(elsewhere, _is_unanswered(name, written[name])), nothing, written[name]
        )
        for name in names
    }


def _is_unanswered(name: str, cells: Cells) -> Cells:
    nothing = ["", "0"] if _BOX.match(name) else [""]
    return pc.is_in(cells, value_set=pa.array(nothing))


def _personal(found: Mapping[str, Cells], told: Codebook) -> dict[str, Personal]:
    """The columns to leave out: the whole field, with the boxes that only the file knows."""
    marked = {name for name, question in told.items() if question.personal}
    fields = {box[1] for name in marked if (box := _BOX.match(name))}
    personal = {name: Personal.IDENTIFIER for name in found if name in marked}
    for name in found:
        box = _BOX.match(name)
        if box and box[1] in fields:
            personal[name] = Personal.IDENTIFIER
    if SURVEY_IDENTIFIER in found:
        personal[SURVEY_IDENTIFIER] = Personal.NAME
    return personal
