"""FHIR Questionnaires as codebooks: questions, their codes, and which codes are no answer."""

import json

import pytest

from schemas.reason import Reason
from transforms.codebooks.fhir_questionnaire import is_fhir_questionnaire, read_fhir_questionnaire
from transforms.readers.reading import FileProblem, Question


def form(*items, **more):
    document = {"resourceType": "Questionnaire", "item": list(items), **more}
    return json.dumps(document).encode()


def question(link, kind, **more):
    return {"linkId": link, "type": kind, "text": f"Spørsmål {link}", **more}


def option(code, display="", system="urn:x", **more):
    return {"valueCoding": {"system": system, "code": code, "display": display, **more}}


def read_one(kind, **more):
    return read_fhir_questionnaire(form(question("q", kind, **more)))["q"]


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_fhir_questionnaire(content)
    return problem.value.reason


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("boolean", "one"),
        ("choice", "one"),
        ("open-choice", "one"),
        ("coding", "one"),
        ("integer", "number"),
        ("decimal", "number"),
        ("quantity", "number"),
        ("date", "date"),
        ("dateTime", "date"),
        ("string", "text"),
        ("text", "text"),
        ("attachment", "unknown"),
        (["choice"], "unknown"),
    ],
)
def test_type_tells_the_kind(kind, expected):
    assert read_one(kind).kind == expected


def test_codes_labels_and_reasons_for_no_answer_are_read():
    found = read_one(
        "choice",
        answerOption=[
            option("1", "Aldri"),
            option("2", "Ofte"),
            option("asked-unknown", "Vet ikke", "urn:y/data-absent-reason"),
            option("ASKU", "Vet ikke", "urn:y/v3-NullFlavor"),
        ],
    )
    assert found == Question(
        "Spørsmål q",
        {"1": "Aldri", "2": "Ofte", "asked-unknown": "Vet ikke", "ASKU": "Vet ikke"},
        "one",
        {"asked-unknown": "dont_know", "ASKU": "dont_know"},
    )


def test_yes_and_no_are_one_and_nought():
    assert read_one("boolean").options == {"1": "Yes", "0": "No"}


def test_option_that_is_a_number_is_its_own_code():
    found = read_one("integer", answerOption=[{"valueInteger": 1}, {"valueInteger": 2}])
    assert (found.options, found.kind) == ({"1": "1", "2": "2"}, "one")


def test_groups_and_texts_are_no_questions_and_order_is_kept():
    inner = question("b", "integer", item=[question("c", "text")])
    group = question("g", "group", item=[inner, question("d", "display")])
    found = read_fhir_questionnaire(form(question("a", "text"), group, question("e", "date")))
    assert list(found) == ["a", "b", "c", "e"]


def test_several_answers_or_a_repeated_group_make_many():
    assert read_one("choice", repeats=True).kind == "many"
    assert read_one("text", repeats=True).kind == "text"
    group = question("g", "group", repeats=True, item=[question("q", "choice")])
    assert read_fhir_questionnaire(form(group))["q"].kind == "many"


def test_value_set_gives_the_codes_contained_or_in_the_bundle():
    concept = [{"code": "1", "display": "Ja"}, {"code": "2", "display": "Nei"}]
    listed = {"resourceType": "ValueSet", "id": "v", "url": "urn:v"}
    composed = {**listed, "compose": {"include": [{"system": "urn:x", "concept": concept}]}}
    expanded = {**listed, "expansion": {"contains": [{"abstract": True, "contains": concept}]}}
    for value_set in (composed, expanded):
        alone = form(question("q", "choice", answerValueSet="#v"), contained=[value_set])
        item = question("q", "choice", answerValueSet="urn:v|1.0")
        entries = [{"resource": json.loads(form(item))}, {"resource": value_set}]
        together = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
        for content in (alone, together):
            assert is_fhir_questionnaire(content)
            found = read_fhir_questionnaire(content)["q"]
            assert found.options == {"1": "Ja", "2": "Nei"}


@pytest.mark.parametrize(
    "compose",
    [
        {"include": [{"system": "urn:x"}]},
        {"include": [{"concept": [{"code": "1"}]}], "exclude": [{"concept": [{"code": "1"}]}]},
    ],
)
def test_value_set_that_must_be_worked_out_gives_no_codes(compose):
    value_set = {"resourceType": "ValueSet", "id": "v", "compose": compose}
    content = form(question("q", "choice", answerValueSet="#v"), contained=[value_set])
    assert read_fhir_questionnaire(content)["q"].options == {}


def translation(language, content):
    parts = [{"url": "lang", "valueCode": language}, {"url": "content", "valueString": content}]
    return {"extension": [{"url": "urn:x/translation", "extension": parts}]}


def test_labels_in_other_languages_are_read():
    found = read_one(
        "choice",
        _text=translation("se", "Gažaldat"),
        answerOption=[option("1", "Ja", _display=translation("se", "Juo"))],
    )
    assert found.labels == {"se": "Gažaldat"}
    assert found.option_labels == {"se": {"1": "Juo"}}


@pytest.mark.parametrize(
    ("kind", "definition", "expected"),
    [
        ("string", "urn:x/Patient#Patient.name.family", True),
        ("date", "urn:x/Patient#Patient.birthDate", True),
        ("attachment", "", True),
        ("reference", "", True),
        ("string", "urn:x/Patient#Patient.identifier", False),
        ("string", "urn:x/Observation#Observation.value", False),
    ],
)
def test_question_about_who_somebody_is_is_personal(kind, definition, expected):
    assert read_one(kind, definition=definition).personal is expected


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.UNREADABLE),
        (b"[]", Reason.UNREADABLE),
        (b'{"resourceType":"Patient"}', Reason.UNREADABLE),
        (form() + b"x", Reason.UNREADABLE),
        (form(), Reason.CODEBOOK_MISSING),
        (form({"type": "text"}), Reason.UNREADABLE),
        (form(question("q", "text"), question("q", "text")), Reason.HEADER_REPEATED),
        (
            form(
                question("q", "choice", answerOption=[option("1"), option("1", system="y")]),
            ),
            Reason.CODEBOOK_MISSING,
        ),
        (b'{"resourceType":"Questionnaire","item":' + b"[" * 9999, Reason.UNREADABLE),
    ],
    ids=range(9),
)
def test_what_is_no_codebook_is_refused(content, reason):
    assert refused(content) == reason


def test_responses_and_other_json_are_no_questionnaire(shared):
    assert is_fhir_questionnaire(b"\xef\xbb\xbf " + form())
    assert not is_fhir_questionnaire(b'[{"resourceType":"Questionnaire"}]')
    both = b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Questionnaire"}},'
    assert not is_fhir_questionnaire(both + b'{"resourceType" : "QuestionnaireResponse"}]}')
    files = [path for path in (shared / "samples").rglob("*.*") if path.is_file()]
    assert not any(is_fhir_questionnaire(path.read_bytes()) for path in files)


def test_hostile_json_ends_as_a_problem_or_a_codebook(shared):
    for path in sorted((shared / "badinput" / "JSONTestSuite").rglob("*.json")):
        content = path.read_bytes()
        assert not is_fhir_questionnaire(content)
        assert refused(content) == Reason.UNREADABLE
        wrapped = form(question("q", "text", text=0)).replace(b": 0}", b":%s}" % content)
        try:
            found = list(read_fhir_questionnaire(wrapped))
        except FileProblem as problem:
            found = [problem.reason]
        assert found in (["q"], [Reason.UNREADABLE])
