"""Cells that nobody can read in columns that a row can do without: counted, and left blank."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from schemas.answer import MAY_BE_LEFT_BLANK
from transforms.encoded import whole
from transforms.held import Codes
from transforms.readers.reading import Batch


@dataclass(frozen=True, slots=True)
class LeftBlank:
    """How many accepted rows of a file do without their cell in a column, of how many with one."""

    file_no: int
    column: str
    rows: int
    of: int


def left_blank(
    batch: Batch, bad: Mapping[str, Codes], is_accepted: npt.NDArray[np.bool_]
) -> tuple[LeftBlank, ...]:
    """For each file and column with a cell; `bad` as in `held_rows`."""
    found: list[LeftBlank] = []
    for name in MAY_BE_LEFT_BLANK:
        has_cell = whole(batch.table.column(name)).is_valid().to_numpy(zero_copy_only=False)
        files = batch.file_no.to_numpy()
        told = np.bincount(files[is_accepted & has_cell])
        is_bad = bad.get(name, np.zeros(len(files), np.int16)) > 0
        left = np.bincount(files[is_accepted & is_bad], minlength=len(told))
        found += [
            LeftBlank(file, name, int(left[file]), int(told[file]))
            for file in np.flatnonzero(told).tolist()
        ]
    return tuple(found)
