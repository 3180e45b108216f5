"""Whom pupils chose, from the cells of a survey's nomination columns.

Codes stay codes only until the warehouse turns them into pseudonyms, a moment later.
"""

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.answer import BETWEEN_CHOICES
from schemas.survey import Survey

CHOICES = pa.schema({"place": pa.int64(), "situation": pa.string(), "chosen_code": pa.string()})


def split_choices(cells: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The codes in some cells, and for each code the place of its cell."""
    apart = (
        pl.DataFrame({"code": pl.Series(cells.cast(pa.string()), dtype=pl.String)})
        .with_row_index("place")
        .drop_nulls("code")
        .with_columns(
            pl.col("code").str.replace_all(BETWEEN_CHOICES, " ").str.strip_chars(" ").str.split(" ")
        )
        .explode("code", empty_as_null=False)
        .filter(pl.col("code") != "")
    )
    codes = apart["code"].to_arrow().cast(pa.string())
    return codes, apart["place"].to_numpy().astype(np.int64)


def take_choices(accepted: pa.Table, survey: Survey) -> tuple[pa.Table, pa.Table]:
    """The forms without their choices, and the choices: `place` of the form, situation and code.

    A code that a pupil wrote twice in one situation still stands there twice.
    """
    found = [CHOICES.empty_table()]
    for asked in survey.nominations:
        for name in survey.columns_of(asked):
            if name in accepted.column_names:
                cells = accepted.column(name).cast(pa.string()).combine_chunks()
                codes, places = split_choices(cells)
                situation = pa.repeat(asked.situation, len(codes))
                found.append(pa.table([pa.array(places), situation, codes], schema=CHOICES))
    there = [name for name in survey.chosen if name in accepted.column_names]
    return accepted.drop_columns(there), pa.concat_tables(found)


FEW_CODES = 3  # with fewer, numbers that happen to be codes as well would be taken for choices


def names_pupils(cells: pa.ChunkedArray, pupil_codes: pa.ChunkedArray) -> bool:
    """Whether most of the different codes in a column are pupils who answered the form."""
    said, _ = split_choices(pc.unique(cells.cast(pa.string())))
    codes = set(pc.utf8_upper(said).to_pylist())
    known = codes & set(pc.utf8_upper(pupil_codes.cast(pa.string())).to_pylist())
    return len(known) >= FEW_CODES and 2 * len(known) > len(codes)
