"""Persons in notes, text boxes, headers, charts and properties of a workbook refuse it."""

import io

import pytest
import xlsxwriter

from tests.readers.small_xlsx import edited, refused
from tests.support.home import drop, form, make_home, outcomes, run
from tests.support.state import note_of, words_on
from transforms.readers.xlsx import read_xlsx

FNR = "13100462944"  # synthetic, with valid check digits
ROWS = [list(form("P001")), list(form("P001").values()), list(form("P002").values())]


def book_with(add):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(ROWS):
            sheet.write_row(at, 0, row)
        add(book, sheet)
    return buffer.getvalue()


def chart(book, sheet, text):
    drawn = book.add_chart({"type": "column"})
    drawn.add_series({"values": "=Sheet1!$C$2:$C$3"})
    drawn.set_title({"name": text})
    sheet.insert_chart("H2", drawn)


WRITTEN = {
    "a note": lambda _, sheet, text: sheet.write_comment(1, 1, f"Kari {text}"),
    "a text box": lambda _, sheet, text: sheet.insert_textbox(9, 1, f"elev {text}"),
    "a header": lambda _, sheet, text: sheet.set_header(f"&C{text}"),
    "a footer": lambda _, sheet, text: sheet.set_footer(f"&LSide &P &R{text}"),
    "a chart": chart,
}


@pytest.mark.parametrize("text", [FNR, f"{FNR[:6]} {FNR[6:]}", "kari@skole.no"])
@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_person_outside_the_cells_refuses_the_workbook(write, text):
    assert refused(book_with(lambda book, sheet: write(book, sheet, text))) == "PERSONAL_DATA"


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
def test_what_names_nobody_outside_the_cells_is_no_matter(write):
    content = book_with(lambda book, sheet: write(book, sheet, "Klasse 7A, 2025-11-05"))

    assert read_xlsx(content).table.num_rows == 2


def test_number_that_is_split_over_runs_of_a_note_is_one_number():
    content = book_with(lambda _, sheet: sheet.write_comment(1, 1, f"elev {FNR}"))
    half = f"{FNR[:6]}</t></r><r><t>{FNR[6:]}".encode()

    split = edited(content, "xl/comments1.xml", lambda part: part.replace(FNR.encode(), half))

    assert refused(split) == "PERSONAL_DATA"


def test_properties_may_name_who_made_the_workbook_and_no_pupil():
    made = {"author": "rektor@skole.no", "title": "Svar"}

    assert read_xlsx(book_with(lambda book, _: book.set_properties(made))).table.num_rows == 2
    for name in ("title", "subject", "keywords", "comments"):
        content = book_with(lambda book, _, name=name: book.set_properties({name: f"elev {FNR}"}))
        assert refused(content) == "PERSONAL_DATA"


def test_author_of_a_note_is_no_pupil():
    def add(_, sheet):
        sheet.write_comment(1, 1, "Sjekk denne", {"author": "rektor@skole.no"})

    assert read_xlsx(book_with(add)).table.num_rows == 2


def test_note_of_the_file_says_outside_the_cells(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "a.xlsx", book_with(lambda _, sheet: sheet.write_comment(1, 1, f"Kari {FNR}")))

    told = outcomes(run(home))["a.xlsx"]

    assert (told.outcome, told.reason) == ("rejected", "PERSONAL_DATA")
    rows = note_of(home, "a.xlsx")["rows"]
    assert rows == [{"row": 0, "reasons": ["national_id"], "columns": ["outside_cells"]}]
    assert "outside the cells" in words_on(home, "a.xlsx")
    assert FNR not in words_on(home, "a.xlsx")
