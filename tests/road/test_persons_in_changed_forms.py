"""Personal data in a file whose form has changed: told once, in the column that the file has."""

import datetime as dt

import pytest

from schemas.instrument import shipped_instruments
from tests.readers.small_xlsx import workbook
from tests.support.home import CORE, drop, make_home, outcomes, run
from tests.support.state import note_of, words_on

PHONE = "ring 934 33 667"
FNR = "13100462944"  # synthetic, with valid check digits
ITEMS = [item.id for item in shipped_instruments()[CORE].items]
SURVEY = "\n".join(
    [
        'id = "forms"\nname = "Forms"\ntool = "microsoft_forms"\nlinkage = "none"',
        f'instruments = ["{CORE}"]\n[columns]\nsubmission = "submission_id"\nschool = "Skole"',
        'class_group = "Klasse"\ngrade = "Trinn"\nsubmitted_on = "created"\n[items]',
        *(f'"{CORE}.{item}" = "{item}"' for item in ITEMS),
    ]
)
OWN = ["ID", "Starttidspunkt", "Fullføringstidspunkt", "E-postadresse", "Navn"]
HEAD = [*OWN, "Skole", "Klasse", "Trinn", *ITEMS[:-1], "Et nytt spørsmål"]
LAST = len(HEAD)  # where the file has it; the reader takes columns away before


def forms(cell, *, column=LAST):
    """A Forms workbook of three pupils, with one cell of the second; the form has changed."""
    rows = []
    for at in range(1, 4):
        day = dt.datetime(2025, 11, 5, 9, at)  # noqa: DTZ001 - a sheet has no zone
        rows.append([at, day, day, "anonymous", None, "S01", "7A", 7, *[1] * len(ITEMS)])
    rows[1][column - 1] = cell
    return workbook([HEAD, *rows])


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home", survey=SURVEY)


def test_phone_is_told_once_and_in_the_column_that_the_file_has(home):
    drop(home, "a.xlsx", forms(PHONE))

    told = outcomes(run(home))["a.xlsx"]

    assert (told.outcome, told.reason) == ("quarantined", "HEADER_MISMATCH")
    assert note_of(home, "a.xlsx")["rows"] == [
        {"row": 3, "reasons": ["phone"], "columns": [str(LAST)]}
    ]


def test_number_is_told_once_and_in_the_column_that_the_file_has(home):
    drop(home, "a.xlsx", forms(f"elev {FNR}"))

    assert outcomes(run(home))["a.xlsx"].reason == "PERSONAL_DATA"
    rows = note_of(home, "a.xlsx")["rows"]
    assert rows == [{"row": 3, "reasons": ["national_id"], "columns": [str(LAST)]}]


def test_address_in_a_column_that_the_reader_takes_away_is_not_told(home):
    drop(home, "a.xlsx", forms("kari@skole.no", column=4))

    assert outcomes(run(home))["a.xlsx"].reason == "HEADER_MISMATCH"
    assert note_of(home, "a.xlsx")["rows"] == []


def test_words_beside_a_form_change_do_not_say_to_drop_a_column_that_is_used(home):
    drop(home, "a.xlsx", forms(PHONE))
    run(home)

    words = words_on(home, "a.xlsx")
    assert "må undersøkelsesfila utelate dem" not in words
    assert "in a column that is used, they refuse the file" in words
