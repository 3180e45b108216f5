"""A tail of empty columns, as Excel leaves it behind headings and rows, is no column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.home import csv_bytes, drop, make_home, outcomes, run, school_class
from transforms.readers.delimited import read_delimited
from transforms.readers.tail import without_empty_tail


def read(text):
    reading = read_delimited(text)
    rows = [tuple(row.values()) for row in reading.table.to_pylist()]
    return reading.table.column_names, rows, reading.row_no.to_pylist(), len(reading.malformed)


@pytest.mark.parametrize("tail", [1, 2, 7])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_empty_columns_at_the_end_are_no_columns(tail, end):
    lines = ["a;b;c", "1;2;3", "4;;", ";;6"]
    text = "".join(line + ";" * tail + end for line in lines).encode()

    assert read(text) == (["a", "b", "c"], [("1", "2", "3"), ("4", "", ""), ("", "", "6")],
                          [2, 3, 4], 0)  # fmt: skip


@pytest.mark.parametrize("filled", ["1;2;;x", "1;2;x;", '1;2;;"x"'])
def test_a_tail_with_anything_in_it_stays(filled):
    text = f"a;b;;\n{filled}\n3;4;;\n".encode()

    assert without_empty_tail(text) == text


def test_answers_with_line_ends_and_delimiters_in_quotes_are_left_alone():
    text = b'a;b;;\n"en\nto;;\n";2;;\n"x;;";"y";;\n'

    assert read(text)[:3] == (["a", "b"], [("en\nto;;\n", "2"), ("x;;", "y")], [2, 5])


def test_lines_of_delimiters_and_broken_rows_are_what_they_were():
    text = b"sep=;\n;;;\na;b;;\n1;2;;\n;;;\n1\n3;4;;\n"

    assert read(text) == (["a", "b"], [("1", "2"), ("3", "4")], [4, 7], 1)


def test_open_quote_is_still_told():
    text = b'a;b;;\n"1;2;;\n'

    assert without_empty_tail(text) == text


CELL = st.text("ab1 ", max_size=3)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6), st.integers(2, 5))
def test_rows_are_those_without_the_tail(rows, tail):
    rows = [("x", *row) for row in rows]
    plain = "".join(";".join(row) + "\n" for row in [("a", "b", "c", "d"), *rows])
    tailed = plain.replace("\n", ";" * tail + "\n")

    assert read(tailed.encode()) == read(plain.encode())


def test_file_with_a_tail_counts_and_is_the_same_delivery_of_answers(tmp_path):
    home = make_home(tmp_path / "home")
    content = csv_bytes(school_class(6))
    drop(home, "a.csv", content)
    drop(home, "b.csv", content.replace(b"\n", b";;\n").replace(b"\r;;", b";;\r"))

    told = outcomes(run(home))
    assert {one.outcome for one in told.values()} == {"loaded", "duplicate"}
    assert sum(one.accepted for one in told.values()) == 6


def test_heading_with_blanks_in_the_middle_is_not_touched():
    text = b"a;;b\n1;;2\n"

    assert without_empty_tail(text) == text
    assert read(text)[0] == ["a", "", "b"]
