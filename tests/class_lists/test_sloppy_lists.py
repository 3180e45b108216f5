"""Class lists as people and registers really send them: nothing is emptied or lost in silence."""

import pytest

from schemas.reason import Reason
from tests.badinput.test_register_packages import packed, parts_of
from tests.class_lists.packages import (
    APRIL,
    AUGUST,
    JANUARY,
    a_class,
    csv_list,
    goes,
    listed,
    package,
    pupils,
    register_home,
    user,
)
from tests.class_lists.test_several_grades import asked, forms
from tests.support.home import drop, outcomes, run
from tests.support.state import warehouse_of

A, B = a_class("c1", "7A"), a_class("c2", "7B")
THREE = (goes("e1", "u1", "c1"), goes("e2", "u2", "c1"), goes("e3", "u3", "c2"))
WHOLE = package(classes=(A, B), enrollments=THREE)
STANDING = {("S01", "7A"): 2, ("S01", "7B"): 1}
COUNTS = "school_year;school;class_group;grade;enrolled\n"


@pytest.fixture
def home(tmp_path):
    return register_home(tmp_path / "home")


def deliver(home, content, *, now=AUGUST, name=None):
    name = name or f"list {len(list(home.outcome.rglob('*')))}"
    drop(home, name, content)
    return outcomes(run(home, now=now))[name]


def counts(*lines):
    return (COUNTS + "".join(f"2025-26;974000001;{line}\n" for line in lines)).encode()


# What must not empty a class


EMPTYING = {
    "classes alone": package(classes=(A, B)),
    "pupils who left": package(
        classes=(A, B), enrollments=[goes("e1", "u1", "c1", status="inactive")]
    ),
    "teachers": package(classes=(A, B), enrollments=["e1,,c1,o1,t1,teacher,,"]),
}


@pytest.mark.parametrize("name", EMPTYING)
def test_whole_package_without_pupils_empties_no_list_of_ours(home, name):
    ours = csv_list(*pupils("7A", 20)).replace(b"S01", b"974000001")
    deliver(home, ours)
    outcome = deliver(home, EMPTYING[name])
    assert (outcome.outcome, outcome.reason) == ("rejected", Reason.NO_ROWS)
    assert listed(home) == {("S01", "7A"): 20}


def test_classes_alone_keep_the_pupils_that_the_register_has_told_of(home):
    deliver(home, WHOLE)
    renamed = package(classes=(A, a_class("c2", "7C")))
    assert deliver(home, renamed).outcome == "loaded"
    assert listed(home) == {("S01", "7A"): 2, ("S01", "7C"): 1}


def test_classes_that_come_before_their_pupils_are_taken(home):
    assert deliver(home, package(classes=(A, B))).outcome == "loaded"
    assert deliver(home, package(enrollments=THREE)).outcome == "loaded"
    assert listed(home) == STANDING


@pytest.mark.parametrize(
    ("content", "outcome", "reason"),
    [
        (package("delta", enrollments=[]), "loaded", None),
        (package("delta", enrollments=[], classes=[], users=[]), "loaded", None),
        (package("delta"), "rejected", Reason.NO_ROWS),
    ],
    ids=["no enrolments", "nothing", "no files"],
)
def test_empty_changes_change_nothing(home, content, outcome, reason):
    deliver(home, WHOLE)
    told = deliver(home, content, now=JANUARY)
    assert (told.outcome, told.reason) == (outcome, reason)
    assert listed(home) == STANDING


# What must not be lost in silence


@pytest.mark.parametrize(
    ("line", "standing"),
    [
        (goes("e1", "u9", "c2"), {("S01", "7A"): 1, ("S01", "7B"): 2}),
        ("e9,,c1,o1,u9,elev,,", STANDING),
        ("e9,,c1,o1,u9,,,", STANDING),
    ],
    ids=["number of another pupil", "role that nobody knows", "no role"],
)
def test_pupil_who_cannot_be_listed_is_told(home, line, standing):
    outcome = deliver(home, package(classes=(A, B), enrollments=[*THREE, line]))
    assert (outcome.delivered, outcome.accepted, outcome.quarantined) == (6, 5, 1)
    assert listed(home) == standing


@pytest.mark.parametrize("role", ["teacher", "Aide", "guardian", "siteAdministrator"])
def test_who_is_no_pupil_is_neither_counted_nor_told(home, role):
    line = f"e9,,c1,o1,t1,{role},,"
    outcome = deliver(home, package(classes=(A, B), enrollments=[*THREE, line]))
    assert (outcome.delivered, outcome.quarantined) == (5, 0)
    assert listed(home) == STANDING


def test_move_told_with_one_number_is_no_loss(home):
    deliver(home, WHOLE)
    moved = [goes("e1", "u1", "c1", status="tobedeleted"), goes("e1", "u1", "c2", status="active")]
    outcome = deliver(home, package("delta", enrollments=moved), now=JANUARY)
    assert (outcome.accepted, outcome.quarantined) == (1, 0)
    assert listed(home) == {("S01", "7A"): 1, ("S01", "7B"): 2}


def test_grades_with_a_comma_too_many_are_read(home):
    deliver(home, package(classes=[a_class("c1", "5-6", "05, 06,")], enrollments=[THREE[0]]))
    with warehouse_of(home) as con:
        assert con.execute("select grades from core.listed_class").fetchall() == [([5, 6],)]


def test_identifier_is_the_code_and_a_package_has_no_users(tmp_path):
    home = register_home(tmp_path / "home", pupil_code="identifier")
    assert deliver(home, WHOLE).outcome == "loaded"
    moved = package("delta", enrollments=[goes("e1", "u1", "c2", status="active")])
    assert deliver(home, moved, now=JANUARY).outcome == "loaded"
    assert listed(home) == {("S01", "7A"): 1, ("S01", "7B"): 2}


def test_file_that_is_refused_when_it_is_read_again_stops_no_run(home):
    content = package(
        classes=(A, B), enrollments=[*THREE, goes("e9", "u9", "c9")], users=[user("u1")]
    )
    parts = parts_of(content)
    parts["users.csv"] = parts["users.csv"].replace(b"password", b"Identifier")
    twice = packed(parts)
    assert deliver(home, twice).quarantined == 1
    text = home.settings_file.read_text(encoding="utf-8")
    changed = text.replace('pupil_code = "none"', 'pupil_code = "identifier"')
    home.settings_file.write_text(changed, encoding="utf-8")
    again = deliver(home, twice)
    assert (again.outcome, again.reason) == ("rejected", Reason.HEADER_REPEATED)
    assert deliver(home, package("delta", enrollments=[])).outcome == "loaded"
    assert listed(home) == STANDING
    with warehouse_of(home) as con:
        found = con.execute("select outcome, quarantined from core.delivery order by delivery_no")
        assert found.fetchall()[0] == ("loaded", 1)


# Counts


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("5-6;5;10", "5-6;6;12"), {("S01", "5-6"): 22}),
        (("5-6;5;10", "5 - 6;6;12"), {("S01", "5-6"): 22}),
        (("4-5-6;4;3", "4-5-6;5;10", "4-5-6;6;12"), {("S01", "4-5-6"): 25}),
        (("5-6;5;10", "5-6;5;12"), {}),
        (("5-6;5;10", "5-6;7;12"), {}),
        (("5-6;5;10", "5-6;5;10"), {("S01", "5-6"): 10}),
        (("7A;7;20", "7A;8;21"), {}),
        (("5-6;5;10", "5-6;x;12"), {}),
        (("5-6;5;10", "5-6;6;x"), {}),
    ],
)
def test_class_of_several_grades_has_a_count_for_each(home, lines, expected):
    outcome = deliver(home, counts(*lines))
    assert listed(home) == expected
    assert outcome.delivered == outcome.accepted + outcome.quarantined + outcome.dropped


@pytest.mark.parametrize(("grades", "expected"), [(("5", "6"), 22), (("6",), None), ((), 22)])
def test_counts_do_not_tell_who_was_asked_where_only_some_grades_were(home, grades, expected):
    deliver(home, counts("5-6;5;10", "5-6;6;12"))
    if grades:
        deliver(home, forms(*grades), now=APRIL)
    assert asked(home) == {"5-6": expected}
