"""Runs the examples beside the rules through a warehouse in memory, as real forms would go.

Every example is a pupil of its own in one invented class; all rules see all of them, and each
example asks after the flag of its own rule only.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from schemas.declared import DeclarationError
from schemas.instrument import Instrument
from schemas.network_rule import NETWORK
from schemas.rule import ClassRule, PupilRule
from schemas.rule_example import BEFORE, DAYS, Example, ExampleTable
from schemas.settings import Settings
from transforms.flag_inputs import conditions
from transforms.yardsticks import even_limits
from warehouse.assure_class import assure_class
from warehouse.example_forms import Form, insert_forms, items_for
from warehouse.flag import Beside, score_and_flag
from warehouse.instruments import register
from warehouse.store import migrate

Rules = Sequence[PupilRule | ClassRule]

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
    rules: Rules,
    tables: Mapping[str, ExampleTable],
    instruments: Mapping[str, Instrument],
    *,
    now: datetime,
) -> list[Assured]:
    """Every example of the rules that have a table, with what came out.

    Raises DeclarationError where a table has a column that its rule does not look at.
    """
    with examples_warehouse(instruments, now=now) as con:
        return assure_in(con, rules, tables, instruments, now=now)


@contextmanager
def examples_warehouse(
    instruments: Mapping[str, Instrument], *, now: datetime
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in memory that knows the instruments, for as many `assure_in` as one likes."""
    with duckdb.connect() as con:
        con.execute("attach ':memory:' as vault").fetchall()
        migrate(con, now=now)
        register(con, instruments, _SETTINGS)
        yield con


def assure_in(
    con: duckdb.DuckDBPyConnection,
    rules: Rules,
    tables: Mapping[str, ExampleTable],
    instruments: Mapping[str, Instrument],
    *,
    now: datetime,
) -> list[Assured]:
    """As `assure`, in an open warehouse of examples, which is left as it was."""
    kept = _filled(con)
    try:
        return _assured(con, rules, tables, instruments, now)
    finally:
        _leave_only(con, kept)


def _filled(con: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables that hold something."""
    found = con.execute(
        "select concat(schema_name, '.', table_name) from duckdb_tables()"
        " where database_name = current_database() and not temporary"
    ).fetchall()
    each = " union all ".join(f"select '{name}' where exists (from {name})" for (name,) in found)
    return {name for (name,) in con.execute(each).fetchall()}


def _leave_only(con: duckdb.DuckDBPyConnection, kept: set[str]) -> None:
    for name in _filled(con) - kept:
        con.execute(f"delete from {name}").fetchall()


def _assured(
    con: duckdb.DuckDBPyConnection,
    rules: Rules,
    tables: Mapping[str, ExampleTable],
    instruments: Mapping[str, Instrument],
    now: datetime,
) -> list[Assured]:
    tested = [rule for rule in rules if rule.target == "pupil"]
    cases = [
        (f"{rule.id}/{number}", rule, example)
        for rule in tested
        if rule.id in tables
        for number, example in enumerate(tables[rule.id].examples)
    ]
    classes = _assure_classes(con, rules, tables, instruments)
    levels = []
    if cases:
        insert_forms(con, [form for case in cases for form in _forms(*case, instruments)])
        score_and_flag(
            con,
            _NOW,
            instruments=instruments,
            rules=tested,
            settings=_SETTINGS,
            now=now,
            beside=Beside(limits=even_limits(tested, instruments, before=_THEN)),
        )
        levels = con.execute(
            "select pupil, rule_id, level from core.flag where wave_id = $wave", {"wave": _NOW}
        ).fetchall()
    given = {(pupil, rule_id): level for pupil, rule_id, level in levels}
    return [
        *classes,
        *(
            Assured(rule.id, example.who, example.level, given.get((pupil, rule.id)))
            for pupil, rule, example in cases
        ),
    ]


def _assure_classes(
    con: duckdb.DuckDBPyConnection,
    rules: Rules,
    tables: Mapping[str, ExampleTable],
    instruments: Mapping[str, Instrument],
) -> list[Assured]:
    """The examples of the class rules."""
    class_rules = [rule for rule in rules if rule.target == "class"]
    found = []
    for rule in class_rules:
        examples = tables[rule.id].examples if rule.id in tables else ()
        if examples:
            said = assure_class(con, class_rules, rule, examples, instruments)
            found += [
                Assured(rule.id, example.who, example.level, level)
                for example, level in zip(examples, said, strict=True)
            ]
    return found


def _forms(
    pupil: str, rule: PupilRule, example: Example, instruments: Mapping[str, Instrument]
) -> Iterator[Form]:
    """The form of now, and the one of the last time where the table has a column of it."""
    days = example.cells.get(DAYS)
    enrolled_on = None if days is None else _OPENS[_NOW] - timedelta(days=days)
    now = {name: cell for name, cell in example.cells.items() if name != DAYS}
    then = {name.removesuffix(BEFORE): now.pop(name) for name in list(now) if BEFORE in name}
    grade = _grade(rule, instruments)
    yield Form(pupil, _NOW, "7A", grade, enrolled_on, _answers(rule, now, instruments))
    if then:
        yield Form(pupil, _THEN, "7A", grade, None, _answers(rule, then, instruments))


def _sources(rule: PupilRule) -> dict[str, str]:
    """What a table's heading means: an input by its own name, or by its whole one.

    Where two scales have the same name, the short one means the one that the rule names first.
    """
    found: dict[str, str] = {}
    for condition in conditions(rule):
        found.setdefault(condition.input.partition(".")[2], condition.input)
        found[condition.input] = condition.input
    return found


def _grade(rule: PupilRule, instruments: Mapping[str, Instrument]) -> int:
    """Grade 7, or the first in which all that the rule looks at may be asked."""
    keys = {condition.input.partition(".")[0] for condition in conditions(rule)}
    return max([7, *(instruments[key].min_grade for key in keys if key in instruments)])


def _answers(
    rule: PupilRule, cells: Mapping[str, float | None], instruments: Mapping[str, Instrument]
) -> dict[str, dict[str, int]]:
    sources = _sources(rule)
    answers: dict[str, dict[str, int]] = {}
    for name, cell in cells.items():
        if name not in sources:
            raise DeclarationError(f"{rule.id}: its table has {name}, which it does not look at")
        key = sources[name].partition(".")[0]
        given = answers.setdefault(key, {})
        if key == NETWORK:
            given |= {} if cell is None else {name: int(cell)}
            continue
        scales = {scale.id: scale for scale in instruments[key].scales}
        part = sources[name].partition(".")[2]
        if cell is None:
            continue
        if part in scales:
            given |= items_for(cell, scales[part], instruments[key], where=rule.id)
        elif cell in instruments[key].codes(part):
            given[part] = int(cell)
        else:
            raise DeclarationError(f"{rule.id}: its table has an answer that {name} does not have")
    return answers
