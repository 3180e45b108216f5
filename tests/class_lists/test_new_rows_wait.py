"""A list known but for rows that wait is no copy, and a class of several grades is whole."""

import pytest

from tests.support.home import csv_bytes, drop, make_home, outcomes, run, write_settings

COUNTS = ("school_year", "school", "class_group", "grade", "enrolled")


def counts(*rows: tuple[str, str, str, str]) -> bytes:
    return csv_bytes([dict(zip(COUNTS, ("2025-26", *row), strict=True)) for row in rows])


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def outcome(home, name, content):
    drop(home, name, content)
    return outcomes(run(home))[name]


def test_new_rows_of_a_known_list_wait_and_count_when_the_school_is_known(home):
    first = ("S01", "7A", "7", "19")
    assert outcome(home, "a.csv", counts(first)).accepted == 1
    more = counts(first, ("S03", "3A", "3", "25"))
    second = outcome(home, "b.csv", more)
    assert (second.outcome, second.accepted, second.quarantined) == ("loaded", 1, 1)
    write_settings(home, schools=("S01", "S02", "S03"))
    assert outcome(home, "b.csv", more).accepted == 2


def test_two_lists_of_which_every_row_waits_are_two_lists(home):
    assert outcome(home, "a.csv", counts(("S08", "7A", "7", "19"))).quarantined == 1
    assert outcome(home, "b.csv", counts(("S09", "3A", "3", "25"))).quarantined == 1


@pytest.mark.parametrize(
    "rows",
    [
        [("S01", "5-6", "5", "4"), ("S01", "5-6", "6", "5")],
        [("S01", "5-6", "5", "4"), ("S01", "5-6", "6", "5"), ("S02", "7A", "7", "19")],
        [("S01", "1-4", grade, "3") for grade in "1234"],
    ],
)
def test_class_of_several_grades_is_sound_beside_any_other(home, rows):
    found = outcome(home, "a.csv", counts(*rows))
    assert (found.accepted, found.quarantined) == (len(rows), 0)
