"""Deadlines in Norwegian working days: weekends and public holidays do not count."""

from datetime import date, timedelta

SATURDAY = 5


def add_working_days(start: date, days: int) -> date:
    """The day that is `days` working days after `start`, in the municipality's calendar."""
    import holidays  # noqa: PLC0415 - every country's calendar comes with it: a tenth of a second

    closed = holidays.country_holidays("NO", years=range(start.year, start.year + 2))
    day = start
    while days:
        day += timedelta(days=1)
        if day.weekday() < SATURDAY and day not in closed:
            days -= 1
    return day
