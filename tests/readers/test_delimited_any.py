"""Delimited text of any kind is read as plainly as it can be, and as others read it."""

import csv
import io
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.readers.delimited_rows import TINY_BLOCKS, read_in_blocks
from tests.readers.naive_text import read_plainly
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem

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

    assert found == [
        (line, *row)
        for line, row in zip(lines, rows, strict=True)
        if any(cell.strip(" \r\n") for cell in row)
    ]
    assert held == []


@settings(max_examples=400, deadline=None)
@given(
    body=st.text(alphabet='a;"\n\r', max_size=40),
    block_bytes=st.sampled_from(TINY_BLOCKS),
    fields=st.integers(2, 3),
)
@example(body='a;"\n"\r\r\na;a', block_bytes=7, fields=2)
@example(body='"a\r\n";a;\r\n\r\r\n;', block_bytes=1, fields=2)
@example(body='""\r;', block_bytes=1, fields=2)
@example(body='""\r"";\n" \r\n";""""', block_bytes=1, fields=2)
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
