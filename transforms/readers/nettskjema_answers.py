"""Nettskjema's answers as JSON lines, one line an answer, gathered into one row a submission.

A municipality's wave is half a million lines, so Arrow reads what is plainly in order and the
strict reader of `ndjson` anything else. Tests hold the two against each other.
"""

import io
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.json

from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import Elements
from transforms.readers.ndjson import json_sources, require_whole, strict_json
from transforms.readers.reading import FileProblem, MalformedRow

_TEXTS = {
    "submission": "submissionId",
    "element": "elementId",
    "row": "subElementId",
    "created": "createdDate",
    "text": "textAnswer",
}
_OPTIONS, _CODES = "answerOptionIds", "externalAnswerOptionIds"
_QUICK = pa.schema(
    [
        ("submissionId", pa.int64()),
        ("elementId", pa.int64()),
        ("subElementId", pa.int64()),
        ("createdDate", pa.string()),
        ("textAnswer", pa.string()),
        (_OPTIONS, pa.list_(pa.int64())),
        (_CODES, pa.list_(pa.string())),
    ]
)
_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Answers:
    """One entry a submission, in file order: who, when, where, and the cells of every column."""

    submission: pa.ChunkedArray
    created: pa.ChunkedArray
    row_no: pa.Array
    cells: dict[str, pa.ChunkedArray]
    malformed: tuple[MalformedRow, ...]


def read_answers(content: bytes, elements: Elements) -> Answers:
    """The answers as wide text columns named as in the CSV, the values as the lines have them.

    What has no line is blank, and "0" for a box. `nettskjema.from_answers` tells what is raised.
    """
    lines = read_lines(content)
    answers = _answers(lines, elements)
    torn = _torn(answers)
    sound = ~pl.col("submission").is_in(torn)
    wide = _wide(lines.filter(sound), answers.filter(sound), elements)
    row_no = wide.drop_in_place("$row_no").to_arrow()
    cells = {
        column.name: pa.chunked_array([column.to_arrow().cast(pa.string())]) for column in wide
    }
    return Answers(
        submission=cells.pop("$submission"),
        created=cells.pop("$created"),
        row_no=row_no,
        cells=cells,
        malformed=_malformed(lines.filter(~sound), content),
    )


def read_lines(content: bytes) -> pl.DataFrame:
    """Every line as a row: submission, element, row, created, text, code (a list) and row_no."""
    with suppress(ValueError):
        return quick_lines(content)
    return strict_lines(content)


def quick_lines(content: bytes) -> pl.DataFrame:
    """`strict_lines` for a file in plain order; ValueError where that is not proven.

    Keys that hold no answer are not looked at, so what they repeat is not refused here.
    """
    text = content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n")
    text.decode("utf-8")
    rows = text.count(b"\n") + 1
    one_object_a_line = text.count(b"}\n{") + 1 == rows and text[:1] + text[-1:] == b"{}"
    if not one_object_a_line or _HALF_PAIR.search(text):
        raise ValueError("only plain lines are read quickly")
    options = pyarrow.json.ParseOptions(_QUICK, unexpected_field_behavior="ignore")
    read = pyarrow.json.read_json(io.BytesIO(text), parse_options=options)
    lines: pl.DataFrame = pl.DataFrame(read)
    lengths = lines[_OPTIONS].list.len(), lines[_CODES].list.len()
    if len(lines) != rows or not (lengths[0] == lengths[1]).all(ignore_nulls=False):
        raise ValueError("a line is no answer")
    if _has_null(lines):
        raise ValueError("a line is no answer")
    return lines.select(
        *(pl.col(key).cast(pl.String).alias(name) for name, key in _TEXTS.items()),
        pl.col(_CODES).alias("code"),
        pl.int_range(1, rows + 1, dtype=pl.Int32).alias("row_no"),
    )


def _has_null(lines: pl.DataFrame) -> bool:
    needed = sum(lines[key].null_count() for key in ("submissionId", "elementId", _CODES))
    return bool(needed) or lines[_CODES].explode(empty_as_null=False).null_count() > 0


def strict_lines(content: bytes) -> pl.DataFrame:
    """The lines one by one; one that is no answer spoils the file, as a pupil would miss it."""
    sources = json_sources(content)
    records = [_record(source.text) for source in sources]
    if not all(records):
        first = next(source for source, record in zip(sources, records, strict=True) if not record)
        if not records[-1]:
            require_whole(sources[-1])
        raise FileProblem(Reason.UNREADABLE, line=first.row_no)
    columns: dict[str, pl.Series] = {
        name: pl.Series([record.get(key) for record in records], dtype=pl.String)
        for name, key in _TEXTS.items()
    }
    codes = pl.Series([record[_CODES] for record in records], dtype=pl.List(pl.String))
    row_no = pl.Series([source.row_no for source in sources], dtype=pl.Int32)
    return pl.DataFrame({**columns, "code": codes, "row_no": row_no})


def _record(line: bytes) -> dict[str, Any]:
    """One answer; empty for a line that is none."""
    try:
        record = strict_json(line.decode("utf-8"))
    except ValueError:
        return {}
    return record if isinstance(record, dict) and _is_answer(record) else {}


def _is_answer(record: dict[str, Any]) -> bool:
    texts = all(isinstance(record.get(key, ""), str | None) for key in _TEXTS.values())
    named = bool(record.get("submissionId") and record.get("elementId"))
    codes = record.get(_CODES)
    chosen = record.get(_OPTIONS)
    listed = isinstance(codes, list) and isinstance(chosen, list) and len(codes) == len(chosen)
    return texts and named and listed and all(isinstance(code, str) for code in codes or [])


def _answers(lines: pl.DataFrame, elements: Elements) -> pl.DataFrame:
    """One row a cell of the CSV that somebody filled: submission, column, value."""
    kinds = {column.name: column.kind for column in elements.columns}
    named = _with_stems(lines, elements).filter(
        pl.col("stem").replace_strict(kinds, default="check") != "dropped"
    )
    coded = {name for name, kind in kinds.items() if kind == "code"}
    is_box = ~pl.col("stem").is_in(list(kinds))
    is_coded = is_box | pl.col("stem").is_in(list(coded))
    texts = named.filter(~is_coded).select(
        "submission", pl.col("stem").alias("column"), pl.col("text").fill_null("").alias("value")
    )
    choices = named.filter(is_coded).explode("code").drop_nulls("code")
    chosen = choices.select(
        "submission",
        pl.when(is_box)
        .then(pl.col("stem") + "." + pl.col("code"))
        .otherwise("stem")
        .alias("column"),
        pl.when(is_box).then(pl.lit("1")).otherwise("code").alias("value"),
    )
    answers = pl.concat([texts, chosen])
    _require_known(answers["column"], kinds)
    return answers


def _with_stems(lines: pl.DataFrame, elements: Elements) -> pl.DataFrame:
    questions = {str(number): stem for number, stem in elements.questions.items()}
    rows = {str(number): stem for number, stem in elements.rows.items()}
    of_row = pl.col("row").replace_strict(rows, default=None, return_dtype=pl.String)
    of_question = pl.col("element").replace_strict(questions, default=None, return_dtype=pl.String)
    stem = pl.when(pl.col("row").is_not_null()).then(of_row).otherwise(of_question)
    named = lines.with_columns(stem.alias("stem"))
    if named["stem"].null_count():
        raise FileProblem(Reason.CODEBOOK_MISSING)
    return named


def _require_known(columns: pl.Series, kinds: dict[str, Any]) -> None:
    strangers = sorted(set(columns.unique()) - set(kinds))
    if strangers:
        raise FileProblem(Reason.CODEBOOK_MISSING)


def _torn(answers: pl.DataFrame) -> list[str]:
    """Submissions that answer one question in two ways."""
    ways = answers.group_by("submission", "column").agg(pl.col("value").n_unique())
    return ways.filter(pl.col("value") > 1)["submission"].unique().to_list()


def _wide(lines: pl.DataFrame, answers: pl.DataFrame, elements: Elements) -> pl.DataFrame:
    """One row a submission, one column a column of the CSV."""
    # The names with $ cannot meet a question's own: the form's columns stand beside them.
    submissions = lines.group_by(pl.col("submission").alias("$submission"), maintain_order=True)
    rows = submissions.agg(
        pl.col("row_no").first().alias("$row_no"),
        pl.col("created").drop_nulls().first().alias("$created"),
    )
    cells = (
        answers.unique(["submission", "column"])
        .rename({"submission": "$submission"})
        .pivot("column", index="$submission", values="value")
    )
    wide = rows.join(cells, on="$submission", how="left", maintain_order="left")
    form = [_cell(column.name, column.kind, wide.columns) for column in elements.columns]
    return wide.select("$submission", "$row_no", "$created", *form)


def _cell(name: str, kind: str, present: list[str]) -> pl.Expr:
    blank = "0" if kind == "check" else ""
    return pl.col(name).fill_null(blank) if name in present else pl.lit(blank).alias(name)


def _malformed(lines: pl.DataFrame, content: bytes) -> tuple[MalformedRow, ...]:
    if lines.is_empty():
        return ()
    texts = {source.row_no: source.text.decode() for source in json_sources(content)}
    grouped = lines.group_by("submission", maintain_order=True).agg("row_no")["row_no"]
    return tuple(
        MalformedRow(rows[0], Reason.CONFLICTING_ANSWERS, "\n".join(texts[row] for row in rows))
        for rows in grouped.to_list()
    )
