"""What only some tools tell, and what stops a tool's file: missing answers, marks and dates."""

import csv
import io
import json
from dataclasses import replace
from datetime import date

import pytest

from schemas.reason import Reason
from tests.support import eight_pupils, exports, exports_nested
from tests.support.eight_pupils import ITEMS, PUPILS, Export
from tests.support.exports import EXPORTS
from tests.support.home import CORE, make_home
from tests.support.state import words_on
from tests.support.tool_road import (
    expected_responses,
    go,
    home_for,
    missing_of,
    responses,
)

ALL_THREE = {"trives": "not_asked", "trygg": "skipped", "friminutt": "dont_know"}
THREE = {item: ALL_THREE[eight_pupils.SHORT[item]] for item in ITEMS[:3]}


def hidden_in_nettskjema() -> Export:
    """Thriving is asked of those who said what they are; the first pupil did not."""
    export = exports.nettskjema_csv(pupils=[first_pupil(gender="", thriving="skipped")])
    form = json.loads(export.codebook or b"")
    form[4]["answerOptionsVisibilityFilter"] = form[1]["answerOptions"]
    return replace(export, codebook=json.dumps(form).encode())


def first_pupil(*, gender: str = "1", thriving: str) -> eight_pupils.Pupil:
    said = {"thriving": thriving, "safety": "skipped", "company_in_breaks": "dont_know"}
    return replace(PUPILS[0], gender=gender, answers={**PUPILS[0].answers, **said})


def not_asked_in_fhir() -> Export:
    export = exports.fhir()
    bundle = json.loads(export.content)
    response = exports_nested.fhir_response(first_pupil(thriving="skipped"))
    absent = {"system": "urn:codes/data-absent-reason", "code": "not-asked"}
    response["item"][2]["item"][0]["answer"] = [{"valueCoding": absent}]
    bundle["entry"] = [{"resource": response}]
    return replace(export, content=json.dumps(bundle).encode())


def another_form_in_redcap() -> Export:
    """A repeating form beside the class's: its row asks nothing of what the other one asks."""
    export = exports.redcap()
    lines = list(csv.reader(io.StringIO(export.content.decode())))
    at = lines[0].index("trives")
    lines[0] += ["redcap_repeat_instrument"]
    rows = [[*lines[1], ""]]
    rows[0][at : at + 3] = ["UNK", "", "9"]
    survey = export.survey.replace('dropped = ["', 'dropped = ["redcap_repeat_instrument", "')
    # A project's own code for a question that was not for this pupil.
    survey = survey.replace(
        f'[codes."{CORE}.thriving"]\n', f'[codes."{CORE}.thriving"]\n"UNK" = "not_asked"\n'
    )
    return replace(export, content=eight_pupils.delimited(lines[0], *rows), survey=survey)


def seen_but_unanswered_in_qualtrics() -> Export:
    """With -99 for what was seen and passed over, a blank was not shown."""
    export = exports.qualtrics()
    lines = list(csv.reader(io.StringIO(export.content.decode())))
    at = lines[0].index("trives")
    lines[3][at : at + 3] = ["", "-99", "9"]
    survey = export.survey
    for item in ITEMS:
        heading = f'[codes."{CORE}.{item}"]\n'
        survey = survey.replace(heading, heading + '"" = "not_asked"\n"-99" = "skipped"\n')
    return replace(export, content=eight_pupils.delimited(*lines[:4]), survey=survey)


def key_left_out_of_our_lines() -> Export:
    export = exports.own_lines()
    rows = [json.loads(line) for line in export.content.splitlines()][:2]
    rows[0][f"{CORE}.safety"], rows[0][f"{CORE}.company_in_breaks"] = "", "9"
    del rows[0][f"{CORE}.thriving"]
    return replace(export, content="".join(json.dumps(row) + "\n" for row in rows).encode())


@pytest.mark.parametrize(
    "make",
    [
        hidden_in_nettskjema,
        not_asked_in_fhir,
        another_form_in_redcap,
        seen_but_unanswered_in_qualtrics,
        key_left_out_of_our_lines,
    ],
)
def test_not_asked_skipped_and_dont_know_are_three_things(tmp_path, make):
    home = home_for(tmp_path / "home", make())
    assert go(home, make(), "svar").outcome.outcome == "loaded"
    assert missing_of(home, PUPILS[0].code) == THREE


@pytest.mark.parametrize("name", [name for name in EXPORTS if not name.startswith("own")])
def test_without_a_survey_for_the_tool_the_file_waits_and_the_tool_is_named(tmp_path, name):
    export = EXPORTS[name]()
    home = make_home(tmp_path / "home")
    found = go(home, export, "svar")
    assert (found.outcome.outcome, found.outcome.reason) == ("quarantined", "SURVEY_MISSING")
    assert found.outcome.tool == found.checked["tool"] == export.tool
    assert found.checked["reason"] == "SURVEY_MISSING"
    assert f"Verktøy / tool: {export.tool}" in words_on(home, "svar")
    if name != "nettskjema lines":  # without its form nobody can tell what is one submission
        assert found.outcome.delivered == found.outcome.quarantined == 8


def test_file_with_the_marks_of_two_tools_is_not_loaded_by_guess(tmp_path):
    export = exports.kobo()
    lines = list(csv.reader(io.StringIO(export.content.decode()), delimiter=";"))
    lines[0] += ["$submission_id", "SubmissionDate", "KEY", "ReviewState"]
    rows = [[*line, str(at), "2025-11-05T10:00:00Z", "k", ""] for at, line in enumerate(lines[1:])]
    both = eight_pupils.delimited(lines[0], *rows)
    survey = export.survey.replace(
        'dropped = ["', 'dropped = ["$submission_id", "SubmissionDate", "KEY", "ReviewState", "'
    )
    home = home_for(tmp_path / "home", replace(export, survey=survey))
    told = go(home, replace(export, content=both), "svar.csv").outcome
    assert (told.outcome, told.reason, told.delivered) == ("quarantined", "NOT_RECOGNISED", 8)
    assert told.tool is None


@pytest.mark.parametrize("name", ["qualtrics", "redcap", "limesurvey codes"])
def test_two_equal_headings_stop_the_file_and_the_tool_is_named(tmp_path, name):
    export = EXPORTS[name]()
    content = export.content.replace(b"trygg", b"trives", 1)
    home = home_for(tmp_path / "home", export)
    found = go(home, replace(export, content=content), "svar.csv")
    assert (found.outcome.outcome, found.outcome.reason) == ("rejected", "HEADER_REPEATED")
    assert found.outcome.tool == found.checked["tool"] == export.tool


@pytest.mark.parametrize("name", ["own xlsx", "own parquet", "own lines"])
def test_rows_of_a_file_that_nobody_knows_are_counted(tmp_path, name):
    export = EXPORTS[name]()
    home = make_home(tmp_path / "home")  # its survey has another instrument's questions, too
    told = go(home, export, "svar").outcome
    assert told.outcome == "quarantined"
    assert (told.delivered, told.quarantined) == (8, 8)


def test_response_that_was_taken_back_waits_as_withdrawn(tmp_path):
    export = exports.fhir(lines=True)
    lines = export.content.splitlines(keepends=True)
    lines[3] = lines[3].replace(b'"completed"', b'"entered-in-error"')
    home = home_for(tmp_path / "home", export)
    told = go(home, replace(export, content=b"".join(lines)), "svar").outcome
    assert (told.outcome, told.accepted, dict(told.reasons)) == ("loaded", 7, {"WITHDRAWN": 1})
    assert [row.row_no for row in told.rows] in ([], [4])
    assert Reason.WITHDRAWN.value in words_on(home, "svar")


def norwegian(day: str) -> str:
    return date.fromisoformat(day).strftime("%d.%m.%Y")


def test_our_own_columns_may_write_dates_with_dots(tmp_path):
    home = home_for(tmp_path / "home", exports.own_csv())
    told = go(home, exports.own_csv(day=norwegian), "svar.csv").outcome
    assert (told.outcome, told.accepted) == ("loaded", 8)
    assert responses(home) == expected_responses()


def test_the_same_class_with_dots_after_iso_is_there_already(tmp_path):
    home = home_for(tmp_path / "home", exports.own_csv())
    go(home, exports.own_csv(), "a.csv")
    assert go(home, exports.own_csv(day=norwegian), "b.csv").outcome.outcome == "duplicate"


def test_dates_that_prove_nothing_wait(tmp_path):
    home = home_for(tmp_path / "home", exports.own_csv())
    slashed = exports.own_csv(day=lambda day: norwegian(day).replace(".", "/"))
    told = go(home, slashed, "svar.csv").outcome
    assert (told.accepted, told.quarantined) == (0, 8)
    assert dict(told.reasons) == {
        "DATE_ORDER_UNPROVEN": 6,  # 5/11 is a day either way, 13/11 is not
        "DATE_INVALID": 2,
        "ENROLLED_INVALID": 8,
    }


def test_question_for_a_date_is_proven_by_its_own_column(tmp_path):
    """A sheet of another country: 10/27/2025 shows that the month stands first."""
    export = exports.google_forms()
    text = export.content.decode()
    for pupil in PUPILS:
        dotted, slashed = pupil.enrolled.strftime("%d.%m.%Y"), pupil.enrolled.strftime("%m/%d/%Y")
        text = text.replace(f",{dotted},", f",{slashed},")
    home = home_for(tmp_path / "home", export)
    assert go(home, replace(export, content=text.encode()), "svar").outcome.accepted == 8
    assert responses(home) == expected_responses()


def test_moment_with_a_zone_is_put_on_the_clock_in_norway(tmp_path):
    export = exports.surveyjs()
    results = json.loads(export.content)
    for result, pupil in zip(results, PUPILS, strict=True):
        result["levert"] = eight_pupils.utc(pupil).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    home = home_for(tmp_path / "home", export)
    go(home, replace(export, content=json.dumps(results).encode()), "svar")
    assert responses(home) == expected_responses()
