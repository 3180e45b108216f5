"""Codes drawn of 0 to F are loaded, though chance makes a phone of one; lists of them as well."""

import pytest

from tests.gate.test_code_numbers import by_lot
from tests.nominations.choosing import NOMINATIONS, choices
from tests.support.home import csv_bytes, drop, form, make_home, run, survey_toml

CODES = [*by_lot(12, 8), "93222537"]
LIST = "school_year;school;class_group;grade;pupil_code\n"


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home", survey=survey_toml(more=NOMINATIONS))


def test_answers_choices_and_lists_of_drawn_codes_are_loaded_but_for_rows_with_the_digits(home):
    rows = [{**form(code), **choices(CODES[:2], CODES[2:3])} for code in CODES]
    rows[0] |= choices([CODES[-1]], [CODES[-1], CODES[1]])
    drop(home, "l.csv", (LIST + "".join(f"2025-26;S01;7A;7;{one}\n" for one in CODES)).encode())
    drop(home, "a.csv", csv_bytes(rows))
    found = {name: (one.outcome, one.accepted, one.quarantined) for name, one in run(home).files}
    assert found == {"l.csv": ("loaded", 12, 1), "a.csv": ("loaded", 11, 2)}


def test_behind_a_school_drawn_codes_that_are_digits_are_loaded(home):
    codes = [f"S01-{code}" for code in CODES]
    rows = [{**form(code), **choices(codes[:2], codes[-1:])} for code in codes]
    drop(home, "l.csv", (LIST + "".join(f"2025-26;S01;7A;7;{one}\n" for one in codes)).encode())
    drop(home, "a.csv", csv_bytes(rows))
    assert {(one.outcome, one.accepted) for _, one in run(home).files} == {("loaded", len(CODES))}


@pytest.mark.parametrize("phones", ["breaks", "pupil_code"])
def test_phones_in_their_place_are_refused_all_the_same(home, phones):
    told = [f"9322254{at % 10}" for at in range(6)]
    codes = [*CODES[:12], *told] if phones == "pupil_code" else CODES
    chosen = told if phones == "breaks" else CODES
    rows = [{**form(code), **choices([chosen[at % 6]], CODES[:1])} for at, code in enumerate(codes)]
    drop(home, "a.csv", csv_bytes(rows))
    [(_, outcome)] = run(home).files
    assert outcome.reason == "PERSONAL_DATA"


def test_class_list_with_many_phones_is_refused(home):
    codes = [*CODES[:12], *(f"9322254{at}" for at in range(6))]
    drop(home, "l.csv", (LIST + "".join(f"2025-26;S01;7A;7;{one}\n" for one in codes)).encode())
    [(_, outcome)] = run(home).files
    assert outcome.reason == "PERSONAL_DATA"
