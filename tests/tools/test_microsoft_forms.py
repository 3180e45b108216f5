"""Microsoft Forms: the workbook, CSV files saved from it, and what must not come along."""

import io
from datetime import datetime

import pyarrow as pa
import pytest
import xlsxwriter

from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.delimited import read_delimited
from transforms.readers.reading import FileProblem, Question
from transforms.readers.xlsx import read_xlsx
from transforms.tools.microsoft_forms import read, recognise

ENGLISH = ["ID", "Start time", "Completion time", "Email", "Name"]
NORWEGIAN = ["ID", "Starttidspunkt", "Fullføringstidspunkt", "E-postadresse", "Navn"]
CHANGED = "Tidspunkt for siste endring"


def workbook(*rows):
    """The bytes of a workbook as Forms makes one: moments are date cells."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"default_date_format": "m/d/yy hh:mm:ss"}) as book:
        sheet = book.add_worksheet("Sheet1")
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(at, column, value)
                else:
                    sheet.write(at, column, value)
    return content.getvalue()


def csv(*lines):
    return read_delimited("\r\n".join([*lines, ""]).encode())


def at(*clock):
    return datetime(2026, 11, 4, *clock)  # noqa: DTZ001


def export(headings=NORWEGIAN, email="anonymous"):
    return workbook(
        [*headings, CHANGED, "Elevkode\u00a0", " Jeg trives på skolen", "Hva gjør du?"],
        [1, at(9, 12, 1), at(9, 13, 31), email, "", "", "KX41", "Helt enig", "leser;spiller;"],
        [2, at(9, 12, 5), at(23, 59, 5), email, "", "", "KX42", "", ""],
    )


def test_workbook_and_csv_in_any_language_give_the_same_table():
    table = read(read_xlsx(export()), None).table
    assert table.to_pydict() == {
        "submission_id": ["1", "2"],
        "created": ["2026-11-04", "2026-11-04"],
        "Elevkode": ["KX41", "KX42"],
        "Jeg trives på skolen": ["Helt enig", ""],
        "Hva gjør du?": ["leser;spiller;", ""],
        "answer_time_ms": ["90000", "53220000"],
    }
    american = csv(
        ",".join([*ENGLISH, "Last modified time", "Elevkode", "Jeg trives på skolen"])
        + ",Hva gjør du?",
        "1,11/4/26 9:12:01,11/4/26 9:13:31,anonymous,,,KX41,Helt enig,leser;spiller;",
        "2,11/4/26 9:12:05,11/14/26 23:59:05,anonymous,,,KX42,,",
    )
    norwegian = csv(
        ";".join([*NORWEGIAN, CHANGED, "Elevkode", "Jeg trives på skolen", "Hva gjør du?"]),
        '1;04.11.2026 09:12;04.11.2026 09:13;anonymous;;;KX41;Helt enig;"leser;spiller;"',
        "2;04.11.2026 09:12;14.11.2026 23:59;anonymous;;;KX42;;",
    )
    for saved in (american, norwegian):
        again = read(saved, None).table
        assert again.column_names == table.column_names
        assert again["created"].to_pylist() == ["2026-11-04", "2026-11-14"]
        for name in ("submission_id", "Elevkode", "Jeg trives på skolen", "Hva gjør du?"):
            assert again[name].to_pylist() == table[name].to_pylist()


def test_email_and_name_are_taken_away_and_counted():
    reading = read(read_xlsx(export(email="kari@example.org")), None)
    assert reading.dropped == {Personal.EMAIL: 1, Personal.NAME: 1}
    assert not {"E-postadresse", "Navn"} & set(reading.table.column_names)
    assert "kari" not in str(reading.table.to_pydict())
    assert "E-postadresse" not in reading.codebook


def test_date_order_that_is_not_proven_is_never_a_date():
    saved = csv(
        "ID,Start time,Completion time,Elevkode",
        "1,8/7/26 9:12:01,8/7/26 9:13:31,KX41",
        "2,8/8/26 9:12:01,8/8/26 9:13:31,KX42",
    )
    table = read(saved, None).table
    assert table["created"].to_pylist() == ["8/7/26 9:13:31", "8/8/26 9:13:31"]
    assert table["answer_time_ms"].to_pylist() == [None, None]


def test_answer_time_is_not_told_from_minutes_nor_backwards():
    to_the_minute = csv(
        "ID;Start time;Completion time;Elevkode", "1;04.11.2026 09:12;04.11.2026 09:12;KX41"
    )
    assert read(to_the_minute, None).table["answer_time_ms"].to_pylist() == [None]
    backwards = csv(
        "ID;Start time;Completion time;Elevkode",
        "1;04.11.2026 09:12:02;04.11.2026 09:12:01;KX41",
        "2;04.11.2026 09:12:02;04.11.2026 09:12:02;KX42",
    )
    assert read(backwards, None).table["answer_time_ms"].to_pylist() == [None, "0"]


def test_points_and_feedback_of_a_quiz_are_taken_off():
    quiz = csv(
        "ID,Start time,Completion time,Email,Name,Total points,Quiz feedback,Grade posted time,"
        "Trives,Points - Trives,Feedback - Trives,Navn2,Poeng – Navn,Tilbakemelding - Navn",
        "1,2026-11-04 09:12:01,2026-11-04 09:13:31,anonymous,,4,,,Ja,2,fint,KX41,1,",
    )
    reading = read(quiz, None)
    assert reading.table.column_names == [
        "submission_id",
        "created",
        "Trives",
        "Navn2",
        "answer_time_ms",
    ]
    assert reading.dropped == {Personal.EMAIL: 1, Personal.NAME: 1}


def test_question_about_points_is_a_question():
    form = csv(
        "ID,Start time,Completion time,Points - Trives,Feedback - x,Poeng,Name of class,Language",
        "1,2026-11-04 09:12:01,2026-11-04 09:13:31,1,2,3,7A,Norsk",
    )
    asked = ["Points - Trives", "Feedback - x", "Poeng", "Name of class", "Language"]
    reading = read(form, None)
    assert reading.table.column_names[2:-1] == asked
    assert reading.dropped == {}


def test_headings_that_differ_in_blanks_only_are_one_too_many():
    form = workbook([*ENGLISH[:3], "Trives", "Trives\u00a0"], [1, at(9), at(10), "1", "2"])
    with pytest.raises(FileProblem) as problem:
        read(read_xlsx(form), None)
    assert problem.value.reason is Reason.HEADER_REPEATED


def test_question_called_like_one_of_our_columns_is_one_too_many():
    with pytest.raises(FileProblem) as problem:
        read(csv("ID,Start time,Completion time,created", "1,a,b,c"), None)
    assert problem.value.reason is Reason.HEADER_REPEATED


def test_table_without_the_tools_own_columns_is_not_read():
    with pytest.raises(FileProblem) as problem:
        read(csv("ID,Start time,Fullføringstidspunkt", "1,a,b"), None)
    assert problem.value.reason is Reason.HEADER_MISMATCH


def test_codebook_holds_what_the_question_says():
    reading = read(read_xlsx(export()), None)
    assert reading.codebook["Elevkode"] == Question(label="Elevkode")
    assert list(reading.codebook) == ["Elevkode", "Jeg trives på skolen", "Hva gjør du?"]
    known = {"Elevkode": Question(label="Koden din", kind="text")}
    assert read(read_xlsx(export()), known).codebook["Elevkode"] == known["Elevkode"]


def test_rows_keep_their_place_in_the_file():
    reading = read(read_xlsx(export()), None)
    assert reading.row_no.to_pylist() == [2, 3]
    assert reading.table.num_rows == 2
    assert all(
        pa.types.is_string(kind) or pa.types.is_dictionary(kind)
        for kind in reading.table.schema.types
    )


@pytest.mark.parametrize(
    ("columns", "sure"),
    [
        ([*ENGLISH, "x"], "certain"),
        ([*NORWEGIAN, "x"], "certain"),
        (["Id", "Start time\u00a0", "Completion time"], "certain"),
        (["Skole", *ENGLISH], "likely"),
    ],
    ids=["english", "norwegian", "other case and blanks", "moved"],
)
def test_export_is_known_by_its_headings(columns, sure):
    evidence = recognise(columns, [])
    assert (evidence.tool, evidence.sure) == ("microsoft_forms", sure)


@pytest.mark.parametrize(
    "columns",
    [
        [],
        ["ID", "Email", "Name"],
        ["ID", "Start time", "Fullføringstidspunkt"],
        ["id", "submitdate"],
    ],
    ids=["none", "people's own", "two languages", "another tool"],
)
def test_other_tables_are_not_taken_for_forms(columns):
    assert recognise(columns, []) is None
