"""Days of a mapped column: each cell by itself in our own format, a whole column in a tool's."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.readers.days import iso_days

DAYS = st.dates(date(1990, 1, 1), date(2090, 12, 31))


def days(*cells, is_whole=False):
    return iso_days(pa.array(cells, pa.string()), is_whole=is_whole).to_pylist()


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2025-11-05", "2025-11-05"),
        ("2025-11-05T23:30:00", "2025-11-05T23:30:00"),
        ("2025-11-05 23:30", "2025-11-05 23:30"),
        ("2025-11-05 23:30:00.123", "2025-11-05 23:30:00.123"),
        ("", ""),
        ("05.11.2025", "2025-11-05"),
        ("5.1.2025", "2025-01-05"),
        ("05.11.2025 kl. 09.12.31", "2025-11-05"),
        ("05.11.2025 09:12", "2025-11-05"),
        ("2025-11-05T23:30:00Z", "2025-11-06T00:30:00"),
        ("2025-11-05T23:30:00.000Z", "2025-11-06T00:30:00"),
        ("2025-07-05 22:30+00:00", "2025-07-06T00:30:00"),
        ("2025-11-06T00:30:00+0100", "2025-11-06T00:30:00"),
        ("05/11/2025", "05/11/2025"),
        ("05.11.25", "05.11.25"),
        ("2025-11-05 11:30 PM", "? 2025-11-05 11:30 PM"),
        ("2025-11-05T25:30:00Z", "? 2025-11-05T25:30:00Z"),
        ("2025-11-05 i går", "2025-11-05 i går"),
        ("i går", "i går"),
    ],
)
def test_cell_by_itself(cell, day):
    assert days(cell, "2025-11-07") == [day, "2025-11-07"]


def test_what_stands_beside_a_cell_changes_nothing_in_our_own_format():
    cells = ["2025-11-05", "05.11.2025", "13/11/2025", "2025-11-05T23:30:00Z", "x", ""]
    assert days(*cells) == [day for cell in cells for day in days(cell)]


def test_cells_of_a_tools_column_prove_each_other():
    assert days("05/11/2025", "13/11/2025", is_whole=True) == ["2025-11-05", "2025-11-13"]
    assert days("11/05/2025", "11/13/2025", is_whole=True) == ["2025-11-05", "2025-11-13"]
    assert days("05/11/2025", "06/11/2025", is_whole=True) == ["05/11/2025", "06/11/2025"]


def test_word_among_days_costs_its_own_row_alone():
    assert days("[not completed]", "2025-11-05 10:00:00", is_whole=True) == [
        "[not completed]",
        "2025-11-05 10:00:00",
    ]


@settings(max_examples=100, deadline=None)
@given(st.lists(DAYS, min_size=1, max_size=20))
def test_days_with_dots_are_the_days_themselves(given_days):
    written = [f"{day.day}.{day.month}.{day.year}" for day in given_days]
    assert days(*written) == [day.isoformat() for day in given_days]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), min_size=1, max_size=9))  # noqa: DTZ001
def test_moments_in_utc_are_on_the_clock_in_norway(moments):
    zoned = [moment.replace(microsecond=0, tzinfo=ZoneInfo("UTC")) for moment in moments]
    local = [moment.astimezone(ZoneInfo("Europe/Oslo")) for moment in zoned]
    assert days(*(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in zoned)) == [
        moment.strftime("%Y-%m-%dT%H:%M:%S") for moment in local
    ]
