"""SurveyJS responses: nested and flat answers, and files that are somebody else's."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.reading import FileProblem, Question, Reading
from transforms.tools.surveyjs import read_bytes, recognise_bytes


def array(*responses):
    return json.dumps(responses).encode()


def lines(*responses):
    return "\n".join(json.dumps(one) for one in responses).encode()


def read(*responses, codebook=None):
    return read_bytes(array(*responses), codebook)


def rows(reading):
    return reading.table.to_pylist()


def outcome(content):
    """A reading, or the reason why there is none; no other exception may come."""
    try:
        return read_bytes(content, None)
    except FileProblem as problem:
        return problem.reason


@pytest.mark.parametrize(
    ("value", "cell"),
    [("2", "2"), (2, "2"), (2.50, "2.5"), (True, "1"), (False, "0"), (None, ""), ("", "")],
)
def test_value_becomes_a_cell(value, cell):
    assert rows(read({"q": value})) == [{"q": cell}]


def test_matrix_has_a_column_a_row_and_boxes_one_an_option():
    reading = read(
        {"trygg": {"ute": "5", "inne": 4}, "hvor": ["gang", "buss"]},
        {"trygg": {"ute": "1"}, "hvor": ["gang"]},
        {"trygg": {}, "hvor": []},
        {"klasse": "7A"},
    )
    assert rows(reading) == [
        dict(zip(reading.table.column_names, cells, strict=True))
        for cells in (
            ("5", "4", "1", "1", ""),
            ("1", "", "1", "0", ""),
            ("", "", "0", "0", ""),
            ("", "", "", "", "7A"),
        )
    ]
    assert reading.table.column_names == [
        "trygg.ute",
        "trygg.inne",
        "hvor.gang",
        "hvor.buss",
        "klasse",
    ]
    assert reading.codebook["hvor.gang"] == Question("gang", {"1": "Yes", "0": "No"}, "many")


def test_matrix_of_columns_and_panels_are_named_by_their_way():
    reading = read({"m": {"r": {"c": 1, "d": ["x"]}}, "p": [{"n": 1}, {"n": 2, "k": True}]})
    assert rows(reading) == [
        {"m.r.c": "1", "m.r.d.x": "1", "p.1.n": "1", "p.2.n": "2", "p.2.k": "1"}
    ]


def test_array_lines_and_a_single_response_are_the_same_rows():
    one, two = {"q": "1", "b": ["x"]}, {"q": "2"}
    assert read_bytes(lines(one, two), None).table.equals(read(one, two).table)
    single = read_bytes(b"\xef\xbb\xbf" + json.dumps(one, indent=2).encode(), None)
    assert rows(single) == rows(read(one)) == rows(read_bytes(lines(one), None))
    assert read_bytes(lines(one) + b"\n\n" + lines(two), None).row_no.to_pylist() == [1, 3]


BOOK = {
    "hvor": Question("Hvor?", {"gang": "Gangen", "buss": "Bussen", "gard": "Gården"}, "many"),
    "q": Question("Trives du?", {"1": "Nei", "2": "Ja"}, "one"),
    "trygg": Question("Trygg"),
    "navn": Question("Navn", personal=True),
}


def test_codebook_gives_the_boxes_and_the_questions_that_nobody_answered():
    reading = read({"hvor": ["gang", "hos Ola"], "trygg": {"ute": "1"}, "navn": "O"}, codebook=BOOK)
    assert rows(reading) == [
        {
            "hvor.gang": "1",
            "hvor.buss": "0",
            "hvor.gard": "0",
            "q": "",
            "trygg.ute": "1",
            "hvor.other": "1",
        }
    ]
    assert reading.codebook["hvor.buss"].label == "Hvor? Bussen"
    assert reading.codebook["q"] == BOOK["q"]
    assert reading.dropped == {Personal.IDENTIFIER: 1}


def test_comments_files_signatures_and_addresses_are_left_out_and_counted():
    reading = read(
        {
            "q": "other",
            "q-Comment": "Ola slo",
            "one": {"value": "a", "comment": "Ola slo"},
            "many": [{"value": "a", "comment": "Ola slo"}, {"value": "b"}],
            "fil": [{"name": "Ola.png", "type": "image/png", "content": "data:image/png;base64,"}],
            "sign": "data:image/png;base64,aa",
            "m": {"r": 1, "r-Comment": "Ola slo"},
            "IPAddress": "10.0.0.1",
        },
        {"sign": "", "q": "1", "fil": []},
    )
    assert rows(reading)[0] == {"q": "other", "one": "a", "many.a": "1", "many.b": "1", "m.r": "1"}
    assert reading.dropped == {
        Personal.FREE_TEXT: 5,
        Personal.NAME: 1,
        Personal.IP_ADDRESS: 1,
    }
    assert "Ola" not in f"{rows(reading)} {reading.codebook}"


def test_time_of_the_makers_service_is_put_on_our_clock_where_it_is_proven():
    assert rows(read({"HappendAt": "2026-06-30T22:30:00Z"})) == [
        {"HappendAt": "2026-07-01T00:30:00"}
    ]
    open_order = [{"HappendAt": "03/04/2026 10:00"}]
    assert rows(read(*open_order)) == open_order


@pytest.mark.parametrize(
    "responses",
    [
        ({"a.b": 1, "a": {"b": 2}},),
        ({"a.b": 1}, {"a": {"b": 2}}),
        ({"a": ["b"]}, {"a": {"b": 2}}),
    ],
    ids=range(3),
)
def test_two_questions_that_would_share_a_column_are_refused(responses):
    assert outcome(array(*responses)) == Reason.HEADER_REPEATED


BAD = ["3", '"q"', "null", "{}", "[1]", '{"q":NaN}', '{"q":1,"q":2}', '{"q":"\\ud800"}', "q;r"]
BAD += ['{"q":' + '{"r":' * 9 + "1" + "}" * 10]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_line_that_is_no_response_is_a_malformed_row(bad):
    reading = read_bytes(f'{{"q":"1"}}\n{bad}\n{{"q":"3"}}\n'.encode(), None)
    assert [row["q"] for row in rows(reading)] == ["1", "3"]
    assert [(row.row_no, row.reason) for row in reading.malformed] == [(2, Reason.UNREADABLE)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"[]", Reason.NO_ROWS),
        (b"[1]", Reason.UNREADABLE),
        (b'{"q-Comment":"a"}', Reason.NO_ROWS),
        (b'[{"q":1},{"q":', Reason.INCOMPLETE_UPLOAD),
        (b'{"q":1}\n{"q":', Reason.INCOMPLETE_UPLOAD),
        (b"[" + b"9" * 5000 + b"]", Reason.UNREADABLE),
        (b'{"a":' + b"9" * 5000 + b',"a":1}', Reason.UNREADABLE),
        (array({f"q{number}": 1 for number in range(501)}), Reason.TOO_LARGE),
    ],
    ids=range(9),
)
def test_file_without_usable_responses_is_refused(content, reason):
    assert outcome(content) == reason


def test_hostile_json_ends_as_a_problem_or_a_reading(shared):
    for path in sorted((shared / "badinput" / "JSONTestSuite").rglob("*.json")):
        content = path.read_bytes()
        found = recognise_bytes(content)
        assert found is None or found.sure == "likely"
        for one in (content, b'[{"q":"1"},{"q":%s}]' % content):
            assert isinstance(outcome(one), Reason | Reading)


@pytest.mark.parametrize(
    ("content", "sure", "marks"),
    [
        (
            array({"q": 1, "HappendAt": "x", "InstanceId": 3}),
            "certain",
            ("HappendAt", "InstanceId"),
        ),
        (array({"q": "other", "q-Comment": "a"}), "likely", ("-Comment",)),
        (array({"a": 1}, {"m": {"r": "c"}}), "likely", ("matrix",)),
        (lines({"a": 1}, {"b": ["x", "y"]}), "likely", ("boxes",)),
        (b"\xef\xbb\xbf [ " + json.dumps({"b": ["x"]}).encode() + b" ]", "likely", ("boxes",)),
    ],
    ids=range(5),
)
def test_nested_answers_in_a_list_are_likely(content, sure, marks):
    found = recognise_bytes(content)
    assert (found.tool, found.sure, found.marks) == ("surveyjs", sure, marks)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"q;r\n1;2",
        array({"q": 1, "r": "2"}),
        lines({"q": 1}, {"q": 2}),
        lines({"b": ["x"]}),  # one object could be anything
        lines({"pupil_code": "KX41", "b": ["x"]}, {"pupil_code": "KX42"}),
        lines({"submissionId": 1, "answerOptionIds": [1]}, {"submissionId": 2}),
        array({"_id": 1, "_tags": ["x"]}),
        array({"resourceType": "QuestionnaireResponse", "meta": {"source": "x"}}),
        array({"pages": ["x"]}),
        array({"p": [{"n": 1}]}),
    ],
    ids=range(12),
)
def test_other_json_is_not_claimed(content):
    assert recognise_bytes(content) is None


def test_real_files_of_other_tools_are_not_claimed(shared):
    files = [path for path in (shared / "samples").rglob("*.*") if path.is_file()]
    assert len(files) > 20
    assert all(recognise_bytes(path.read_bytes()) is None for path in files)


SCALAR = st.none() | st.booleans() | st.integers(0, 9) | st.text("xy.", max_size=2)
ROW = st.sampled_from(["r", "s"])
RESPONSE = st.fixed_dictionaries(
    {"a": SCALAR},
    optional={
        "m": st.dictionaries(ROW, SCALAR),
        "n": st.dictionaries(ROW, st.dictionaries(ROW, SCALAR)),
        "b": st.lists(ROW),
    },
)


@settings(deadline=None, max_examples=100)
@given(st.lists(RESPONSE, min_size=1, max_size=5))
def test_every_cell_is_what_a_plain_look_finds(responses):
    reading = read_bytes(lines(*responses), None)
    assert reading.delivered == len(responses)
    for row, response in zip(rows(reading), responses, strict=True):
        assert row == {name: naive(response, name) for name in reading.table.column_names}
        assert {name for name in row if row[name]} >= set(answered(response))


def naive(response, column):
    value = response
    for name in column.split("."):
        if isinstance(value, list):
            return "1" if name in value else "0"
        value = value.get(name)
        if value is None:
            return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def answered(response):
    for question, value in response.items():
        if isinstance(value, list):
            yield from (f"{question}.{name}" for name in {*value})
        elif isinstance(value, dict):
            yield from (f"{question}.{inner}" for inner in answered(value))
        elif value not in (None, ""):
            yield question
