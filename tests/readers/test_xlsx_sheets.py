"""A class on a further sheet without headings is as wide as the form, and is not lost."""

import pytest

from schemas.reason import Reason
from tests.readers.small_xlsx import refused, rows_of, workbook

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
