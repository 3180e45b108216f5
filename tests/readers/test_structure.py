"""Where records begin and end: the numpy scan against a reading one character at a time."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.readers.naive_text import read_plainly
from transforms.readers.structure import scan_records, sound_bytes

SOUP = st.text(alphabet='a;"\n\r', max_size=40)


def scan(text, fields=2):
    data = np.frombuffer(text.encode(), np.uint8)
    return data, scan_records(data, delimiter=ord(";"), fields=fields)


def sound_lines(text, fields=2):
    _, records = scan(text, fields)
    return (records.line[records.sound] + 1).tolist()


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("a;b\nc;d\n", [1, 2]),
        ("a;b\nc\nd;e\n", [1, 3]),
        ("a;b\nc;d;e\nf;g\n", [1, 3]),
        ("a;b;\nc;d\n", [1, 2]),
        ("a;b;;\nc;d\n", [2]),
        ("\n\na;b\n\r\nc;d\n", [3, 5]),
        ('a;"b\nb"\nc;d\n', [1, 3]),
        ('a;"b;b"\n', [1]),
        ('a;"b""b"\n', [1]),
        ('a;""\n', [1]),
        ('a;""""\n', [1]),
        ('a;b"b"\nc;d\n', [2]),
        ('a;"b"b\nc;d\n', [2]),
        ('a; "b"\nc;d\n', [2]),
        ('a;""b\nc;d\n', [2]),
        ("a\r;b\nc;d\n", [2]),
        ("a;b\r\nc;d\r\n", [1, 2]),
        ('"a\rb";c\n', [1]),
    ],
    ids=repr,
)
def test_lines_that_begin_a_sound_record(text, sound):
    assert sound_lines(text) == sound


def test_a_quote_in_the_middle_of_a_field_holds_every_line_up_to_the_next_quote():
    _, records = scan('a;5" x\nb;c\nd;6" y\ne;f\n')

    assert records.stray_quote.tolist() == [True, False]
    assert records.sound.tolist() == [False, True]
    assert records.line.tolist() == [0, 3]


def test_a_last_delimiter_too_many_is_taken_away_and_no_other_byte_is():
    data, records = scan('a;b;\n"c;";d;\r\ne\nf;g\r\n')

    assert sound_bytes(data, records) == b'a;b\n"c;";d\r\nf;g\r\n'


def test_a_block_in_which_all_is_sound_is_handed_on_as_it_is():
    data, records = scan("a;b\r\nc;d\n")

    assert sound_bytes(data, records) == b"a;b\r\nc;d\n"


@given(body=SOUP.filter(lambda text: text.count('"') % 2 == 0), fields=st.integers(2, 4))
@example(body='"";\ra"a"\n', fields=2)
@example(body="a;a\r\r\n\r\r\n", fields=2)
def test_any_soup_of_bytes_has_the_records_of_the_plain_reading(body, fields):
    text = body if body.endswith("\n") else body + "\n"
    plain = read_plainly(text, fields=fields)

    data, records = scan(text, fields)

    first_lines = (records.line + 2).tolist()
    rows = [line for line, sound in zip(first_lines, records.sound, strict=True) if sound]
    assert rows == [line for line, _ in plain.rows]
    assert sound_bytes(data, records).count(b"\n") >= len(rows)
    # Every byte belongs to one record, so that nothing can fall between two of them.
    assert (records.start == np.concatenate(([0], records.end[:-1] + 1))).all()
    assert records.end[-1] == len(data) - 1
