"""Answers of invented pupils, put into a warehouse in memory as real forms would stand there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from schemas.declared import DeclarationError
from schemas.instrument import Instrument, Scale
from schemas.network_rule import NETWORK
from warehouse.instruments import answer_table


@dataclass(frozen=True, slots=True)
class Form:
    """One invented form; `answers` by instrument and item."""

    pupil: str | None
    wave: str
    class_group: str
    grade: int
    enrolled_on: date | None
    answers: Mapping[str, Mapping[str, int]]


def answers_of(
    name: str, score: int, instruments: Mapping[str, Instrument], *, where: str
) -> dict[str, dict[str, int]]:
    """Answers that give this score of a scale, `instrument_key.scale`."""
    key, _, part = name.partition(".")
    scale = next(scale for scale in instruments[key].scales if scale.id == part)
    return {key: items_for(score, scale, instruments[key], where=where)}


def items_for(score: float, scale: Scale, instrument: Instrument, *, where: str) -> dict[str, int]:
    """Answers that give this score, the first questions answered highest."""
    items = len(scale.items)
    spans = {item: sorted(instrument.codes(item)) for item in scale.items}
    raw = {metric: total for total, metric in scale.table}.get(score, score)
    rest = raw / scale.multiply_by * (items if scale.formula == "mean" else 1)
    rest -= sum(codes[0] for codes in spans.values())
    answers = {}
    for item, codes in spans.items():
        step = max(0, min(codes[-1] - codes[0], round(rest)))
        rest -= step
        is_reversed = instrument.item(item).is_reversed
        answers[item] = codes[-1] - step if is_reversed else codes[0] + step
    if abs(rest) > 1e-9:  # noqa: PLR2004 - nothing but rounding left
        raise DeclarationError(f"{where}: no answers to {scale.id} give one of its table's scores")
    return answers


def insert_forms(con: duckdb.DuckDBPyConnection, forms: Sequence[Form], *, first: int = 1) -> None:
    """Put forms into core.response and the answer tables, numbered from `first`."""
    context = [
        {
            "response_id": number,
            "delivery_no": 1,
            "row_no": number,
            "survey_id": "examples",
            "wave_id": form.wave,
            "school_id": "S01",
            "class_group": form.class_group,
            "grade": form.grade,
            "pupil": form.pupil,
            "enrolled_on": form.enrolled_on,
        }
        for number, form in enumerate(forms, start=first)
    ]
    _insert_rows(con, "core.response", context)
    _insert_networks(con, forms, first=first)
    for key in sorted({key for form in forms for key in form.answers} - {NETWORK}):
        items = {item for form in forms for item in form.answers.get(key, ())}
        rows = [
            {"response_id": number, **dict.fromkeys(items), **form.answers[key]}
            for number, form in enumerate(forms, start=first)
            if key in form.answers
        ]
        _insert_rows(con, answer_table(key), rows)


def _insert_networks(con: duckdb.DuckDBPyConnection, forms: Sequence[Form], *, first: int) -> None:
    """What class mates' choices said of each example, as if its class had been measured."""
    rows = [
        {"response_id": number, "wave_id": form.wave, **form.answers[NETWORK]}
        for number, form in enumerate(forms, start=first)
        if form.answers.get(NETWORK)
    ]
    _insert_rows(con, "core.form_network", rows)


def _insert_rows(
    con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, object]]
) -> None:
    if not rows:
        return
    con.register("example", pa.Table.from_pylist(list(rows)))
    con.execute(f"insert into {table} by name select * from example").fetchall()
    con.unregister("example")
