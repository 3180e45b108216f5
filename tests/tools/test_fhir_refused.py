"""FHIR that cannot be used: refused whole, held a response at a time, and never read by halves."""

import json

import pytest

from schemas.reason import Reason
from tests.tools.fhir_forms import bundle, coding, item, outcome, read, refused, response
from transforms.readers.reading import FileProblem
from transforms.tools.fhir import recognise_bytes


def test_one_code_for_two_code_systems_is_refused():
    mixed = bundle(response(item("q", coding("1"))), response(item("q", coding("1", system="y"))))
    with pytest.raises(FileProblem) as problem:
        read(mixed)
    assert (problem.value.reason, problem.value.column) == (Reason.CODEBOOK_MISSING, "q")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"[]", Reason.NO_ROWS),
        (b"[1]", Reason.UNREADABLE),
        (b'{"resourceType":"Patient"}', Reason.NOT_RECOGNISED),
        (b'{"resourceType":"Bundle","entry":[]}', Reason.NOT_RECOGNISED),
        (b'{\n"resourceType":"QuestionnaireResponse",\n"status":"comp', Reason.INCOMPLETE_UPLOAD),
        (b'{"resourceType":"QuestionnaireResponse","status":"comp', Reason.INCOMPLETE_UPLOAD),
        (b'{"resourceType":"QuestionnaireResponse","status":NaN}', Reason.UNREADABLE),
        (b"[" + b"9" * 5000 + b"]", Reason.UNREADABLE),
        (b'{"a":' + b"9" * 5000 + b',"a":1}', Reason.UNREADABLE),
        (b'{"item":' + b"[" * 100_000 + b"]" * 100_000 + b"}", Reason.UNREADABLE),
    ],
    ids=range(11),
)
def test_file_without_any_response_is_refused(content, reason):
    assert refused(content) == reason


def test_last_line_that_was_cut_off_refuses_the_file():
    whole = json.dumps(response(item("q", coding("1"))))
    assert refused(f"{whole}\n{whole[:-20]}".encode()) == Reason.INCOMPLETE_UPLOAD


def test_question_named_like_our_own_columns_is_refused():
    assert refused(json.dumps(response(item("response.id"))).encode()) == Reason.HEADER_REPEATED


def test_more_columns_than_any_form_has_are_refused():
    many = response(*(item(f"q{number}", coding("1")) for number in range(500)))
    assert refused(json.dumps(many).encode()) == Reason.TOO_LARGE


def test_deeply_nested_answers_are_read_or_refused_and_nothing_else():
    for depth in (50, 150, 240, 250, 2000):
        nest = '{"linkId":"q","answer":[{"valueString":"\\ud83d\\ude00","item":[' * depth
        document = json.dumps(response()).replace("[]", f"[{nest}{']}]}' * depth}]")
        found = outcome(document.encode())
        assert found == Reason.UNREADABLE or found.table.num_rows == 1


def test_other_json_is_not_claimed(shared):
    others = [*(shared / "samples" / "nettskjema").iterdir(), *json_test_suite(shared)]
    assert all(recognise_bytes(path.read_bytes()) is None for path in others)
    assert recognise_bytes(b'{"q":"\\"resourceType\\":\\"QuestionnaireResponse\\""}') is None
    assert recognise_bytes(b'{"resourceType":"Questionnaire"}') is None


def json_test_suite(shared):
    return sorted((shared / "badinput" / "JSONTestSuite").rglob("*.json"))


def test_hostile_json_ends_as_a_problem_or_a_reading(shared):
    files = json_test_suite(shared)
    assert len(files) > 300
    for path in files:
        content = path.read_bytes()
        whole = b'{"resourceType":"QuestionnaireResponse","status":"completed","x":%s}' % content
        answer = json.dumps(response(item("q", {"valueDecimal": 0}))).encode()
        for one in (content, whole, answer.replace(b": 0}", b":%s}" % content)):
            found = outcome(one)
            assert isinstance(found, Reason) or found.delivered == 1
