"""One JSON document: a whole Nettskjema submission, and SurveyJS' results under their key."""

import json

import pytest

from tests.road.test_nettskjema import LINES, answers, make, samples  # noqa: F401 - fixtures
from tests.support import exports_nested as exports
from tests.support.home import drop, outcomes, run
from tests.support.tool_road import answers as tool_answers
from tests.support.tool_road import expected_answers, go, home_for

SUBMISSION = "submission-27685292.json"


def alone(content: bytes, submission: str) -> bytes:
    """Only one submission's lines."""
    lines = [line for line in content.splitlines() if submission in line.decode()]
    return b"\n".join(lines) + b"\n"


def test_a_submission_says_what_its_lines_say(make, samples):  # noqa: F811
    found = []
    for name, content in {
        "lines.ndjson": alone((samples / LINES).read_bytes(), "27685292"),
        SUBMISSION: (samples / SUBMISSION).read_bytes(),
        "spread.json": json.dumps(
            json.loads((samples / SUBMISSION).read_bytes()), indent=1
        ).encode(),
    }.items():
        home = make(name)
        drop(home, name, content)
        told = outcomes(run(home))[name]
        assert (told.outcome, told.delivered, told.accepted) == ("loaded", 1, 1)
        found.append(answers(home))

    assert found[0] == found[1] == found[2]
    assert found[0]["radio"] == ["1"]


def test_a_submission_that_was_delivered_as_lines_counts_once(make, samples):  # noqa: F811
    home = make("home")
    drop(home, "a.ndjson", (samples / LINES).read_bytes())
    run(home)
    drop(home, SUBMISSION, (samples / SUBMISSION).read_bytes())

    told = outcomes(run(home))[SUBMISSION]

    assert (told.outcome, told.accepted, told.dropped) == ("duplicate", 0, 1)


@pytest.mark.parametrize("ending", ["[{},{}]", "{}\n{}\n"])
def test_a_submission_without_answers_waits_and_stops_no_other(make, samples, ending):  # noqa: F811
    whole = json.dumps(json.loads((samples / SUBMISSION).read_bytes()))
    empty = json.dumps({"submissionMetadata": {"submissionId": 1}, "answers": []})
    home = make("home")
    drop(
        home,
        "b.json",
        ending.replace("{}", "%s").replace("%s", whole, 1).encode().replace(b"%s", empty.encode()),
    )

    told = outcomes(run(home))["b.json"]

    assert (told.outcome, told.delivered, told.accepted, told.quarantined) == ("loaded", 2, 1, 1)
    assert [row.row_no for row in told.rows] in ([], [2])


@pytest.mark.parametrize("opening", ['{"results":', ' {\n "results" : \n'])
def test_results_under_their_key_are_the_same_as_the_array(tmp_path, opening):
    export = exports.surveyjs()
    wrapped = exports.Export(
        export.tool, opening.encode() + export.content + b"}\n", export.survey, export.sure
    )

    ran = go(home_for(tmp_path / "home", wrapped), wrapped, "svar.json")

    assert ran.outcome.outcome == "loaded"
    assert sorted(map(repr, tool_answers(ran.home))) == sorted(expected_answers())


def test_results_that_were_cut_off_are_not_taken_for_whole(tmp_path):
    export = exports.surveyjs()
    whole = b'{"results":' + export.content + b"}"
    for at in (len(whole) - 2, len(whole) * 2 // 3):
        cut = exports.Export(export.tool, whole[:at], export.survey, export.sure)
        ran = go(home_for(tmp_path / str(at), cut), cut, "svar.json")
        assert ran.outcome.outcome != "loaded"
