"""Pupil codes that look like names: told by a whole file, never by one code.

No list of names tells KARI-NORDMANN from a code, and a school may number its pupils by letters. But
codes that are dealt out have digits, or are all of a length or two, and names are neither. Looked
at is what tells one pupil from another (`bare_codes`): the digits of a school's id are no sign of a
code. Limits are our own judgement; a test holds 1,000 files of sound codes against them.
"""

import polars as pl

from schemas.reason import Reason
from transforms.readers.reading import FileProblem

# Most of the codes, and the fewest of them and of their lengths: a code or two proves nothing.
_MOST, _FEWEST, _LENGTHS = 0.5, 3, 3
_NUMBERED = r"^\pL*[ .-]?[0-9][0-9 .-]*$"  # of codes by lot one in eight, or fewer
_OF_LETTERS = r"^\pL+([ .-]+\pL+)*[.]?$"


def files_of_names(judged: pl.DataFrame) -> list[int]:
    """The files of which most codes are words of letters alone, of several lengths.

    `judged` are the `bare_codes` of a row a form; a null or a blank is no code.
    """
    found = (
        _distinct(judged)
        .group_by("file_no")
        .agg(
            pl.col("is_word").mean().alias("share"),
            pl.col("is_word").sum().alias("words"),
            pl.col("length").filter("is_word").n_unique().alias("lengths"),
        )
        .filter(
            (pl.col("share") > _MOST)
            & (pl.col("words") >= _FEWEST)
            & (pl.col("lengths") >= _LENGTHS)
        )
    )
    return sorted(found["file_no"].to_list())


def codes_to_tell(judged: pl.DataFrame) -> pl.DataFrame:
    """The distinct codes (`file_no`, `code`) that are words, and are hardly drawn by lot.

    Codes drawn by lot are of letters and digits, a few of them of letters alone, and all of one
    length: a word of that length says nothing. Where the codes with a digit are numbers, behind
    letters or not, or there are none and the words are of several lengths, each word is told.
    """
    codes = _distinct(judged)
    with_digit, is_word = pl.col("word").str.contains("[0-9]"), pl.col("is_word")
    is_number = pl.col("word").str.contains(_NUMBERED)
    files = codes.group_by("file_no").agg(
        is_number.filter(with_digit).mean().alias("numbers"),
        pl.col("length").filter(with_digit).mode().max().alias("usual"),
        pl.col("length").filter(is_word).n_unique().alias("lengths"),
    )
    drawn = pl.col("numbers") <= _MOST
    unlike = (
        pl.when(pl.col("numbers").is_null())
        .then(pl.col("lengths") > 1)
        .otherwise(~drawn | (pl.col("length") != pl.col("usual")))
    )
    return codes.join(files, on="file_no").filter(is_word & unlike).select("file_no", "code")


def _distinct(judged: pl.DataFrame) -> pl.DataFrame:
    """Each code once, of the files that have a word: whether it is one, and its length."""
    words = judged.filter(pl.col("word").str.contains(_OF_LETTERS)).select("file_no").unique()
    codes = judged.select("file_no", "code", "word").filter(pl.col("code").fill_null("") != "")
    return (
        codes.join(words, on="file_no", how="semi")
        .unique(["file_no", "code"])
        .with_columns(
            pl.col("word").str.contains(_OF_LETTERS).alias("is_word"),
            pl.col("word").str.len_chars().alias("length"),
        )
    )


def codes_may_be_names(*, rows: int | None = None) -> FileProblem:
    """The problem of such a file: it waits until somebody has said that these are codes."""
    return FileProblem(Reason.CODES_MAY_BE_NAMES, column="pupil_code", rows=rows)
