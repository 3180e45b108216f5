"""Canonical text of a cell, so that one answer reads the same from every file format.

Integers have no ".0", decimals are as short as they can be, dates and times are ISO. What does
not look like the kind that was asked for is left as it stands, for validation to judge.
"""

from decimal import Decimal, InvalidOperation

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

# Beyond this an exponent is an attack or a slip, and writing it out would fill the memory.
_LARGEST_EXPONENT = 30
_EXACT = 2**53
_EXPONENT = r"^-?\d{1,40}(\.\d{1,40})?[eE][+-]?\d{1,6}$"


def number_text(text: str) -> str:
    """Shortest plain decimal of one number: "4.50" -> "4.5", "3.0" -> "3", "2.7E7" -> "27000000".

    `text` is a number as JSON or Python writes it. A number too large to write out stays as it is.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_EXPONENT:
        return text
    if not number:
        return "0"
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def float_text(value: float) -> str:
    """`number_text` of a float; NaN and infinity stay words that no validation accepts."""
    if value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    return number_text(repr(value))


def numbers_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`number_text` of every cell that is a plain number, in columns; other cells are untouched."""
    short = pc.replace_substring_regex(column, r"^(-?\d+)\.0+$", r"\1")
    short = pc.replace_substring_regex(short, r"^(-?\d+\.\d*[1-9])0+$", r"\1")
    short = pc.replace_substring_regex(short, r"^-0$", "0")
    if pc.any(pc.match_substring_regex(short, _EXPONENT)).as_py():
        return _without_exponents(short)
    return short


def _without_exponents(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Rare (Java writes ten million as 1.0E7), so one Python step per distinct value will do.
    has = pc.match_substring_regex(column, _EXPONENT)
    distinct = pc.unique(pc.filter(column, has))
    plain = pa.array([number_text(text) for text in distinct.to_pylist()], pa.string())
    return pc.coalesce(pc.take(plain, pc.index_in(column, value_set=distinct)), column)


def oslo_clock(moments: pl.Series) -> pa.ChunkedArray:
    """Moments in UTC as the clock on the wall in Norway: "2023-06-01T20:57:15".

    Polars brings its own time zones; Arrow looks for the machine's, which a container may lack.
    """
    local = moments.dt.convert_time_zone("Europe/Oslo")
    return pa.chunked_array([local.dt.strftime("%Y-%m-%dT%H:%M:%S").to_arrow().cast(pa.string())])
