"""The package of a workbook: bombs, broken parts and lies are refused, and nothing is left out."""

import datetime as dt
import io
import subprocess
import sys
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter.utility import xl_rowcol_to_cell

from schemas.reason import Reason
from tests.readers.small_xlsx import ANSWERS, SHEET, edited, refused, rows_of, workbook
from transforms.readers import xlsx_parts
from transforms.readers.xlsx import read_xlsx


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
