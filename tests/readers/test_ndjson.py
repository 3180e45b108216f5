"""JSON lines: strict, flat, and never a part taken for the whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.readers import ndjson
from transforms.readers.cells import number_text
from transforms.readers.ndjson import first_keys, read_ndjson
from transforms.readers.reading import FileProblem


def lines(*texts):
    return "\n".join(texts).encode()


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_ndjson(content)
    return problem.value.reason


def test_key_that_a_line_lacks_was_not_asked():
    reading = read_ndjson(lines('{"a":"1","b":null}', '{"a":"","c":"x"}'))
    assert reading.table.column_names == ["a", "b", "c"]
    assert reading.table.to_pylist() == [
        {"a": "1", "b": "", "c": None},
        {"a": "", "b": None, "c": "x"},
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3", "3"),
        ("3.0", "3"),
        ("4.50", "4.5"),
        ("-1", "-1"),
        ("-0", "0"),
        ("1E2", "100"),
        ("12345678901234567890", "12345678901234567890"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ('"3.0"', "3.0"),
        ('"0301"', "0301"),
        ("true", "1"),
        ("false", "0"),
        ("null", ""),
        ('""', ""),
        ('"bl\\u00e5b\\u00e6r"', "blåbær"),
        ('"\\ud83d\\ude00"', "\N{GRINNING FACE}"),
        ('" a\\nb "', " a\nb "),
    ],
)
def test_value_becomes_canonical_text(value, expected):
    assert read_ndjson(lines(f'{{"q":{value}}}')).table["q"].to_pylist() == [expected]


BAD = [
    '{"q":NaN}',
    '{"q":Infinity}',
    '{"q":-Infinity}',
    '{"q":1,"q":2}',
    '{"q":1,"q":1}',
    '{"q":[1]}',
    '{"q":{"a":1}}',
    '{"q":"\\ud800"}',
    '{"\\udc00":"a"}',
    '{"q":01}',
    '{"q":1,}',
    "{'q':1}",
    '{"q":1} x',
    '{"q":"a\tb"}',
    "[1]",
    '"q"',
    "3",
    "null",
    "{}",
    "q;r",
    '{"q":' + "[" * 100_000 + "]" * 100_000 + "}",
    *('{"q":"\\ud83d\\ude00","r":' + "[" * deep + "]" * deep + "}" for deep in range(960, 1000, 3)),
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
def test_line_that_is_not_one_flat_object_is_a_malformed_row(bad):
    reading = read_ndjson(lines('{"q":"1"}', bad, '{"q":"3"}'))
    assert reading.table["q"].to_pylist() == ["1", "3"]
    assert reading.row_no.to_pylist() == [1, 3]
    assert [(row.row_no, row.reason, row.text) for row in reading.malformed] == [
        (2, Reason.UNREADABLE, bad)
    ]
    assert reading.delivered == 3


@pytest.mark.parametrize("sign", ["", "-"])
def test_integer_longer_than_python_reads_is_kept_as_text_wherever_it_stands(sign):
    huge = sign + "7" * 5000
    for content in (lines('{"q":1}', f'{{"q":{huge}}}'), f'[{{"q":1}},{{"q":{huge}}}]'.encode()):
        assert read_ndjson(content).table["q"].to_pylist() == ["1", huge]
    assert first_keys(f'{{"q":{huge},"r":1}}'.encode()) == ("q", "r")
    held = read_ndjson(lines('{"q":1}', f'{{"q":[{huge}]}}'))
    assert [row.row_no for row in held.malformed] == [2]


def test_last_line_that_is_whole_and_wrong_is_not_taken_for_half_an_upload():
    reading = read_ndjson(lines('{"q":"1"}', '{"q":"2"} x'))
    assert [row.row_no for row in reading.malformed] == [2]


def test_line_that_is_not_utf_8_is_a_malformed_row():
    reading = read_ndjson(b'{"q":"1"}\n{"q":"bl\xe5"}\n{"q":"3"}\n')
    assert reading.row_no.to_pylist() == [1, 3]
    assert reading.malformed[0].text == '{"q":"bl\N{REPLACEMENT CHARACTER}"}'


def test_blank_lines_are_no_rows_and_carriage_returns_no_matter():
    reading = read_ndjson(b'\xef\xbb\xbf\r\n{"q":1}\r\n  \r\n{"q":2}\r\n\r\n')
    assert reading.row_no.to_pylist() == [2, 4]
    assert reading.table["q"].to_pylist() == ["1", "2"]
    assert reading.delivered == 2


def test_line_separator_inside_a_text_ends_no_line():
    content = '{"q":"a\u2028b\u0085c"}'.encode()
    assert read_ndjson(content).table["q"].to_pylist() == ["a\u2028b\u0085c"]


def test_array_of_objects_is_read_like_lines():
    reading = read_ndjson(b' [ {"a":1.50} ,\n{"a":{"b":1}}, {"b":true},{"a":NaN} ]\n')
    assert reading.table.to_pylist() == [{"a": "1.5", "b": None}, {"a": None, "b": "1"}]
    assert reading.row_no.to_pylist() == [1, 3]
    assert [(row.row_no, row.text) for row in reading.malformed] == [
        (2, '{"a":{"b":1}}'),
        (4, '{"a":NaN}'),
    ]


def test_one_object_over_several_lines_is_a_row():
    reading = read_ndjson(b'{\n  "a": 1,\n  "b": null\n}\n')

    assert reading.table.to_pylist() == [{"a": "1", "b": ""}]
    assert reading.row_no.to_pylist() == [1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b" \n\n", Reason.EMPTY_FILE),
        (b"[]", Reason.NO_ROWS),
        (b"[ ]\n", Reason.NO_ROWS),
        (b"{}", Reason.JSON_WITHOUT_ROWS),
        (b"[1, [2]]", Reason.JSON_WITHOUT_ROWS),
        (b'{\n"a": [1],\n"b": {}\n}\n', Reason.JSON_WITHOUT_ROWS),
        (b"x", Reason.UNREADABLE),
        (b'{\n"a": 1,,\n}', Reason.UNREADABLE),
        (b'{\n"a": NaN\n}', Reason.UNREADABLE),
        (b'[{"a":1},]', Reason.UNREADABLE),
        (b'[{"a":1} {"a":2}]', Reason.UNREADABLE),
        (b'[{"a":1}]]', Reason.UNREADABLE),
        (b'["\xff"]', Reason.UNREADABLE),
        (b"[" * 100_000 + b"]" * 100_000, Reason.UNREADABLE),
    ],
)
def test_file_without_any_row_is_refused(content, reason):
    assert refused(content) == reason


def test_too_many_keys_are_refused():
    wide = {f"q{i}": 1 for i in range(ndjson.MAX_COLUMNS + 1)}
    assert refused(json.dumps(wide).encode()) == Reason.TOO_LARGE


value = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**18), 10**18), st.floats(-1e9, 1e9), st.text()
)
record = st.dictionaries(st.text(max_size=6), value, min_size=1, max_size=6)


def plain_text(found):
    """The naive oracle for one value."""
    if found is None:
        return ""
    if isinstance(found, bool):
        return "1" if found else "0"
    return found if isinstance(found, str) else number_text(json.dumps(found))


@given(st.lists(record, min_size=1, max_size=8), st.booleans())
def test_every_value_survives(records, as_array):
    texts = [json.dumps(found, ensure_ascii=False) for found in records]
    try:
        content = (f"[{','.join(texts)}]" if as_array else "\n".join(texts)).encode()
    except UnicodeEncodeError:
        return
    reading = read_ndjson(content)
    names = list(dict.fromkeys(key for found in records for key in found))
    assert reading.table.column_names == names
    assert reading.row_no.to_pylist() == list(range(1, len(records) + 1))
    for row, found in zip(reading.table.to_pylist(), records, strict=True):
        assert row == {n: plain_text(found[n]) if n in found else None for n in names}


WHOLE = lines(
    '{"kode":"P-1","q":"a}b"}', '{"kode":"P-2","q":"blåbær \\" ] }"}', '{"kode":"P-3","q":4.5}'
)


@pytest.mark.parametrize("end", range(1, len(WHOLE)))
def test_lines_cut_anywhere_but_between_lines_are_an_incomplete_upload(end):
    if WHOLE[:end].endswith((b"}\n", b"5}")) or WHOLE[end : end + 1] == b"\n":
        assert read_ndjson(WHOLE[:end]).delivered == WHOLE[:end].rstrip().count(b"\n") + 1
    else:
        assert refused(WHOLE[:end]) == Reason.INCOMPLETE_UPLOAD


ARRAY = b"[" + WHOLE.replace(b"\n", b", ") + b"]"


@pytest.mark.parametrize("end", range(1, len(ARRAY)))
def test_array_cut_anywhere_is_an_incomplete_upload(end):
    assert refused(ARRAY[:end]) == Reason.INCOMPLETE_UPLOAD


def test_first_keys_tell_what_a_json_file_holds():
    assert first_keys(b'{"a":1,"b":{}}\n{"c":1}') == ("a", "b")
    assert first_keys(b' [ {"a":1}, ') == ("a",)
    assert first_keys(b"[1]") == first_keys(b"nothing") == first_keys(b"") == ()
    assert first_keys(b"[" * 900_000) == ()


def test_conformance_of_values(shared):
    """JSONTestSuite as values of a key: n_ is never a row; y_ is one when flat and not doubled."""
    rows = {"y": set(), "n": set()}
    for path in sorted((shared / "badinput" / "JSONTestSuite").iterdir()):
        # On one line, since that is what a JSON line is.
        content = b'{"q":' + path.read_bytes().replace(b"\n", b" ") + b"}"
        try:
            reading = read_ndjson(content)
        except FileProblem:
            continue
        assert reading.malformed == ()
        if path.name[0] in rows:
            rows[path.name[0]].add(path.name)
    assert rows["n"] <= {"n_string_unescaped_newline.json"}
    assert rows["y"] == {
        f"y_structure_{name}.json"
        for name in (
            "lonely_false",
            "lonely_int",
            "lonely_negative_real",
            "lonely_null",
            "lonely_string",
            "lonely_true",
            "string_empty",
        )
    } | {"y_string_space.json"}
