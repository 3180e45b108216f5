"""Delimited text: no line is lost, padded, doubled or shifted, and every row knows its line."""

import traceback

import pytest

from schemas.reason import Reason
from tests.readers.delimited_rows import TINY_BLOCKS, problem_of, read, read_in_blocks
from transforms.readers.delimited import BLOCK_BYTES, PARSE_BYTES, read_delimited
from transforms.readers.reading import FileProblem
from transforms.readers.structure import MAX_FIELD, MAX_RECORD, require_closed

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


def test_rows_that_use_another_delimiter_than_the_heading_are_held_line_by_line():
    assert read(b"a;b\n1,2\n3,4\n") == (
        [],
        [(2, Reason.FIELD_COUNT, "1,2"), (3, Reason.FIELD_COUNT, "3,4")],
    )


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


def test_blank_lines_are_no_rows_and_count_as_lines():
    assert read(b"a;b\n\n1;2\n\r\n   \n3;4\n\n") == ([(3, "1", "2"), (6, "3", "4")], [])


def test_a_line_of_nothing_but_delimiters_is_a_blank_line():
    for blank in (b";", b";;", b" ; ", b";\r", b";;;;"):
        assert read(b"a;b\n" + blank + b"\n1;2\n" + blank + b"\n") == ([(3, "1", "2")], [])
        assert read(b"a;b\n1;2\n" + blank) == ([(2, "1", "2")], [])
    assert read(b"a\tb\n\t\nx\t\n") == ([(3, "x", "")], [])
    assert read(b"a;b\n;\n;2\n") == ([(3, "", "2")], [])


@pytest.mark.parametrize("blank", [b'"";""', b'"";', b'" ";" "', b';""', b'"\n";""', b'"";"";""'])
def test_a_line_of_blanks_in_quotes_is_a_blank_line(blank):
    lines = blank.count(b"\n")
    wanted = ([(3 + lines, "1", "2")], [])
    assert read(b"a;b\n" + blank + b"\n1;2\n" + blank + b"\n") == wanted
    assert read(b"a;b\r\n" + blank + b"\r\n1;2\r\n" + blank) == wanted


@pytest.mark.parametrize("cells", [(";", ""), ('"', ""), (' " ', " "), ("", ' ";')])
def test_a_delimiter_or_a_quote_that_somebody_wrote_is_no_blank(cells):
    told = ";".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    assert read(f"a;b\n{told}\n".encode()) == ([(2, *cells)], [])


@pytest.mark.parametrize("above", [b";\n", b";;;\r\n", b" ; \n", b'"";""\n', b"\n", b";\n;\n\n"])
def test_lines_of_nothing_above_the_headings_are_passed_over(above):
    line = above.count(b"\n") + 2
    for told in (b"", b"sep=;\n"):
        content = told + above + b"a;b\n1;2\n"
        assert read(content) == ([(line + told.count(b"\n"), "1", "2")], [])


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
