"""Workbooks of a few cells, and ways to damage them."""

import datetime as dt
import io
import zipfile

import pytest
import xlsxwriter

from transforms.readers.reading import FileProblem
from transforms.readers.xlsx import read_xlsx

ANSWERS = [["kode", "q1", "q2"], ["P-001", 3, 4.5], ["P-002", None, 0]]


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
