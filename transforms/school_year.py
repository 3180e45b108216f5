"""School years as they are named in settings: `2026-27`, from August to July."""

from datetime import date

_AUGUST = 8


def school_year_of(day: date) -> str:
    """The school year that a day lies in."""
    first = day.year if day.month >= _AUGUST else day.year - 1
    return f"{first}-{(first + 1) % 100:02}"
