"""XLSX: canonical text of every cell, no row lost, and nothing unpacked beyond the limits."""

import datetime as dt
import io
import re

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.readers.small_xlsx import ANSWERS, SHEET, edited, refused, rows_of, workbook
from transforms.readers.xlsx import read_xlsx

clock = dt.datetime.fromisoformat  # a moment without a zone, as the files have them


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (27685292, "27685292"),
        (27685292.0, "27685292"),
        (4.5, "4.5"),
        (-1, "-1"),
        (0.1, "0.1"),
        (1e15, "1000000000000000"),
        (True, "1"),
        (False, "0"),
        ("0301", "0301"),
        ("77.0", "77.0"),
        ("blåbær & <æøå>", "blåbær & <æøå>"),
        ("to\nlinjer", "to\nlinjer"),
        ("  mellomrom  ", "  mellomrom  "),
        (dt.date(2023, 6, 1), "2023-06-01"),
        (clock("2023-06-01T20:57:15"), "2023-06-01T20:57:15"),
        (clock("2023-06-01T20:57:00"), "2023-06-01T20:57:00"),
        (dt.time(12, 0), "12:00"),
        (dt.time(12, 0, 30), "12:00:30"),
        (dt.timedelta(hours=26, minutes=5), "26:05"),
    ],
)
def test_cell_becomes_canonical_text(cell, expected):
    assert rows_of(workbook([["a", "q"], ["x", cell]])) == [{"a": "x", "q": expected}]


@given(st.datetimes(clock("1950-01-01T00:00:00"), clock("2099-12-31T00:00:00")))
@settings(max_examples=60, deadline=None)
def test_every_second_of_a_moment_survives_the_sheets_fractions(moment):
    moment = moment.replace(microsecond=0)
    [row] = rows_of(workbook([["a", "q"], ["x", moment]]))
    # A moment at midnight is stored just as a date is.
    assert row["q"] in {moment.isoformat(), moment.date().isoformat()}
    assert row["q"] == moment.isoformat() or moment.time() == dt.time()


def test_moment_a_hair_before_the_second_is_that_second():
    content = workbook([["a", "q"], ["x", clock("2023-06-01T20:57:15")]])
    rough = edited(content, SHEET, lambda xml: re.sub(rb"45078\.\d+", b"45078.8730902", xml))
    assert rows_of(rough)[0]["q"] == "2023-06-01T20:57:15"


def test_error_cell_is_not_a_blank():
    content = workbook([["kode", "q1"], ["P-001", 3], ["P-002", None]], errors=[(2, 1)])
    assert rows_of(content)[1] == {"kode": "P-002", "q1": "#DIV/0!"}


def test_every_kind_of_error_cell_is_kept(shared):
    content = (shared / "badinput" / "calamine" / "errors.xlsx").read_bytes()
    table = read_xlsx(content).table
    texts = [table.column_names[0], *table.column(0).to_pylist()]
    assert len(texts) == 7
    assert all(re.fullmatch(r"#[A-Z0-9/!?]+", text) for text in texts)


def test_formula_counts_by_its_stored_result():
    def formulas(result):
        buffer = io.BytesIO()
        with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, ["a", "q"])
            sheet.write_string(1, 0, "x")
            sheet.write_formula(1, 1, "=1+1", None, result)
        return buffer.getvalue()

    assert rows_of(formulas(2)) == [{"a": "x", "q": "2"}]
    assert rows_of(formulas("ja")) == [{"a": "x", "q": "ja"}]
    without = edited(formulas(2), SHEET, lambda xml: xml.replace(b"</f><v>2</v>", b"</f>"))
    assert refused(without) == Reason.UNREADABLE


def test_row_numbers_are_those_that_the_sheet_shows():
    rows = [[], ["a", "b"], ["1", "2"], [None, None], [], ["3", None], [None, None]]
    reading = read_xlsx(workbook(rows))
    assert reading.row_no.to_pylist() == [3, 6]
    assert reading.table.to_pylist() == [{"a": "1", "b": "2"}, {"a": "3", "b": ""}]
    assert reading.delivered == 2


def test_empty_strings_and_blank_formats_are_no_rows():
    content = workbook([*ANSWERS, ["", "", ""]])
    styled = edited(
        content,
        SHEET,
        lambda xml: xml.replace(
            b"</sheetData>", b'<row r="9"><c r="A9" s="1"/><c r="XFD9" s="1"/></row></sheetData>'
        ),
    )
    assert read_xlsx(styled).row_no.to_pylist() == [2, 3]


def test_row_whose_cells_hold_nothing_but_blanks_is_no_row():
    rows = [[" ", None, "\xa0"], *ANSWERS, [None, " ", ""], ["", "  ", None]]
    reading = read_xlsx(workbook(rows))
    assert reading.row_no.to_pylist() == [3, 4]
    assert reading.table.to_pylist() == read_xlsx(workbook(ANSWERS)).table.to_pylist()


def test_shared_string_that_is_empty_makes_no_row():
    def with_empty_string(xml):
        return xml.replace(
            b"</sheetData>", b'<row r="4"><c r="A4" t="s"><v>99</v></c></row></sheetData>'
        )

    content = edited(workbook(ANSWERS), SHEET, with_empty_string)
    strings = edited(
        content,
        "xl/sharedStrings.xml",
        lambda xml: xml.replace(b"</sst>", b"<si/>" * 99 + b"</sst>"),
    )
    assert read_xlsx(strings).row_no.to_pylist() == [2, 3]


def test_first_visible_sheet_with_content_is_read():
    assert rows_of(workbook([], ANSWERS, [["z"], ["9"]]))[0]["kode"] == "P-001"
    assert rows_of(workbook([["liste"], ["ja"]], ANSWERS, hidden=[0]))[0]["kode"] == "P-001"


SECOND = [
    # second sheet, is it refused
    (ANSWERS, True),
    ([*ANSWERS, ["P-009"]], True),
    ([[*ANSWERS[0], "merknad"], *ANSWERS[1:]], True),
    ([ANSWERS[0]], False),  # headings and nobody below
    ([["kode", "navn på skolen"], ["F", "Fjell"]], False),
    ([["Klasse 8D"], *ANSWERS], True),  # a title above the headings
    ([["Les meg"], ["Skriv ett svar i hver rute"]], False),
]


@pytest.mark.parametrize(("second", "is_refused"), SECOND, ids=range(len(SECOND)))
def test_second_class_on_a_sheet_of_its_own_is_not_lost(second, is_refused):
    content = workbook(ANSWERS, second)
    if is_refused:
        assert refused(content) == Reason.SHEETS_ALIKE
    else:
        assert len(rows_of(content)) == len(ANSWERS) - 1


def test_hidden_sheet_with_the_same_headings_may_be_a_class_that_somebody_forgot():
    for sheets in ([ANSWERS, ANSWERS], [ANSWERS, ANSWERS, [["liste"], ["ja"]]]):
        assert refused(workbook(*sheets, hidden=[1])) == Reason.SHEETS_ALIKE
    assert refused(workbook(ANSWERS, ANSWERS, hidden=[0])) == Reason.SHEETS_ALIKE


def test_columns_without_heading_and_cells_are_left_out():
    rows = [["a", None, "b"], ["1", None, "2"]]
    assert read_xlsx(workbook(rows)).table.column_names == ["a", "b"]
