"""Dates and numbers of a whole column, taken only where all of its cells prove how to read them.

Survey tools write 8/7/2025 for the eighth of July and for the seventh of August, and 1.234 for
about one and for over a thousand. One cell cannot tell; the column often can: 13/07 rules out that
the month stands first. What no cell proves is never guessed: the column comes back `Unproven`, with
the reason and counts, and the caller holds it. The rules:

- A date has the day, the month or a year of four digits first. With dots the day is always first
  (or the year). A column has one mark between the numbers (`/`, `-` or `.`) and one order.
- Proven: exactly one order gives a date in every cell, or every order that does gives the same.
- A year of two digits is 20yy if every cell of the column has a time of day: then a machine
  stamped it, and no web survey is older than 2000. A bare date may be a birthday: not proven.
- Times have a 24 or 12 hour clock (`PM`, `p.m.`), all of them the same, with colons, or with dots
  as Google Sheets writes them in Norway (`06.09.2025 kl. 15.37.20`).
- A time with a zone is put on the clock in Norway. All cells have a zone, or none has. A zone is an
  offset, `GMT+2`, or a name below, which means its offset the whole year: Google Forms calls an
  April afternoon in Germany OEZ, Eastern European Time. Other names are not read.
- A number has one decimal sign, comma or point, in the whole column, and no thousands. `1.234`
  could be thousands: another cell, such as `1.25`, has to prove that the sign is a decimal one.

A number that Excel shows as a date is a date only if the XLSX reader said so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import EITHER_ORDER
from transforms.readers.cells import numbers_text, oslo_clock

DateOrder = Literal["D/M/Y", "M/D/Y", "Y-M-D"]
DecimalSign = Literal[",", "."]


class Doubt(StrEnum):
    """Why a column is not proven. Stable codes: told in notes."""

    UNREADABLE = "unreadable"  # cells that are no date, or no number, in any reading
    MARKS_MIXED = "marks_mixed"  # 06.09.2025 beside 9/6/2025: one writer does not prove the other
    CLOCKS_MIXED = "clocks_mixed"  # with and without AM and PM
    ZONES_MIXED = "zones_mixed"  # with and without a time zone
    CENTURY_OPEN = "century_open"  # years of two digits, and cells without a time
    ORDERS_DISAGREE = "orders_disagree"  # 13/07 beside 07/13
    ORDER_OPEN = "order_open"  # several orders fit and give different dates
    SIGNS_MIXED = "signs_mixed"  # 1,5 beside 1.5
    SIGN_OPEN = "sign_open"  # all cells with a sign could be thousands


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why a column cannot be read, and how many `of` the cells that are not blank show it."""

    doubt: Doubt
    cells: int
    of: int


@dataclass(frozen=True, slots=True)
class ProvenDates:
    """`cells`: ISO dates, or moments as `2025-09-06T15:37:20` on the local clock.

    `order` is None where every order gives the same, or there are no dates. `seconds`: every cell
    tells its second.
    """

    cells: pa.ChunkedArray = field(repr=False)
    order: DateOrder | None
    seconds: bool


@dataclass(frozen=True, slots=True)
class ProvenNumbers:
    """`cells`: plain decimals with a point. `sign` is None where all cells are whole."""

    cells: pa.ChunkedArray = field(repr=False)
    sign: DecimalSign | None


# Each name means one offset, in minutes east of Greenwich.
_ZONES: Mapping[str, int] = {
    **dict.fromkeys(("Z", "GMT", "UTC"), 0),
    **dict.fromkeys(("CET", "MEZ"), 60),
    **dict.fromkeys(("CEST", "MESZ", "EET", "OEZ"), 120),
    **dict.fromkeys(("EEST", "OESZ"), 180),
}
_NAMES = "|".join(name for name in _ZONES if name not in ("Z", "GMT", "UTC"))
_LARGEST_OFFSET = 14 * 60

_DATE = (
    r"(?P<first>[0-9]{1,4})(?P<mark>[-./])(?P<second>[0-9]{1,2})(?P<mark_2>[-./])"
    r"(?P<third>[0-9]{1,4})"
)
_CLOCK = (
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<seconds>[0-9]{2})(?:[.,][0-9]{1,9})?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE = (
    r"(?P<zone> ?Z| ?[+-][0-9]{2}(?::?[0-9]{2})?| (?:GMT|UTC)(?:[+-][0-9]{1,2}(?::[0-9]{2})?)?"
    rf"| (?:{_NAMES}))"
)
_MOMENT = rf"^{_DATE}(?:(?:T|,? | kl\. ){_CLOCK}{_ZONE}?)?$"
_NUMBER = r"^(?P<whole>-?(?:0|[1-9][0-9]*))(?:(?P<sign>[.,])(?P<decimals>[0-9]+))?$"
_MAYBE_THOUSANDS = r"^-?[1-9][0-9]{0,2}[.,][0-9]{3}$"

_ORDERS: Mapping[DateOrder, tuple[str, str, str]] = {
    "D/M/Y": ("third", "second", "first"),
    "M/D/Y": ("third", "first", "second"),
    "Y-M-D": ("first", "second", "third"),
}


def prove_dates(column: pa.ChunkedArray) -> ProvenDates | Unproven:
    """The column's dates in ISO, or why they are not proven; blank cells stay as they are."""
    said = _said(column)
    parts = _parts(said)
    doubt = _doubt_about_form(said, parts)
    if doubt is not None:
        return doubt
    dates = parts.select(_date(order).alias(order) for order in _ORDERS)
    fitting = [found for found in dates if found.null_count() == said.null_count()]
    if not fitting:
        return _doubt_about_orders(said, dates)
    first, last = pl.min_horizontal(fitting), pl.max_horizontal(fitting)
    differing = _count(dates.select(first != last))
    if differing:
        return _unproven(Doubt.ORDER_OPEN, differing, said)
    return ProvenDates(
        cells=_or_as_it_stood(_local(fitting[0], parts), column),
        order=cast("DateOrder", fitting[0].name) if len(fitting) == 1 else None,
        seconds=parts["seconds"].null_count() == said.null_count(),
    )


def prove_numbers(column: pa.ChunkedArray) -> ProvenNumbers | Unproven:
    """The column's numbers with a decimal point, or why they are not proven; blanks stay.

    A number with leading noughts is a code, and an exponent, a plus or a unit is not read.
    """
    said = _said(column).str.replace("\N{MINUS SIGN}", "-")
    parts = said.str.extract_groups(_NUMBER).struct.unnest()
    strange = parts["whole"].null_count() - said.null_count()
    if strange:
        return _unproven(Doubt.UNREADABLE, strange, said)
    signs = parts["sign"].drop_nulls()
    kinds = signs.unique().to_list()
    if len(kinds) > 1:
        return _unproven(Doubt.SIGNS_MIXED, len(signs), said)
    if kinds and said.str.contains(_MAYBE_THOUSANDS).sum() == len(signs):
        return _unproven(Doubt.SIGN_OPEN, len(signs), said)
    plain = said.str.replace(",", ".", literal=True)
    return ProvenNumbers(
        cells=_or_as_it_stood(pl.Series(numbers_text(_arrow(plain))), column),
        sign=kinds[0] if kinds else None,
    )


def local_days(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The local date of each cell where the column is proven; else each cell behind a `?`.

    The mark makes validation hold every row of an unproven column as DATE_INVALID. Without it the
    cells that happen to look like ISO would slip through, on whatever clock they are. A date that
    can be read in two ways stays as it is where nothing else is wrong: it is held as that.
    """
    proven = prove_dates(column)
    if isinstance(proven, ProvenDates):
        return pc.utf8_slice_codeunits(proven.cells, 0, 10)
    said = _said(column)
    marked = "? " + said
    if proven.doubt is Doubt.ORDER_OPEN:
        marked = said.zip_with(said.str.contains(EITHER_ORDER).fill_null(value=False), marked)
    return _or_as_it_stood(marked, column)


def _said(column: pa.ChunkedArray) -> pl.Series:
    """The cells trimmed, with plain spaces; null where nothing is said."""
    texts = pl.Series("cell", column.cast(pa.string()), dtype=pl.String)
    plain = texts.str.replace_all("[\u00a0\u2009\u202f]", " ").str.strip_chars()
    return plain.set(plain == "", None)


def _or_as_it_stood(read: pl.Series, column: pa.ChunkedArray) -> pa.ChunkedArray:
    stood = pl.Series(column.cast(pa.string()), dtype=pl.String)
    return _arrow(read.zip_with(read.is_not_null(), stood))


def _arrow(cells: pl.Series) -> pa.ChunkedArray:
    return pa.chunked_array([cells.to_arrow().cast(pa.string())])


def _unproven(doubt: Doubt, cells: int, said: pl.Series) -> Unproven:
    return Unproven(doubt, int(cells), len(said) - said.null_count())


def _parts(said: pl.Series) -> pl.DataFrame:
    """What each cell is made of, as texts: null all over where it is no date."""
    with_colons = said.str.replace(
        r"([T ][0-9]{1,2})\.([0-9]{2})\.([0-9]{2})", "${1}:${2}:${3}"
    ).str.replace(r"([T ][0-9]{1,2})\.([0-9]{2})", "${1}:${2}")
    parts = with_colons.str.extract_groups(_MOMENT).struct.unnest()
    sound = (pl.col("mark") == pl.col("mark_2")) & _clock_exists() & _zone_exists()
    return parts.with_columns(pl.when(sound).then(pl.all()))


def _clock_exists() -> pl.Expr:
    hour = pl.col("hour").cast(pl.Int32)
    halves = hour.is_between(1, 12)
    exists = (
        pl.when(pl.col("half").is_null()).then(hour < 24).otherwise(halves)  # noqa: PLR2004
        & (pl.col("minute") < "60")
        & (pl.col("seconds").fill_null("00") < "60")
    )
    return pl.col("hour").is_null() | exists


def _zone_exists() -> pl.Expr:
    return (_offset().abs() <= _LARGEST_OFFSET) & (_offset_minutes() < 60)  # noqa: PLR2004


def _offset() -> pl.Expr:
    """Minutes east of Greenwich; 0 where no zone is told."""
    zone = pl.col("zone").str.strip_chars()
    hours = zone.str.extract(r"[+-]([0-9]{1,2})").cast(pl.Int32)
    sign = pl.when(zone.str.contains("-", literal=True)).then(-1).otherwise(1)
    named = zone.replace_strict(dict(_ZONES), default=0, return_dtype=pl.Int32)
    told = sign * (hours * 60 + _offset_minutes())
    return pl.coalesce(told, named, 0)


def _offset_minutes() -> pl.Expr:
    minutes = pl.col("zone").str.extract(r"[+-][0-9]{1,2}:?([0-9]{2})$")
    return minutes.cast(pl.Int32).fill_null(0)


def _doubt_about_form(said: pl.Series, parts: pl.DataFrame) -> Unproven | None:
    told = {name: len(parts) - parts[name].null_count() for name in parts.columns}
    cells = len(said) - said.null_count()
    short = parts.select(
        (pl.col("first").str.len_chars() <= 2) & (pl.col("third").str.len_chars() <= 2)  # noqa: PLR2004
    )
    doubts = (
        (Doubt.UNREADABLE, cells - told["mark"]),
        (Doubt.MARKS_MIXED, cells if parts["mark"].drop_nulls().n_unique() > 1 else 0),
        (Doubt.CLOCKS_MIXED, told["half"] if told["half"] < told["hour"] else 0),
        (Doubt.ZONES_MIXED, told["zone"] if told["zone"] < cells else 0),
        (Doubt.CENTURY_OPEN, _count(short) if told["hour"] < cells else 0),
    )
    return next((_unproven(doubt, count, said) for doubt, count in doubts if count), None)


def _doubt_about_orders(said: pl.Series, dates: pl.DataFrame) -> Unproven:
    """No order fits every cell: some cells fit none, or they need different ones."""
    strange = _count(dates.select(pl.all_horizontal(pl.all().is_null()))) - said.null_count()
    if strange:
        return _unproven(Doubt.UNREADABLE, strange, said)
    left_out = min(found.null_count() for found in dates) - said.null_count()
    return _unproven(Doubt.ORDERS_DISAGREE, left_out, said)


def _count(answers: pl.DataFrame) -> int:
    return int(answers.to_series().sum())


def _date(order: DateOrder) -> pl.Expr:
    """The date of each cell read in this order; null where there is no such date."""
    year, month, day = (pl.col(name) for name in _ORDERS[order])
    two, four = year.str.len_chars() == 2, year.str.len_chars() == 4  # noqa: PLR2004
    full = pl.when(two).then("20" + year).when(four).then(year)
    found = pl.format("{}-{}-{}", full, month.str.zfill(2), day.str.zfill(2))
    in_our_time = full.str.contains("^(19|20)")
    return pl.when(_may_be(order, four) & in_our_time).then(
        found.str.to_date("%Y-%m-%d", strict=False)
    )


def _may_be(order: DateOrder, full_year: pl.Expr) -> pl.Expr:
    """Whether a cell may be in this order at all: dots are day first, a short year first padded."""
    lengths = [pl.col(name).str.len_chars() for name in _ORDERS["Y-M-D"]]
    dots = pl.col("mark") == "."
    if order == "Y-M-D":
        return full_year | (pl.all_horizontal(length == 2 for length in lengths) & ~dots)  # noqa: PLR2004
    return pl.lit(value=True) if order == "D/M/Y" else ~dots


def _local(dates: pl.Series, parts: pl.DataFrame) -> pl.Series:
    """Dates as they are, moments with their clock, moments with a zone on the clock in Norway."""
    frame = parts.with_columns(dates.alias("date"))
    moment = pl.format("{}T{}:{}:{}", "date", _hour(), "minute", pl.col("seconds").fill_null("00"))
    if not frame["zone"].is_not_null().any():
        day = pl.col("date").cast(pl.String)
        return frame.select(pl.coalesce(moment, day)).to_series()
    there = moment.str.to_datetime("%Y-%m-%dT%H:%M:%S") - pl.duration(minutes=_offset())
    return pl.Series(oslo_clock(frame.select(there.dt.replace_time_zone("UTC")).to_series()))


def _hour() -> pl.Expr:
    """The hour of a 24 hour clock, in two digits."""
    hour = pl.col("hour").cast(pl.Int32)
    afternoon = pl.when(pl.col("half").str.to_lowercase() == "p").then(12).otherwise(0)
    hour = pl.when(pl.col("half").is_null()).then(hour).otherwise(hour % 12 + afternoon)
    return hour.cast(pl.String).str.zfill(2)
