"""No spoilt letter is ever loaded, and CP1252 only where the survey file declares it."""

from dataclasses import replace

import pytest

from tests.support import eight_pupils, exports
from tests.support.eight_pupils import Export
from tests.support.home import drop, outcomes, run, survey_toml
from tests.support.state import note_of, warehouse_of
from tests.support.tool_road import answers, expected_answers, go, home_for

DECLARED = 'encoding = "cp1252"'


def google(encoding: str = "cp1252", *, declares: bool = True) -> Export:
    """A sheet whose headings and answers have letters that are not ASCII."""
    export = exports.google_forms()
    survey = export.survey.replace("[constants]", f"{DECLARED}\n[constants]")
    content = export.content.decode().encode(encoding)
    return replace(export, content=content, survey=survey if declares else export.survey)


def end_of(tmp_path, export, *, content=None):
    home = home_for(tmp_path / "home", export)
    return go(home, replace(export, content=content or export.content), "svar.csv")


def nothing_is_loaded(found) -> bool:
    with warehouse_of(found.home) as con:
        return con.execute("select count(*) from core.response").fetchall() == [(0,)]


def test_cp1252_that_the_survey_declares_is_read_as_what_it_says(tmp_path):
    found = end_of(tmp_path, google())
    assert (found.outcome.outcome, found.outcome.accepted) == ("loaded", 8)
    assert found.checked["sound"] == 8
    assert sorted(map(repr, answers(found.home))) == expected_answers()


def test_utf_8_is_read_as_utf_8_whatever_the_survey_declares(tmp_path):
    found = end_of(tmp_path, google("utf-8"))
    assert found.outcome.accepted == 8
    assert sorted(map(repr, answers(found.home))) == expected_answers()


def test_cp1252_after_utf_8_is_there_already(tmp_path):
    home = home_for(tmp_path / "home", google("utf-8"))
    go(home, google("utf-8"), "a.csv")
    assert go(home, google(), "b.csv").outcome.outcome == "duplicate"


def test_cp1252_that_nobody_declares_is_refused(tmp_path):
    found = end_of(tmp_path, google(declares=False))
    assert (found.outcome.outcome, found.outcome.reason) == ("rejected", "ENCODING_UNKNOWN")
    assert found.checked["reason"] == "ENCODING_UNKNOWN"
    assert nothing_is_loaded(found)


def test_declared_for_one_survey_does_not_open_the_door_for_another(tmp_path):
    """The home's own survey declares nothing, and its file is not the tool's."""
    export = google()
    home = home_for(tmp_path / "home", export)
    (home.surveys / "egen.toml").write_text(survey_toml(), encoding="utf-8")
    own = exports.own_csv().content.replace(b"7A", "7Å".encode("cp1252"))
    drop(home, "egen.csv", own)
    assert outcomes(run(home))["egen.csv"].reason == "ENCODING_UNKNOWN"


@pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "cp865", "utf-16-le"])
def test_other_encodings_are_not_taken_for_the_declared_one(tmp_path, encoding):
    content = google("utf-8").content.decode().encode(encoding, errors="replace")
    found = end_of(tmp_path, google(), content=content)
    assert found.outcome.outcome in ("rejected", "quarantined")
    assert nothing_is_loaded(found)


@pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "cp865"])
def test_other_encoding_under_plain_headings_loads_no_such_cell(tmp_path, encoding):
    """Headings in ASCII prove nothing, so the cells have to: they are no answers, or no class."""
    rows = exports.own_csv().content.decode().replace("7A", "7æ")
    export = exports.own_csv()
    survey = export.survey.replace('linkage = "', f'{DECLARED}\nlinkage = "')
    found = end_of(tmp_path, replace(export, survey=survey), content=rows.encode(encoding))
    assert found.outcome.accepted == 0
    assert nothing_is_loaded(found)


@pytest.mark.parametrize("declares", [True, False])
def test_headings_that_were_spoilt_before_are_refused(tmp_path, declares):
    text = google("utf-8").content.decode()
    spoilt = text.encode().decode("cp1252", errors="replace").encode()
    found = end_of(tmp_path, google(declares=declares), content=spoilt)
    assert (found.outcome.outcome, found.outcome.reason) == ("rejected", "ENCODING_UNKNOWN")
    assert nothing_is_loaded(found)


@pytest.mark.parametrize("write", [exports.google_forms, exports.microsoft_forms])
def test_one_spoilt_answer_refuses_the_file_and_names_the_column(tmp_path, write):
    export = write()
    spoilt = "omtrent én gang i uka".encode().decode("cp1252")
    if export.tool == "google_forms":
        text = export.content.decode().replace("omtrent én gang i uka", spoilt)
        content = text.encode()
    else:
        words = eight_pupils.words_of(eight_pupils.PUPILS[1])
        item = next(item for item, word in words.items() if word.startswith("omtrent"))
        content = workbook_with(item, spoilt)
    found = end_of(tmp_path, export, content=content)
    assert (found.outcome.outcome, found.outcome.reason) == ("rejected", "ENCODING_UNKNOWN")
    assert found.outcome.column == "klassepuls_core_v1.bullied_by_pupils"
    assert found.outcome.tool == export.tool
    assert spoilt not in repr(note_of(found.home, "svar.csv"))
    assert nothing_is_loaded(found)


def workbook_with(item: str, spoilt: str) -> bytes:
    """The class in a workbook, where one answer was spoilt before it came there."""
    label = eight_pupils.LABELS[item]["4"]
    eight_pupils.LABELS[item]["4"] = spoilt
    try:
        return exports.microsoft_forms().content
    finally:
        eight_pupils.LABELS[item]["4"] = label


def test_other_files_of_the_same_survey_are_loaded(tmp_path):
    export = exports.own_csv()
    home = home_for(tmp_path / "home", export)
    drop(home, "a.csv", export.content.replace(b"KX0", b"KY0"))
    drop(home, "b.csv", export.content.replace(b"7A", "7Ã…".encode()))
    found = outcomes(run(home))
    assert (found["a.csv"].outcome, found["b.csv"].outcome) == ("loaded", "rejected")
    assert found["b.csv"].reason == "ENCODING_UNKNOWN"
