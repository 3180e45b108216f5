"""Deadlines: weekends and public holidays do not count."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.working_days import add_working_days

DEADLINES = [
    ("a plain week", "2026-11-09", 5, "2026-11-16"),
    ("Friday to Monday", "2026-11-13", 1, "2026-11-16"),
    ("raised on a Saturday", "2026-11-14", 1, "2026-11-16"),
    ("raised on a Sunday", "2026-11-15", 5, "2026-11-20"),
    ("no days at all", "2026-11-14", 0, "2026-11-14"),
    ("over Easter, Maundy Thursday to Easter Monday", "2026-04-01", 1, "2026-04-07"),
    ("five days over Easter", "2026-03-31", 5, "2026-04-10"),
    ("raised on Good Friday", "2026-04-03", 1, "2026-04-07"),
    ("over 1 May, a Friday", "2026-04-30", 1, "2026-05-04"),
    ("over Ascension Day", "2026-05-13", 1, "2026-05-15"),
    ("17 May on a Sunday takes no working day", "2026-05-15", 1, "2026-05-18"),
    ("17 May on a Wednesday", "2028-05-16", 1, "2028-05-18"),
    ("17 May and Whit Monday on the same day", "2027-05-14", 1, "2027-05-18"),
    ("Christmas Eve is a working day", "2026-12-23", 1, "2026-12-24"),
    ("Christmas", "2026-12-24", 1, "2026-12-28"),
    ("into a new year", "2026-12-30", 2, "2027-01-04"),
]


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [case[1:] for case in DEADLINES],
    ids=[case[0] for case in DEADLINES],
)
def test_a_deadline_skips_the_days_when_nobody_is_at_school(start, days, due):
    assert add_working_days(date.fromisoformat(start), days) == date.fromisoformat(due)


def easter(year):
    """Easter Sunday by the anonymous Gregorian algorithm (Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def is_closed(day):
    fixed = {(1, 1), (5, 1), (5, 17), (12, 25), (12, 26)}
    from_easter = (day - easter(day.year)).days
    return (
        day.weekday() >= 5
        or (day.month, day.day) in fixed
        or from_easter in {-3, -2, 0, 1, 39, 49, 50}
    )


@settings(max_examples=100, deadline=None)
@given(start=st.dates(date(2020, 1, 1), date(2060, 12, 31)), days=st.integers(1, 15))
def test_the_deadline_is_an_open_day_with_that_many_open_days_up_to_it(start, days):
    due = add_working_days(start, days)

    passed = [start + timedelta(days=n) for n in range(1, (due - start).days + 1)]
    assert sum(not is_closed(day) for day in passed) == days
    assert not is_closed(due)
