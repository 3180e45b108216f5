"""A class of several grades: who was asked, where a wave asked only some of them."""

from datetime import UTC, datetime

import pytest

from tests.class_lists.packages import (
    APRIL,
    AUGUST,
    a_class,
    goes,
    package,
    published_rates,
    pupil_list,
    register_home,
    two_schools_answer,
)
from tests.support.home import AUTUMN, csv_bytes, drop, outcomes, run, school_class
from tests.support.state import warehouse_of
from warehouse.asked import ASKED_CLASS_SQL

FIFTH, SIXTH = 10, 16
DECEMBER = datetime(2025, 12, 5, 5, 15, tzinfo=UTC)  # within 30 days after the autumn wave


def our_list() -> bytes:
    """Class 5-6 with pupils of both grades, and 7A, of one grade."""
    places = {"5-6": [("5", FIFTH), ("6", SIXTH)], "7A": [("7", 20)]}
    rows = []
    for group, grades in places.items():
        for grade, count in grades:
            codes = [("974000001", group, f"L{grade}{at:03}") for at in range(count)]
            rows += [row | {"grade": grade} for row in pupil_list(*codes, dates=False)]
    return csv_bytes(rows)


def register() -> bytes:
    """The same classes, where nothing tells which pupil goes to which grade."""
    classes = [a_class("c1", "5-6", "05,06"), a_class("c2", "7A")]
    sizes = {"c1": FIFTH + SIXTH, "c2": 20}
    enrolments = [goes(f"{c}-{at}", f"u{c}-{at}", c) for c, n in sizes.items() for at in range(n)]
    return package(classes=classes, enrollments=enrolments)


def forms(*grades: str, each: int = 10) -> bytes:
    rows = []
    for grade in grades:
        group = "7A" if grade == "7" else "5-6"
        place = {"school": "S01", "class_group": group, "grade": grade}
        rows += school_class(each, prefix=f"A{grade}", **place)
    return csv_bytes(rows)


@pytest.fixture
def home(tmp_path):
    return register_home(tmp_path / "home")


def asked(home):
    with warehouse_of(home) as con:
        found = con.execute(
            f"with listed as ({ASKED_CLASS_SQL}) from listed where wave_id = ?", [AUTUMN]
        ).fetchall()
    return {group: enrolled for _, _, group, _, _, enrolled in found}


def deliver(home, name, content, now):
    drop(home, name, content)
    return outcomes(run(home, now=now))[name]


@pytest.mark.parametrize(
    ("listing", "grades", "expected"),
    [
        (our_list, (), FIFTH + SIXTH),
        (our_list, ("5", "6"), FIFTH + SIXTH),
        (our_list, ("5", "6", "7"), FIFTH + SIXTH),
        (our_list, ("6", "7"), SIXTH),
        (our_list, ("5",), FIFTH),
        (our_list, ("7",), FIFTH + SIXTH),
        (register, (), FIFTH + SIXTH),
        (register, ("5", "6"), FIFTH + SIXTH),
        (register, ("6", "7"), None),
        (register, ("7",), FIFTH + SIXTH),
    ],
)
def test_pupils_of_a_grade_that_nobody_asked_did_not_stay_away(home, listing, grades, expected):
    assert deliver(home, "list", listing(), AUGUST).quarantined == 0
    if grades:
        told = deliver(home, "forms", forms(*grades), APRIL)
        assert (told.accepted, told.quarantined) == (10 * len(grades), 0)
    assert asked(home) == {"5-6": expected, "7A": 20}


@pytest.mark.parametrize(
    ("listing", "answers", "is_low", "listed"),
    [(our_list, 10, False, SIXTH), (our_list, 8, True, SIXTH), (register, 8, False, None)],
)
def test_class_is_tested_by_the_answers_of_those_who_were_asked(
    home, listing, answers, is_low, listed
):
    deliver(home, "list", listing(), AUGUST)
    deliver(home, "forms", forms("6", each=answers), APRIL)
    with warehouse_of(home) as con:
        found = con.execute(
            "select distinct enrolled, gate = 'low_response' from core.class_indicator"
        ).fetchall()
    assert found == [(listed, is_low)]
    [report] = home.health.rglob("S01/**/*.en.html")
    said = f"{answers} of {listed}" if listed else "no class list"
    assert said in report.read_text(encoding="utf-8")


def test_flags_are_raised_anew_when_the_list_learns_who_was_asked(home):
    deliver(home, "list", register(), AUGUST)
    deliver(home, "forms", forms("6"), DECEMBER)
    assert asked(home)["5-6"] is None
    deliver(home, "ours", our_list(), DECEMBER)
    run(home, now=APRIL)
    with warehouse_of(home) as con:
        found = con.execute("select distinct enrolled from core.class_indicator").fetchall()
    assert found == [(SIXTH,)]


def test_published_rate_is_of_those_who_were_asked(home):
    rows = []
    for group in ("5-6A", "5-6B"):
        for grade, count in (("5", 10), ("6", 30)):
            codes = [("974000001", group, f"L{group}{grade}{at:02}") for at in range(count)]
            rows += [row | {"grade": grade} for row in pupil_list(*codes, dates=False)]
    for group in ("7A", "7B"):
        codes = [("974000002", group, f"L{group}{at:02}") for at in range(40)]
        rows += pupil_list(*codes, dates=False)
    assert deliver(home, "list", csv_bytes(rows), AUGUST).quarantined == 0
    names = ("5-6A", "5-6B")
    deliver(home, "forms", two_schools_answer(20, names=names, grade="6"), APRIL)
    rates = published_rates(home)
    assert rates["S01"] == pytest.approx(0.67, abs=0.011)
    assert rates["S02"] == pytest.approx(0.5, abs=0.011)
