"""What stands on further sheets, hidden ones too: no class and no person is missed."""

import pytest

from schemas.reason import Reason
from tests.readers.small_xlsx import refused, rows_of, workbook
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
