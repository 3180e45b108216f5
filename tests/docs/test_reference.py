"""The reference pages say what the product says: made anew they are the same, and nothing lacks."""

import argparse
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows import cli
from reports.reference.markdown import table
from reports.reference.pages import pages, write_pages
from reports.reference.tables import sql_tables
from schemas.instrument import shipped_instruments
from schemas.mart import mart_tables
from schemas.reason import Reason, reason_texts
from schemas.rule import shipped_rules, source_in
from schemas.settings import Municipality, School, Settings, Wave
from schemas.survey import Survey
from tests.conftest import ROOT
from warehouse.instruments import register
from warehouse.store import open_warehouse

REFERENCE = ROOT / "docs" / "reference"
PAGES = pages()


@pytest.mark.parametrize("name", PAGES)
def test_page_is_as_the_product_would_write_it_now(name: str) -> None:
    written = (REFERENCE / name).read_text(encoding="utf-8")
    assert written == PAGES[name], "run: python -m reports.reference docs/reference"


def test_no_page_lies_there_that_nothing_makes() -> None:
    assert {path.name for path in REFERENCE.iterdir()} == set(PAGES)


def test_pages_are_written_over_older_ones(tmp_path: Path) -> None:
    (tmp_path / "rules.md").write_text("old", encoding="utf-8")
    write_pages(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == PAGES


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_code_has_its_text_in_every_language(reason: Reason) -> None:
    text = reason_texts()[reason]
    [row] = [row for row in PAGES["reasons.md"].splitlines() if f"`{reason.value}`" in row]
    assert all(said in row for said in (text.level, text.en, text.nb, text.nn))


@pytest.mark.parametrize("rule", shipped_rules(), ids=lambda rule: rule.id)
def test_every_rule_is_there_with_reason_source_and_texts(rule) -> None:
    page = PAGES["rules.md"]
    section = page.split(f"## {rule.id} version {rule.version}\n")[1].split("\n## ")[0]
    texts = rule.texts
    for said in (texts.name, texts.why, texts.not_meaning):
        assert all(f"| {words} |" in section for words in said.values())
    assert rule.rationale in section
    assert source_in(rule.source, "en")[0] in section
    assert f"`{rule.situation}`" in section


def test_every_threshold_of_a_pupil_rule_is_told_as_answer_and_code() -> None:
    page = PAGES["rules.md"]
    instruments = shipped_instruments()
    conditions = [
        condition
        for rule in shipped_rules()
        if rule.target == "pupil"
        for step in rule.steps
        for condition in (*step.reasons, *step.none_of)
        if not condition.input.startswith(("register.", "network."))
    ]
    assert conditions
    for condition in conditions:
        key, _, item = condition.input.partition(".")
        if condition.op == "fallen_by":
            told = f"`{condition.input}` fallen by {condition.threshold:g} since last time"
            assert told in page
            continue
        if condition.is_local:
            said = {
                "below_percentile": f"among the lowest {condition.threshold:g} of 100 of the grade",
                "fallen_reliably": f"fallen by more than {condition.threshold:g} standard errors",
            }
            assert f"`{condition.input}` {said[condition.op]}" in page
            continue
        if item in {scale.id for scale in instruments[key].scales}:
            then = " last time too" if condition.wave == "previous" else ""
            assert f"`{condition.input}` ≤ {condition.threshold:g}{then}" in page
            continue
        answer = instruments[key].label(item, int(condition.threshold), "en")
        sign = {"at_least": "≥", "at_most": "≤"}[condition.op]
        assert f"`{condition.input}` “{answer}”" in page
        assert f"({sign} {condition.threshold:g})" in page


@pytest.mark.parametrize("key", shipped_instruments())
def test_every_item_and_scale_of_an_instrument_is_there(key: str) -> None:
    instrument, page = shipped_instruments()[key], PAGES["instruments.md"]
    names = [part.id for part in (*instrument.items, *instrument.scales)]
    assert all(f"`{key}.{name}`" in page for name in names)
    assert instrument.licence.name in page


@pytest.mark.parametrize("model", [Settings, Survey])
def test_every_setting_is_there_with_its_meaning(model) -> None:
    page, schema = PAGES["settings.md"], model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        for key, said in part["properties"].items():
            rows = [row for row in page.splitlines() if row.startswith(f"| `{key}` |")]
            if "description" in said:
                assert any(row.endswith(f"| {said['description']} |") for row in rows)
            else:  # a table of its own
                assert re.search(rf"^### `\[+([a-z_]+\.)*{key}\]+`$", page, re.MULTILINE)


def commands() -> dict[str, argparse.ArgumentParser]:
    return dict(_commands(cli.command_line(), ""))


def _commands(parser: argparse.ArgumentParser, before: str) -> Iterator[tuple[str, Any]]:
    tasks = [action for action in parser._actions if isinstance(action.choices, dict)]
    if before and (not tasks or parser.get_default("command")):
        yield before, parser
    for action in tasks:
        for name, sub in action.choices.items():
            yield from _commands(sub, f"{before} {name}".strip())


@pytest.mark.parametrize("name", commands())
def test_every_command_and_argument_is_there_with_its_meaning(name: str) -> None:
    section = PAGES["commands.md"].split(f"\n## {name}\n")[1].split("\n## ")[0]
    for action in commands()[name]._actions:
        if action.dest != "help" and not isinstance(action.choices, dict):
            shown = action.option_strings[-1] if action.option_strings else action.dest.upper()
            starts = (f"| `{shown} ", f"| `{shown}`")
            [row] = [row for row in section.splitlines() if row.startswith(starts)]
            assert action.help, f"{name} {shown} has no help"
            assert action.help in row


def test_exit_codes_are_told() -> None:
    for number in (cli.DONE, cli.NEEDS_A_PERSON, cli.USAGE, cli.BUSY, cli.REFUSED, cli.FAULT):
        assert f"{number} " in PAGES["commands.md"].split("| command |")[0]


def test_commands_page_does_not_tell_the_writers_own_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLASSEPULS_HOME", "somewhere-private")
    assert pages()["commands.md"] == PAGES["commands.md"]


def restricted_columns(folder: Path) -> dict[str, list[str]]:
    """Every table and view of a new warehouse with its columns."""
    for name in ("restricted/vault", "restricted/spill", "analyst"):
        (folder / name).mkdir(parents=True)
    settings = Settings.model_validate(
        {
            "municipality": Municipality(number="9901", name="Lyngvær"),
            "school": [School(id="S01", name="Skole")],
            "wave": [
                Wave(
                    id="W", name="W", school_year="2026-27", opens="2026-11-02", closes="2026-11-20"
                )
            ],
        }
    )
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with open_warehouse(folder / "restricted", analyst=folder / "analyst", now=now) as con:
        register(con, shipped_instruments(), settings)
        found = con.execute("""
            select schema_name || '.' || table_name, list(column_name order by column_index)
            from duckdb_columns() where schema_name in ('core', 'quarantine', 'audit') group by all
        """).fetchall()
    return dict(found)


_MADE_ON_OPENING = ("audit.migration", "audit.step")


_OF_INSTRUMENTS = ("core.answer", "core.given_score", "core.score")


def test_every_restricted_table_and_column_is_there(tmp_path: Path) -> None:
    told = {found.name: [name for name, _, _ in found.columns] for found in sql_tables()}
    told["quarantine.response"] = told["quarantine.set_aside"] = told["core.response"]
    there = restricted_columns(tmp_path)
    views = {
        "core.class_in_wave",
        "core.class_list_of_wave",
        "core.class_member",
        "core.pupil_start",
        "quarantine.asking",
    }
    made_elsewhere = views | {
        name for name in there if name.startswith((*_OF_INSTRUMENTS, *_MADE_ON_OPENING))
    }
    assert {name: columns for name, columns in there.items() if name not in made_elsewhere} == told
    of_keys = [f"{name}_KEY" for name in _OF_INSTRUMENTS]
    for name in (*sorted(views), *of_keys, "core.answer", "core.score"):
        assert f"`{name}`" in PAGES["tables.md"]
    assert all(f"### {name}\n" in PAGES["tables.md"] for name in told)


def test_every_published_table_and_column_is_there() -> None:
    for published in mart_tables():
        section = PAGES["tables.md"].split(f"### mart.{published.name}\n")[1].split("\n### ")[0]
        assert published.en in section
        for column in published.columns:
            assert f"| `{column.name}` | {column.type} |" in section


def test_bar_or_line_end_in_a_cell_does_not_break_its_table() -> None:
    rows = table(("a", "b"), [("x|y", "one\ntwo")]).splitlines()
    assert rows[2] == "| x\\|y | one two |"
