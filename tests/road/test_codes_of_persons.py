"""A pupil code that is somebody's number stops the file, however it is written."""

import pytest

from tests.support.home import csv_bytes, drop, form, make_home, run, school_class

FNR = "13100462944"  # synthetic, with valid check digits

PERSONS = [
    FNR,
    f"{FNR[:6]}-{FNR[6:]}",
    f"{FNR[:6]}-{FNR[6:9]}-{FNR[9:]}",
    f"E{FNR}",
    f"E-{FNR}",
    f"{FNR}-7A",
    "93433667",
    "4793433667",
    "93-43-36-67",
    "0047-93433667",
    "S01-93433667",
    "P93433667",
    "9343-3667",
    f"S01{FNR}",
]
NOBODY = ["AB-12-34-56-78", "2026-0001-12", "20260101-07", "12345678", "A12345678", "1234567890"]


@pytest.mark.parametrize("code", PERSONS, ids=range(len(PERSONS)))
def test_a_number_of_a_person_is_no_code(tmp_path, code):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes([*school_class(3), form(code)]))
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]
    assert not list(home.health.rglob("*.html"))


@pytest.mark.parametrize("code", ["S01-93433667", f"S01{FNR}"])
def test_a_number_of_a_person_is_no_code_in_a_list_either(tmp_path, code):
    home = make_home(tmp_path / "home")
    rows = "".join(f"2025-26;S01;7A;7;{one}\n" for one in ("P001", "P002", code))
    drop(home, "l.csv", f"school_year;school;class_group;grade;pupil_code\n{rows}".encode())
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]


def test_codes_of_many_digits_are_codes(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes([form(code) for code in NOBODY]))
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.accepted) == ("loaded", len(NOBODY))
