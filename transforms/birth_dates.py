"""Pupil codes, and names of classes, that are birth dates: told by a whole file, never by one cell.

`150312` is a day of March 2012, or number 150,312 of a list. So the file decides: its codes are
birth dates if nine in ten of them are days, all written one way, at which a pupil of that grade may
have been born, and most of them in the very year of the grade's pupils, who turn six in the year
that grade 1 begins. Serial numbers run on, within a month or two of such a calendar, so the days
have to lie in several months. A handful of codes proves nothing.

A running number, which makes such codes differ (`150312-7`, `04-150312`, `15031204`), is left out
at either end in turn: of numbers drawn at random one in a thousand is such a day and a number.

A class's name is no code: it is looked at as the day that it says, whatever signs and words it is
written with, for a column of birth dates may have been mapped as the class. Columns without dates
cost next to nothing.

Limits are our own judgement; a property test holds 1,000 lists of serial numbers against them.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.class_date import as_day

SCHOOL_AGE = 5  # a pupil of grade g is born in the first year of the school year, less g, less this
NEARLY_ALL, MOST = 0.9, 0.8
# The fewest codes, and the fewest months: short years may be anything, years in full hardly.
_FEWEST = {True: (3, 2), False: (5, 3)}
_MANY, _MONTHS_OF_MANY = 10, 5

# A file is read in full only if half of its first fifth, 200 codes at most, are days. Where nine in
# ten are days, the others are at most half of a fifth: up to 1,000 codes no file is missed by this.
_LOOK, _FIRST, _WORTH_IT = 200, 5, 0.5

_DAY, _MONTH = "(?<d>[0-9]{1,2})", "(?<m>[0-9]{2})"
_WAYS = {  # how a date is written, and whether its year is written in full
    rf"^{_DAY}{_MONTH}(?<y>[0-9]{{2}})$": False,
    rf"^(?<y>[0-9]{{2}}){_MONTH}(?<d>[0-9]{{2}})$": False,
    r"^(?<d>[0-9]{1,2})-(?<m>[0-9]{1,2})-(?<y>[0-9]{2})$": False,
    rf"^{_DAY}{_MONTH}-?(?<y>[0-9]{{4}})$": True,
    rf"^(?<y>[0-9]{{4}})-?{_MONTH}(?<d>[0-9]{{2}})$": True,
    rf"^(?<y>[0-9]{{4}})-?(?<d>[0-9]{{2}}){_MONTH}$": True,
    r"^(?<y>[0-9]{4})-(?<m>[0-9]{1,2})-(?<d>[0-9]{1,2})$": True,
    r"^(?<d>[0-9]{1,2})-(?<m>[0-9]{1,2})-(?<y>[0-9]{4})$": True,
    r"^(?<m>[0-9]{1,2})-(?<d>[0-9]{1,2})-(?<y>[0-9]{4})$": True,
}
LOOKED_AT = ("number", "glued_6", "glued_8", "glued_10")  # of what `bare_codes` tells
# A school's letters or a class (`FJELL-`, `7A`) before it, or a pupil's initials behind it.
_LETTERS = r"^(?:[0-9]{0,2}[A-Za-zÆØÅæøå]+-?)+|-?[A-Za-zÆØÅæøå]+$"
_COULD_BE = r"^(?:[0-9]{5,8}|[0-9]{1,4}-[0-9]{1,2}-[0-9]{2,4}|[0-9]{3,4}-[0-9]{4})$"
_MAY_HOLD_ONE = "^[0-9-]{5,}$"
_WHOLE = "^(.*)$"
_CUTS = (  # what is a day may be all of a code, or what is left without a running number
    _WHOLE,
    *("^(.*)-[0-9]{1,3}$", "^[0-9]{1,3}-(.*)$"),
    *("^([0-9]{6})[0-9]{1,3}$", "^[0-9]{1,3}([0-9]{6})$"),
    *("^([0-9]{8})[0-9]{1,3}$", "^[0-9]{1,3}([0-9]{8})$"),
    # A running number, and digits of a school or a grade.
    *("^[0-9]{1,3}([0-9]{6})-[0-9]{1,3}$", "^[0-9]{1,3}([0-9]{8})-[0-9]{1,3}$"),
)


def are_birth_dates(codes: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows bear a birth date for a code, in files whose codes are birth dates.

    `codes` has a row a pupil: `file_no`, `code`, `year` (the first of the school year) and `grade`;
    a null in any of them says nothing. Of the columns of `bare_codes` each that is there is looked
    at in place of the code as well: what all codes begin with hides no date.
    """
    frame = codes.with_row_index("row")
    found = _are_dates(frame)
    for name in set(LOOKED_AT) & set(codes.columns):
        differs = (pl.col(name) != pl.col("code")).fill_null(value=True).any().over("file_no")
        instead = frame.filter(differs).with_columns(pl.col(name).alias("code"))
        if instead.height:
            found |= _are_dates(instead, found.size)
    return found


def _are_dates(frame: pl.DataFrame, size: int | None = None) -> npt.NDArray[np.bool_]:
    """The rows (`row`, of so many) of the files of which the codes as they stand are dates."""
    found = np.zeros(frame.height if size is None else size, np.bool_)
    first = _of_digits(_first_of(frame))
    for cut in _CUTS if first.height else ():
        looked_at = _could_be(first, cut)
        if looked_at.is_empty():
            continue
        for way, is_full in _WAYS.items():
            near = _near(_as_days(looked_at, way, is_full=is_full))
            near = near.filter(pl.col("near") >= _WORTH_IT)
            if near.is_empty():
                continue
            suspects = _of_digits(frame.join(near, on="file_no", how="semi"), NEARLY_ALL)
            suspects = _could_be(suspects, cut, NEARLY_ALL)
            found[_rows_of(suspects, way, is_full=is_full)] = True
    return found


def classes_are_birth_dates(classes: pl.DataFrame) -> npt.NDArray[np.bool_]:
    """The same of names of classes, in place of the codes: a row a pupil, as there."""
    days = classes.select(pl.col("code").unique().alias("code")).with_columns(
        as_day("code").alias("day")
    )
    if not days["day"].str.replace_all(_LETTERS, "").str.contains(_COULD_BE).any():
        return np.zeros(classes.height, np.bool_)
    told = classes.join(days, on="code", how="left", nulls_equal=True, maintain_order="left")
    return are_birth_dates(told.with_columns(pl.col("day").alias("code")))


def _first_of(frame: pl.DataFrame) -> pl.DataFrame:
    """The first codes of each file: what nearly every file of serial numbers is told by."""
    of_file = pl.int_range(pl.len()).over("file_no")
    look = pl.min_horizontal(pl.len().over("file_no") / _FIRST, pl.lit(_LOOK))
    return frame.filter(of_file < look)


def _of_digits(frame: pl.DataFrame, share: float = _WORTH_IT) -> pl.DataFrame:
    """The files of which so many codes are digits enough, without a school's letters (`bare`)."""
    told = frame.with_columns(pl.col("code").str.replace_all(_LETTERS, "").alias("bare"))
    may_hold_one = pl.col("bare").str.contains(_MAY_HOLD_ONE).fill_null(value=False)
    return told.filter(may_hold_one.mean().over("file_no") >= share)


def _could_be(frame: pl.DataFrame, cut: str, share: float = _WORTH_IT) -> pl.DataFrame:
    """The files of which so many codes could be days, `bare` of a running number."""
    told = frame.with_columns(pl.col("bare").str.extract(cut))
    could_be = pl.col("bare").str.contains(_COULD_BE).fill_null(value=False)
    return told.filter(could_be.mean().over("file_no") >= share)


def _near(days: pl.DataFrame) -> pl.DataFrame:
    """For each file, how many of its codes are days at which its pupils may have been born."""
    near = pl.col("late").is_between(-1, 1).fill_null(value=False).mean()
    return days.group_by("file_no").agg(near.alias("near"))


def _rows_of(frame: pl.DataFrame, way: str, *, is_full: bool) -> npt.NDArray[np.int64]:
    """The rows of the files whose codes are days, written this way."""
    fewest, months = _FEWEST[is_full]
    days = _as_days(frame, way, is_full=is_full)
    fits = (
        days.group_by("file_no")
        .agg(
            pl.col("code").n_unique().alias("codes"),
            pl.col("late").is_between(-1, 1).fill_null(value=False).mean().alias("near"),
            (pl.col("late") == 0).fill_null(value=False).mean().alias("exact"),
            pl.col("month").n_unique().alias("months"),
        )
        .filter(
            (pl.col("codes") >= fewest)
            & (pl.col("near") >= NEARLY_ALL)
            & (pl.col("exact") >= MOST)
            & (pl.col("months") >= months)
            & ((pl.col("codes") < _MANY) | (pl.col("months") >= _MONTHS_OF_MANY))
        )
    )
    rows = days.join(fits, on="file_no", how="semi").filter(pl.col("late").is_not_null())
    return rows["row"].to_numpy().astype(np.int64)


def _as_days(frame: pl.DataFrame, way: str, *, is_full: bool) -> pl.DataFrame:
    """Each code's month, and how many years after its grade's pupils its day is; null if none."""
    parts = frame["bare"].str.extract_groups(way).struct.unnest().cast(pl.Int32)
    year = pl.col("y") if is_full else pl.col("y") + 2000
    read = pl.concat([frame, parts], how="horizontal_extend")
    is_day = pl.col("m").is_between(1, 12) & pl.col("d").is_between(1, 31)
    born = pl.col("year") - SCHOOL_AGE - pl.col("grade")
    return read.with_columns(
        pl.when(is_day).then(year - born).alias("late"), pl.when(is_day).then("m").alias("month")
    )
