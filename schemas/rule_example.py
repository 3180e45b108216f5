"""Examples beside the rules: tables of invented pupils that a domain expert reads and signs.

A file holds a section a rule, each with one Markdown table. They are run by `klassepuls rules
assure` and shown on the docs page of rules.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import get_args

from schemas.declared import DeclarationError
from schemas.rule import PupilLevel

WHO, SAYS, DAYS, BEFORE = ("pupil", "class"), "says", "days", " before"
NOTHING = "–"
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")  # a score may have decimals, an answer has none


@dataclass(frozen=True, slots=True)
class Example:
    """One invented pupil: cells by column as written, and the level that the rule must give."""

    who: str
    cells: Mapping[str, float | None]
    level: str | None


@dataclass(frozen=True, slots=True)
class ExampleTable:
    """A rule's table, its heading and rows as written, and what they mean."""

    rule_id: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    examples: tuple[Example, ...]


def read_examples(text: str, *, name: str) -> dict[str, ExampleTable]:
    """The tables of one file by rule; DeclarationError names the section and the row to mend."""
    tables: dict[str, ExampleTable] = {}
    for section in text.split("\n## ")[1:]:
        rule_id, _, body = section.partition("\n")
        rows = list(_rows(body))
        where = f"{name}: {rule_id.strip()}"
        if len(rows) < 2:  # noqa: PLR2004 - a heading and a pupil
            raise DeclarationError(f"{where}: expected a table with a heading and pupils")
        if rule_id.strip() in tables:
            raise DeclarationError(f"{where}: stands twice")
        tables[rule_id.strip()] = _table(rule_id.strip(), rows[0], rows[1:], where)
    return tables


def _rows(body: str) -> Iterator[tuple[str, ...]]:
    for line in body.splitlines():
        if line.startswith("|") and not line.startswith("| ---"):
            yield tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def _table(
    rule_id: str, heading: tuple[str, ...], rows: list[tuple[str, ...]], where: str
) -> ExampleTable:
    if heading[0] not in WHO or heading[-1] != SAYS or len(set(heading)) != len(heading):
        raise DeclarationError(
            f"{where}: columns must be pupil or class, then answers, then {SAYS}"
        )
    examples = [
        _example(heading, row, f"{where}: row {number}") for number, row in enumerate(rows, start=1)
    ]
    return ExampleTable(rule_id, heading, tuple(rows), tuple(examples))


def _example(heading: tuple[str, ...], row: tuple[str, ...], where: str) -> Example:
    if len(row) != len(heading):
        raise DeclarationError(f"{where}: {len(row)} cells under {len(heading)} headings")
    cells = zip(heading[1:-1], row[1:-1], strict=True)
    if row[-1] not in (*get_args(PupilLevel), "alert", NOTHING):
        raise DeclarationError(f"{where}: {SAYS} must be prompt, flag, watch, alert or {NOTHING}")
    if not all(_NUMBER.fullmatch(cell) for cell in row[1:-1] if cell):
        raise DeclarationError(f"{where}: answers are numbers, or empty")
    return Example(
        who=row[0],
        cells={name: _number(cell) if cell else None for name, cell in cells},
        level=None if row[-1] == NOTHING else row[-1],
    )


def _number(cell: str) -> float:
    return float(cell) if "." in cell else int(cell)


@cache
def shipped_examples() -> dict[str, ExampleTable]:
    """The tables beside the shipped rules."""
    found: dict[str, ExampleTable] = {}
    folder = files("schemas") / "rules"
    beside = (*folder.iterdir(), *(folder / "network").iterdir())
    for file in sorted(beside, key=lambda file: file.name):
        if file.name.endswith(".md"):
            found |= read_examples(file.read_text(encoding="utf-8"), name=file.name)
    return found
