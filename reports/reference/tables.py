"""The page of tables: the restricted ones from the migrations, the published ones from the mart."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reports.reference.markdown import code, page, table
from schemas.mart import mart_tables
from warehouse.store import migrations

_TABLE = re.compile(
    r"(?P<above>(?:^--[^\n]*\n)*)^create table (?P<name>[a-z_.]+) "
    r"(?:as from (?P<like>[a-z_.]+) limit 0|\((?P<body>.*?)\n?\));$",
    re.MULTILINE | re.DOTALL,
)
_ADDED = re.compile(
    r"^alter table (?P<table>[a-z_.]+) add column (?P<column>[^;]+);(?: *-- (?P<about>.*))?$",
    re.MULTILINE,
)
_COLUMN = re.compile(r"^ *(?P<name>[a-z_0-9]+) (?P<type>[a-z]+(?:\[\])?)(?P<more>.*)$")
_NO_COLUMN = frozenset({"check", "primary"})

# Views, and what no migration makes: the warehouse does when an instrument is registered
# (warehouse/instruments.py), and when it opens its files (warehouse/store.py).
_MADE_ELSEWHERE = {
    "core.answer_KEY": "A table an instrument version: `response_id`, a column an item, and a"
    " column a score that the survey tool supplies."
    " Null: not asked. -101: skipped. -102: don't know.",
    "core.score_KEY": "A view an instrument version with scales: `response_id`, and for each scale"
    " `SCALE`, `SCALE_n` (items answered) and `SCALE_band`.",
    "core.given_score_KEY": "The same for every form that was ever stored, with `from_grade` and"
    " `to_grade`: for queries that join `core.response` and ask for the grade there.",
    "core.answer": "A view over all answers, a row a form and item. Where `value` is null,"
    " `missing` says not_asked, skipped or dont_know.",
    "core.score": "A view over all scores, a row a form and scale.",
    "core.class_in_wave": "A view: the classes as each wave goes by them, with `enrolled`.",
    "core.class_list_of_wave": "A view: the delivery whose list a wave goes by in each school.",
    "core.class_member": "A view: who may be chosen: pupils with a form, or on the list.",
    "core.pupil_start": "A view: since when a pupil goes to a school, where the list tells it.",
    "quarantine.asking": "A view: waiting forms that ask for help, with where and why they wait.",
    "vault.code": "In `vault/vault.duckdb`: the pupil codes of each school, for the reports alone.",
    "audit.migration": "Which migrations the file has seen, and when.",
    "audit.step": "How far the file has come: `witness.json` beside it tells one that has lost"
    " commits.",
}


@dataclass(frozen=True, slots=True)
class SqlTable:
    """One `create table` of a migration: what its comments say, and its columns."""

    name: str
    about: str
    columns: tuple[tuple[str, str, str], ...]


def tables_page() -> str:
    """Every table of the restricted warehouse and of the published file, column by column."""
    return page(
        "Tables",
        "Two files. `HOME/restricted/warehouse.duckdb` holds a row a form under a pseudonym, for"
        " the pipeline's user alone. `HOME/analyst/klassepuls.duckdb` holds figures that have"
        " passed the disclosure gate; it explains its own columns in `mart.dictionary`.",
        "## Restricted",
        *(part for found in sql_tables() for part in _restricted(found)),
        "### Made when they are needed",
        "`KEY` is an instrument with its version, such as `who5_v1`.",
        table(("table", "holds"), [(code(name), text) for name, text in _MADE_ELSEWHERE.items()]),
        "## Published",
        *_published(),
    )


def sql_tables() -> list[SqlTable]:
    """The tables that the migrations make, in their order."""
    text = "\n".join(migrations().values())
    added: dict[str, list[tuple[str, str, str]]] = {}
    for more in _ADDED.finditer(text):
        line = f"{more['column']} -- {more['about'] or ''}"
        added.setdefault(more["table"], []).extend(_columns(line))
    return [
        SqlTable(
            found["name"],
            _about(found),
            (*_columns(found["body"] or ""), *added.get(found["name"], ())),
        )
        for found in _TABLE.finditer(text)
    ]


def _about(found: re.Match[str]) -> str:
    said = " ".join(line.lstrip("- ") for line in found["above"].splitlines())
    return f"{said} The columns are those of {code(found['like'])}." if found["like"] else said


def _columns(body: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and comment of each column; constraints of the whole table are none."""
    for line in body.splitlines() or [body]:
        for part in [line] if "--" in line else line.split(", "):
            found = _COLUMN.match(part)
            if found and found["name"] not in _NO_COLUMN:
                _, _, comment = found["more"].partition("-- ")
                yield found["name"], found["type"], comment.strip()


def _restricted(found: SqlTable) -> Iterator[str]:
    yield f"### {found.name}"
    if found.about:
        yield found.about
    if found.columns:
        yield table(
            ("column", "type", "holds"),
            [(code(name), kind, about) for name, kind, about in found.columns],
        )


def _published() -> Iterator[str]:
    for found in mart_tables():
        yield f"### mart.{found.name}"
        yield found.en
        yield table(
            ("column", "type", "holds"),
            [(code(column.name), column.type, column.en) for column in found.columns],
        )
