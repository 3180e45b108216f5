"""Headings as Macs and Excel write them."""

import json
import unicodedata

import pytest

from tests.road.test_survey_draft import ANSWERS, decided, drafted, google_form
from tests.support.home import csv_bytes, drop, make_home, outcomes, run, school_class
from tests.support.state import filed, warehouse_of


def test_headings_with_their_accents_apart_are_the_same_headings(tmp_path):
    content = google_form(ANSWERS)
    home = make_home(tmp_path / "home", survey=decided(drafted(tmp_path, content)))

    drop(home, "svar.csv", unicodedata.normalize("NFD", content.decode()).encode())
    run(home)

    assert filed(home) == {"svar.csv": "loaded"}
    with warehouse_of(home) as con:
        found = con.execute("from core.answer_klassepuls_core_v1").fetchall()
    assert sorted(row[1:] for row in found) == sorted(tuple(given) for given in ANSWERS.values())


@pytest.mark.parametrize("line", [b"sep=;\r\n", b"SEP=;\n", b'"sep=;"\n', b"\xef\xbb\xbfsep=;\n"])
def test_a_line_for_excel_above_the_headings_is_passed_over(tmp_path, line):
    home = make_home(tmp_path / "home")
    rows = school_class(6, changes={3: {"thriving": "99"}})
    drop(home, "svar.csv", line + csv_bytes(rows))

    told = outcomes(run(home))["svar.csv"]

    assert (told.outcome, told.delivered, told.accepted, told.quarantined) == ("loaded", 6, 5, 1)
    note = json.loads((home.outcome / "loaded" / "svar.csv.json").read_text(encoding="utf-8"))
    # Line 1 is Excel's, line 2 the headings.
    assert [row["row"] for row in note["rows"]] == [6]


def test_the_same_answers_with_and_without_that_line_count_once(tmp_path):
    home = make_home(tmp_path / "home")
    content = csv_bytes(school_class(6))
    drop(home, "a.csv", content)
    drop(home, "b.csv", b"sep=;\n" + content)

    assert {told.outcome for told in outcomes(run(home)).values()} == {"loaded", "duplicate"}


def test_our_own_headings_may_be_in_capitals(tmp_path):
    home = make_home(tmp_path / "home")
    heading, _, rows = csv_bytes(school_class(6)).partition(b"\n")
    drop(home, "svar.csv", heading.upper() + b"\n" + rows)
    outcome = outcomes(run(home))["svar.csv"]
    assert (outcome.outcome, outcome.accepted) == ("loaded", 6)
