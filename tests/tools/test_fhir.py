"""FHIR responses: nested, coded and declined answers, and what must not be read."""

import json

import pytest

from schemas.personal import Personal
from schemas.reason import Reason
from tests.tools.fhir_forms import (
    ABSENT,
    absent,
    book,
    bundle,
    coding,
    column,
    item,
    read,
    read_lines,
    refused,
    response,
)
from transforms.readers.reading import Question
from transforms.tools.fhir import read_bytes, recognise_bytes


def test_real_response_is_read_through_groups_and_answers(shared):
    content = (shared / "samples" / "fhir" / "sdc-qr-cardiology.json").read_bytes()
    assert recognise_bytes(content).sure == "certain"
    reading = read_bytes(content, None)
    assert reading.delivered == 1
    assert column(reading, "response.authored") == ["2026-03-12T23:51:31"]
    assert column(reading, "response.subject") == ["pat-53234"]
    assert column(reading, "patient_gender") == ["female"]
    assert column(reading, "patient_address_line2") == ["Unit 302"]
    boxes = "additionalinfo_accessibilityconcernsordisability"
    assert column(reading, f"{boxes}.105503008") == column(reading, f"{boxes}.15188001") == ["1"]
    assert reading.codebook["patient_gender"].options == {"female": "Female"}
    assert dict(reading.dropped) == {
        Personal.FREE_TEXT: 1,
        Personal.NAME: 1,
        Personal.ACCOUNT: 1,
    }
    assert "MOMO" not in str(reading.table.to_pylist())


@pytest.mark.parametrize(
    ("answer", "cell", "kind"),
    [
        ({"valueBoolean": True}, "1", "one"),
        ({"valueBoolean": False}, "0", "one"),
        ({"valueInteger": 3}, "3", "number"),
        ({"valueDecimal": 4.50}, "4.5", "number"),
        ({"valueQuantity": {"value": 2, "unit": "h"}}, "2 h", "number"),
        ({"valueString": "KX41"}, "KX41", "text"),
        ({"valueDate": "2026-11-04"}, "2026-11-04", "date"),
        ({"valueTime": "10:00:00"}, "10:00:00", "text"),
        (coding("3", "Of og til"), "3", "one"),
        ({"valueCoding": {"display": "Noe annet"}}, "Noe annet", "text"),
        ({}, "", "unknown"),
    ],
)
def test_value_becomes_a_cell(answer, cell, kind):
    reading = read(response(item("q", answer)))
    assert column(reading, "q") == [cell]
    assert reading.codebook["q"].kind == kind


@pytest.mark.parametrize(
    ("code", "cell", "missing"),
    [
        ("asked-unknown", "asked-unknown", {"asked-unknown": "dont_know"}),
        ("asked-declined", "asked-declined", {"asked-declined": "skipped"}),
        ("not-asked", None, {"not-asked": "not_asked"}),
        ("not-applicable", None, {"not-applicable": "not_asked"}),
        ("masked", "", {}),
    ],
)
def test_reason_for_absent_data_is_no_answer(code, cell, missing):
    for answer in (
        absent(code),
        {"extension": [{"url": f"urn:x/{ABSENT}", "valueCode": code}]},
        {"_valueInteger": {"extension": [{"url": ABSENT, "valueCode": code}]}},
    ):
        reading = read(bundle(response(item("q", answer)), response(item("q", coding("2")))))
        assert column(reading, "q") == [cell, "2"]
        assert reading.codebook["q"].missing == missing
        assert list(reading.codebook["q"].options) == ["2"]


def test_code_of_another_system_that_looks_like_a_reason_is_an_answer():
    reading = read(response(item("q", coding("asked-unknown"))))
    assert reading.codebook["q"].missing == {}
    assert reading.codebook["q"].options == {"asked-unknown": ""}


def test_unanswered_and_missing_questions_are_blank():
    reading = read_lines(response(item("a", coding("1")), {"linkId": "b"}), response(item("b")))
    assert column(reading, "a") == ["1", ""]
    assert column(reading, "b") == ["", ""]


def test_bundle_lines_array_and_single_are_the_same_rows():
    one, two = response(item("q", coding("1"))), response(item("q", coding("2")), id="r2")
    patient = {"resourceType": "Patient", "name": [{"family": "Berg"}]}
    shapes = [
        read(bundle(one, two)),
        read([one, two]),
        read_lines(one, two),
        read_bytes(b"\xef\xbb\xbf" + json.dumps(bundle(one, two), indent=2).encode(), None),
    ]
    assert len({str(shape.table.to_pylist()) for shape in shapes}) == 1
    assert {tuple(shape.row_no.to_pylist()) for shape in shapes} == {(1, 2)}
    mixed = read(bundle(patient, one, two))
    assert mixed.row_no.to_pylist() == [2, 3]
    assert mixed.dropped == {Personal.NAME: 1}
    assert mixed.table.equals(shapes[0].table)


def test_unfinished_response_is_kept_and_told():
    reading = read_lines(response(item("q", coding("1")), status="in-progress"))
    assert column(reading, "response.status") == ["in-progress"]


def test_withdrawn_response_is_left_out_and_counted():
    wrong = response(item("q", coding("1")), status="entered-in-error")
    reading = read(bundle(response(item("q", coding("2"))), wrong))
    assert column(reading, "q") == ["2"]
    assert [(row.row_no, row.reason) for row in reading.malformed] == [(2, Reason.WITHDRAWN)]
    assert reading.delivered == 2
    assert refused(json.dumps(wrong).encode()) == Reason.ALL_WITHDRAWN


@pytest.mark.parametrize(
    "bad",
    [
        {"resourceType": "QuestionnaireResponse", "item": []},
        response({"answer": [{"valueInteger": 1}]}),
        response(item("q", {"valueInteger": 1, "valueString": "1"})),
        response(item("q", {"valueInteger": [1]})),
        response(item("q", {"valueCoding": "3"})),
        response({"linkId": "q", "answer": {"valueInteger": 1}}),
        response("q"),
    ],
    ids=range(7),
)
def test_response_that_would_lose_an_answer_is_held(bad):
    reading = read(bundle(bad, response(item("q", coding("2")))))
    assert [row.row_no for row in reading.malformed] == [1]
    assert column(reading, "q") == ["2"]


def test_clock_is_the_one_on_the_wall_in_norway_and_a_date_stays():
    times = ["2026-06-30T22:30:00Z", "2026-11-04T00:10:00.250-05:00", "2026-11-04", "2026"]
    reading = read_lines(*(response(item("q"), authored=time) for time in times))
    assert column(reading, "response.authored") == [
        "2026-07-01T00:30:00",
        "2026-11-04T06:10:00",
        "2026-11-04",
        "2026",
    ]


@pytest.mark.parametrize(
    ("subject", "code", "dropped"),
    [
        ({"reference": "Patient/KX41"}, "KX41", {}),
        ({"reference": "urn:uuid:KX41", "display": "Ola"}, "KX41", {Personal.NAME: 1}),
        ({"reference": "Patient/KX41/_history/2"}, "KX41", {}),
        ({"identifier": {"value": "KX41"}}, "KX41", {}),
        ({"identifier": {"system": "urn:oid:2.16.578.1.12.4.1.4.1", "value": "x"}}, "", 1),
        ({"reference": "Patient/12345678910"}, "", 1),
        ({"reference": "#a"}, "", {}),
    ],
)
def test_subject_is_a_code_and_never_a_name_or_a_national_number(subject, code, dropped):
    reading = read(response(item("q"), subject=subject))
    assert column(reading, "response.subject") == [code]
    assert reading.dropped == ({Personal.NATIONAL_ID: 1} if dropped == 1 else dropped)


def test_narrative_people_files_and_references_are_left_out_and_counted():
    reading = read(
        response(
            item("file", {"valueAttachment": {"title": "Ola.png"}}),
            item("who", {"valueReference": {"reference": "Patient/1", "display": "Ola"}}),
            item("q", coding("1")),
            text={"div": "<div>Ola</div>"},
            author={"display": "Ola"},
            source={"display": "Ola"},
            contained=[{"resourceType": "Patient", "name": [{"family": "Ola"}]}],
        )
    )
    assert reading.table.column_names[4:] == ["q"]
    assert reading.dropped == {Personal.FREE_TEXT: 2, Personal.ACCOUNT: 3, Personal.NAME: 1}
    assert "Ola" not in f"{reading.table.to_pylist()} {reading.codebook}"


def test_question_that_the_codebook_calls_personal_is_left_out():
    named = book(
        {"linkId": "n", "type": "string", "definition": "urn:x/Patient#Patient.name.family"},
        {"linkId": "q", "type": "integer"},
    )
    reading = read(response(item("n", {"valueString": "Berg"}), item("q")), named)
    assert reading.table.column_names[4:] == ["q"]
    assert reading.dropped == {Personal.IDENTIFIER: 1}


CHOICES = {
    "linkId": "q",
    "text": "Hvor?",
    "type": "open-choice",
    "repeats": True,
    "answerOption": [coding("a", "Skolegården"), coding("b", "Gangen"), coding("c", "Bussen")],
}


def test_boxes_are_those_of_the_codebook_and_a_text_of_ones_own_is_not_kept():
    answered = response(item("q", coding("a"), {"valueString": "hos Ola"}))
    reading = read(bundle(answered, response(item("q", coding("b"))), response()), book(CHOICES))
    names = ["q.a", "q.b", "q.c", "q.other"]
    assert reading.table.column_names[4:] == names
    assert [column(reading, name) for name in names] == [
        ["1", "0", ""],
        ["0", "1", ""],
        ["0", "0", ""],
        ["1", "0", ""],
    ]
    assert reading.codebook["q.a"] == Question("Hvor? Skolegården", {"1": "Yes", "0": "No"}, "many")


def test_two_codes_in_one_response_make_a_question_boxes_without_a_codebook():
    reading = read_lines(response(item("q", coding("a"), coding("b"))), response(item("q")))
    assert reading.table.column_names[4:] == ["q.a", "q.b"]


def test_two_answers_where_the_codebook_allows_one_are_held():
    single = book({"linkId": "q", "type": "choice", "answerOption": [coding("1"), coding("2")]})
    twice = response(item("q", coding("1")), item("q", coding("2")))
    same = response(item("q", coding("1")), item("q", coding("1")))
    reading = read(bundle(twice, same), single)
    assert [row.reason for row in reading.malformed] == [Reason.CONFLICTING_ANSWERS]
    assert column(reading, "q") == ["1"]


def test_several_texts_stand_in_one_cell():
    group = {"linkId": "g", "item": [item("q", {"valueString": "a"})]}
    other = {"linkId": "g", "item": [item("q", {"valueString": "b"})]}
    assert column(read(response(group, other)), "q") == ["a; b"]


def test_question_that_nobody_answered_has_its_column_and_a_heading_has_none():
    known = book(
        {"linkId": "g", "type": "group", "item": [{"linkId": "q", "type": "integer"}]},
        {"linkId": "d", "type": "display"},
    )
    reading = read(response({"linkId": "d"}, {"linkId": "g"}), known)
    assert reading.table.column_names[4:] == ["q"]
    assert column(reading, "q") == [""]
    assert reading.codebook["q"].kind == "number"
