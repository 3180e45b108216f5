"""SurveyJS: responses as its form library hands them over, in an array or one a line.

The data bear no mark of the tool, so they are `likely` at most, unless they come from the maker's
own service (`HappendAt` and `InstanceId`, misspelt so). A survey file must say `tool = "surveyjs"`
where no response of the first twenty has a matrix, boxes or a comment, where a question is named
like one of our own columns (`grade`, `pupil_code`), and where the file holds one response.

Columns: `question`; `question.row` of a matrix, and `question.row.column` of one with several
columns; `question.option` of boxes, 1 or 0; `question.1.inner` of the first panel of a dynamic one.
The options of boxes are those of the codebook (a question of the kind `many`), and one that is not
among them is `question.other`; without a codebook they are those seen in the file. A ranking looks
like boxes that are all ticked: its order is lost.

A question that a response lacks was not answered, or not shown, and nothing tells which: it is "",
and so are its boxes. An unfinished response looks like any other. `dontknow` and `refused` are
answers until the survey file maps them. `HappendAt` is put on the clock in Norway where the whole
column proves how to.

Left out and counted: comments, uploaded files, drawn signatures, `IPAddress`, and questions that
the codebook calls personal.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import pyarrow as pa

from schemas.personal import Personal
from schemas.reason import Reason
from schemas.survey import CONTEXT_COLUMNS
from transforms.codebooks.nettskjema_elements import TICKED
from transforms.readers.ndjson import (
    MAX_COLUMNS,
    Source,
    json_sources,
    require_whole,
    strict_json,
)
from transforms.readers.proof import ProvenDates, prove_dates
from transforms.readers.reading import Codebook, FileProblem, MalformedRow, Question, Reading
from transforms.tools.evidence import Evidence

HAPPENED, INSTANCE = "HappendAt", "InstanceId"
OTHER = "other"

_COMMENT = "-Comment"
_ADDRESS = "IPAddress"
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_LOOK = 1_000_000
_SAMPLE = 20
_WRAPPER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\{[ \t\r\n]*\"results\"[ \t\r\n]*:[ \t\r\n]*\[")
_DEEPEST = 8
_SCALARS: Mapping[object, str] = {True: "1", False: "0", None: ""}
# Keys of other JSON: our own lines, Nettskjema, FHIR, REDCap, Qualtrics, and forms themselves.
_NOT_OURS = frozenset(CONTEXT_COLUMNS) | {
    "submissionId",
    "elementId",
    "elementType",
    "formId",
    "resourceType",
    "record_id",
    "redcap_event_name",
    "responseId",
    "pages",
    "elements",
    "questions",
}


class _Path(NamedTuple):
    """Where an answer stands: the names that lead to it, and whether the last is a box."""

    names: tuple[str, ...]
    is_box: bool = False

    @property
    def column(self) -> str:
        return ".".join(self.names)


@dataclass(slots=True)
class _Response:
    """One response, gathered value by value.

    `boxed` are the questions that were answered with boxes; `personal` what may not be kept.
    """

    row_no: int
    cells: dict[_Path, str] = field(default_factory=dict, repr=False)
    boxed: set[tuple[str, ...]] = field(default_factory=set)
    personal: dict[tuple[str, ...], Personal] = field(default_factory=dict)


def recognise_bytes(content: bytes) -> Evidence | None:
    """Whether the first responses look like SurveyJS's; see the module for what is not claimed."""
    content = _without_wrapper(content[:_LOOK])
    samples = list(islice(_samples(content), _SAMPLE))
    keys = {key for sample in samples for key in sample}
    if {HAPPENED, INSTANCE} <= keys:
        return Evidence("surveyjs", "certain", (HAPPENED, INSTANCE))
    is_list = len(samples) > 1 or content[:_LOOK].removeprefix(_BOM).lstrip(_BLANK)[:1] == b"["
    if not is_list or keys & _NOT_OURS or any(key.startswith(("_", "$")) for key in keys):
        return None
    values = [value for sample in samples for value in sample.values()]
    signs = {
        _COMMENT: any(key.endswith(_COMMENT) for key in keys),
        "matrix": any(_is_matrix(value) for value in values),
        "boxes": any(_are_boxes(value) for value in values),
    }
    marks = tuple(mark for mark, is_there in signs.items() if is_there)
    return Evidence("surveyjs", "likely", marks) if marks else None


def _samples(content: bytes) -> Iterator[dict[str, Any]]:
    """The first objects of an array or of lines, read loosely: it is only a look."""
    text = content[:_LOOK].removeprefix(_BOM).decode("utf-8", errors="replace")
    decoder, at = json.JSONDecoder(parse_int=str, parse_float=str), 0
    text = text.lstrip(" \t\r\n").removeprefix("[")
    with suppress(ValueError, RecursionError):
        while True:
            found, at = decoder.raw_decode(text, at + _gap(text, at))
            if not isinstance(found, dict):
                return
            yield found


def _gap(text: str, at: int) -> int:
    rest = text[at : at + 100]
    return len(rest) - len(rest.lstrip(" \t\r\n,"))


def _is_matrix(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_scalar, value.values()))


def _are_boxes(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_scalar, value))


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | bool)


def read_bytes(content: bytes, codebook: Codebook | None) -> Reading:
    """The canonical table of the responses in a file; a record that is none is a malformed row.

    Raises `FileProblem`: INCOMPLETE_UPLOAD where the last response or the array does not end,
    UNREADABLE where no response can be read, HEADER_REPEATED where two questions would have one
    column, TOO_LARGE above 500 columns, EMPTY_FILE, NO_ROWS.
    """
    known = codebook or {}
    sources = _sources(content)
    found = [(source, _response(source, known)) for source in sources]
    responses = [response for _, response in found if response]
    if not found[-1][1]:
        _require_whole(sources[-1])
    if not responses:
        raise FileProblem(Reason.UNREADABLE)
    paths, dropped = _paths(responses, known)
    return Reading(
        table=_table(responses, paths),
        row_no=pa.array([response.row_no for response in responses], pa.int32()),
        format="surveyjs",
        malformed=tuple(_malformed(source) for source, response in found if not response),
        codebook={path.column: _question(path, known) for path in paths},
        dropped=dict(dropped),
    )


def _without_wrapper(content: bytes) -> bytes:
    """The array of responses alone, where the maker's service has put it under `results`."""
    opening = _WRAPPER.match(content)
    if not opening:
        return content
    array = content[opening.end() - 1 :].rstrip(_BLANK)
    return array.removesuffix(b"}").rstrip(_BLANK) if array.endswith(b"}") else array


def _sources(content: bytes) -> list[Source]:
    """The responses as delivered; a file of one response may be spread over lines."""
    content = _without_wrapper(content)
    text = content.removeprefix(_BOM).strip(_BLANK)
    if text.startswith(b"{") and isinstance(_parsed(text), dict):
        return [Source(1, text)]
    try:
        return json_sources(content)
    except ValueError:  # a number of thousands of digits
        raise FileProblem(Reason.UNREADABLE) from None


def _parsed(text: bytes) -> Any:  # noqa: ANN401 - what JSON holds is not known before
    with suppress(ValueError, RecursionError):
        return strict_json(text.decode("utf-8"))
    return None


def _require_whole(last: Source) -> None:
    with suppress(ValueError):
        require_whole(last)


def _malformed(source: Source) -> MalformedRow:
    text = source.text.decode("utf-8", errors="replace").rstrip("\r\n")
    return MalformedRow(source.row_no, Reason.UNREADABLE, text)


def _response(source: Source, codebook: Codebook) -> _Response | None:
    """One response; None where it is none."""
    record = _parsed(source.text)
    if not isinstance(record, dict) or not record:
        return None
    response = _Response(source.row_no)
    try:
        for key, value in record.items():
            _gather(value, (key,), response, codebook)
    except ValueError:
        return None
    return response


def _gather(value: object, names: tuple[str, ...], response: _Response, codebook: Codebook) -> None:
    """Add what one value says, however it is nested."""
    if len(names) > _DEEPEST:
        raise ValueError("nested deeper than any form")
    personal = _personal(value, names, codebook)
    if personal:
        response.personal[names] = personal
    elif isinstance(value, dict) and "value" in value and value.keys() <= {"value", "comment"}:
        _gather_commented([value], names, response)
        _gather(value["value"], names, response, codebook)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _gather(inner, (*names, key), response, codebook)
    elif isinstance(value, list):
        _gather_list(value, names, response, codebook)
    else:
        response.cells[_Path(names)] = _text(value)


def _gather_list(
    values: list[Any], names: tuple[str, ...], response: _Response, codebook: Codebook
) -> None:
    """Boxes; or panels, which are numbered from 1."""
    if values and all(isinstance(one, dict) and "value" in one for one in values):
        _gather_commented(values, names, response)
        values = [one["value"] for one in values]
    if any(isinstance(one, dict | list) for one in values):
        for number, inner in enumerate(values, start=1):
            _gather(inner, (*names, str(number)), response, codebook)
        return
    response.boxed.add(names)
    known = _options(names, codebook)
    for option in map(_text, values):
        name = option if option in known or not known else OTHER
        response.cells[_Path((*names, name), is_box=True)] = "1"


def _gather_commented(
    choices: list[dict[str, Any]], names: tuple[str, ...], response: _Response
) -> None:
    """A choice may carry a text of the pupil's own."""
    if any("comment" in choice for choice in choices):
        response.personal[(*names, "comment")] = Personal.FREE_TEXT


def _personal(value: object, names: tuple[str, ...], codebook: Codebook) -> Personal | None:
    known = codebook.get(".".join(names))
    if known and known.personal:
        return Personal.IDENTIFIER
    if names == (_ADDRESS,):
        return Personal.IP_ADDRESS
    if isinstance(value, str) and value.startswith("data:"):
        return Personal.NAME  # a signature
    is_comment = names[-1].endswith(_COMMENT)
    return Personal.FREE_TEXT if is_comment or _are_files(value) else None


def _are_files(value: object) -> bool:
    files = value if isinstance(value, list) else []
    return any(isinstance(one, dict) and {"name", "content"} <= one.keys() for one in files)


def _text(value: object) -> str:
    return value if isinstance(value, str) else _SCALARS[value]


def _options(names: tuple[str, ...], codebook: Codebook) -> Mapping[str, str]:
    known = codebook.get(".".join(names))
    return known.options if known and known.kind == "many" else {}


def _paths(responses: list[_Response], codebook: Codebook) -> tuple[list[_Path], Counter[Personal]]:
    """The columns: what the codebook asks, then what else was answered; and what was left out."""
    personal: dict[tuple[str, ...], Personal] = {}
    for response in responses:
        personal |= response.personal
    seen = dict.fromkeys(
        path for keys in {tuple(one.cells): 0 for one in responses} for path in keys
    )
    kept = {path.column: path for path in seen if not _is_within(path, personal)}
    if len(kept) < sum(not _is_within(path, personal) for path in seen):
        raise FileProblem(Reason.HEADER_REPEATED)
    asked = [path for path in _asked(codebook, seen) if not _is_within(path, personal)]
    columns = {path.column: kept.get(path.column, path) for path in asked} | kept
    if not columns or len(columns) > MAX_COLUMNS:
        raise FileProblem(Reason.TOO_LARGE if columns else Reason.NO_ROWS)
    return list(columns.values()), Counter(personal.values())


def _is_within(path: _Path, personal: Mapping[tuple[str, ...], Personal]) -> bool:
    return any(path.names[:length] in personal for length in range(1, len(path.names) + 1))


def _asked(codebook: Codebook, seen: Mapping[_Path, None]) -> Iterator[_Path]:
    """The columns of the codebook's questions, apart from those that have others of their own."""
    nested = {".".join(path.names[:-1]) for path in seen}
    for name, question in codebook.items():
        if question.kind == "many":
            yield from (_Path((name, option), is_box=True) for option in question.options)
        elif name not in nested and not question.personal:
            yield _Path((name,))


def _table(responses: list[_Response], paths: list[_Path]) -> pa.Table:
    columns = {path.column: pa.chunked_array([_cells(responses, path)]) for path in paths}
    if HAPPENED in columns:
        proven = prove_dates(columns[HAPPENED])
        columns[HAPPENED] = proven.cells if isinstance(proven, ProvenDates) else columns[HAPPENED]
    return pa.table(columns)


def _cells(responses: list[_Response], path: _Path) -> pa.Array:
    above = path.names[:-1]
    cells = [
        response.cells.get(path, "0" if path.is_box and above in response.boxed else "")
        for response in responses
    ]
    return pa.array(cells, pa.string())


def _question(path: _Path, codebook: Codebook) -> Question:
    """What the codebook says of a column, or of the question that a box belongs to."""
    above = codebook.get(".".join(path.names[:-1]), Question())
    if not path.is_box:
        return codebook.get(path.column, Question())
    label = above.options.get(path.names[-1], path.names[-1])
    return Question(f"{above.label} {label}".strip(), dict(TICKED), "many")
