"""XLSX: canonical text of every cell, no row lost, and nothing unpacked beyond the limits."""

import datetime as dt
import io
import re
import subprocess
import sys
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter.utility import xl_rowcol_to_cell

from schemas.reason import Reason
from transforms.readers import xlsx_parts
from transforms.readers.reading import FileProblem
from transforms.readers.xlsx import read_xlsx

ANSWERS = [["kode", "q1", "q2"], ["P-001", 3, 4.5], ["P-002", None, 0]]


clock = dt.datetime.fromisoformat  # a moment without a zone, as the files have them


def workbook(*sheets, hidden=(), errors=()):
    """An XLSX with one sheet for each list of rows; None is a cell that is not there."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        clock = book.add_format({"num_format": "hh:mm"})
        span = book.add_format({"num_format": "[h]:mm"})
        formats = {dt.datetime: moment, dt.date: day, dt.time: clock, dt.timedelta: span}
        made = [book.add_worksheet() for _ in sheets]
        for number, (sheet, rows) in enumerate(zip(made, sheets, strict=True)):
            if number in hidden:
                made[-1].activate()
                made[-1].set_first_sheet()
                sheet.hide()
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    _write(sheet, row, column, cell, formats)
        for row, column in errors:
            made[0].write_formula(row, column, "=1/0", None, "#DIV/0!")
    return buffer.getvalue()


def _write(sheet, row, column, cell, formats):
    if type(cell) in formats:
        sheet.write_datetime(row, column, cell, formats[type(cell)])
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell)
    elif cell is not None:
        sheet.write(row, column, cell)


def edited(content, part, change):
    """The same package with one part changed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for entry in old.infolist():
            data = old.read(entry)
            new.writestr(entry.filename, change(data) if entry.filename == part else data)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def rows_of(content):
    return read_xlsx(content).table.to_pylist()


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_xlsx(content)
    return problem.value.reason


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
    ([["Les meg"], ["Skriv ett svar i hver rute"]], False),
]


@pytest.mark.parametrize(("second", "is_refused"), SECOND, ids=range(len(SECOND)))
def test_second_class_on_a_sheet_of_its_own_is_not_lost(second, is_refused):
    content = workbook(ANSWERS, second)
    if is_refused:
        with pytest.raises(FileProblem) as caught:
            read_xlsx(content)
        assert caught.value.reason == Reason.SHEETS_ALIKE
    else:
        assert len(rows_of(content)) == len(ANSWERS) - 1


def test_hidden_sheet_with_the_same_headings_is_a_copy_that_nobody_delivers():
    assert len(rows_of(workbook(ANSWERS, ANSWERS, hidden=[1]))) == len(ANSWERS) - 1


def test_columns_without_heading_and_cells_are_left_out():
    rows = [["a", None, "b"], ["1", None, "2"]]
    assert read_xlsx(workbook(rows)).table.column_names == ["a", "b"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], Reason.NO_ROWS),
        ([["a", "b"]], Reason.NO_ROWS),
        ([["a", "b"], [None, ""]], Reason.NO_ROWS),
        ([["a", "a"], ["1", "2"]], Reason.HEADER_REPEATED),
        ([["a", None, None], ["1", "2", "3"]], Reason.HEADER_REPEATED),
        ([[f"q{i}" for i in range(501)], ["1"]], Reason.TOO_LARGE),
    ],
)
def test_table_that_cannot_be_used_is_refused(rows, reason):
    assert refused(workbook(rows)) == reason


def test_far_corner_is_refused_before_it_takes_memory():
    far = edited(
        workbook(ANSWERS),
        SHEET,
        lambda xml: xml.replace(
            b"</sheetData>",
            b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>',
        ),
    )
    assert refused(far) == Reason.TOO_LARGE
    deep = edited(
        workbook([[f"q{i}" for i in range(100)], ["1"]]),
        SHEET,
        lambda xml: xml.replace(
            b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'
        ),
    )
    assert refused(deep) == Reason.TOO_LARGE


def test_rows_that_a_library_would_drop_are_noticed():
    twice = edited(
        workbook(ANSWERS),
        SHEET,
        lambda xml: xml.replace(
            b"</sheetData>",
            b'<row r="3"><c r="A3"><v>7</v></c><c r="B3"><v>7</v></c></row></sheetData>',
        ),
    )
    assert refused(twice) == Reason.COUNTS_DO_NOT_ADD_UP


def test_too_many_entries_are_refused():
    buffer = io.BytesIO(workbook(ANSWERS))
    with zipfile.ZipFile(buffer, "a") as archive:
        for number in range(xlsx_parts.MAX_ENTRIES):
            archive.writestr(f"extra{number}", "x")
    assert refused(buffer.getvalue()) == Reason.TOO_LARGE


@pytest.mark.parametrize(("more", "is_read"), [(19, True), (20, False)])
def test_workbook_has_at_most_twenty_sheets(more, is_read):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        first = book.add_worksheet()
        for number, row in enumerate(ANSWERS):
            first.write_row(number, 0, row)
        for _ in range(more):
            book.add_worksheet()
    if is_read:
        assert read_xlsx(buffer.getvalue()).table.num_rows == len(ANSWERS) - 1
    else:
        assert refused(buffer.getvalue()) == Reason.TOO_LARGE


def test_zip_bomb_is_refused_by_its_directory():
    buffer = io.BytesIO(workbook(ANSWERS))
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/big.bin", bytes(20_000_000))
    assert len(buffer.getvalue()) < 100_000
    assert refused(buffer.getvalue()) == Reason.TOO_LARGE


def test_bomb_that_lies_about_its_size_is_refused():
    bomb = io.BytesIO(workbook(ANSWERS))
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/big.bin", bytes(20_000_000))
    size = (20_000_000).to_bytes(4, "little")
    content = bomb.getvalue()
    assert content.count(size) == 2
    assert refused(content.replace(size, (1000).to_bytes(4, "little"))) == Reason.UNREADABLE


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_document_type_definition_is_refused(part):
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    bomb = edited(workbook(ANSWERS), part, lambda xml: xml.replace(b"?>", b"?>" + entity, 1))
    assert refused(bomb) == Reason.UNREADABLE


def test_part_in_utf_16_is_refused():
    def as_utf_16(xml):
        return xml.decode().replace("UTF-8", "UTF-16").encode("utf-16")

    assert refused(edited(workbook(ANSWERS), SHEET, as_utf_16)) == Reason.UNREADABLE


def test_bad_checksum_is_refused():
    content = bytearray(workbook(ANSWERS))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        entry = archive.getinfo(SHEET)
    content[entry.header_offset + 30 + len(SHEET) + 20] ^= 0xFF
    assert refused(bytes(content)) == Reason.UNREADABLE


def test_sheet_whose_part_is_missing_is_not_skipped():
    content = workbook(ANSWERS, ANSWERS)
    lost = edited(
        content, "xl/_rels/workbook.xml.rels", lambda xml: xml.replace(b"sheet1", b"sheet9")
    )
    assert refused(lost) == Reason.UNREADABLE


def test_error_cell_is_kept_wherever_the_package_has_its_sheet():
    content = workbook([["kode", "q1"], ["P-1", None]], errors=[(1, 1)])
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w") as new,
    ):
        for name in old.namelist():
            part = old.read(name).replace(b"worksheets/sheet1.xml", b"ark/en.xml")
            part = part.replace(b't="e"', b"t = 'e'")
            new.writestr(name.replace("worksheets/sheet1.xml", "ark/en.xml"), part)
    assert rows_of(buffer.getvalue()) == [{"kode": "P-1", "q1": "#DIV/0!"}]


def test_two_entries_of_one_name_are_refused():
    buffer = io.BytesIO(workbook(ANSWERS))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("XL/worksheets/sheet1.xml", "<worksheet/>")
    assert refused(buffer.getvalue()) == Reason.UNREADABLE


def test_half_a_workbook_is_never_a_table():
    content = workbook([["kode", "q"], *[[f"P-{i:03}", i % 5] for i in range(200)]])
    for share in (1, 10, 50, 90, 99):
        assert refused(content[: len(content) * share // 100]) == Reason.UNREADABLE


def test_1904_dates_are_read_by_the_workbooks_own_calendar(shared):
    content = (shared / "badinput" / "calamine" / "date_1904.xlsx").read_bytes()
    assert read_xlsx(content).table.column(0).to_pylist()[0] == "2021-01-02"


cell = st.one_of(
    st.none(),
    st.integers(-99, 10**9),
    st.decimals(-100, 100, places=2).map(float),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=5),
    st.dates(dt.date(1950, 1, 1), dt.date(2099, 1, 1)),
)


def expected_text(value):
    """The naive oracle: what a person would write down for the cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value == int(value) else str(value)
    return str(value)


@given(st.lists(st.lists(cell, min_size=4, max_size=4), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_no_cell_and_no_row_is_lost(rows):
    texts = [[expected_text(value) for value in row] for row in rows]
    filled = [(number, row) for number, row in enumerate(texts, 2) if any(row)]
    content = workbook([["a", "b", "c", "d"], *rows])
    if not filled:
        assert refused(content) == Reason.NO_ROWS
        return
    reading = read_xlsx(content)
    assert reading.row_no.to_pylist() == [number for number, _ in filled]
    assert [list(row.values()) for row in reading.table.to_pylist()] == [row for _, row in filled]


@given(st.lists(st.lists(st.none() | st.integers(0, 9), min_size=3, max_size=3), max_size=15))
@settings(max_examples=40, deadline=None)
def test_quick_count_of_rows_equals_the_one_by_parser(rows):
    parts = xlsx_parts.read_parts(workbook([["a", "b", "c"], *rows]))
    sheet = parts[SHEET]
    extent = xlsx_parts.measure(sheet)
    assert extent.filled_rows == xlsx_parts.count_rows(sheet, parts)
    assert extent.columns == 3
    filled = [n for n, row in enumerate(rows, 2) if any(cell is not None for cell in row)]
    assert extent.rows == max(filled, default=1)
    assert xl_rowcol_to_cell(0, extent.columns - 1) == "C1"


# In a child, because the workbook library is not Python and may take the process with it.
_FUZZ = """
import sys
import numpy as np
import io, zipfile
from transforms.readers.reading import FileProblem
from transforms.readers.xlsx import read_xlsx

content = sys.stdin.buffer.read()
chance = np.random.default_rng(20260801)
archive = zipfile.ZipFile(io.BytesIO(content))
parts = {name: archive.read(name) for name in archive.namelist()}
counts = {"read": 0, "refused": 0}
for _ in range(300):
    name = chance.choice([n for n in parts if n.startswith(("xl/work", "xl/shared", "xl/styles"))])
    damaged = bytearray(parts[name])
    for at in chance.integers(0, len(damaged), chance.integers(1, 4)):
        damaged[at] = chance.integers(32, 127)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as new:
        for other, part in parts.items():
            new.writestr(other, bytes(damaged) if other == name else part)
    try:
        read_xlsx(buffer.getvalue())
        counts["read"] += 1
    except FileProblem:
        counts["refused"] += 1
print(counts["read"], counts["refused"])
"""


def test_damaged_parts_end_as_a_reading_or_a_problem():
    child = subprocess.run(
        [sys.executable, "-c", _FUZZ],
        check=False,
        input=workbook([["kode", "q"], *[[f"P-{i:03}", i % 5] for i in range(40)]]),
        capture_output=True,
        timeout=200,
    )
    assert child.returncode == 0, child.stderr.decode()[-800:]
    assert sum(map(int, child.stdout.split())) == 300
