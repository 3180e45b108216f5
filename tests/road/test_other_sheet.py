"""Answers that stand behind another sheet are read, or the note says where they are."""

import pytest

from tests.readers.small_xlsx import workbook
from tests.support.home import drop, make_home, outcomes, run, school_class
from tests.support.state import note_of, words_on

ROWS = school_class(8)
FORMS = [list(ROWS[0]), *(list(row.values()) for row in ROWS)]
OVERVIEW = [["Klasse", "Antall", "Svart", "Kari Nordmann"], ["7A", 8, 8, 1]]


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def test_forms_behind_a_cover_count(home):
    drop(home, "a.xlsx", workbook([["Eksportert 07.10.2025"]], FORMS))

    told = outcomes(run(home))["a.xlsx"]

    assert (told.outcome, told.accepted, told.unread) == ("loaded", 8, 1)


@pytest.mark.parametrize(
    ("first", "reason"),
    [(OVERVIEW, "NOT_RECOGNISED"), (OVERVIEW[:1], "ANSWERS_ON_OTHER_SHEET")],
)
def test_forms_behind_another_table_are_told_by_number(home, first, reason):
    drop(home, "a.xlsx", workbook(first, FORMS))

    told = outcomes(run(home))["a.xlsx"]

    assert told.reason == reason
    assert note_of(home, "a.xlsx")["other_sheet"] == [2, 9]
    words = words_on(home, "a.xlsx")
    assert "Ark nummer 2 fra venstre har 9 rader" in words
    assert "Sheet2" not in words
    assert "besvart" not in words
