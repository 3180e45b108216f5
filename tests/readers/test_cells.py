"""Canonical text of numbers: the fast, column-wise writing equals the plain one."""

import math

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.readers.cells import float_text, number_text, numbers_text, oslo_clock

plain_numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,12})(\.[0-9]{1,8})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
)


def column(*cells):
    return pa.chunked_array([pa.array(cells, pa.string())])


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("3", "3"),
        ("3.0", "3"),
        ("4.50", "4.5"),
        ("100", "100"),
        ("0.10", "0.1"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("-1.0", "-1"),
        ("2.7685292E7", "27685292"),
        ("1e-3", "0.001"),
    ],
)
def test_number_has_one_way_to_be_written(written, canonical):
    assert number_text(written) == canonical
    assert numbers_text(column(written)).to_pylist() == [canonical]


def test_number_too_large_to_write_out_stays_as_it_is():
    assert number_text("1e400000000") == "1e400000000"
    assert number_text("1e" + "9" * 30) == "1e" + "9" * 30
    assert numbers_text(column("1e99999")).to_pylist() == ["1e99999"]


def test_text_that_is_no_number_is_left_alone():
    cells = ["", "0301", "8A", "12:00", "4,5", "1.2.3", "77.", ".5", " 3.0", "3.0 ", None]
    assert numbers_text(column(*cells)).to_pylist() == cells


@given(st.lists(plain_numbers, min_size=1, max_size=20))
def test_columnwise_numbers_equal_one_by_one(cells):
    assert numbers_text(column(*cells)).to_pylist() == [number_text(cell) for cell in cells]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_float_text_keeps_the_value(value):
    assert float(float_text(value)) == value


def test_float_text_has_no_trailing_nought():
    assert [float_text(v) for v in (27685292.0, 4.5, 0.1, -0.0, 1e16)] == [
        "27685292",
        "4.5",
        "0.1",
        "0",
        "10000000000000000",
    ]
    assert [float_text(v) for v in (math.nan, math.inf)] == ["nan", "inf"]


def test_clock_in_norway_follows_summer_time():
    moments = pl.Series(["2023-06-01T22:57:15", "2023-01-01T22:57:15", None]).str.to_datetime(
        time_zone="UTC"
    )
    assert oslo_clock(moments).to_pylist() == ["2023-06-02T00:57:15", "2023-01-01T23:57:15", None]
