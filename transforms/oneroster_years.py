"""The dates of a OneRoster package, as far as it proves them, and the school years they make."""

import polars as pl
import pyarrow as pa

from transforms.readers.proof import ProvenDates, prove_dates

_FIRST_MONTH = 8  # a school year runs from August to July
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def class_years(classes: pl.DataFrame, years: pl.DataFrame) -> pl.DataFrame:
    """The school year of each class whose sessions agree on one."""
    return (
        classes.select("class_id", pl.col("termsourcedids").str.split(",").alias("session"))
        .explode("session")
        .with_columns(pl.col("session").str.strip_chars())
        .join(years, on="session")
        .group_by("class_id")
        .agg(pl.col("school_year").drop_nulls().unique())
        .filter(pl.col("school_year").list.len() == 1)
        .with_columns(pl.col("school_year").list.first())
    )


def school_years(sessions: pl.DataFrame) -> pl.DataFrame:
    """Columns session and school_year (`2026-27`), told by the middle of the session."""
    begin, end = dates(sessions["startdate"], sessions["enddate"])
    middle = ((begin.to_physical() + end.to_physical()) // 2).cast(pl.Date)
    by_date = middle.dt.year() - (middle.dt.month() < _FIRST_MONTH).cast(pl.Int32)
    told = sessions["schoolyear"]
    first = told.str.extract(r"^(\d{4})[-/]\d{2}(?:\d{2})?$").cast(pl.Int32)
    last = told.str.extract(r"^(\d{4})$").cast(pl.Int32)
    year = pl.DataFrame({"by_date": by_date, "first": first, "last": last - 1})
    start = year.select(pl.coalesce("by_date", "first", "last")).to_series()
    ending = ((start + 1) % 100).cast(pl.String).str.zfill(2)
    return pl.DataFrame(
        {"session": sessions["sourcedid"], "school_year": start.cast(pl.String) + "-" + ending}
    )


def dates(first: pl.Series, second: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Two columns as dates. One program wrote both, so one proves the other's order too."""
    told = pl.concat([first, second])
    is_iso = told.str.contains(_ISO)
    iso = told.set(~is_iso, None).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    found = iso
    other = told.set(is_iso, None)
    if other.null_count() < len(other):
        proven = prove_dates(pa.chunked_array([other.to_arrow().cast(pa.string())]))
        if isinstance(proven, ProvenDates):
            days = pl.Series(proven.cells, dtype=pl.String).str.slice(0, 10)
            found = iso.zip_with(iso.is_not_null(), days.str.to_date("%Y-%m-%d", strict=False))
    return found.head(len(first)), found.tail(len(second))
