"""REDCap's data dictionary: one row a field, as the project page or the API writes it.

What is taken: labels, choices, the kind of each field, and which fields are marked as identifying.
The codebook has the columns of a raw export, form by form; a form ends with its status column,
which the dictionary itself does not list (`FORM_STATUS` are its options).

No code counts as missing: REDCap keeps a project's missing data codes outside the dictionary, so
the survey's own file has to name them. Branching logic is not followed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schemas.reason import Reason
from transforms.codebooks.plain_text import plain_text
from transforms.readers.delimited import read_delimited
from transforms.readers.heading import read_heading
from transforms.readers.letters import as_utf8
from transforms.readers.reading import Codebook, FileProblem, Question, QuestionKind

FORM_STATUS = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
CHECKED = {"1": "Checked", "0": "Unchecked"}

_YES_NO = {"1": "Yes", "0": "No"}
_TRUE_FALSE = {"1": "True", "0": "False"}

# Our name of a heading: as the project page writes it, and as the API does.
_HEADINGS = {
    "name": ("Variable / Field Name", "field_name"),
    "form": ("Form Name", "form_name"),
    "type": ("Field Type", "field_type"),
    "label": ("Field Label", "field_label"),
    "choices": ("Choices, Calculations, OR Slider Labels", "select_choices_or_calculations"),
    "validation": (
        "Text Validation Type OR Show Slider Number",
        "text_validation_type_or_show_slider_number",
    ),
    "identifier": ("Identifier?", "identifier"),
    "annotation": ("Field Annotation", "field_annotation"),
}
_OPTIONAL = {"annotation"}  # not in dictionaries of old versions
_KINDS: dict[str, QuestionKind] = {
    "radio": "one",
    "dropdown": "one",
    "sql": "one",
    "slider": "number",
    "calc": "number",
    "notes": "text",
}
# Kinds of text that tell who somebody is, whether the author has marked the field or not.
_TELLING = re.compile(r"^(email|phone\w*|ssn|v?mrn\w*)$")
_NUMBERS = re.compile(r"^(integer|number\w*)$")
_NOT_MARKED = {"", "n", "no", "0"}


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    form: str
    type: str
    label: str
    choices: str
    validation: str
    identifier: str
    annotation: str


def is_redcap_dictionary(content: bytes) -> bool:
    """Whether a text is a data dictionary, told by its headings."""
    try:
        columns = read_heading(as_utf8(content)).columns
    except FileProblem:
        return False
    return bool(_headings(columns))


def read_redcap_dictionary(content: bytes) -> Codebook:
    """The columns of a raw export in dictionary order, each with its question.

    Raises `FileProblem`: UNREADABLE for another file and for a row that is broken (it could be the
    one that marks a name), HEADER_REPEATED for a field that is there twice, CODEBOOK_MISSING for a
    dictionary without fields, and what `read_delimited` raises.
    """
    reading = read_delimited(content)
    headings = _headings(reading.table.column_names)
    if not headings:
        raise FileProblem(Reason.UNREADABLE)
    if reading.malformed:
        raise FileProblem(Reason.UNREADABLE, line=reading.malformed[0].row_no)
    rows = reading.table.select(list(headings.values())).to_pylist()
    pairs = list(_columns([_field(row, headings) for row in rows]))
    if not pairs:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    if len({name for name, _ in pairs}) < len(pairs):
        raise FileProblem(Reason.HEADER_REPEATED)
    return dict(pairs)


def checkbox_column(field: str, code: str) -> str:
    """The column of one box: REDCap writes the code in lower case, and "-" as "_"."""
    return f"{field}___{re.sub(r'[^a-z0-9_]', '_', code.lower())}"


def _headings(columns: tuple[str, ...] | list[str]) -> dict[str, str]:
    """Our name -> the file's heading; empty where one that must be there is not."""
    found = {
        ours: heading for ours, both in _HEADINGS.items() for heading in both if heading in columns
    }
    return found if found.keys() >= _HEADINGS.keys() - _OPTIONAL else {}


def _field(row: Mapping[str, str], headings: Mapping[str, str]) -> _Field:
    cells = {ours: row[heading].strip() for ours, heading in headings.items()}
    return _Field(**{"annotation": "", **cells})


def _columns(fields: list[_Field]) -> Iterator[tuple[str, Question]]:
    """Each form's columns, and after them its status."""
    for form in dict.fromkeys(field.form for field in fields):
        for field in fields:
            if field.form == form:
                yield from _questions(field)
        yield f"{form}_complete", Question(options=dict(FORM_STATUS), kind="one")


def _questions(field: _Field) -> Iterator[tuple[str, Question]]:
    label, personal = plain_text(field.label), _is_personal(field)
    if field.type == "descriptive":
        return
    if field.type == "checkbox":
        for code, text in _choices(field.choices).items():
            box = Question(f"{label}: {text}", dict(CHECKED), "many", personal=personal)
            yield checkbox_column(field.name, code), box
        return
    yield field.name, Question(label, _options(field), _kind(field), personal=personal)


def _options(field: _Field) -> dict[str, str]:
    if field.type in ("radio", "dropdown"):
        return _choices(field.choices)
    fixed = {"yesno": _YES_NO, "truefalse": _TRUE_FALSE}
    return dict(fixed.get(field.type, {}))


def _choices(text: str) -> dict[str, str]:
    """`1, text | 2, text` as code and label; only the first comma of a choice divides."""
    pairs = [choice.partition(",") for choice in text.split("|") if choice.strip()]
    return {code.strip(): plain_text(label) or code.strip() for code, _, label in pairs}


def _kind(field: _Field) -> QuestionKind:
    if field.type in ("yesno", "truefalse"):
        return "one"
    if "@CALCTEXT" in field.annotation:
        return "text"
    if "@CALCDATE" in field.annotation:
        return "date"
    if field.type == "text":
        return _kind_of_text(field.validation)
    return _KINDS.get(field.type, "unknown")


def _kind_of_text(validation: str) -> QuestionKind:
    if _NUMBERS.match(validation):
        return "number"
    return "date" if validation.startswith("date") else "text"


def _is_personal(field: _Field) -> bool:
    marked = field.identifier.lower() not in _NOT_MARKED
    telling = field.type == "text" and bool(_TELLING.match(field.validation))
    return marked or telling or field.type == "file"  # a file has a name; a signature is one
