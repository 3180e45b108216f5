"""Runs the examples beside the rules through a warehouse in memory, as real forms would go.

Every example is a pupil of its own in one invented class; all rules see all of them, and each
example asks after the flag of its own rule only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb
import pyarrow as pa

from schemas.declared import DeclarationError
from schemas.instrument import Instrument, Scale
from schemas.network_rule import NETWORK
from schemas.rule import ClassRule, PupilRule
from schemas.rule_example import BEFORE, DAYS, Example, ExampleTable
from schemas.settings import Settings
from transforms.pupil_flags import conditions
from warehouse.flag import score_and_flag
from warehouse.instruments import answer_table, register
from warehouse.store import migrate

_THEN, _NOW = "then", "now"
_OPENS = {_THEN: date(2026, 3, 9), _NOW: date(2026, 11, 9)}
_SETTINGS = Settings.model_validate(
    {
        "municipality": {"number": "0000", "name": "Examples"},
        "school": [{"id": "S01", "name": "Examples"}],
        "wave": [
            {"id": wave, "name": wave, "school_year": year, "opens": opens, "closes": opens}
            for (wave, opens), year in zip(_OPENS.items(), ("2025-26", "2026-27"), strict=True)
        ],
        "routing": {
            "decided_by": "examples",
            "decided_on": date(2026, 1, 1),
            "pupil_flags_to": "health_service",
            "bullied_by_adults_to": "health_service_lead",
        },
    }
)


@dataclass(frozen=True, slots=True)
class Assured:
    """One example, the level that its table expects, and the one that the rule gave."""

    rule_id: str
    who: str
    expected: str | None
    got: str | None

    @property
    def holds(self) -> bool:
        """Whether the rule says what its table says."""
        return self.expected == self.got


def assure(
    rules: Sequence[PupilRule | ClassRule],
    tables: Mapping[str, ExampleTable],
    instruments: Mapping[str, Instrument],
    *,
    now: datetime,
) -> list[Assured]:
    """Every example of the pupil rules that have a table, with what came out.

    Raises DeclarationError where a table has a column that its rule does not look at.
    """
    tested = [rule for rule in rules if rule.target == "pupil"]
    cases = [
        (f"{rule.id}/{number}", rule, example)
        for rule in tested
        if rule.id in tables
        for number, example in enumerate(tables[rule.id].examples)
    ]
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as vault").fetchall()
        migrate(con, now=now)
        register(con, instruments, _SETTINGS)
        forms = [form for case in cases for form in _forms(*case, instruments)]
        _insert(con, forms)
        score_and_flag(
            con, _NOW, instruments=instruments, rules=tested, settings=_SETTINGS, now=now
        )
        levels = con.execute(
            "select pupil, rule_id, level from core.flag where wave_id = $wave", {"wave": _NOW}
        ).fetchall()
    given = {(pupil, rule_id): level for pupil, rule_id, level in levels}
    return [
        Assured(rule.id, example.who, example.level, given.get((pupil, rule.id)))
        for pupil, rule, example in cases
    ]


@dataclass(frozen=True, slots=True)
class _Form:
    pupil: str
    wave: str
    enrolled_on: date | None
    answers: Mapping[str, Mapping[str, int]]  # instrument -> item -> code


def _forms(
    pupil: str, rule: PupilRule, example: Example, instruments: Mapping[str, Instrument]
) -> Iterator[_Form]:
    """The form of now, and the one of the wave before where the table has a column of it."""
    days = example.cells.get(DAYS)
    enrolled_on = None if days is None else _OPENS[_NOW] - timedelta(days=days)
    now = {name: cell for name, cell in example.cells.items() if name != DAYS}
    then = {name.removesuffix(BEFORE): now.pop(name) for name in list(now) if BEFORE in name}
    yield _Form(pupil, _NOW, enrolled_on, _answers(rule, now, instruments))
    if then:
        yield _Form(pupil, _THEN, None, _answers(rule, then, instruments))


def _answers(
    rule: PupilRule, cells: Mapping[str, int | None], instruments: Mapping[str, Instrument]
) -> dict[str, dict[str, int]]:
    sources = {condition.input.partition(".")[2]: condition.input for condition in conditions(rule)}
    answers: dict[str, dict[str, int]] = {}
    for name, cell in cells.items():
        if name not in sources:
            raise DeclarationError(f"{rule.id}: its table has {name}, which it does not look at")
        key = sources[name].partition(".")[0]
        given = answers.setdefault(key, {})
        if key == NETWORK:
            given |= {} if cell is None else {name: cell}
            continue
        scales = {scale.id: scale for scale in instruments[key].scales}
        if cell is None:
            continue
        if name in scales:
            given |= _items_for(cell, scales[name], instruments[key], where=rule.id)
        elif cell in instruments[key].codes(name):
            given[name] = cell
        else:
            raise DeclarationError(f"{rule.id}: its table has an answer that {name} does not have")
    return answers


def _items_for(score: int, scale: Scale, instrument: Instrument, *, where: str) -> dict[str, int]:
    """Answers that give this score, the first questions answered highest."""
    items = len(scale.items)
    spans = {item: sorted(instrument.codes(item)) for item in scale.items}
    rest = score / scale.multiply_by * (items if scale.formula == "mean" else 1)
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


def _insert(con: duckdb.DuckDBPyConnection, forms: Sequence[_Form]) -> None:
    context = [
        {
            "response_id": number,
            "delivery_no": 1,
            "row_no": number,
            "survey_id": "examples",
            "wave_id": form.wave,
            "school_id": "S01",
            "class_group": "7A",
            "grade": 7,
            "pupil": form.pupil,
            "enrolled_on": form.enrolled_on,
        }
        for number, form in enumerate(forms, start=1)
    ]
    _insert_rows(con, "core.response", context)
    _insert_networks(con, forms)
    for key in sorted({key for form in forms for key in form.answers} - {NETWORK}):
        items = {item for form in forms for item in form.answers.get(key, ())}
        rows = [
            {"response_id": number, **dict.fromkeys(items), **form.answers[key]}
            for number, form in enumerate(forms, start=1)
            if key in form.answers
        ]
        _insert_rows(con, answer_table(key), rows)


def _insert_networks(con: duckdb.DuckDBPyConnection, forms: Sequence[_Form]) -> None:
    """What class mates' choices said of each example, as if its class had been measured."""
    rows = [
        {"response_id": number, "wave_id": form.wave, **form.answers[NETWORK]}
        for number, form in enumerate(forms, start=1)
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
