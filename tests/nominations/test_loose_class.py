"""A class in pieces: what its choices say, once and again, and what a municipality may decide."""

import duckdb
import pytest

from flows.home import Home
from tests.nominations.choosing import SURVEY, choices, code
from tests.support.home import AUTUMN, SPRING, class_list, csv_bytes, drop, form, make_home, run

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
