"""FHIR R4 QuestionnaireResponses: one alone, a Bundle of them, or lines or an array of resources.

Columns: `response.id`, `response.status`, `response.authored` (the clock on the wall in Norway),
`response.subject` (the last part of the reference: `KX41` of `Patient/KX41`), then a column for
each question, named by its `linkId`, whatever groups and answers it is nested in. A question that
may have several answers has a column for each code, `linkId.code`, 1 or 0, and `linkId.other` for a
text of one's own. The Questionnaire as codebook tells which questions these are, and names those
that nobody answered; without it they are the ones that have two codes in one response of the file.
Several answers without codes stand in one cell with "; " between.

A row is a response; `row_no` is its line, or its place in the Bundle or the array, from 1. An
unfinished response is kept: `response.status` tells. One that is `entered-in-error` was taken back
by whoever sent it: it is left out and counted as a malformed row. So is one without a status, and
one with two answers to a question that the codebook allows one.

A question without an answer is "", and so is one that is not there: FHIR leaves out questions that
were hidden, and may leave out blank ones too. Null is only what the sender calls not asked. The
sender's reasons `asked-unknown` and `asked-declined` stay as cells, and the codebook says that they
are no answers.

Left out and counted: the narrative (`text`), names in `subject`, `author`, `source`, whole persons
in the file, national identity numbers as subject, and the columns of attachments, of references and
of questions that the codebook calls personal.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import polars as pl
import pyarrow as pa

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.codebooks.fhir_questionnaire import (
    NOT_ASKED,
    Element,
    is_fhir_response,
    missing_of,
    options_of,
    text_of,
)
from transforms.codebooks.nettskjema_elements import TICKED
from transforms.readers.cells import oslo_clock
from transforms.readers.ndjson import MAX_COLUMNS
from transforms.readers.reading import Codebook, FileProblem, Question, QuestionKind, Reading
from transforms.tools.evidence import Evidence
from transforms.tools.fhir_responses import (
    OWN,
    PERSONAL_TYPES,
    RESPONSE,
    WITHDRAWN,
    Form,
    form_of,
    hidden_in,
    is_response,
    malformed_of,
    records_of,
    status_of,
)

OTHER = "other"

_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_KINDS: Mapping[str, QuestionKind] = {
    "Coding": "one",
    "Boolean": "one",
    "Integer": "number",
    "Decimal": "number",
    "Quantity": "number",
    "Date": "date",
    "DateTime": "date",
}
_ONE_ANSWER: tuple[QuestionKind, ...] = ("one", "number", "date")


class _Column(NamedTuple):
    name: str
    cells: pa.ChunkedArray
    question: Question


def recognise_bytes(content: bytes) -> Evidence | None:
    """Whether a file holds FHIR's responses; no other JSON says so in these words."""
    text = content[:65_536].removeprefix(_BOM).lstrip(_BLANK)
    if text.startswith((b"{", b"[")) and is_fhir_response(content):
        return Evidence("fhir", "certain", ("resourceType", RESPONSE))
    return None


def read_bytes(content: bytes, codebook: Codebook | None) -> Reading:
    """The canonical table of the responses in a file.

    Raises `FileProblem`: INCOMPLETE_UPLOAD for a file that was cut off, UNREADABLE where no
    response can be read, NOT_RECOGNISED where there is none, ALL_WITHDRAWN where all were,
    CODEBOOK_MISSING with the question where one code stands for answers of two code systems,
    HEADER_REPEATED where two columns would have one name, TOO_LARGE above 500 columns, EMPTY_FILE.
    """
    known = codebook or {}
    records = records_of(content)
    responses = [one for one in records if is_response(one)]
    if not responses:
        raise FileProblem(Reason.NOT_RECOGNISED)
    one_answer = {link for link, question in known.items() if question.kind in _ONE_ANSWER}
    found = [(one, form_of(one, one_answer)) for one in responses]
    forms = [form for _, form in found if isinstance(form, Form)]
    malformed = tuple(malformed_of(one, form) for one, form in found if isinstance(form, Reason))
    if not forms:
        all_withdrawn = all(status_of(one) == WITHDRAWN for one in responses)
        raise FileProblem(Reason.ALL_WITHDRAWN if all_withdrawn else Reason.UNREADABLE)
    columns, dropped = _columns(forms, known)
    return Reading(
        table=_table(forms, columns),
        row_no=pa.array([form.row_no for form in forms], pa.int32()),
        format="fhir",
        malformed=malformed,
        codebook={column.name: column.question for column in columns},
        dropped=dict(dropped + hidden_in(records)),
    )


def _columns(forms: list[Form], codebook: Codebook) -> tuple[list[_Column], Counter[Personal]]:
    """The columns of all questions, and what was left out of them."""
    answers = _long(forms)
    by_link = answers.partition_by("link", as_dict=True, maintain_order=True)
    codings: dict[str, list[Element]] = {}
    for one in (one for form in forms for one in form.said if one.type == "Coding"):
        codings.setdefault(one.link, []).append(one.coding)
    columns: list[_Column] = []
    dropped: Counter[Personal] = Counter()
    for link, label in _questions(forms, codebook).items():
        part = by_link.get((link,), answers.clear())
        personal = _personal(part, codebook.get(link))
        if personal:
            dropped[personal] += 1
            continue
        question = _question(link, label, part, codings.get(link, []), codebook.get(link))
        columns += _columns_of(link, question, part, len(forms))
    return columns, dropped


def _long(forms: list[Form]) -> pl.DataFrame:
    """One row an answer: row (place of its form), link, text and type."""
    said = [
        (at, one.link, one.text, one.type) for at, form in enumerate(forms) for one in form.said
    ]
    schema = {"row": pl.Int32, "link": pl.String, "text": pl.String, "type": pl.String}
    return pl.DataFrame(said, schema=schema, orient="row")


def _questions(forms: list[Form], codebook: Codebook) -> dict[str, str]:
    """The label of each linkId: what the codebook asks, then what else was answered or left open.

    With a codebook an item that is not in it and has no answer is a heading or a displayed text.
    """
    asked = {link: one.label for link, one in codebook.items()}
    for form in forms:
        answered = {one.link for one in form.said}
        for link, label in form.asked.items():
            if not codebook or link in answered:
                asked[link] = asked.get(link) or label
    return asked


def _personal(part: pl.DataFrame, known: Question | None) -> Personal | None:
    for kind in part["type"].unique():
        if kind in PERSONAL_TYPES:
            return PERSONAL_TYPES[kind]
    return Personal.IDENTIFIER if known and known.personal else None


def _question(
    link: str, label: str, part: pl.DataFrame, codings: list[Element], known: Question | None
) -> Question:
    """The codebook's question with what the answers themselves tell: further codes and reasons."""
    question = known or Question(label, kind=_kind(part))
    if part["type"].is_in(["Boolean"]).any() and not question.options:
        question = replace(question, options=dict(TICKED))
    given = [one for one in codings if not missing_of(one.get("system"), text_of(one.get("code")))]
    reasons = {
        text_of(one.get("code")): missing_of(one.get("system"), text_of(one.get("code")))
        for one in codings
    }
    return replace(
        question,
        options=options_of(link, given) | question.options,
        missing={code: why for code, why in reasons.items() if why} | question.missing,
    )


def _kind(part: pl.DataFrame) -> QuestionKind:
    """What the answers look like; several codes in one response make a question `many`."""
    types = set(part["type"].unique())
    if "Coding" in types:
        most = part.group_by("row").agg(pl.col("text").n_unique())["text"].max()
        return "many" if isinstance(most, int) and most > 1 else "one"
    kinds = {_KINDS.get(name, "text") for name in types}
    return kinds.pop() if len(kinds) == 1 else "unknown"


def _columns_of(link: str, question: Question, part: pl.DataFrame, rows: int) -> list[_Column]:
    if question.kind != "many":
        return [_Column(link, _joined(part, rows), question)]
    codes = {
        code: question.options.get(code) or code
        for code in (*question.options, *question.missing)
        if question.missing.get(code) != NOT_ASKED
    }
    code = pl.when((pl.col("type") == "Coding") | pl.col("text").is_in(list(codes)))
    coded = part.with_columns(code.then("text").otherwise(pl.lit(OTHER)).alias("code"))
    names = dict.fromkeys([*codes, *coded.drop_nulls("text")["code"].unique(maintain_order=True)])
    return [
        _Column(
            f"{link}.{name}",
            _boxes(coded, name, rows),
            Question(f"{question.label} {codes.get(name, name)}".strip(), dict(TICKED), "many"),
        )
        for name in names
    ]


def _joined(part: pl.DataFrame, rows: int) -> pa.ChunkedArray:
    """The answer of each row, several with "; " between; "" without one, null where not asked."""
    told = part.group_by("row", maintain_order=True).agg(
        pl.when(pl.col("text").is_not_null().any())
        .then(pl.col("text").drop_nulls().unique(maintain_order=True).str.join("; "))
        .alias("text")
    )
    return _spread(told, rows)


def _boxes(coded: pl.DataFrame, name: str, rows: int) -> pa.ChunkedArray:
    """1 where a code is among a row's answers, 0 where there are others only."""
    told = coded.group_by("row", maintain_order=True).agg(
        pl.when(pl.col("text").is_not_null().any())
        .then((pl.col("code") == name).any().cast(pl.Int8).cast(pl.String))
        .alias("text")
    )
    return _spread(told, rows)


def _spread(told: pl.DataFrame, rows: int) -> pa.ChunkedArray:
    every = pl.DataFrame({"row": pl.int_range(rows, dtype=pl.Int32, eager=True)})
    cells = every.join(
        told.with_columns(is_told=pl.lit(value=True)), on="row", how="left", maintain_order="left"
    ).select(pl.when("is_told").then("text").otherwise(pl.lit("")))
    return pa.chunked_array([cells.to_series().to_arrow().cast(pa.string())])


def _table(forms: list[Form], columns: list[_Column]) -> pa.Table:
    own = [
        pa.chunked_array([pa.array(cells, pa.string())])
        for cells in zip(*(form.own for form in forms), strict=True)
    ]
    own[OWN.index("response.authored")] = _local(own[OWN.index("response.authored")])
    names = [*OWN, *(column.name for column in columns)]
    if len(names) > MAX_COLUMNS:
        raise FileProblem(Reason.TOO_LARGE)
    if len(set(names)) < len(names):
        raise FileProblem(Reason.HEADER_REPEATED)
    return pa.table([*own, *(column.cells for column in columns)], names=names)


def _local(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments with a zone on the clock in Norway; a date alone is left as it is."""
    told = pl.Series(moments, dtype=pl.String)
    zoned = told.str.replace(r"Z$", "+00:00").str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="ms"
    )
    local = pl.Series(oslo_clock(zoned))
    cells = local.zip_with(local.is_not_null(), told).to_arrow().cast(pa.string())
    return pa.chunked_array([cells])
