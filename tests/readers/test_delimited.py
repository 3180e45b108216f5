"""Delimited text: no line is lost, padded, doubled or shifted, and every row knows its line."""

import csv
import io
import json
import traceback

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.readers.naive_text import read_plainly
from transforms.readers.delimited import (
    BLOCK_BYTES,
    PARSE_BYTES,
    read_batches,
    read_delimited,
)
from transforms.readers.heading import count_lines, read_heading
from transforms.readers.letters import as_utf8
from transforms.readers.reading import FileProblem, Reading
from transforms.readers.structure import MAX_FIELD, MAX_RECORD, require_closed

TINY_BLOCKS = (1, 7, 16, 40, BLOCK_BYTES)


def rows_of(reading):
    """[(line, cell, cell, ...)] of a reading."""
    cells = zip(*(column.to_pylist() for column in reading.table.columns), strict=True)
    return [(line, *row) for line, row in zip(reading.row_no.to_pylist(), cells, strict=True)]


def read(content):
    """Rows and malformed records of a file, each with its line."""
    reading = read_delimited(content)
    held = [(row.row_no, row.reason, row.text) for row in reading.malformed]
    return rows_of(reading), held


def problem_of(content):
    with pytest.raises(FileProblem) as caught:
        read_delimited(content)
    return caught.value.reason


def read_in_blocks(files, block_bytes):
    """{file number: (rows, malformed)}, files with the same heading read as one stream."""
    found = {number: ([], []) for number in files}
    groups = {}
    for number, content in files.items():
        text = as_utf8(content)
        groups.setdefault(read_heading(text), []).append((number, text))
    for heading, texts in groups.items():
        for batch in read_batches(texts, heading, block_bytes=block_bytes):
            reading = Reading(batch.table, batch.row_no, "csv")
            for number, row in zip(batch.file_no.to_pylist(), rows_of(reading), strict=True):
                found[number][0].append(row)
            for number, row in batch.malformed:
                found[number][1].append((row.row_no, row.reason, row.text))
    return found


# The traps of readers that are not told what a line is (performance notes, 2.1).


def test_swapped_columns_keep_their_names():
    reading = read_delimited(b"b;a\n1;2\n")

    assert reading.table.to_pylist() == [{"b": "1", "a": "2"}]


def test_a_quote_that_never_closes_refuses_the_file_and_swallows_no_row():
    assert problem_of(b'a;b\n1;"2\n3;4\n5;6\n') == Reason.UNTERMINATED_QUOTE


def test_a_quote_that_never_closes_is_found_in_every_block():
    content = b"a;b\n" + b"1;2\n" * 50 + b'3;"4\n' + b"5;6\n" * 50

    for block_bytes in TINY_BLOCKS:
        with pytest.raises(FileProblem) as caught:
            read_in_blocks({0: content}, block_bytes)
        assert caught.value.reason == Reason.UNTERMINATED_QUOTE
    with pytest.raises(FileProblem):
        require_closed(content)


def test_a_quote_that_never_closes_in_the_heading_refuses_the_file():
    assert problem_of(b'a;"b\n1;2\n') == Reason.UNTERMINATED_QUOTE


@pytest.mark.timeout(30)
def test_an_open_quote_costs_no_more_than_reading_the_file():
    lines = b"1;2\n" * 500_000

    assert problem_of(b'"a;b\n' + lines) == Reason.UNTERMINATED_QUOTE
    assert problem_of(b"a;b\n" + b'"' + lines + b'";2\n') == Reason.TOO_LARGE


def test_a_line_with_too_few_fields_is_held_once_however_many_are_missing():
    assert read(b"a;b;c;d\n1\n1;2;3;4\n") == (
        [(3, "1", "2", "3", "4")],
        [(2, Reason.FIELD_COUNT, "1")],
    )


def test_a_line_with_too_many_fields_is_held_once_however_many_there_are():
    assert read(b"a;b\n1;2;3;4;5\n6;7\n") == (
        [(3, "6", "7")],
        [(2, Reason.FIELD_COUNT, "1;2;3;4;5")],
    )


def test_one_empty_field_at_the_end_of_a_line_is_let_pass():
    assert read(b"a;b\n1;2;\n3;4\r\n5;6;\r\n") == (
        [(2, "1", "2"), (3, "3", "4"), (4, "5", "6")],
        [],
    )


def test_two_empty_fields_at_the_end_of_a_line_are_not_let_pass():
    assert read(b"a;b\n1;2;;\n3;4\n") == ([(3, "3", "4")], [(2, Reason.FIELD_COUNT, "1;2;;")])


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


def test_rows_that_use_another_delimiter_than_the_heading_are_held_line_by_line():
    assert read(b"a;b\n1,2\n3,4\n") == (
        [],
        [(2, Reason.FIELD_COUNT, "1,2"), (3, Reason.FIELD_COUNT, "3,4")],
    )


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
    [b"a\rb;c", b'"a"b;c', b"a" * 200_000 + b";b", b"only one column", b";" * 600],
    ids=["lone CR", "misplaced quote", "giant cell", "one column", "600 columns"],
)
def test_a_heading_that_is_none_refuses_the_file_and_stops_no_other(heading):
    assert problem_of(heading + b"\n1;2\n") == Reason.NOT_RECOGNISED


def test_a_newline_in_quotes_belongs_to_the_cell():
    assert read(b'a;b\n1;"two\nlines"\n3;4\n') == ([(2, "1", "two\nlines"), (4, "3", "4")], [])


def test_a_newline_in_quotes_belongs_to_the_cell_where_the_parser_cuts_its_blocks_too():
    cell = "x" * 90 + "\n"
    rows = PARSE_BYTES // len(cell)
    content = b"a;b\n" + f'1;"{cell}"\n'.encode() * rows

    reading = read_delimited(content)

    assert set(reading.table.column("b").to_pylist()) == {cell}
    assert reading.row_no[-1].as_py() == 2 * rows
    assert reading.delivered == rows


def test_a_newline_in_quotes_in_the_heading_counts_as_a_line():
    assert read(b'a;"b\nb"\n1;2\n') == ([(3, "1", "2")], [])


def test_blank_lines_are_no_rows_and_count_as_lines():
    assert read(b"a;b\n\n1;2\n\r\n   \n3;4\n\n") == ([(3, "1", "2"), (6, "3", "4")], [])


def test_a_row_of_empty_cells_is_a_row():
    assert read(b"a;b\n;\n") == ([(2, "", "")], [])
    assert read(b"a\tb\n\t\n") == ([(2, "", "")], [])


def test_the_last_line_needs_no_newline():
    assert read(b"a;b\n1;2\n3;4") == ([(2, "1", "2"), (3, "3", "4")], [])


def test_lines_that_end_in_a_carriage_return_only_are_lines():
    assert read(b"a;b\r1;2\r3;4\r") == ([(2, "1", "2"), (3, "3", "4")], [])


def test_one_lone_carriage_return_holds_its_own_line_and_no_other():
    assert read(b"a;b\n1\r;2\n3;4\n5;6\r7;8\n") == (
        [(3, "3", "4")],
        [(2, Reason.FIELD_COUNT, "1\r;2"), (4, Reason.FIELD_COUNT, "5;6\r7;8")],
    )


def test_a_line_end_that_was_converted_twice_is_a_line_end():
    assert read(b"a;b\r\r\n1;2\r\r\n") == ([(2, "1", "2")], [])


def test_a_nul_is_a_character_of_its_cell():
    assert read(b"a;b\n1;\x002\n") == ([(2, "1", "\x002")], [])


def test_a_misplaced_quote_holds_its_lines_one_by_one():
    assert read(b'a;b\n1;5" tall\n2;6" tall\n3;4\n') == (
        [(4, "3", "4")],
        [
            (2, Reason.QUOTE_MISPLACED, '1;5" tall'),
            (3, Reason.QUOTE_MISPLACED, '2;6" tall'),
        ],
    )


def test_a_malformed_line_has_the_same_text_with_either_line_end():
    assert read(b"a;b\n1\n2;3\n")[1] == read(b"a;b\r\n1\r\n2;3\r\n")[1]


def test_an_unquoted_word_is_text_whatever_it_looks_like():
    cells = ["NULL", "NA", "", "007", "1e3", " x ", "2026-01-01", "true"]
    content = b"a;b\n" + "".join(f"{cell};x\n" for cell in cells).encode()

    assert read_delimited(content).table.column("a").to_pylist() == cells


@pytest.mark.parametrize(
    "row",
    [
        b"1;" + b"x" * (MAX_FIELD + 1),
        b'1;"' + b"x" * (MAX_FIELD + 1) + b'"',
        b'1;"' + b"x;\n" * MAX_FIELD + b'"',
        b'1;"' + b'""' * MAX_RECORD + b'"',
        b";" * (MAX_RECORD + 1),
    ],
)
def test_a_field_or_line_longer_than_any_answer_refuses_the_file(row):
    assert problem_of(b"a;b\n" + row + b"\n3;4\n") == Reason.TOO_LARGE
    assert problem_of(b"a;b\n3;4\n" + row) == Reason.TOO_LARGE


def test_the_longest_answer_and_the_widest_line_are_read():
    long, many = b"x" * MAX_FIELD, 90
    heading = b";".join(b"c%d" % number for number in range(many))
    row = b";".join([long] * many)
    reading = read_delimited(heading + b"\n" + row + b"\n")

    assert (reading.table.num_rows, reading.malformed) == (1, ())
    assert read(b"a;b\n1;" + b'"' + long + b'"\n')[0] == [(2, "1", long.decode())]


@pytest.mark.parametrize("lines", [1, 99, 100, 101, 500])
def test_an_answer_of_many_lines_is_one_cell_wherever_the_blocks_are_cut(lines):
    answer = "\n".join("æ" * 3 for _ in range(lines))
    content = f'a;b\n1;"{answer}"\n2;"x"\n3;y\n'.encode()
    for block_bytes in (1, 300, len(content) - 8, BLOCK_BYTES):
        [(rows, held)] = read_in_blocks({0: content}, block_bytes).values()
        assert held == []
        assert rows == [(2, "1", answer), (lines + 2, "2", "x"), (lines + 3, "3", "y")]


def test_a_stray_quote_glues_lines_together_and_that_is_no_long_answer():
    lines = b"1;2\n" * MAX_FIELD
    rows, held = read(b'a;b\n1;x"y\n' + lines + b'1;x"y\n3;4\n')

    assert rows == [(MAX_FIELD + 4, "3", "4")]
    assert len(held) == MAX_FIELD + 2


def test_last_line_that_stops_where_an_answer_should_follow_is_held_and_the_others_are_read():
    reading = read_delimited(b"a;b;c\n1;2;3\n4;5;")
    assert reading.table.to_pylist() == [{"a": "1", "b": "2", "c": "3"}]
    assert [(row.row_no, row.reason) for row in reading.malformed] == [(3, Reason.ROW_CUT_OFF)]


@pytest.mark.parametrize("whole", [b"4;5;\n", b"4;5;6", b"4;5;6;", b'4;5;""'])
def test_last_line_that_says_all_is_read(whole):
    assert read_delimited(b"a;b;c\n1;2;3\n" + whole).malformed == ()


def test_file_with_nothing_but_a_cut_off_line_holds_it():
    reading = read_delimited(b"a;b;c\n4;5;")
    assert (reading.table.num_rows, reading.malformed[0].row_no) == (0, 2)


@pytest.mark.parametrize("block_bytes", TINY_BLOCKS)
def test_lines_are_right_across_blocks_files_and_line_ends(block_bytes):
    files = {
        4: b'a;b\n1;"x\ny"\n\n2;3\n4\n5;6',
        7: b'a;b\r\n\r\n1;2\r\n"3";4\r\n5;6;7\r\n',
        9: b"a;b\n",
        2: b"a;b\n\n\n8;9\n",
    }

    assert read_in_blocks(files, block_bytes) == {
        4: ([(2, "1", "x\ny"), (5, "2", "3"), (7, "5", "6")], [(6, Reason.FIELD_COUNT, "4")]),
        7: ([(3, "1", "2"), (4, "3", "4")], [(5, Reason.FIELD_COUNT, "5;6;7")]),
        9: ([], []),
        2: ([(4, "8", "9")], []),
    }


def test_a_file_that_nobody_could_read_is_counted_by_its_lines():
    content = b"a;b\n1\n\n2;3;4\n  \n5;6\n"

    assert count_lines(content, read_heading(content)) == 3


PLANTED = "Kari-PLANTED"
REFUSED = {
    "open quote": f'a;b\n1;"{PLANTED}\n',
    "open quote in the heading": f'a;"{PLANTED}\n',
    "heading twice": f"{PLANTED};{PLANTED}\n1;2\n",
    "heading broken": f"{PLANTED}\r;b\n1;2\n",
    "heading too long": f"{PLANTED * 20_000};b\n1;2\n",
    "one column": f"{PLANTED}\n{PLANTED}\n",
    "latin-1": f"a;b\n{PLANTED};æ\n",
    "row too long": f"a;b\n{PLANTED};" + "x" * (2 * PARSE_BYTES + 1) + "\n3;4\n",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_no_text_of_the_file_is_in_its_problem(text):
    with pytest.raises(FileProblem) as caught:
        read_delimited(text.encode("latin-1"))

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert PLANTED not in shown
    assert PLANTED not in repr(caught.value)


def test_no_cell_is_in_the_representation_of_a_reading():
    reading = read_delimited(f"a;b\n{PLANTED};1\n{PLANTED}\n".encode())

    assert reading.delivered == 2
    assert PLANTED not in repr(reading)


# What no named case covers.

CELL = st.text(alphabet="aåø ;,\t|\"\n\r\x00\\'=1", max_size=6)
TABLES = st.integers(2, 5).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=8)
)


def written(rows, heading, *, delimiter, quoting, line_end):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue()


def first_lines(rows, heading, line_end, **how):
    """The line that each row begins on, counted in what the csv module wrote."""
    whole = [written(rows[:n], heading, line_end=line_end, **how) for n in range(len(rows))]
    return [text.count("\n") + 1 for text in whole]


@settings(max_examples=150, deadline=None)
@given(
    rows=TABLES,
    delimiter=st.sampled_from(";,\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    block_bytes=st.sampled_from(TINY_BLOCKS),
)
def test_what_the_csv_module_writes_is_read_back_cell_by_cell(
    rows, delimiter, quoting, line_end, block_bytes
):
    if (quoting, line_end) == (csv.QUOTE_MINIMAL, "\n"):  # then the module leaves a CR unquoted
        rows = [[cell.replace("\r", "x") for cell in row] for row in rows]
    heading = [f"column {number}" for number in range(len(rows[0]))]
    how = {"delimiter": delimiter, "quoting": quoting}
    content = written(rows, heading, line_end=line_end, **how).encode()
    lines = first_lines(rows, heading, line_end, **how)

    found, held = read_in_blocks({3: content}, block_bytes)[3]

    assert found == [(line, *row) for line, row in zip(lines, rows, strict=True)]
    assert held == []


@settings(max_examples=400, deadline=None)
@given(
    body=st.text(alphabet='a;"\n\r', max_size=40),
    block_bytes=st.sampled_from(TINY_BLOCKS),
    fields=st.integers(2, 3),
)
@example(body='a;"\n"\r\r\na;a', block_bytes=7, fields=2)
@example(body='"a\r\n";a;\r\n\r\r\n;', block_bytes=1, fields=2)
def test_rows_and_malformed_records_are_those_of_the_plain_reading(body, block_bytes, fields):
    heading = ";".join("xyz"[:fields])
    content = f"{heading}\n{body}".encode()
    if body.count('"') % 2:
        with pytest.raises(FileProblem) as caught:
            read_in_blocks({0: content}, block_bytes)
        assert caught.value.reason == Reason.UNTERMINATED_QUOTE
        return
    plain = read_plainly(body, fields=fields)

    rows, held = read_in_blocks({0: content}, block_bytes)[0]

    assert rows == [(line, *cells) for line, cells in plain.rows]
    assert held == plain.malformed


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=80))
def test_any_bytes_end_in_a_reading_or_in_a_problem_of_the_file(content):
    try:
        reading = read_delimited(content)
    except FileProblem:
        return
    assert reading.table.num_rows == len(reading.row_no)


# Files that others have broken, read in place.


def test_the_csv_spectrum_is_read_as_its_authors_read_it(shared):
    files = sorted((shared / "badinput" / "csv-spectrum" / "csvs").glob("*.csv"))
    assert len(files) == 12
    for file in files:
        expected = json.loads((file.parent.parent / "json" / f"{file.stem}.json").read_text())

        content = file.read_bytes()
        if file.stem.endswith("_crlf") and b"\r" not in content:
            content = content.replace(b"\n", b"\r\n")  # the stored copy has lost them

        reading = read_delimited(content)

        if file.stem == "location_coordinates":  # 37°36'37.8"N, unquoted: we hold such a line
            assert [row.reason for row in reading.malformed] == [Reason.QUOTE_MISPLACED]
            assert reading.delivered == 1
            continue
        assert reading.malformed == (), file.name
        assert reading.table.to_pylist() == expected, file.name


def test_broken_files_of_a_database_end_in_a_reading_or_a_problem(shared):
    files = sorted((shared / "badinput" / "duckdb").rglob("*.csv"))
    assert len(files) > 100
    readings = 0
    for file in files:
        content = file.read_bytes()
        try:
            reading = read_delimited(content)
        except FileProblem:
            continue
        readings += 1
        assert reading.delivered >= 1, file.name
    assert readings > 20
