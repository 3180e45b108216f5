"""Runs the examples beside the class rule of choices, by the functions that the road calls.

An example says what a class's choices came to; how they are counted stands in transforms/sociometry
and has tests of its own.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import numpy as np

from schemas.declared import DeclarationError
from schemas.network_rule import NetworkRule
from schemas.rule_example import Example, ExampleTable
from transforms.network_flags import ClassNetwork, gate_of
from warehouse.assure import Assured, examples_warehouse
from warehouse.networks import network_parts, write_classes

_AGO = ("1 ago", "2 ago")
_COLUMNS = ("enrolled", "answered", "fewer mutual than", "unchosen", "groups", *_AGO)

# As the road's own tables of a wave's classes (warehouse/networks.py), one class an example.
_CLASSES_SQL = """
    create or replace temp table asked_class as
    select n::integer as class_no, 'now' as wave_id, 'examples' as survey_id, 'S01' as school_id,
        n::varchar as class_group, 7::tinyint as grade, 25 as enrolled
    from range($classes) t(n);
    create or replace temp table loose_class as
    select *, 1::integer as waves from core.class_network limit 0;
"""


def assure_network(rule: NetworkRule, table: ExampleTable, *, now: datetime) -> list[Assured]:
    """Every example of the rule's table, with what came out.

    Raises DeclarationError where the table has a column that the rule does not look at.
    """
    for name in table.heading[1:-1]:
        if name not in _COLUMNS:
            raise DeclarationError(f"{rule.id}: its table has {name}, which it does not look at")
    with examples_warehouse({}, now=now) as con:
        levels = _levels(con, rule, table)
    return [
        Assured(rule.id, example.who, example.level, levels.get(str(number)))
        for number, example in enumerate(table.examples)
    ]


def _levels(
    con: duckdb.DuckDBPyConnection, rule: NetworkRule, table: ExampleTable
) -> Mapping[str, str]:
    for statement in _CLASSES_SQL.strip().split(";")[:-1]:
        values = {"classes": len(table.examples)} if "$classes" in statement else {}
        con.execute(statement, values).fetchall()
    write_classes(con, [_network(example) for example in table.examples], rule)
    for number, example in enumerate(table.examples):
        before = sum(bool(example.cells.get(ago)) for ago in _AGO)
        con.execute(
            "update loose_class set waves = 1 + $before where class_group = $number",
            {"before": before, "number": str(number)},
        ).fetchall()
    flags, _ = network_parts(rule, about="class_group", flag_id="class_group")
    return dict(con.execute(f"select class_group, level from ({flags})").fetchall())


def _network(example: Example) -> ClassNetwork:
    """What the road would have measured; nothing where too few have chosen."""
    cells = example.cells
    answered, enrolled = int(cells.get("answered") or 0), cells.get("enrolled")
    gate = gate_of(answered, None if enrolled is None else int(enrolled))
    nobody = np.full(0, -1)
    if gate != "tested":
        return ClassNetwork(answered, gate, nobody)
    return ClassNetwork(
        answered=answered,
        gate=gate,
        unchosen_in=nobody,
        unchosen=int(cells.get("unchosen") or 0),
        groups=int(cells.get("groups") or 0),
        cohesion=0.0,
        # So many of 100 classes of equal choices have as few mutual pairs.
        p_cohesion=1 - (cells.get("fewer mutual than") or 0) / 100,
    )
