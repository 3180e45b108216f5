"""What stands on further sheets, hidden ones too: no class and no person is missed."""

import pytest

from schemas.reason import Reason
from tests.readers.small_xlsx import refused, rows_of, workbook
from transforms.readers.reading import FileProblem
from transforms.readers.xlsx import read_xlsx

FNR = "13100462944"  # synthetic, with valid check digits

FORM = [[f"q{at}" for at in range(8)], *[[1] * 8 for _ in range(5)]]

SECOND = {
    "answers without headings": ([[2] * 8 for _ in range(5)], True),
    "nearly as wide": ([[2] * 7 for _ in range(5)], True),
    "a list of codes and schools": ([["kode", "skole", "navn"], *[[1, 2, 3]] * 9], False),
    "notes": ([["Les meg"], ["Svar i hver rute"], ["Takk"]], False),
}


@pytest.mark.parametrize(("second", "is_refused"), SECOND.values(), ids=SECOND)
def test_sheet_as_wide_as_the_form_may_be_another_class(second, is_refused):
    content = workbook(FORM, second)
    if is_refused:
        assert refused(content) == Reason.SHEETS_ALIKE
    else:
        assert len(rows_of(content)) == 5


@pytest.mark.parametrize("hidden", [(), (1,)], ids=["shown", "hidden"])
def test_rows_of_a_further_sheet_are_counted_as_not_read(hidden):
    content = workbook(FORM, *[second for second, is_refused in SECOND.values() if not is_refused])
    assert read_xlsx(content).unread == 10 + 3
    assert read_xlsx(workbook(FORM, [["ja"], ["nei"]], hidden=hidden)).unread == 2
    assert read_xlsx(workbook(FORM, [])).unread == 0


@pytest.mark.parametrize("hidden", [(), (1,)], ids=["shown", "hidden"])
def test_national_number_in_a_further_sheet_refuses_the_workbook(hidden):
    keys = [["Kode", "Navn"], ["P-1", f"Ola {FNR}"]]
    assert refused(workbook(FORM, keys, hidden=hidden)) == Reason.PERSONAL_DATA
    assert refused(workbook(FORM, [[f"elev {FNR}"]], hidden=hidden)) == Reason.PERSONAL_DATA
    assert read_xlsx(workbook(FORM, [["P-1", "46000.13100462944"]])).unread == 1


COVER = [["Klassepuls"], ["Eksportert", "07.10.2025"]]
LONG = [[f"linje {at}"] for at in range(11)]
OVERVIEW = [["Klasse", "Antall", "Svart", "Dato"], ["7A", 8, 8, "x"]]
COUNTS = [["Klasse", "Antall", "Svart"], ["7A", 8, 8]]


@pytest.mark.parametrize("covers", [[COVER], [[["Eksportert 07.10.2025"]]], [COVER, COVER]])
def test_answers_behind_a_cover_are_read(covers):
    reading = read_xlsx(workbook(*covers, FORM))

    assert reading.table.num_rows == 5
    assert reading.row_no.to_pylist() == [2, 3, 4, 5, 6]
    assert reading.unread == sum(map(len, covers))


def test_list_behind_the_answers_changes_nothing_of_it():
    assert read_xlsx(workbook(COVER, FORM, [["ja"], ["nei"]])).table.num_rows == 5


@pytest.mark.parametrize("sheets", [(LONG, FORM), (COUNTS, FORM), (COVER, LONG, FORM)])
def test_sheet_with_more_than_a_few_lines_of_text_is_no_cover(sheets):
    reading = read_xlsx(workbook(*sheets))

    assert reading.table.num_columns < len(FORM[0])
    assert reading.other_sheet == (len(sheets), len(FORM))


def test_no_sheet_is_chosen_of_two_that_could_be_meant():
    reading = read_xlsx(workbook(COVER, FORM, OVERVIEW))

    assert reading.table.column_names == ["Klassepuls"] or reading.table.num_rows == 1
    assert reading.other_sheet == (2, len(FORM))


@pytest.mark.parametrize("first", [[["Info"]], [["a", "b", "c", "d", "e"]]])
def test_first_sheet_without_rows_tells_of_the_one_that_has_them(first):
    with pytest.raises(FileProblem) as problem:
        read_xlsx(workbook(first, FORM, OVERVIEW))

    assert problem.value.reason is Reason.ANSWERS_ON_OTHER_SHEET
    assert problem.value.sheet == (2, len(FORM))


def test_workbook_without_rows_anywhere_is_one_without_answers():
    assert refused(workbook([["a", "b", "c", "d"]], [["ja"], ["nei"]])) == Reason.NO_ROWS


def test_hidden_sheets_are_neither_read_nor_numbered():
    assert refused(workbook(COVER[:1], FORM, hidden=(1,))) == Reason.NO_ROWS
    assert read_xlsx(workbook(LONG, COVER, FORM, hidden=(1,))).other_sheet == (2, len(FORM))


def test_national_number_on_a_cover_refuses_the_workbook():
    assert refused(workbook([[f"elev {FNR}"]], FORM)) == Reason.PERSONAL_DATA
