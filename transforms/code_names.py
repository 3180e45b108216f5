"""Pupil codes that look like names: told by a whole file, never by one code.

No list of names tells KARI-NORDMANN from a code, and a school may number its pupils by letters. But
codes that are dealt out have digits, or are all of a length or two, and names are neither. Limits
are our own judgement.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.reason import Reason
from transforms.readers.reading import FileProblem

# Most of the codes, and the fewest of them and of their lengths: a code or two proves nothing.
_MOST, _FEWEST, _LENGTHS = 0.5, 3, 3
_OF_LETTERS = r"^\pL+([ .-]+\pL+)*[.]?$"


def files_of_names(codes: pl.Series, file_no: npt.NDArray[np.int32]) -> list[int]:
    """The files of which most codes are words of letters alone, of several lengths.

    `codes` and `file_no` have a row a form; a null or a blank is no code.
    """
    word = pl.col("code").str.contains(_OF_LETTERS)
    found = (
        pl.DataFrame({"code": codes, "file_no": file_no})
        .filter(pl.col("code").fill_null("") != "")
        .unique()
        .group_by("file_no")
        .agg(
            word.mean().alias("share"),
            word.sum().alias("words"),
            pl.col("code").filter(word).str.len_chars().n_unique().alias("lengths"),
        )
        .filter(
            (pl.col("share") > _MOST)
            & (pl.col("words") >= _FEWEST)
            & (pl.col("lengths") >= _LENGTHS)
        )
    )
    return sorted(found["file_no"].to_list())


def codes_may_be_names(*, rows: int | None = None) -> FileProblem:
    """The problem of such a file: it waits until somebody has said that these are codes."""
    return FileProblem(Reason.CODES_MAY_BE_NAMES, column="pupil_code", rows=rows)
