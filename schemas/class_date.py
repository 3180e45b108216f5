"""Dates where a class's name should stand: never one, whoever wrote them.

A date's parts could all be grades (2026-06-05, 05.06.2013), and there are two ways for one to get
there. Excel takes `5-6` for the fifth of June; or a column of birth dates was mapped as the class.
"""

import re

import polars as pl

_DAY, _MONTH = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:0?[1-9]|1[0-2])"
_YEAR = "(?:19|20)[0-9]{2}"
# One sign between the parts, the same twice: `5-7 2026` are the grades 5 to 7.
_SIGNS = ("[.]", "-", "/", "\N{EN DASH}", " ")
_MONTHS = (
    *("jan", "feb", "mars?|mar", "apr", "mai|may", "jun", "jul", "aug", "sept?"),
    *("okt|oct", "nov", "des|dec"),
)
_WORD = f"(?i:{'|'.join(_MONTHS)})[a-zæøå]{{0,6}}[.]?"
_GAP = "[. /-]*"
_CLOCK = r"(?:t| *kl[. ]*|[ ,]+)[0-9]{1,2}:[0-9]{2}.*$| *kl[. ]*[0-9]{1,2}[.][0-9]{2}.*$"
_START, _END = "(?:^|[^0-9])", "(?:$|[^0-9])"


def _date() -> str:
    """A day with its year anywhere, a short year or a month's name in the whole of a cell."""
    with_year = [
        f"{_YEAR}{gap}{_MONTH}{gap}{_DAY}|(?:{_DAY}{gap}{_MONTH}|{_MONTH}{gap}{_DAY}){gap}{_YEAR}"
        for gap in (f" *{sign} *" for sign in _SIGNS)
    ]
    short = [
        f"(?:{_DAY}{sign}{_MONTH}|{_MONTH}{sign}{_DAY}){sign}[0-9]{{2}}"
        for sign in (f" *{sign} *" for sign in _SIGNS)
    ]
    of_month = [f"0[1-9]{sign}{_YEAR}|{_YEAR}{sign}0[1-9]" for sign in ("[.]", "-", "/")]
    worded = (
        rf"{_DAY}{_GAP}{_WORD}(?:{_GAP}(?:{_YEAR}|[0-9]{{2}}))?",
        rf"{_WORD}{_GAP}(?:(?:{_DAY},? +)?{_YEAR}|[0-9]{{2}})",
    )
    whole = "|".join((*short, *of_month, *worded))
    return f"{_START}(?:{'|'.join(with_year)}){_END}|^(?:{whole})[.]?$"


# Regular expressions that pandera, polars and Arrow all understand.
DATE = _date()
# Three grades of a small school, and the day that they would be as well.
GRADES_IN_A_ROW = "^(?:{})$".format(
    "|".join(
        sign.join(str(grade) for grade in range(first, first + 3))
        for sign in ("-", "/", "\N{EN DASH}")
        for first in range(1, 12)
    )
)


def names_a_day(text: str) -> bool:
    """Whether a text says a date: see `is_date`."""
    said = text.strip()
    return bool(re.search(DATE, said)) and not re.match(GRADES_IN_A_ROW, said)


def is_date(name: str) -> pl.Expr:
    """Whether a cell of the column says a date; false for a blank."""
    cell = pl.col(name).str.strip_chars()
    return (cell.str.contains(DATE) & ~cell.str.contains(GRADES_IN_A_ROW)).fill_null(value=False)


def as_day(name: str) -> pl.Expr:
    """The column's dates as `14-5-2014`, whatever signs, words and clock they are written with."""
    cell = pl.col(name).str.strip_chars().str.to_lowercase()
    cell = cell.str.replace(_CLOCK, "")
    for number, month in enumerate(_MONTHS, start=1):
        cell = cell.str.replace(f"{_GAP}(?:{month})[a-zæøå]*{_GAP}", f"-{number}-")
    return cell.str.replace_all(r"[ .,/\x{2013}-]+", "-").str.strip_chars("-")
