"""The codebook of a Nettskjema form: the JSON of `/form/{id}/elements`.

It names the columns of the form's CSV and says what each holds, so that the other encodings of
the same form can be brought to the same table without guessing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.ndjson import first_keys
from transforms.readers.reading import Codebook, FileProblem, Question

Kind = Literal["text", "code", "check", "number", "date", "time", "datetime", "dropped"]

# The label of a box that is ticked or not; Nettskjema's own SPSS syntax words it so.
TICKED = {"1": "Yes", "0": "No"}

_NOT_QUESTIONS = {"TEXT", "IMAGE", "HEADING", "PAGE_BREAK", "ACCORDION"}
_BOXES = {"CHECKBOX", "MATRIX_CHECKBOX"}
_MATRICES = {"MATRIX_RADIO", "MATRIX_CHECKBOX"}
_DATES: dict[str | None, Kind] = {"DATE": "date", "TIME": "time", "DATE_TIME": "datetime"}
# Names, addresses and file names say who a child is: known by their type, never passed on.
_KINDS: dict[str, Kind] = {
    "RADIO": "code",
    "SELECT": "code",
    "MATRIX_RADIO": "code",
    "CHECKBOX": "check",
    "MATRIX_CHECKBOX": "check",
    "NUMBER": "number",
    "LINEAR_SCALE": "number",
}
_PERSONAL = {
    "ATTACHMENT": Personal.FREE_TEXT,
    "NAME": Personal.NAME,
    "PHONE": Personal.PHONE,
    "EMAIL": Personal.EMAIL,
    "USERNAME": Personal.ACCOUNT,
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the form's CSV.

    `shown_if`: pairs of column and value; the question was asked of a pupil who has any of them.
    Empty: asked of everyone. `personal`: what a column of the kind `dropped` holds.
    """

    name: str
    kind: Kind
    shown_if: tuple[tuple[str, str], ...] = ()
    personal: Personal | None = None


@dataclass(frozen=True, slots=True)
class Elements:
    """A form's columns in form order, its labels, and what turns long answers into columns.

    `questions` and `rows` give the column stem of an element or of a matrix row by its id (boxes
    have one column for each option below the stem).
    """

    columns: tuple[Column, ...]
    codebook: Codebook
    questions: dict[int, str]
    rows: dict[int, str]


class _Option(BaseModel):
    model_config = ConfigDict(strict=True)

    answerOptionId: int  # noqa: N815 - the tool's own names, here and below
    externalAnswerOptionId: str | None = None  # noqa: N815
    text: str | None = None
    textOrAltText: str | None = None  # noqa: N815


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)

    subElementId: int  # noqa: N815
    externalElementId: str | None = None  # noqa: N815
    text: str | None = None


class _Element(BaseModel):
    model_config = ConfigDict(strict=True)

    elementId: int | None = None  # noqa: N815
    elementType: str  # noqa: N815
    externalElementId: str | None = None  # noqa: N815
    text: str | None = None
    dateFormat: str | None = None  # noqa: N815
    nationalIdNumberType: str | None = None  # noqa: N815
    answerOptions: list[_Option] = []  # noqa: N815
    answerOptionsVisibilityFilter: list[_Option] = []  # noqa: N815
    subElements: list[_Row] = []  # noqa: N815


_FORM = TypeAdapter(list[_Element])


def is_elements(content: bytes) -> bool:
    """Whether a JSON file is a form's elements rather than answers."""
    keys = set(first_keys(content))
    return "elementType" in keys and "submissionId" not in keys


def read_elements(content: bytes) -> Elements:
    """The elements of one form.

    Raises `FileProblem`: UNREADABLE for anything else than such a file, CODEBOOK_MISSING where a
    question or an option has no code of its own (the form's codebook is switched off), and
    HEADER_REPEATED where two columns would have one name.
    """
    form = _parse(content)
    questions = [element for element in form if element.elementType not in _NOT_QUESTIONS]
    triggers = _triggers(questions)
    columns = [column for element in questions for column in _columns(element, triggers)]
    if len({column.name for column, _ in columns}) < len(columns):
        raise FileProblem(Reason.HEADER_REPEATED)
    return Elements(
        columns=tuple(column for column, _ in columns),
        codebook={column.name: question for column, question in columns},
        questions={_id(element): _code(element.externalElementId) for element in questions},
        rows={row.subElementId: stem for element in questions for row, stem in _rows(element)},
    )


def _parse(content: bytes) -> list[_Element]:
    form: list[_Element] = []
    with suppress(ValidationError):  # its message holds the form's text
        form = _FORM.validate_json(content.removeprefix(b"\xef\xbb\xbf"))
    if not form:
        raise FileProblem(Reason.UNREADABLE)
    return form


def _columns(
    element: _Element, triggers: dict[int, tuple[str, str]]
) -> Iterator[tuple[Column, Question]]:
    """The columns that one question has in the CSV, each with its label and options."""
    kind, shown_if = _kind(element), _shown_if(element, triggers)
    options = [
        (_code(option.externalAnswerOptionId), _label(option)) for option in element.answerOptions
    ]
    for stem, label in _stems(element):
        if kind == "check":
            for code, option_label in options:
                question = Question(f"{label} {option_label}", dict(TICKED))
                yield Column(f"{stem}.{code}", kind, shown_if), question
        else:
            column = Column(stem, kind, shown_if, _personal(element))
            yield column, Question(label, dict(options))


def _stems(element: _Element) -> Iterator[tuple[str, str]]:
    if element.elementType in _MATRICES:
        for row, stem in _rows(element):
            yield stem, row.text or ""
    else:
        yield _code(element.externalElementId), element.text or ""


def _rows(element: _Element) -> Iterator[tuple[_Row, str]]:
    for row in element.subElements:
        yield row, f"{_code(element.externalElementId)}.{_code(row.externalElementId)}"


def _kind(element: _Element) -> Kind:
    if element.elementType == "DATE":
        return _DATES.get(element.dateFormat, "date")
    if _personal(element):
        return "dropped"
    return _KINDS.get(element.elementType, "text")


def _personal(element: _Element) -> Personal | None:
    if element.nationalIdNumberType == "NORWEGIAN_ID_NUMBER":
        return Personal.NATIONAL_ID
    return _PERSONAL.get(element.elementType)


def _triggers(questions: list[_Element]) -> dict[int, tuple[str, str]]:
    """The column and value that each option shows up as; a matrix has no one column for it."""
    found = {}
    for element in questions:
        if element.elementType in _MATRICES:
            continue
        for option in element.answerOptions:
            name, code = _code(element.externalElementId), _code(option.externalAnswerOptionId)
            ticked = element.elementType in _BOXES
            found[option.answerOptionId] = (f"{name}.{code}", "1") if ticked else (name, code)
    return found


def _shown_if(
    element: _Element, triggers: dict[int, tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    wanted = [option.answerOptionId for option in element.answerOptionsVisibilityFilter]
    # A condition that we cannot follow in full is no proof that the question was hidden.
    return tuple(triggers[i] for i in wanted) if set(wanted) <= set(triggers) else ()


def _label(option: _Option) -> str:
    return option.textOrAltText or option.text or ""


def _id(element: _Element) -> int:
    if element.elementId is None:
        raise FileProblem(Reason.UNREADABLE)
    return element.elementId


def _code(external: str | None) -> str:
    if not external:
        raise FileProblem(Reason.CODEBOOK_MISSING)
    return external
