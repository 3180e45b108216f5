"""Dates and numbers of a column: proven from all cells, or not at all, and never wrong."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.naive_proof import naive
from transforms.readers.proof import (
    Doubt,
    ProvenDates,
    ProvenNumbers,
    Unproven,
    local_days,
    prove_dates,
    prove_numbers,
)


def column(*cells):
    return pa.chunked_array([pa.array(cells, pa.string())])


def dates(*cells):
    proven = prove_dates(column(*cells))
    assert isinstance(proven, ProvenDates), proven
    return proven.cells.to_pylist()


def doubt(*cells):
    found = prove_dates(column(*cells))
    assert isinstance(found, Unproven), found
    return found.doubt, found.cells, found.of


# --- dates -----------------------------------------------------------------------------------


def test_one_cell_after_the_twelfth_proves_the_whole_column():
    assert dates("8/7/2020", "08/07/2020", "13/07/2020") == ["2020-07-08"] * 2 + ["2020-07-13"]
    assert dates("8/7/2020", "7/13/2020") == ["2020-08-07", "2020-07-13"]


def test_order_that_no_cell_tells_is_not_guessed():
    assert doubt("8/7/2020", "08/07/2020", "7/7/2020") == (Doubt.ORDER_OPEN, 2, 3)


def test_cells_that_read_the_same_in_every_order_are_proven():
    proven = prove_dates(column("7/7/2020", "", "12/12/2020"))
    assert proven.cells.to_pylist() == ["2020-07-07", "", "2020-12-12"]
    assert proven.order is None


def test_cells_that_need_different_orders_are_not_read():
    assert doubt("13/07/2020", "07/13/2020", "14/07/2020") == (Doubt.ORDERS_DISAGREE, 1, 3)


def test_dots_are_day_first_and_four_digits_first_are_a_year():
    assert dates("6.9.2025", "01.02.2025") == ["2025-09-06", "2025-02-01"]
    assert dates("2025-02-01") == dates("2025/2/1") == dates("2025.02.01") == ["2025-02-01"]
    assert doubt("01.13.2025") == (Doubt.UNREADABLE, 1, 1)


def test_two_ways_of_writing_do_not_prove_each_other():
    assert doubt("06.09.2025", "9/6/2025", "") == (Doubt.MARKS_MIXED, 2, 2)
    assert doubt("2025-09-06", "13/9/2025") == (Doubt.MARKS_MIXED, 2, 2)


@pytest.mark.parametrize(
    "cell",
    [
        "2025-02-30",
        "29/2/2025",
        "2025-09-06 24:00",
        "2025-09-06 12:60",
        "2025-09-06 13:00 PM",
        "2025-09-06 0:30 AM",
        "2025-09-06T10:00:00+15:00",
        "2025-09-06 10:00 PST",
        "2025-9-6-1",
        "6/9-2025",
        "0006-09-06",
        "1/2/825",
        "45906",
        "45906.5",
        "6. september 2025",
        "٠٦.٠٩.٢٠٢٥",
        "2025-09-06\n",
        "2025-09-06 x",
    ],
)
def test_what_is_no_date_makes_the_column_unproven(cell):
    if cell.strip() != cell:
        assert dates(cell) == ["2025-09-06"]
    else:
        assert doubt("2025-09-06", cell)[1:] in {(1, 2), (2, 2)}


def test_short_year_is_of_this_century_only_where_a_machine_stamped_it():
    assert dates("8/20/25 12:51:45", "8/7/25 1:02:03") == [
        "2025-08-20T12:51:45",
        "2025-08-07T01:02:03",
    ]
    assert doubt("8/20/25") == (Doubt.CENTURY_OPEN, 1, 1)
    assert doubt("12.05.09 10:00", "13.05.09") == (Doubt.CENTURY_OPEN, 2, 2)


def test_short_year_may_stand_first():
    assert doubt("25/10/11 10:00") == (Doubt.ORDER_OPEN, 1, 1)
    assert dates("25/8/11 10:00") == ["2011-08-25T10:00:00"]  # nobody writes 25/8/11 year first
    assert dates("99/08/31 10:00") == ["2099-08-31T10:00:00"]


def test_clock_has_24_hours_or_12_in_the_whole_column():
    assert dates("2025-01-02 12:00 AM", "2025-01-02 12:30 p.m.") == [
        "2025-01-02T00:00:00",
        "2025-01-02T12:30:00",
    ]
    assert doubt("2025-01-02 1:00 PM", "2025-01-02 13:00") == (Doubt.CLOCKS_MIXED, 1, 2)
    assert dates("2025-01-02 13:00", "2025-01-02") == ["2025-01-02T13:00:00", "2025-01-02"]


def test_what_the_tools_write_is_read():
    assert dates("06.09.2025 kl. 15.37.20") == ["2025-09-06T15:37:20"]
    assert dates("2023/04/04 11:54:34 AM OEZ") == ["2023-04-04T11:54:34"]
    assert dates("2026/02/03 1:34:04 PM MEZ") == ["2026-02-03T13:34:04"]
    assert dates("2026/03/20 12:24:45 PM GMT+2") == ["2026-03-20T11:24:45"]
    assert dates("2026/10/04 10:15:00\u202fAM GMT+5:30") == ["2026-10-04T06:45:00"]
    assert dates("2025-08-20T12:51:45", "\u00a02025-08-21T00:00:00 ") == [
        "2025-08-20T12:51:45",
        "2025-08-21T00:00:00",
    ]


def test_moment_with_a_zone_is_put_on_the_clock_in_norway():
    assert dates("2025-07-01T22:30:00Z", "2025-01-01T22:30:00.123Z", None) == [
        "2025-07-02T00:30:00",
        "2025-01-01T23:30:00",
        None,
    ]
    assert dates("2025-07-01 23:30:00 -0100") == ["2025-07-02T02:30:00"]


def test_with_and_without_a_zone_is_not_read():
    assert doubt("2025-07-01T22:30:00Z", "2025-07-01T22:30:00") == (Doubt.ZONES_MIXED, 1, 2)
    assert doubt("2025-07-01T22:30:00Z", "2025-07-01") == (Doubt.ZONES_MIXED, 1, 2)


def test_seconds_are_told_by_every_cell_or_not():
    assert prove_dates(column("2025-01-02 13:00:01", "")).seconds
    assert not prove_dates(column("2025-01-02 13:00:01", "2025-01-02 13:00")).seconds


def test_blank_cells_stay_and_prove_nothing():
    assert dates("", None, " ") == ["", None, " "]
    assert dates() == []


def test_unproven_column_never_passes_for_dates():
    cells = column("2025-07-01T22:30:00Z", "2025-07-01", "", None)
    assert local_days(cells).to_pylist() == ["? 2025-07-01T22:30:00Z", "? 2025-07-01", "", None]
    assert local_days(column("13/7/2025 23:59")).to_pylist() == ["2025-07-13"]


def test_dictionary_column_is_read_like_a_plain_one():
    encoded = pa.chunked_array(
        [
            pa.array(["13/7/2025", ""]).dictionary_encode(),
            pa.array(["8/7/2025"]).dictionary_encode(),
        ]
    )
    assert prove_dates(encoded).cells.to_pylist() == ["2025-07-13", "", "2025-07-08"]
    # A distinct value that no row has any more proves nothing.
    assert prove_dates(encoded.slice(2)).doubt == Doubt.ORDER_OPEN


def test_doubt_tells_counts_and_no_value():
    assert "07" not in repr(prove_dates(column("08/07/2020")))
    assert "2025" not in repr(prove_dates(column("13/07/2025")))
    assert "1.5" not in repr(prove_numbers(column("1.5")))


# --- against a naive reading, a cell at a time -----------------------------------------------

small = st.one_of(st.integers(1, 13), st.integers(0, 32))
loose_dates = st.builds(
    "{}{}{}{}{}".format,
    small.map(str) | small.map("{:02}".format) | st.sampled_from(["2024", "2025", "25", "825"]),
    st.shared(st.sampled_from("/-."), key="mark"),
    small.map(str) | small.map("{:02}".format),
    st.shared(st.sampled_from("/-."), key="mark"),
    st.sampled_from(["2024", "2025", "25"]) | small.map("{:02}".format),
)
loose_clocks = st.sampled_from(
    [
        "",
        "",
        " 10:15",
        " 9:05:30",
        "T23:59:59",
        " kl. 15.37.20",
        " 1:05 PM",
        " 12:05 a.m.",
        " 25:00",
    ]
)
loose_zones = st.sampled_from(["", "", "", "Z", "+02:00", " GMT-3", " CET", " EET", " XYZ"])
loose_cells = st.one_of(
    st.builds("{}{}".format, loose_dates, st.shared(loose_clocks, key="clock")),
    st.builds("{}{}{}".format, loose_dates, loose_clocks, loose_zones),
    st.sampled_from(["", " ", None, "x", "2025-01-02", "13/7/2025", "7/13/2025"]),
)

plain_cells = st.builds(
    "{}{}{}{}2025{}".format,
    st.integers(1, 14),
    st.shared(st.sampled_from("/-."), key="mark"),
    st.integers(1, 14),
    st.shared(st.sampled_from("/-."), key="mark"),
    st.shared(loose_clocks, key="clock"),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(loose_cells, max_size=4) | st.lists(plain_cells, max_size=4))
def test_columnwise_dates_equal_the_naive_reading(cells):
    # A zone needs a time; the naive reading takes the rest of a cell as it comes.
    found, wanted = prove_dates(column(*cells)), naive(cells)
    got = found.cells.to_pylist() if isinstance(found, ProvenDates) else found.doubt
    assert got == wanted


STYLES = {
    "%d/%m/%Y": None,
    "%m/%d/%Y": None,
    "%d.%m.%Y": None,
    "%Y-%m-%d": None,
    "%d/%m/%Y %H:%M": None,
    "%m/%d/%y %H:%M:%S": None,
    "%d-%m-%y %I:%M:%S %p": None,
    "%y/%m/%d %H:%M:%S": None,
    "%d.%m.%Y kl. %H.%M.%S": None,
    "%Y/%m/%d %I:%M:%S %p": None,
    "%Y/%m/%d %I:%M:%S %p GMT+2": timezone(timedelta(hours=2)),
    "%Y-%m-%dT%H:%M:%SZ": UTC,
    "%m/%d/%Y %H:%M:%S -05:30": timezone(-timedelta(hours=5, minutes=30)),
}
moments = st.datetimes(datetime(2000, 1, 1), datetime(2036, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0)
)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(STYLES)), st.lists(moments, min_size=1, max_size=6), st.booleans())
def test_what_is_proven_is_what_was_written(style, written, bare):
    cells = [moment.strftime(style) for moment in written]
    if bare and not style.startswith("%y"):  # a short year that stands first is always padded
        cells = [re.sub(r"(?<![0-9:.-])0(?=[0-9][/.:-])", "", cell) for cell in cells]
    proven = prove_dates(column(*cells))
    if isinstance(proven, Unproven):
        assert proven.doubt in {Doubt.ORDER_OPEN, Doubt.CENTURY_OPEN}
        return
    assert proven.cells.to_pylist() == [truth(moment, style) for moment in written]


def truth(moment, style):
    if ":" not in style and "kl" not in style:
        return moment.date().isoformat()
    if "%S" not in style:
        moment = moment.replace(second=0)
    if STYLES[style]:
        moment = moment.replace(tzinfo=STYLES[style]).astimezone(ZoneInfo("Europe/Oslo"))
    return moment.replace(tzinfo=None).isoformat()


# --- numbers ---------------------------------------------------------------------------------


def numbers(*cells):
    proven = prove_numbers(column(*cells))
    assert isinstance(proven, ProvenNumbers), proven
    return proven.cells.to_pylist()


def number_doubt(*cells):
    found = prove_numbers(column(*cells))
    assert isinstance(found, Unproven), found
    return found.doubt, found.cells, found.of


def test_decimal_sign_is_comma_or_point():
    assert numbers("1,50", "2", "", None) == ["1.5", "2", "", None]
    assert numbers("1.50", "-0.0", " 77.0\u00a0") == ["1.5", "0", "77"]
    assert numbers("\u22121,5") == ["-1.5"]


def test_both_signs_in_a_column_are_not_read():
    assert number_doubt("1,5", "1.5", "3") == (Doubt.SIGNS_MIXED, 2, 3)


def test_what_may_be_thousands_needs_proof_from_another_cell():
    assert number_doubt("1.234", "12", "7") == (Doubt.SIGN_OPEN, 1, 3)
    assert number_doubt("1,234") == (Doubt.SIGN_OPEN, 1, 1)
    assert numbers("1.234", "1.25") == ["1.234", "1.25"]
    assert numbers("0.123", "1234.567") == ["0.123", "1234.567"]


@pytest.mark.parametrize(
    "cell",
    [
        "1 234",
        "1\u00a0234",
        "1.234,5",
        "1,234.5",
        "1.234.567",
        "007",
        "+1",
        "1e3",
        ".5",
        "5,",
        "5 %",
    ],
)
def test_thousands_codes_and_units_are_no_numbers(cell):
    assert number_doubt("1", cell) == (Doubt.UNREADABLE, 1, 2)


def test_whole_numbers_need_no_sign():
    assert prove_numbers(column("3", "40")).sign is None
    assert prove_numbers(column("", None)).cells.to_pylist() == ["", None]


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.decimals(-9999, 9999, places=3) | st.integers(-9999, 9999), min_size=1, max_size=6),
    st.sampled_from([",", "."]),
    st.integers(0, 3),
)
def test_proven_numbers_are_what_was_written(written, sign, places):
    texts = [str(n) if isinstance(n, int) else f"{n:.{places}f}" for n in written]
    found = prove_numbers(column(*(text.replace(".", sign) for text in texts)))
    if isinstance(found, Unproven):
        assert found.doubt == Doubt.SIGN_OPEN
        assert places == 3
        return
    assert [float(cell) for cell in found.cells.to_pylist()] == [float(text) for text in texts]
