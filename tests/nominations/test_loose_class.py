"""A class in pieces: what its choices say, once and again, and what a municipality may decide."""

import duckdb
import pytest

from flows.cli import main
from flows.home import Home
from flows.rules.preview import preview_home
from tests.nominations.choosing import SURVEY, choices, code
from tests.reports.page import Page
from tests.support.home import (
    AUTUMN,
    NOW,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
)

OF_12 = class_list(("S01", "7A", 12))
STRICTER = """
[[change]]
rule = "rule.class_network"
version = 1
edition = 1
decided_by = "the board"
decided_on = 2025-08-20
why = "so"
"""


def pieces(wave=AUTUMN, *, unchosen=3):
    """Three groups of three who choose each other; so many others choose into them, unchosen."""
    rows = []
    for number in range(9 + unchosen):
        group = number % 3
        named = [code(at) for at in range(9) if at % 3 == group and at != number][:2]
        row = {**form(code(number), wave=wave), **choices(named, named)}
        rows.append(row)
    return rows


@pytest.fixture
def home(tmp_path):
    made = make_home(tmp_path / "home", survey=SURVEY)
    drop(made, "list.csv", OF_12)
    return made


def class_flags(home: Home, wave: str = AUTUMN) -> list[tuple[object, ...]]:
    with duckdb.connect(str(home.restricted / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(
            """
            select level, rule_version, evidence_count, review_due is not null from core.flag
            where wave_id = $wave and status <> 'withdrawn' and rule_id = 'rule.class_network'
            """,
            {"wave": wave},
        ).fetchall()


def test_a_class_in_pieces_is_a_watch(home):
    drop(home, "7A.csv", csv_bytes(pieces()))
    run(home)
    assert class_flags(home) == [("watch", 1, 1, False)]


def test_the_same_in_two_waves_of_the_year_is_an_alert_and_in_whatever_order(tmp_path):
    for order in ((AUTUMN, SPRING), (SPRING, AUTUMN)):
        home = make_home(tmp_path / order[0] / "home", survey=SURVEY)
        drop(home, "list.csv", OF_12)
        for wave in order:
            drop(home, f"{wave}.csv", csv_bytes(pieces(wave)))
            run(home)
        assert class_flags(home) == [("watch", 1, 1, False)]
        assert class_flags(home, SPRING) == [("alert", 1, 2, True)]
        reports = [file.read_text("utf-8") for file in (home.root / "health").rglob("*nb*.html")]
        assert any("Det samme signalet kom i to av de tre siste" in page for page in reports)


def test_a_class_that_is_whole_in_the_first_wave_is_no_alert_in_the_second(home):
    drop(home, "autumn.csv", csv_bytes(pieces(unchosen=0)))
    drop(home, "spring.csv", csv_bytes(pieces(SPRING)))
    run(home)
    assert class_flags(home, SPRING) == [("watch", 1, 1, False)]


@pytest.mark.parametrize(
    ("decided", "says"),
    [
        ("off = true", []),
        ("min_unchosen = 4", []),
        ("min_groups = 4", []),
        ("marks = 3\ncohesion_below = 0.001", []),
        ("cohesion_below = 0.001", [("watch", 1001, 1, False)]),
    ],
)
def test_a_municipality_may_ask_for_more(home, decided, says):
    home.rules_file.write_text(STRICTER + decided, encoding="utf-8")
    drop(home, "7A.csv", csv_bytes(pieces()))
    run(home)
    assert class_flags(home) == says


def test_a_decision_makes_the_wave_due(home):
    drop(home, "7A.csv", csv_bytes(pieces()))
    run(home)
    home.rules_file.write_text(f"{STRICTER}off = true", encoding="utf-8")
    run(home)
    assert class_flags(home) == []


# What explains and tries the rule


def report_in(home: Home, language: str) -> str:
    [file] = (home.root / "health").rglob(f"report.{language}.html")
    return Page(file.read_text("utf-8")).text


LIMITS = (
    "Watch: at least two of three: fewer mutual choices than in all but 5 % of classes with as many"
    " choices, dealt at random; at least three pupils whom nobody chose; at least three groups"
    " Alert: the same signal in two of the latest three rounds of the school year, never from one"
    " round alone A judgement;"
)
DECIDED = (
    "from one round alone Decided by the board, 2025-08-20. The limit that comes with Klassepuls is"
    " another, and rests on: A judgement;"
)


@pytest.mark.parametrize(("decided", "told"), [("", LIMITS), ("cohesion_below = 0.001", DECIDED)])
def test_reports_list_the_rule_with_its_limits_edition_and_who_decided(home, decided, told):
    if decided:
        home.rules_file.write_text(STRICTER + decided, encoding="utf-8")
    drop(home, "7A.csv", csv_bytes(pieces()))
    run(home)
    said = report_in(home, "en").replace("5%", "5 %")
    assert told in said
    assert ("class_network@1+local1" in said) == bool(decided)


def test_a_report_does_not_list_the_rule_where_it_is_off_or_nobody_was_asked(home, tmp_path):
    home.rules_file.write_text(f"{STRICTER}off = true", encoding="utf-8")
    other = make_home(tmp_path / "other")
    for one in (home, other):
        rows = pieces() if one is home else [form("P001")]
        drop(one, "7A.csv", csv_bytes(rows))
        run(one)
        assert "class_network@" not in report_in(one, "nb")


def previewed(home: Home, *, changes=None, rule_id="rule.class_network"):
    found = preview_home(home.root, rule_id=rule_id, changes=changes, wave=None, now=NOW)
    return [
        (line.rule_id, line.in_force, line.previewed, line.gone, line.levels)
        for line in found.lines
    ]


def test_a_preview_tells_what_a_decision_on_choices_would_change(home, tmp_path):
    drop(home, "7A.csv", csv_bytes(pieces()))
    run(home)
    id_, off = "rule.class_network", tmp_path / "rules.toml"
    assert previewed(home) == [(id_, 1, 1, 0, {"watch": 1})]
    off.write_text(f"{STRICTER}off = true", encoding="utf-8")
    assert previewed(home, changes=off) == [(id_, 1, 0, 1, {})]
    assert (id_, 1, 0, 1, {}) in previewed(home, changes=off, rule_id=None)
    off.write_text(f"{STRICTER}marks = 3\ncohesion_below = 0.001", encoding="utf-8")
    assert previewed(home, changes=off) == [(id_, 1, 0, 1, {})]
    home.rules_file.write_text(f"{STRICTER}off = true", encoding="utf-8")
    run(home)
    assert previewed(home) == [(id_, 0, 1, 0, {"watch": 1})], "off here, previewed as shipped"


def test_examples_of_choices_are_run_with_the_homes_own_limits(home, capsys):
    assert main(["rules", "assure", "--home", str(home.root)]) == 0
    assert "rule.class_network@1: 17 of 17 examples hold" in capsys.readouterr().out
    home.rules_file.write_text(f"{STRICTER}min_unchosen = 4", encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root)]) == 1
    said = capsys.readouterr().out
    assert "rule.class_network@1+local1" in said
    assert "few mutual, and three unchosen: expected watch, got nothing" in said
    home.rules_file.write_text(f"{STRICTER}off = true", encoding="utf-8")
    assert main(["rules", "assure", "--home", str(home.root)]) == 0
    assert "class_network" not in capsys.readouterr().out
