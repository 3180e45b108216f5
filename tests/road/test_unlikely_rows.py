"""Rows that count although a column of theirs is odd: told in the note, never held."""

import pytest

from flows.cli import main
from tests.support.home import AUTUMN, csv_bytes, drop, form, make_home, outcomes, run
from tests.support.state import filed, note_of, warehouse_of, words_on


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def told_of(home, *rows):
    drop(home, "a.csv", csv_bytes(rows))
    return outcomes(run(home))["a.csv"], note_of(home, "a.csv")["reasons"]


def test_a_grade_that_the_class_contradicts_counts_and_is_told(home):
    outcome, reasons = told_of(
        home, form("P001", class_group="9A", grade="3"), form("P002"), form("P003")
    )
    assert (outcome.outcome, outcome.accepted, outcome.quarantined) == ("loaded", 3, 0)
    assert reasons == {"GRADE_NOT_AS_CLASS": 1}
    assert "GRADE_NOT_AS_CLASS: 1 rad(er)" in words_on(home, "a.csv")


@pytest.mark.parametrize(
    ("name", "grade"), [("5-6", "6"), ("1STA", "11"), ("Mottak", "4"), ("7B2", "7")]
)
def test_a_class_of_several_grades_or_of_none_contradicts_nothing(home, name, grade):
    _, reasons = told_of(home, form("P001", class_group=name, grade=grade))
    assert reasons == {}


def test_a_day_outside_the_wave_that_a_row_names_counts_and_is_told(home):
    outcome, reasons = told_of(
        home, form("P001", submitted_on="2020-01-01", wants_talk="2"), form("P002"), form("P003")
    )
    assert (outcome.outcome, outcome.accepted) == ("loaded", 3)
    assert reasons == {"DATE_OUTSIDE_WAVE": 1}
    assert "DATE_OUTSIDE_WAVE: 1 rad(er)" in words_on(home, "a.csv")
    with warehouse_of(home) as con:
        found = con.execute("""
            select distinct wave_id from core.flag join core.response using (pupil, wave_id)
            where submitted_on = date '2020-01-01'
        """).fetchall()
    assert found == [(AUTUMN,)]


def test_a_code_that_may_be_a_name_counts_and_is_told(home):
    others = [form(f"P-{number}") for number in range(100, 118)]
    names = [form("KARI-NORDMANN", wants_talk="2"), form("OLA-NORDMANN")]
    outcome, reasons = told_of(home, *names, *others)
    assert (outcome.outcome, outcome.accepted) == ("loaded", 20)
    assert reasons == {"CODE_OF_LETTERS": 2}
    words = words_on(home, "a.csv")
    assert "CODE_OF_LETTERS: 2 rad(er)" in words
    assert "KARI" not in words


def test_codes_that_are_drawn_by_lot_are_no_names(home):
    drawn = ("Q7W", "H2K", "9VT", "KD4", "2ZR", "X8X", "LM3", "QXW", "HJK")
    _, reasons = told_of(home, *map(form, drawn))
    assert reasons == {}


def test_four_names_among_sixteen_codes_are_told_as_two_are(home):
    names = ("KARI-NORDMANN", "OLA", "MOHAMMED", "INGRID-LI")
    others = [form(f"P-{number}") for number in range(100, 116)]
    outcome, reasons = told_of(home, *map(form, names), *others)
    assert (outcome.accepted, reasons) == (20, {"CODE_OF_LETTERS": 4})


def test_a_row_without_a_day_is_not_outside_its_wave(home):
    _, reasons = told_of(home, form("P001", submitted_on=""))
    assert reasons == {}


def test_each_file_is_told_of_its_own_rows(home):
    drop(home, "a.csv", csv_bytes([form("P001", grade="3")]))
    drop(home, "b.csv", csv_bytes([form("P002"), form("P003", submitted_on="2020-01-01")]))
    run(home)
    assert note_of(home, "a.csv")["reasons"] == {"GRADE_NOT_AS_CLASS": 1}
    assert note_of(home, "b.csv")["reasons"] == {"DATE_OUTSIDE_WAVE": 1}


def test_a_copy_in_the_same_run_tells_of_no_row(home):
    drop(home, "a.csv", csv_bytes([form("P001", grade="3")]))
    drop(home, "b.csv", csv_bytes([form("P001", grade="3")]))
    assert {name: found.outcome for name, found in outcomes(run(home)).items()} == {
        "a.csv": "loaded",
        "b.csv": "duplicate",
    }
    assert note_of(home, "b.csv")["reasons"] == {"DUPLICATE_ROW": 1}


def test_what_is_told_stays_in_the_note_when_rows_are_decided_on(home):
    rows = [form("P001", grade="3"), form("P002", thriving="9")]
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    assert filed(home) == {"a.csv": "loaded"}
    assert note_of(home, "a.csv")["reasons"] == {
        "ANSWER_NOT_AN_OPTION": 1,
        "GRADE_NOT_AS_CLASS": 1,
    }
    delivery = note_of(home, "a.csv")["delivery_id"]
    words = ["quarantine", "reject", delivery, "--why", "test_rows", "--home", str(home.root)]
    assert main(words) == 0
    run(home)
    assert note_of(home, "a.csv")["reasons"] == {"GRADE_NOT_AS_CLASS": 1}
