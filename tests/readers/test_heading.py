"""The encoding and the heading of a delimited text: proven, or the file is refused."""

import pytest

from schemas.reason import Reason
from tests.readers.delimited_rows import problem_of, read
from transforms.readers.delimited import read_delimited
from transforms.readers.heading import count_lines, read_heading


def test_a_quote_that_never_closes_in_the_heading_refuses_the_file():
    assert problem_of(b'a;"b\n1;2\n') == Reason.UNTERMINATED_QUOTE


@pytest.mark.timeout(30)
def test_an_open_quote_costs_no_more_than_reading_the_file():
    lines = b"1;2\n" * 500_000

    assert problem_of(b'"a;b\n' + lines) == Reason.UNTERMINATED_QUOTE
    assert problem_of(b"a;b\n" + b'"' + lines + b'";2\n') == Reason.TOO_LARGE


def test_a_heading_that_ends_in_a_delimiter_names_no_further_column():
    assert read(b"a;b;\n1;2;\n3;4\n") == ([(2, "1", "2"), (3, "3", "4")], [])


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16-le", "cp1252", "mac-roman"])
def test_an_encoding_that_is_not_proven_is_never_guessed(encoding):
    content = "skole;klasse\nBjørnåsen;7Å\n".encode(encoding)

    assert problem_of(content) in (Reason.ENCODING_UNKNOWN, Reason.NOT_RECOGNISED)


def test_utf_16_with_its_mark_is_read_as_text():
    expected = ([(2, "Bjørnåsen", "7Å")], [])

    assert read("skole;klasse\nBjørnåsen;7Å\n".encode("utf-16")) == expected


def test_utf_16_that_is_cut_off_in_a_letter_is_refused():
    assert problem_of("a;b\n1;2\n".encode("utf-16")[:-1]) == Reason.ENCODING_UNKNOWN


def test_utf_8_that_is_cut_off_in_a_letter_is_refused():
    assert problem_of("a;b\n1;æ".encode()[:-1]) == Reason.ENCODING_UNKNOWN


def test_a_byte_order_mark_is_no_part_of_the_first_heading():
    assert read_delimited(b"\xef\xbb\xbfa;b\r\n1;2\r\n").table.column_names == ["a", "b"]


@pytest.mark.parametrize("delimiter", list(";,\t|"))
def test_each_delimiter_of_a_survey_tool_is_found(delimiter):
    content = "a;b;c\n1;2;3\n".replace(";", delimiter).encode()

    assert read(content) == ([(2, "1", "2", "3")], [])


def test_a_delimiter_that_stands_in_quotes_in_a_heading_splits_nothing():
    content = b'id;"Are you glad, calm, rested, or none of it?"\n1;2\n'

    assert read(content) == ([(2, "1", "2")], [])


def test_a_delimiter_that_the_heading_does_not_use_gives_no_table():
    assert problem_of(b"a:b:c\n1:2:3\n") == Reason.NOT_RECOGNISED


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf", b"  \n"])
def test_a_file_without_content_is_an_empty_file(content):
    assert problem_of(content) == Reason.EMPTY_FILE


@pytest.mark.parametrize("content", [b"a;b", b"a;b\n", b"a;b\r\n\r\n", b"a;b\n\n \n"])
def test_a_file_with_nothing_but_a_heading_has_no_rows(content):
    assert problem_of(content) == Reason.NO_ROWS


@pytest.mark.parametrize(
    "text",
    [b"S01;7A;7;girl;5;5;1\nS01;7A;7;boy;4;3;1\n", b"2025-11-05;7;7\n2025-11-05;7;6\n"],
)
def test_answers_in_the_place_of_a_heading_are_told_as_that(text):
    assert problem_of(text) == Reason.HEADER_MISSING


def test_a_heading_that_stands_twice_refuses_the_file():
    assert problem_of(b"a;b;a\n1;2;3\n") == Reason.HEADER_REPEATED


@pytest.mark.parametrize(
    "heading",
    [b"a\rb;c", b'"a"b;c', b"a" * 200_000 + b";b", b"only one column", b"a;" * 600],
    ids=["lone CR", "misplaced quote", "giant cell", "one column", "600 columns"],
)
def test_a_heading_that_is_none_refuses_the_file_and_stops_no_other(heading):
    assert problem_of(heading + b"\n1;2\n") == Reason.NOT_RECOGNISED


def test_a_newline_in_quotes_in_the_heading_counts_as_a_line():
    assert read(b'a;"b\nb"\n1;2\n') == ([(3, "1", "2")], [])


def test_a_file_that_nobody_could_read_is_counted_by_its_lines():
    content = b"a;b\n1\n\n2;3;4\n  \n5;6\n"

    assert count_lines(content, read_heading(content)) == 3
