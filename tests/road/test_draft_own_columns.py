"""A tool's own columns, and days of a form, are never taken for what a row says of a pupil."""

import csv
import io
import json
import tomllib

import pyarrow as pa
import pytest

from schemas.instrument import shipped_instruments
from tests.road.test_survey_draft import drafted
from transforms.readers.reading import Question, Reading
from transforms.survey_draft import draft_survey

# Words of ours that a tool, or a translation of one, may have over what it writes itself.
OURS = ("Skole", "Klasse", "Trinn", "Kjønn", "Elevkode", "Startdato", "Grade", "Class", "Code")
ABOUT_PUPILS = ("school", "class_group", "grade", "gender", "pupil_code", "enrolled_on")
OWN = {
    "nettskjema": ("submission_id", "created", "answer_time_ms"),
    "limesurvey": (
        *("id", "submitdate", "lastpage", "startlanguage", "seed", "startdate", "datestamp"),
        "interviewtime",
    ),
    "redcap": (
        *("record_id", "redcap_event_name", "redcap_data_access_group", "trivsel_timestamp"),
        "trivsel_complete",
    ),
    "qualtrics": (
        *("StartDate", "EndDate", "RecordedDate", "Status", "Progress", "Finished"),
        *("Duration (in seconds)", "ResponseId", "ResponseSet", "DistributionChannel"),
        "UserLanguage",
    ),
    "microsoft_forms": ("submission_id", "created", "answer_time_ms", "Language"),
    "google_forms": ("created",),
    "kobo": (
        *("start", "end", "today", "_id", "_uuid", "_submission_time", "_validation_status"),
        *("_status", "__version__", "_tags", "_index"),
    ),
    "odk": (
        *("SubmissionDate", "meta-start", "end", "today", "KEY", "AttachmentsPresent"),
        *("AttachmentsExpected", "Status", "ReviewState", "Edits", "FormVersion"),
    ),
    "surveyjs": ("HappendAt", "InstanceId"),
    "fhir": ("response.id", "response.status", "response.authored", "response.subject"),
}


def draft(headings, *, tool, codebook=None):
    table = pa.table([pa.array(["1", "2"])] * len(headings), names=list(headings))
    reading = Reading(table, pa.array([2, 3], pa.int32()), "csv", codebook=codebook or {})
    return tomllib.loads(
        draft_survey(reading, shipped_instruments(), tool=tool, survey_id="pulsen")
    )


def columns_of(found):
    return {name: found["columns"][name] for name in ABOUT_PUPILS if name in found["columns"]}


@pytest.mark.parametrize("word", OURS)
@pytest.mark.parametrize("tool", OWN)
def test_own_column_of_a_tool_is_not_taken_by_its_label(tool, word):
    for own in OWN[tool]:
        asked = (own, "svar") if tool == "redcap" else ("svar", own)
        found = draft(asked, tool=tool, codebook={own: Question(word)})

        assert columns_of(found) == {}, own


@pytest.mark.parametrize("tool", OWN)
def test_question_with_the_same_label_is_taken_beside_the_own_column(tool):
    for own in OWN[tool]:
        found = draft(
            (own, "q1", "q2"),
            tool=tool,
            codebook={own: Question("Klasse"), "q1": Question("Klasse")},
        )

        assert columns_of(found) == {"class_group": "q1"}, own


def test_own_column_is_not_taken_for_an_item_of_ours_either():
    wording = shipped_instruments()["klassepuls_core_v1"].items[0].text["nb"]
    labels = {"Status": Question(wording)}

    assert draft(("Status", "Q1"), tool="qualtrics", codebook=labels)["items"] == {}


@pytest.mark.parametrize("heading", ["Startdato", "begynte", "Enrolled on", "startdato"])
@pytest.mark.parametrize("tool", ["canonical", *OWN])
def test_first_day_is_offered_and_never_filled_in(tool, heading):
    table = pa.table({"id": pa.array(["1", "2"]), "q": pa.array(["1", "2"]), heading: ["3", "4"]})
    reading = Reading(table, pa.array([2, 3], pa.int32()), "csv")

    text = draft_survey(reading, shipped_instruments(), tool=tool, survey_id="pulsen")

    assert f'# enrolled_on = "{heading}"  # only if: the pupil\'s first day at the school' in text
    assert f'    # "{heading}",' in text  # and may be dropped as well
    assert "enrolled_on" not in tomllib.loads(text)["columns"]


def test_our_own_name_for_the_first_day_is_no_guess():
    found = draft(("pupil_code", "enrolled_on"), tool="canonical")

    assert found["columns"]["enrolled_on"] == "enrolled_on"


def test_of_two_columns_that_bear_our_words_neither_is_taken():
    found = draft(("kode", "elevkode", "klasse"), tool="nettskjema")

    assert columns_of(found) == {"class_group": "klasse"}


def test_norwegian_qualtrics_export_does_not_make_new_pupils(tmp_path):
    names = ("StartDate", "EndDate", "ResponseId", "Finished", "skole", "klasse", "trinn", "kode")
    words = ("Startdato", "Sluttdato", "Svar-ID", "Fullført", "Skole", "Klasse", "Trinn", "Kode")
    imports = [json.dumps({"ImportId": name}) for name in names]
    row = ("2025-11-05 10:00:00", "2025-11-05 10:01:00", "R_1", "True", "S01", "7A", "7", "P-001")
    text = io.StringIO()
    csv.writer(text).writerows([names, words, imports, row])

    columns = tomllib.loads(drafted(tmp_path, text.getvalue().encode()))["columns"]

    assert "enrolled_on" not in columns
    assert columns["pupil_code"] == "kode"
    assert columns["submitted_on"] == "EndDate"
