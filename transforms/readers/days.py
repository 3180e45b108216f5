"""Dates of a mapped column as ISO days on the clock in Norway; what is not proven stays unread.

`proof` reads a whole column of one file. Our own format comes in blocks of many files, so there a
cell has to prove itself: an ISO day, a day with dots (the day is always first), or a moment that
tells its zone. 05/11/2025 cannot.
"""

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from transforms.readers.cells import oslo_clock
from transforms.readers.proof import ProvenDates, prove_dates

_CLOCK = r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,9})?)?"
_PLAIN = rf"^(?:[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_CLOCK})?)?$"
_LIKE_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"  # what validation would take
_DOTS = (
    r"^([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})"
    r"(?:(?:T|,? | kl\. )[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2})?)?$"
)
_ZONED = (
    r"^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r" ?(Z|[+-][0-9]{2}:?[0-9]{2})$"
)


def iso_days(cells: pa.Array, *, is_whole: bool) -> pa.Array:
    """Distinct cells of a date column, each as an ISO day or moment where that is proven.

    `is_whole`: they are all cells of one file, so they may prove each other. A cell that is not
    proven gets a `?` before it where it could pass for ISO.
    """
    if pc.all(pc.match_substring_regex(cells, _PLAIN)).as_py() is not False:
        return cells
    if is_whole:
        proven = prove_dates(pa.chunked_array([cells]))
        if isinstance(proven, ProvenDates):
            return proven.cells.combine_chunks()
    return _each_by_itself(cells)


def _each_by_itself(cells: pa.Array) -> pa.Array:
    said = pl.Series("cell", cells, dtype=pl.String)
    dotted = said.str.extract_groups(_DOTS).struct.unnest()
    day = dotted.select(
        pl.format("{}-{}-{}", "3", pl.col("2").str.zfill(2), pl.col("1").str.zfill(2))
    ).to_series()
    doubtful = ("? " + said).set(~said.str.contains(_LIKE_ISO), None)
    plain = said.set(~said.str.contains(_PLAIN), None)
    found = pl.select(pl.coalesce(plain, _days_with_zone(said), day, doubtful, said))
    days: pa.Array = found.to_series().to_arrow().cast(pa.string())
    return days


def _days_with_zone(said: pl.Series) -> pl.Series:
    """The local moment of each cell with an offset; null for any other."""
    parts = said.str.extract_groups(_ZONED).struct.unnest()
    zone = pl.col("4").replace("Z", "+00:00")
    text = parts.select(pl.format("{}T{}{}{}", "1", "2", pl.col("3").fill_null(":00"), zone))
    moments = text.to_series().str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="ms"
    )
    return pl.Series(oslo_clock(moments))
