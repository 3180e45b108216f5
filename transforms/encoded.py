"""Dictionary-encoded columns, worked on by their few distinct cells and not by their rows."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def whole(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """The one chunk of a canonical column."""
    return column.chunk(0)


def distinct(column: pa.ChunkedArray) -> pa.Array:
    """The distinct cells: strings."""
    return whole(column).dictionary


def indices(column: pa.ChunkedArray, if_null: int) -> npt.NDArray[np.int32]:
    """For each row the place of its cell among the distinct ones; `if_null` where it has none."""
    numbers: npt.NDArray[np.int32] = whole(column).indices.fill_null(if_null).to_numpy()
    return numbers
