"""Cron lines: what is read of them, checked against another reader, and the months left out."""

from datetime import UTC, datetime

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from schemas.cron import read_cron, without_months

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "silent", "left"),
    [
        ("15 5 * * 1-5", [7], "15 5 * 1,2,3,4,5,6,8,9,10,11,12 1-5"),
        ("15 5 * * 1-5", [], "15 5 * * 1-5"),
        ("15 5 * 1-6 1-5", [7], "15 5 * 1-6 1-5"),
        ("15 5 * jun-AUG 1-5", [7], "15 5 * 6,8 1-5"),
        ("15 5 * */3 1-5", [7, 12], "15 5 * 1,4,10 1-5"),
    ],
)
def test_months_are_left_out(line: str, silent: list[int], left: str) -> None:
    assert without_months(line, silent) == left


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("15 5 * *", "five fields"),
        ("60 5 * * *", "minute"),
        ("15 24 * * *", "hour"),
        ("15 5 0 * *", "day of the month"),
        ("15 5 * 13 *", "month"),
        ("15 5 * * 8", "day of the week"),
        ("15 5 * * 5-1", "day of the week"),
        ("15 5-x * * *", "hour"),
        ("*/0 5 * * *", "minute"),
        ("15 ²  * * *", "hour"),
    ],
)
def test_line_that_is_none_is_refused_by_its_field(line: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        read_cron(line)


def field(least: int, greatest: int) -> st.SearchStrategy[str]:
    """One field as people write it."""
    number = st.integers(least, greatest)
    # A span of one value and a step (`1-1/2`) the other reader takes for one that has no end.
    pair = st.lists(number, min_size=2, max_size=2, unique=True).map(sorted)
    span = pair.map(lambda two: f"{two[0]}-{two[1]}")
    stepped = st.tuples(st.one_of(st.just("*"), span), st.integers(1, 9)).map(
        lambda two: f"{two[0]}/{two[1]}"
    )
    return st.one_of(
        st.just("*"),
        st.lists(st.one_of(number.map(str), span, stepped), min_size=1, max_size=3).map(",".join),
    )


@given(st.tuples(field(0, 59), field(0, 23), field(1, 12), field(0, 6)))
def test_every_field_is_read_as_another_reader_of_cron_does(fields) -> None:
    minute, hour, month, weekday = fields
    line = f"{minute} {hour} * {month} {weekday}"
    minutes, hours, _, months, weekdays = read_cron(line)
    fires = CronSim(line, BEGIN)
    assert minutes == fires.minutes
    assert hours == fires.hours
    assert months == fires.months
    assert {day % 7 for day in weekdays} == {day % 7 for day in fires.weekdays}


@given(st.sets(st.integers(1, 12), max_size=11))
def test_line_fires_in_every_other_month_and_in_no_silent_one(silent: set[int]) -> None:
    fires = CronSim(without_months("15 5 1,15 * *", silent), BEGIN)
    moments = [next(fires) for _ in range(24)]
    year = {moment.month for moment in moments if moment.year == BEGIN.year}
    assert year == set(range(1, 13)) - silent
