"""Every survey tool's export of one class goes the whole road, and says the same each time."""

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest

from schemas.personal import Personal, personal_texts
from tests.support import eight_pupils, exports
from tests.support.eight_pupils import PLANTED, PUPILS, Export
from tests.support.exports import EXPORTS
from tests.support.state import LEDGER, bytes_below, contents, note_of, warehouse_of, words_on
from tests.support.tool_road import (
    Ran,
    answers,
    expected_answers,
    expected_responses,
    go,
    home_for,
    look,
    responses,
)

# What an export is called says nothing: each one comes under an ending of another kind.
ENDINGS = ("pdf", "xlsx", "docx", "json", "csv", "zip", "txt", "parquet", "exe", "sav")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Ran]:
    done: dict[str, Ran] = {}

    def once(name: str) -> Ran:
        if name not in done:
            ending = ENDINGS[list(EXPORTS).index(name) % len(ENDINGS)]
            home = home_for(tmp_path_factory.mktemp("tool") / "home", EXPORTS[name]())
            done[name] = go(home, EXPORTS[name](), f"svar.{ending}")
        return done[name]

    return once


@pytest.mark.parametrize("name", EXPORTS)
def test_every_form_is_loaded_whatever_the_file_is_called(ran, name):
    told = ran(name).outcome
    assert (told.outcome, told.reason, dict(told.reasons)) == ("loaded", None, {})
    assert (told.delivered, told.accepted, told.quarantined, told.dropped) == (8, 8, 0, 0)


@pytest.mark.parametrize("name", EXPORTS)
def test_the_rows_are_the_same_byte_for_byte_from_every_tool(ran, name):
    home = ran(name).home
    assert sorted(map(repr, answers(home))) == expected_answers()
    assert responses(home) == expected_responses()


@pytest.mark.parametrize("name", EXPORTS)
def test_skipped_and_dont_know_are_kept_apart(ran, name):
    found = look(
        ran(name).home,
        "select missing, count(*) from core.answer where missing is not null group by 1 order by 1",
    )
    assert found == [("dont_know", 2), ("skipped", 2)]


@pytest.mark.parametrize("name", EXPORTS)
def test_the_same_flags_are_raised(ran, name):
    query = "select target, pupil, level, situation, rule_id, status from core.flag order by all"
    flags = look(ran(name).home, query)
    assert flags == look(ran("own csv").home, query)
    assert {situation for _, _, _, situation, _, _ in flags} >= {"bullying", "unsafe"}


@pytest.mark.parametrize("name", EXPORTS)
def test_what_the_tool_fills_in_about_persons_reaches_nothing(ran, name):
    found = ran(name)
    with warehouse_of(found.home) as con:
        tables = con.execute(
            "select concat_ws('.', database_name, schema_name, table_name) from duckdb_tables()"
        ).fetchall()
        stored = repr([con.execute(f"from {table}").fetchall() for (table,) in tables])
    delivered = f"outcome/loaded/{found.file}"
    files = {path: text for path, text in bytes_below(found.home.root).items() if path != delivered}
    notes = [path for path in files if path.startswith("outcome/loaded/")]
    assert len(notes) == 2
    assert "7A" in stored  # the search finds what is there
    for word in PLANTED:
        assert word not in stored
        assert word not in repr(found.checked)
        assert not [path for path, text in files.items() if word.encode() in text]


# Packed, or a workbook: what is planted cannot be searched for in the bytes themselves.
PACKED = ("odk zip", "microsoft_forms", "microsoft_forms english", "nettskjema xlsx")


@pytest.mark.parametrize(
    "name", [each for each in EXPORTS if EXPORTS[each]().has_persons and each not in PACKED]
)
def test_the_export_did_hold_persons(name):
    assert any(word.encode() in EXPORTS[name]().content for word in PLANTED)


TAKEN_AWAY: dict[str, dict[str, int]] = {
    "limesurvey": {"ip_address": 1, "account": 1},
    "redcap": {"identifier": 2, "name": 1},
    "qualtrics": {"ip_address": 1, "name": 1, "email": 1},
    "microsoft_forms": {"email": 1, "name": 1},
    "google_forms": {"email": 1},
    "kobo": {"account": 2, "free_text": 1},
    "odk": {"account": 1, "name": 1, "device": 1},
    "surveyjs": {"ip_address": 1, "free_text": 1},
    "fhir": {"free_text": 1, "account": 1, "name": 1},
    "nettskjema": {"name": 1},
    "canonical": {},
}


@pytest.mark.parametrize("name", EXPORTS)
def test_the_note_names_the_tool_how_sure_and_what_was_taken_away(ran, name):
    found = ran(name)
    note, words = note_of(found.home, found.file), words_on(found.home, found.file)
    tool = found.export.tool
    assert note["taken_away"] == TAKEN_AWAY[tool]
    if tool == "canonical":
        assert (note["tool"], note["sure"], note["marks"]) == (None, None, [])
        return
    assert (note["tool"], note["sure"]) == (tool, found.export.sure)
    assert note["marks"]
    sure = {"certain": "sikkert / certain", "likely": "trolig / likely"}[note["sure"]]
    assert f"{tool} ({sure}: {', '.join(note['marks'])})" in words
    for kind, count in TAKEN_AWAY[tool].items():
        text = personal_texts()[Personal(kind)]
        name = text.nb if text.nb == text.en else f"{text.nb} / {text.en}"
        assert f"  {name}: {count}\n" in words


@pytest.mark.parametrize("name", EXPORTS)
def test_check_tells_the_same_before_the_file_is_dropped(ran, name):
    found = ran(name)
    note = note_of(found.home, found.file)
    checked = found.checked
    assert (checked["rows"], checked["sound"], checked["held"]) == (8, 8, 0)
    assert checked["tool"] == found.export.tool
    assert [checked[key] for key in ("sure", "marks", "taken_away", "survey")] == [
        note[key] for key in ("sure", "marks", "taken_away", "survey")
    ]


def again_as_workbook(export: Export, delimiter: str) -> Export:
    """The same export opened in a spreadsheet and saved as a workbook of texts."""
    text = export.content.decode("utf-8-sig")
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return replace(export, content=eight_pupils.workbook(*rows))


SECOND: dict[str, tuple[Export, Export]] = {
    **{
        f"{first} then {second}": (EXPORTS[first](), EXPORTS[second]())
        for first, second in [
            ("limesurvey codes", "limesurvey words"),
            ("limesurvey words", "limesurvey codes"),
            ("microsoft_forms", "microsoft_forms english"),
            ("odk zip", "odk csv"),
            ("odk csv", "odk zip"),
            ("surveyjs", "surveyjs lines"),
            ("fhir", "fhir lines"),
            ("fhir lines", "fhir"),
            ("nettskjema lines", "nettskjema csv"),
            ("nettskjema csv", "nettskjema xlsx"),
            ("nettskjema xlsx", "nettskjema commas"),
            ("nettskjema commas", "nettskjema lines"),
            ("own csv", "own xlsx"),
            ("own xlsx", "own parquet"),
            ("own parquet", "own lines"),
            ("own lines", "own csv"),
        ]
    },
    **{
        f"{name} then as a workbook": (EXPORTS[name](), again_as_workbook(EXPORTS[name](), mark))
        for name, mark in [
            ("limesurvey codes", ";"),
            ("redcap", ","),
            ("qualtrics", ","),
            ("google_forms", ","),
            ("kobo", ";"),
        ]
    },
}


@pytest.mark.parametrize("name", SECOND)
def test_second_encoding_after_the_first_changes_nothing(tmp_path, name):
    first, second = SECOND[name]
    assert first.survey == second.survey
    home = home_for(tmp_path / "home", first)
    go(home, first, "a.csv")
    before = contents(home, without=LEDGER)
    told = go(home, second, "b.csv").outcome
    assert (told.outcome, told.reason, told.dropped) == ("duplicate", "ALREADY_DELIVERED", 8)
    assert contents(home, without=LEDGER) == before


def test_the_whole_file_again_each_hour_with_more_rows_counts_each_form_once(tmp_path):
    home = home_for(tmp_path / "home", exports.nettskjema_csv())
    told = [
        go(home, exports.nettskjema_csv(delimiter=",", pupils=PUPILS[:count]), "internal_7.csv")
        for count in (3, 3, 5, 8)
    ]
    # The second is the first again, to the byte.
    assert [
        (each.outcome.outcome, each.outcome.accepted, each.outcome.dropped) for each in told
    ] == [("loaded", 3, 0), ("duplicate", 0, 3), ("loaded", 2, 3), ("loaded", 3, 5)]
    assert sorted(map(repr, answers(home))) == expected_answers()
