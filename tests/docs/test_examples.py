"""What the pages show is run: queries, commands, settings, and the two worked municipalities."""

import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows import cli, road
from flows.check import check_file
from flows.home import init_home, load_config, open_home
from schemas.instrument import Instrument
from schemas.rule import RuleFile
from tests.conftest import ROOT
from warehouse.mart import workbench

DOCS = sorted((ROOT / "docs").rglob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^ {4}(?:\.venv/bin/)?klassepuls (.+)$", re.MULTILINE)
NOW = datetime(2026, 11, 6, 5, 15, tzinfo=UTC)
HOW_TO = ROOT / "docs" / "how-to"


def blocks(page: Path, language: str) -> list[str]:
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == language]


QUERIES = [
    pytest.param(query, id=f"{page.stem}-{number}")
    for page in DOCS
    for number, query in enumerate(blocks(page, "sql"), start=1)
]
COMMANDS = [
    pytest.param(line, id=f"{page.stem}-{line.split()[0]}")
    for page in DOCS
    for line in COMMAND.findall(page.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("query", QUERIES)
def test_query_runs_on_the_published_tables(query: str) -> None:
    with workbench() as mart:
        mart.execute(query).fetchall()


@pytest.mark.parametrize("line", COMMANDS)
def test_command_line_is_understood(line: str) -> None:
    parsed = cli.command_line().parse_args(shlex.split(line, comments=True))
    assert callable(parsed.command)


@pytest.fixture
def home(tmp_path: Path):
    """The home of `set-up-a-municipality.md`, with its settings and no survey yet."""
    home = init_home(tmp_path / "home")
    settings, _ = blocks(HOW_TO / "set-up-a-municipality.md", "toml")
    home.settings_file.write_text(settings, encoding="utf-8")
    for survey in home.surveys.glob("*.toml"):
        survey.unlink()
    return open_home(home.root)


def run(home) -> road.Summary:
    return road.run(home, now=NOW, settle=0)


def test_first_delivery_of_a_municipality_ends_as_its_page_says(home) -> None:
    page = HOW_TO / "set-up-a-municipality.md"
    _, survey = blocks(page, "toml")
    class_list, answers = blocks(page, "csv")
    (home.surveys / "klassepuls.toml").write_text(survey, encoding="utf-8")
    (home.inbox / "class_list.csv").write_text(class_list, encoding="utf-8")
    file = home.inbox / "7A.csv"
    file.write_text(answers, encoding="utf-8")

    checked = check_file(home, file)
    assert (checked["rows"], checked["sound"], checked["held"]) == (4, 3, 1)
    summary = run(home)
    outcomes = [outcome for _, outcome in summary.files]
    assert sum(outcome.accepted for outcome in outcomes) == 4
    assert sum(outcome.quarantined for outcome in outcomes) == 1
    [wave] = summary.waves
    assert sum(wave.raised.values()) == 6
    assert summary.reports == 2
    assert (home.health / "FJELL" / "2026-autumn" / "report.nb.html").is_file()


@pytest.mark.parametrize("with_codebook", [False, True])
def test_nettskjema_form_ends_as_its_page_says(home, *, with_codebook: bool) -> None:
    page = HOW_TO / "map-a-nettskjema-form.md"
    survey, codebook, _folder, _decision = blocks(page, "toml")
    [answers] = blocks(page, "csv")
    if with_codebook:
        survey = codebook + survey
        elements = json.dumps(elements_of(answers))
        (home.surveys / "hostpuls.elements.json").write_text(elements, encoding="utf-8")
    (home.surveys / "hostpuls.toml").write_text(survey, encoding="utf-8")
    (home.inbox / "export.csv").write_text(answers, encoding="utf-8")

    summary = run(home)
    [(_, outcome)] = summary.files
    assert (outcome.accepted, outcome.quarantined) == (3, 1)
    assert flagged_lines(home) == {
        (3, "prompt", "bullying"),
        (3, "flag", "unsafe"),
        (3, "flag", "not_thriving"),
        (3, "flag", "exclusion"),
        (4, "prompt", "any"),
    }


def flagged_lines(home) -> set[tuple[int, str, str]]:
    """Which line of the file was flagged, and for what: a wrong mapping may well flag as many."""
    with road.at_work(home, load_config(home), now=NOW) as con:
        found = con.execute("""
            select row_no, level, situation from core.flag join core.response using (wave_id, pupil)
        """).fetchall()
    return set(found)


def elements_of(export: str) -> list[dict[str, object]]:
    """The elements of the form of the page, as Nettskjema would give them."""
    texts = {"klasse", "elevkode", "fritekst"}
    codes = {"skole": ("FJELL", "SJO"), "kjonn": ("girl", "boy", "other")}
    headings = export.splitlines()[0].replace('"', "").split(";")
    names = list(dict.fromkeys(name.partition(".")[0] for name in headings if name[0] != "$"))
    form = []
    for number, name in enumerate(names, start=1):
        rows = [part.partition(".")[2] for part in headings if part.startswith(f"{name}.")]
        kind = "MATRIX_RADIO" if rows else "RADIO"
        if name in texts:
            kind = "QUESTION"
        form.append(
            {
                "elementId": number,
                "elementType": "NUMBER" if name == "trinn" else kind,
                "externalElementId": name,
                "answerOptions": []
                if name in texts or name == "trinn"
                else [
                    {"answerOptionId": 100 * number + at, "externalAnswerOptionId": code}
                    for at, code in enumerate(codes.get(name, "123456"))
                ],
                "subElements": [
                    {"subElementId": 1000 * number + at, "externalElementId": row}
                    for at, row in enumerate(rows)
                ],
            }
        )
    return form


def test_instrument_and_rule_of_the_developers_page_can_be_read() -> None:
    instrument, rule = blocks(HOW_TO / "develop.md", "toml")
    friends = Instrument.from_toml(instrument, name="develop.md")
    [no_friend] = RuleFile.from_toml(rule, name="develop.md").rules
    [condition] = no_friend.steps[0].any_of
    assert condition.input == f"{friends.key}.{friends.scales[0].id}"
