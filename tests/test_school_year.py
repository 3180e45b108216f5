"""The school year of a day."""

from datetime import date

import pytest

from transforms.school_year import school_year_of


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2026, 7, 31), "2025-26"),
        (date(2026, 8, 1), "2026-27"),
        (date(2026, 12, 31), "2026-27"),
        (date(2027, 1, 1), "2026-27"),
        (date(1999, 9, 1), "1999-00"),
    ],
)
def test_a_school_year_begins_in_august(day, year):
    assert school_year_of(day) == year
