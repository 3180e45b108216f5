"""Somebody's number stops a file before anybody has decided on its columns, and in class lists."""

import json

import pytest

from tests.support.home import class_list, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import note_of, words_on

FNR = "13100462944"  # synthetic, with valid check digits


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


UNDECIDED = {
    "of no survey": f"Klasse;Navn;Fnr\n7A;Kari;{FNR}\n",
    "one column more": csv_bytes([form("P001") | {"kommentar": f"ring {FNR}"}]).decode(),
    "a number for a heading": csv_bytes([form("P001") | {FNR: "x"}]).decode(),
    "a number for a key": json.dumps([{FNR: "x", "panel": [1, 2]}, {FNR: "y", "panel": [1]}]),
}


@pytest.mark.parametrize("text", UNDECIDED.values(), ids=UNDECIDED)
def test_number_in_a_file_that_nobody_has_decided_on_stops_it(home, text):
    drop(home, "a.dat", text.encode())
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("rejected", "PERSONAL_DATA")
    assert not list((home.outcome / "rejected").glob("*.decision.toml"))
    assert FNR not in words_on(home, "a.dat")


def test_an_empty_column_of_addresses_is_one_more_column_to_decide_on(home):
    drop(home, "a.csv", csv_bytes([row | {"E-post": ""} for row in school_class(3)]))
    assert [outcome.reason for _, outcome in run(home).files] == ["HEADER_MISMATCH"]


def test_a_filled_column_of_addresses_is_told_by_its_heading(home):
    drop(home, "a.csv", csv_bytes([row | {"E-post": "see above"} for row in school_class(3)]))
    run(home)
    assert note_of(home, "a.csv")["reason"] == "PERSONAL_DATA"
    assert note_of(home, "a.csv")["column"] == "E-post"


PUPILS = "school_year;school;class_group;grade;pupil_code\n2025-26;S01;7A;7;{}\n"


@pytest.mark.parametrize("code", [FNR, f"{FNR[:6]}-{FNR[6:]}", f"E{FNR}", "93433667"])
def test_number_of_a_person_is_no_code_in_a_class_list(home, code):
    drop(home, "list.csv", PUPILS.format(code).encode())
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]


def test_class_named_with_a_number_stops_its_list(home):
    drop(home, "list.csv", class_list(("S01", "7A", 20)).replace(b";7A;", f";{FNR};".encode()))
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]


def test_name_of_a_person_is_no_class(home):
    drop(home, "a.csv", csv_bytes([form("P001", class_group="Kari Nordmann"), form("P002")]))
    [(_, outcome)] = run(home).files
    assert (outcome.accepted, outcome.quarantined) == (1, 1)


def test_number_in_the_name_of_a_file_is_not_kept(home):
    drop(home, f"Kari Nordmann {FNR} KX41.csv", csv_bytes(school_class(3)))
    drop(home, "kari@skole.no.csv", csv_bytes(school_class(3, prefix="R")))
    drop(home, "7A 2025-11-05 (2).csv", csv_bytes(school_class(3, prefix="Q")))
    run(home)
    names = sorted(path.name for path in (home.outcome / "loaded").glob("*.csv"))
    assert len(names) == 3
    assert not [name for name in names if FNR in name or "kari" in name.lower()]
    assert "7A 2025-11-05 (2).csv" in names
