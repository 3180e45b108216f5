"""Runs the examples beside class rules: each is a wave of its own, of one class and some others."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pyarrow as pa

from schemas.declared import DeclarationError
from schemas.instrument import Instrument
from schemas.rule import ClassRule
from schemas.rule_example import Example
from transforms.class_rules import EARLIER, ClassData, judge
from transforms.flag_inputs import inputs_of, wave_form_sql
from warehouse.class_rules import class_data
from warehouse.example_forms import Form, answers_of, insert_forms
from warehouse.instruments import answer_table

_OPENS = date(2026, 11, 9)
_OTHER_SIZE, _OTHER = 20, "other"
_AGO = {"1 ago": 1, "2 ago": 2}
_PLACE = ("grade", "enrolled", "answered", "others", "others are", "apart", "mean", "lowest", "new")

Cells = Mapping[str, int | None]


def assure_class(
    con: duckdb.DuckDBPyConnection,
    rules: Sequence[ClassRule],
    rule: ClassRule,
    examples: Sequence[Example],
    instruments: Mapping[str, Instrument],
) -> list[str | None]:
    """What the rule says of each example's class, judged together with the other rules."""
    seen = judged_with(rule, rules)
    waves = example_waves(con, seen, examples, instruments)
    return [level_of(seen, wave) for wave in waves]


def judged_with(rule: ClassRule, rules: Sequence[ClassRule]) -> list[ClassRule]:
    """The rule, and the one that it leaves classes to."""
    return [rule, *(one for one in rules if one.id == rule.unless)]


def example_waves(
    con: duckdb.DuckDBPyConnection,
    seen: Sequence[ClassRule],
    examples: Sequence[Example],
    instruments: Mapping[str, Instrument],
) -> list[ClassData]:
    """Each example of the first rule as a wave that all of them can judge; leaves no answer behind.

    What a wave holds follows from which answers the rules count, not from their gates and limits.
    """
    rule = seen[0]
    waves = [f"{rule.id} {number}" for number in range(len(examples))]
    all_cells = [_whole(example) for example in examples]
    forms = [
        form
        for wave, cells in zip(waves, all_cells, strict=True)
        for form in _forms(wave, rule, seen, cells, instruments)
    ]
    con.executemany(
        "insert into core.dim_wave values (?, ?, '2026-27', ?, ?)",
        [[wave, wave, _OPENS, _OPENS] for wave in waves],
    ).fetchall()
    insert_forms(con, forms)
    found = [
        _wave(con, wave, seen, cells, instruments)
        for wave, cells in zip(waves, all_cells, strict=True)
    ]
    for table in ("core.response", *map(answer_table, instruments)):
        con.execute(f"delete from {table}").fetchall()
    con.executemany(
        "delete from core.dim_wave where wave_id = ?", [[wave] for wave in waves]
    ).fetchall()
    return found


def _whole(example: Example) -> dict[str, int | None]:
    """Of a class pupils are counted, and its scores are whole numbers."""
    return {name: None if cell is None else int(cell) for name, cell in example.cells.items()}


def _wave(
    con: duckdb.DuckDBPyConnection,
    wave: str,
    rules: Sequence[ClassRule],
    cells: Cells,
    instruments: Mapping[str, Instrument],
) -> ClassData:
    inputs = inputs_of(rules, instruments)
    for statement in wave_form_sql(inputs, instruments):
        con.execute(statement, {"wave": wave}).fetchall()
    data = class_data(con, wave, rules, inputs)
    groups = data.classes.column("class_group").to_pylist()
    enrolled = [cells.get("enrolled") if group == "7A" else _OTHER_SIZE for group in groups]
    classes = data.classes.set_column(
        data.classes.column_names.index("enrolled"), "enrolled", pa.array(enrolled, pa.int32())
    )
    ago = [back for name, back in _AGO.items() if cells.get(name)]
    earlier = pa.Table.from_pylist(
        [
            {
                "school_id": "S01", "class_group": "7A", "rule_id": rules[0].id,
                "rule_version": rules[0].version, "waves_ago": back,
            }
            for back in ago
        ],
        schema=EARLIER,
    )  # fmt: skip
    return replace(data, classes=classes, earlier=earlier)


def level_of(rules: Sequence[ClassRule], wave: ClassData) -> str | None:
    """What the first rule says of the example's own class."""
    found = judge(rules, wave, seed="examples")
    levels = [
        row["level"]
        for row in found.select(["class_group", "rule_id", "level"]).to_pylist()
        if (row["class_group"], row["rule_id"]) == ("7A", rules[0].id)
    ]
    return levels[0] if levels else None


def _forms(
    wave: str,
    rule: ClassRule,
    seen: Sequence[ClassRule],
    cells: Cells,
    instruments: Mapping[str, Instrument],
) -> list[Form]:
    grade = cells.get("grade") or 7
    own = _class_answers(rule, seen, cells, instruments)
    new = cells.get("new") or 0
    started = [_OPENS - timedelta(days=10 if i < new else 900) for i in range(len(own))]
    forms = [
        Form(None if rule.scale else f"p{i}", wave, "7A", grade, started[i], answers)
        for i, answers in enumerate(own)
    ]
    others = range(cells.get("others") or 0)
    quiet = {**cells, "mean": cells.get("others are"), "answered": _OTHER_SIZE, "lowest": 0}
    quiet = {name: cell for name, cell in quiet.items() if name in _PLACE}
    for other in others:
        answers = _class_answers(rule, seen, quiet, instruments)
        forms += [Form(None, wave, f"{_OTHER} {other}", grade, None, given) for given in answers]
    return forms


def _class_answers(
    rule: ClassRule,
    seen: Sequence[ClassRule],
    cells: Cells,
    instruments: Mapping[str, Instrument],
) -> list[dict[str, dict[str, int]]]:
    """The answers of each pupil: so many with each code that a column names, and the rest well."""
    size = cells.get("answered") or 0
    if rule.scale:
        scores = _scores(size, cells)
        scores = [_lowest(rule.scale, instruments)] * (cells.get("lowest") or 0) + scores
        return [
            answers_of(rule.scale, score, instruments, where=rule.id) for score in scores[:size]
        ]
    given: list[dict[str, dict[str, int]]] = [{} for _ in range(size)]
    for condition in [part for one in seen for part in one.any_of]:
        key, _, item = condition.input.partition(".")
        codes = sorted(instruments[key].codes(item))
        well = codes[-1] if condition.op == "at_most" else codes[0]
        for answers in given:
            answers.setdefault(key, {})[item] = well
    at: dict[str, int] = {}
    for name, count in cells.items():
        item, _, code = name.rpartition(" ")
        sources = {part.input.partition(".")[2]: part.input for one in seen for part in one.any_of}
        if name in _PLACE or name in _AGO:
            continue
        if item not in sources or not code.isdigit():
            raise DeclarationError(f"{rule.id}: its table has {name}, which it does not look at")
        key = sources[item].partition(".")[0]
        for answers in given[at.get(item, 0) : at.get(item, 0) + (count or 0)]:
            answers[key][item] = int(code)
        at[item] = at.get(item, 0) + (count or 0)
    return given


def _scores(size: int, cells: Cells) -> list[int]:
    """Half of the class `apart` below the mean, half above."""
    mean, apart = cells.get("mean") or 0, cells.get("apart") or 0
    return [mean + (apart if i % 2 else -apart) for i in range(size)]


def _lowest(name: str, instruments: Mapping[str, Instrument]) -> int:
    key, _, part = name.partition(".")
    scale = next(scale for scale in instruments[key].scales if scale.id == part)
    codes = [min(instruments[key].codes(item)) for item in scale.items]
    return int(sum(codes) * scale.multiply_by)
