"""Who is new: by a date of enrolment, or by a code that a whole class has not had before."""

from datetime import date

import pytest

from tests.rules.build import AUTUMN, SPRING, WINTER

NEW = date(2026, 10, 1)


# Without a date of enrolment, a code that was not seen before is new only in a class whose whole
# list had answered an earlier wave of the same school year.
BEFORE = [
    # what                                   enrolled  answered before     new
    ("the whole class had answered", 2, ["a", "b"], True),
    ("more had answered than are on the list", 2, ["a", "b", "c"], True),
    ("somebody had not answered", 3, ["a", "b"], False),
    ("one form was sent twice", 3, ["a", "b", "b"], False),
    ("there is no class list", None, ["a", "b"], False),
    ("the pupil had answered", 2, ["a", "x"], False),
]


@pytest.mark.parametrize(
    ("enrolled", "before", "is_new"),
    [case[1:] for case in BEFORE],
    ids=[case[0] for case in BEFORE],
)
def test_when_a_code_that_was_not_seen_before_is_a_new_pupil(town, enrolled, before, is_new):
    if enrolled is not None:
        town.add_class(enrolled)
    for pupil in before:
        town.add_form(pupil, wave=AUTUMN, enrolled_on=None)
    town.add_form("x", wave=WINTER, enrolled_on=None)

    assert town.flags(wave=WINTER) == ({"x": {"new_pupil": "watch"}} if is_new else {})


def test_a_pupil_who_answered_in_another_class_is_not_new(town):
    town.add_class(1)
    town.add_form("a", enrolled_on=None)
    town.add_form("x", enrolled_on=None, name="7B", school="S02")
    town.add_form("x", wave=WINTER, enrolled_on=None)

    assert town.flags(wave=WINTER) == {}


def test_a_wave_of_last_school_year_says_nothing_about_who_is_new(town):
    town.add_class(1, year="2025-26")
    town.add_class(1)
    town.add_form("a", wave=SPRING, enrolled_on=None)
    town.add_form("x", wave=AUTUMN, enrolled_on=None)

    assert town.flags(wave=AUTUMN) == {}


def test_a_date_of_enrolment_decides_where_there_is_one(town):
    town.add_class(1)
    town.add_form("a", enrolled_on=None)
    town.add_form("x", wave=WINTER)

    assert town.flags(wave=WINTER) == {}
