"""Nettskjema: CSV, XLSX and answers of one form are one table, cell for cell."""

import csv
import datetime as dt
import io
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.readers.small_nettskjema import (
    BLANK,
    ELEMENTS,
    KARI,
    answer_lines,
    as_answers,
    as_csv,
    as_xlsx,
    expected_row,
    submission,
)
from transforms.codebooks.nettskjema_elements import read_elements
from transforms.readers.ndjson import first_keys
from transforms.readers.nettskjema import (
    from_answers,
    from_table,
    is_nettskjema_answers,
    is_nettskjema_table,
)
from transforms.readers.nettskjema_answers import quick_lines, read_lines, strict_lines
from transforms.readers.reading import FileProblem, Question, Reading
from transforms.readers.xlsx import read_xlsx


def reading_of(content):
    """A CSV as its reader gives it, made here by Python's own csv module."""
    heading, *rows = csv.reader(io.StringIO(content.decode(), newline=""), delimiter=";")
    cells = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    row_no = pa.array(range(2, len(rows) + 2), pa.int32())
    return Reading(pa.table(cells, names=heading), row_no, "delimited")


def canonical(submissions):
    table = from_table(reading_of(as_csv(submissions)), ELEMENTS)
    sheet = from_table(read_xlsx(as_xlsx(submissions)), ELEMENTS)
    answers = from_answers(as_answers(submissions), ELEMENTS)
    return table, sheet, answers


def without_time(reading):
    return reading.table.drop(["answer_time_ms"])


@given(st.lists(submission, min_size=1, max_size=6, unique_by=lambda s: s.number))
@settings(max_examples=120, deadline=None)
def test_three_encodings_of_one_form_are_equal_cell_for_cell(submissions):
    table, sheet, answers = canonical(submissions)
    assert without_time(table).to_pylist() == [expected_row(s) for s in submissions]
    assert table.table.equals(sheet.table)
    assert without_time(answers).equals(without_time(table))
    assert table.delivered == sheet.delivered == answers.delivered == len(submissions)


@given(st.lists(submission, min_size=1, max_size=6, unique_by=lambda s: s.number))
@settings(max_examples=60, deadline=None)
def test_csv_and_xlsx_are_equal_without_a_codebook_too(submissions):
    table = from_table(reading_of(as_csv(submissions)), None)
    sheet = from_table(read_xlsx(as_xlsx(submissions)), None)
    assert table.table.column_names == sheet.table.column_names
    # Midnight in every filled cell of a time column looks like a column of dates in XLSX: no proof.
    unproven = (
        {"tid"} if all(s.tid is None or s.tid.time() == dt.time() for s in submissions) else set()
    )
    for name in set(table.table.column_names) - unproven:
        assert table.table[name].to_pylist() == sheet.table[name].to_pylist(), name


# --- the rules, one by one --------------------------------------------------------------------


def cells_of(reading, name):
    return reading.table[name].to_pylist()


@pytest.mark.parametrize("way", [0, 1, 2], ids=["csv", "xlsx", "answers"])
def test_rule_holds_in_every_encoding(way):
    reading = canonical([KARI, BLANK])[way]
    found = {name: cells_of(reading, name) for name in reading.table.column_names}
    assert found["trives"] == ["-1", ""]
    assert (found["venner.æ"], found["venner.b"]) == (["1", "0"], ["1", "0"])
    assert (found["rm.tur"], found["rm.mat"]) == (["2", ""], ["", ""])
    assert (found["bm.1.x"], found["bm.1.y"]) == (["0", "0"], ["1", "0"])
    assert (found["tall"], found["skala"]) == (["4.5", ""], ["3", ""])
    assert (found["dato"], found["kl"]) == (["2023-06-01", ""], ["12:00", ""])
    assert found["tid"] == ["2023-06-12T13:33:00", ""]
    assert found["fil"] == ["", ""]
    assert (found["hvorfor"], found["hvem.p"]) == (["2", None], ["1", None])
    assert found["created"] == ["2025-03-03", "2025-03-04"]
    assert found["kode"] == ["BLÅ-07", ""]
    assert reading.codebook == ELEMENTS.codebook
    assert reading.codebook["trives"].options["-1"] == "svar -1"


def test_time_taken_is_null_where_the_encoding_lacks_it():
    table, sheet, answers = canonical([KARI])
    assert cells_of(table, "answer_time_ms") == cells_of(sheet, "answer_time_ms") == ["27686292"]
    assert cells_of(answers, "answer_time_ms") == [None]


def test_rows_stand_where_the_file_has_them():
    table, sheet, answers = canonical([KARI, BLANK])
    assert table.row_no.to_pylist() == sheet.row_no.to_pylist() == [2, 3]
    assert answers.row_no.to_pylist() == [1, 1 + len(answer_lines(KARI))]
    assert (table.format, sheet.format, answers.format) == ("delimited", "xlsx", "ndjson")


def table_of(**columns):
    cells = {"$submission_id": ["1"] * len(next(iter(columns.values()))), **columns}
    table = pa.table({name: pa.array(column, pa.string()) for name, column in cells.items()})
    return Reading(table, pa.array(range(2, table.num_rows + 2), pa.int32()), "delimited")


@pytest.mark.parametrize(
    ("moment", "date"),
    [
        ("2025-06-01T23:30:00+02:00", "2025-06-01"),
        ("2025-06-01T23:30:00Z", "2025-06-02"),
        ("2025-06-01T23:30:00+00:00", "2025-06-02"),
        ("2025-06-01T23:30:00.123+0000", "2025-06-02"),
        ("2025-06-01T23:30+00:00", "2025-06-02"),
        ("2025-12-31T22:59:59Z", "2025-12-31"),
        ("2025-12-31T23:00:00Z", "2026-01-01"),
        ("2025-06-01T23:30:00", "2025-06-01"),
        ("2025-06-01", "2025-06-01"),
        ("01.06.2025", "01.06.2025"),
        ("i går", "i går"),
        ("", ""),
    ],
)
def test_created_is_the_date_on_the_clock_in_norway(moment, date):
    reading = table_of(**{"$created": [moment, "2025-01-01T00:00:00"], "q": ["1", "2"]})
    assert cells_of(from_table(reading, None), "created") == [date, "2025-01-01"]


def test_form_that_stores_no_time_has_no_created():
    assert cells_of(from_table(table_of(q=["1"]), None), "created") == [None]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["77.0", "45.0", ""], ["77", "45", ""]),
        (["4.5", "10.0", "1.0E7"], ["4.5", "10", "10000000"]),
        (["77.0", "45.0", "mye"], ["77.0", "45.0", "mye"]),
        (["8.1", "8.10", "8.2"], ["8.1", "8.10", "8.2"]),
        (["77.0", "45"], ["77.0", "45"]),
        (["007.0", "1.0"], ["007.0", "1.0"]),
        (["0301", "0302"], ["0301", "0302"]),
        (["4,5", "2,0"], ["4,5", "2,0"]),
        (["", ""], ["", ""]),
        (["2023-06-12T13:33", "2023-06-12"], ["2023-06-12T13:33:00", "2023-06-12T00:00:00"]),
        (["2023-06-12", "2023-06-13"], ["2023-06-12", "2023-06-13"]),
        (["01.06.2023", "02.06.2023"], ["01.06.2023", "02.06.2023"]),
        (["a\r\nb"], ["a\nb"]),
    ],
)
def test_without_elements_a_column_is_rewritten_only_on_proof(cells, expected):
    assert cells_of(from_table(table_of(q=cells), None), "q") == expected


def test_labels_that_came_with_the_table_are_kept():
    labels = {"q": Question("Trives du?", {"1": "Ja"})}
    assert from_table(replace(table_of(q=["1"]), codebook=labels), None).codebook == labels


def test_dictionary_columns_are_read_like_text():
    reading = table_of(q=["77.0", "4.5"])
    encoded = replace(
        reading, table=reading.table.set_column(1, "q", reading.table["q"].dictionary_encode())
    )
    assert cells_of(from_table(encoded, None), "q") == ["77", "4.5"]


def test_further_columns_of_the_tool_are_left_out():
    reading = table_of(**{"q": ["1"], "$respondent": ["kari@example.org"]})
    names = ["submission_id", "created", "q", "answer_time_ms"]
    assert from_table(reading, None).table.column_names == names


def test_question_that_the_table_lacks_was_not_asked():
    assert cells_of(from_table(table_of(trives=["1"]), ELEMENTS), "rm.tur") == [None]


def test_answer_to_a_question_that_seems_hidden_is_kept():
    reading = table_of(trives=["1"], **{"venner.b": ["0"], "hvorfor": ["2"], "hvem.p": ["1"]})
    found = from_table(reading, ELEMENTS)
    assert (cells_of(found, "hvorfor"), cells_of(found, "hvem.p")) == (["2"], ["1"])


def test_elements_of_another_form_are_refused():
    with pytest.raises(FileProblem) as problem:
        from_table(table_of(ukjent=["1"]), ELEMENTS)
    assert (problem.value.reason, problem.value.column) == (Reason.HEADER_MISMATCH, "ukjent")


def test_question_named_like_one_of_our_columns_is_refused():
    with pytest.raises(FileProblem) as problem:
        from_table(table_of(created=["1"]), None)
    assert problem.value.reason == Reason.HEADER_REPEATED


# --- the real files ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(shared):
    folder = shared / "samples" / "nettskjema"
    return {path.suffix: path.read_bytes() for path in folder.glob("[adf]*")}


def test_real_exports_of_one_form_are_equal_cell_for_cell(real):
    elements = read_elements(real[".json"])
    table = from_table(reading_of(real[".csv"]), elements)
    sheet = from_table(read_xlsx(real[".xlsx"]), elements)
    answers = from_answers(real[".ndjson"], elements)
    assert table.table.num_rows == 3
    assert table.table.equals(sheet.table)
    assert without_time(table).equals(without_time(answers))
    assert cells_of(answers, "number_decimal") == ["4.5", "2.2", "10"]
    assert cells_of(answers, "datetime")[0] == "2023-06-12T13:33:00"
    assert cells_of(answers, "radio") == ["1", "-1", "-1"]
    assert cells_of(answers, "freetext")[2] == ""
    assert set(cells_of(answers, "attachment_1")) == {""}
    assert answers.row_no.to_pylist() == [1, 17, 33]
    assert answers.malformed == ()


def test_real_table_and_sheet_are_equal_without_elements(real):
    table = from_table(reading_of(real[".csv"]), None)
    assert table.table.equals(from_table(read_xlsx(real[".xlsx"]), None).table)
    assert cells_of(table, "number_integer") == ["77", "45", "98"]


def test_real_answers_are_read_quickly_and_strictly_alike(real):
    assert quick_lines(real[".ndjson"]).equals(strict_lines(real[".ndjson"]))
    assert read_lines(real[".ndjson"]).height == 46


def test_files_of_the_tool_are_told_by_their_content(real):
    assert is_nettskjema_table(reading_of(real[".csv"]).table.column_names)
    assert not is_nettskjema_table(["submission_id", "q1"])
    assert is_nettskjema_answers(first_keys(real[".ndjson"]))
    assert not is_nettskjema_answers(first_keys(real[".json"]))
    assert not is_nettskjema_answers(())
