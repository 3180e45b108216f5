"""A file that waits as a whole counts its rows as its reader does, whatever its format."""

import datetime as dt

import polars as pl
import pytest

from tests.readers.small_nettskjema import Submission, as_answers
from tests.support.exports_coded import qualtrics
from tests.support.exports_worded import microsoft_forms
from tests.support.home import csv_bytes, drop, make_home, outcomes, run, school_class
from tests.support.state import ledger_of, note_of
from tests.support.tool_road import home_for
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx

CHANGED = school_class(20, changes={number: {"thriving": "vet ikke"} for number in range(6)})
FORMATS = {
    "csv": csv_bytes(CHANGED),
    "xlsx": to_xlsx(pl.DataFrame(CHANGED)),
    "parquet": to_parquet(pl.DataFrame(CHANGED)),
    "ndjson": to_ndjson(pl.DataFrame(CHANGED)),
}


def told(home, name, content):
    drop(home, name, content)
    outcome = outcomes(run(home))[name]
    [entry] = ledger_of(home).values()
    note = note_of(home, name)
    assert (note["delivered"], note["quarantined"]) == (entry[2], entry[4])
    assert (outcome.delivered, outcome.quarantined) == (entry[2], entry[4])
    return entry[1], entry[2], entry[4]


@pytest.mark.parametrize("kind", FORMATS)
def test_rows_of_a_changed_form_are_counted_in_every_format(tmp_path, kind):
    home = make_home(tmp_path / "home")
    assert told(home, f"a.{kind}", FORMATS[kind]) == ("OPTIONS_CHANGED", 20, 20)


def test_line_breaks_in_cells_and_rows_that_are_none_are_counted_as_they_were_read(tmp_path):
    lines = csv_bytes(CHANGED).decode().splitlines()
    at = lines[0].split(";").index("class_group")
    cells = lines[3].split(";")
    cells[at] = f'"{cells[at]}\n"'
    content = "\n".join([*lines[:3], ";".join(cells), *lines[4:], "one;two"]) + "\n"
    home = make_home(tmp_path / "home")
    assert told(home, "a.csv", content.encode()) == ("OPTIONS_CHANGED", 21, 21)


@pytest.mark.parametrize("export", [microsoft_forms(), qualtrics()], ids=["workbook", "headings"])
def test_headings_of_a_tool_are_no_rows_where_no_survey_is_there(tmp_path, export):
    sound = home_for(tmp_path / "sound", export)
    drop(sound, "a", export.content)
    pupils = outcomes(run(sound))["a"].delivered
    home = make_home(tmp_path / "home")
    assert told(home, "a", export.content) == ("SURVEY_MISSING", pupils, pupils)


def test_submissions_of_a_form_without_a_survey_are_counted_not_their_lines(tmp_path):
    sent = dt.datetime(2025, 11, 5, 9, 30, tzinfo=dt.UTC)
    content = as_answers([Submission(number, sent, kode=f"K{number}") for number in range(1, 6)])
    home = make_home(tmp_path / "home")
    assert told(home, "a.ndjson", content) == ("SURVEY_MISSING", 5, 5)
