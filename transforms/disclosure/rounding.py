"""How coarsely a figure is shown: bands, counts to the nearest five, and what is made of them."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from transforms.disclosure.cells import SCORE_UNIT, Ints, Mask, ints, strings

BANDS = ("5-9", "10-19", "20-49", "50-99", "100-199", "200-499", "500+")
_BAND_STARTS = np.array([5, 10, 20, 50, 100, 200, 500])


def bands(counts: Ints) -> npt.NDArray[np.object_]:
    """The band of each count; "0" for none, and None for 1-4, which has no band to be shown in."""
    labels = np.array([None, *BANDS], dtype=object)
    found = labels[np.searchsorted(_BAND_STARTS, counts, side="right")]
    found[counts == 0] = "0"
    return found


def hold_back(shown: pa.Table, tables: Collection[str], levels: Collection[str]) -> pa.Table:
    """The same cells as `suppress` returns, with these levels of these tables hidden as well."""
    held = pc.and_(
        pc.is_in(shown.column("table"), pa.array(tables, pa.string())),
        pc.is_in(shown.column("level"), pa.array(levels, pa.string())),
    )
    for name, hidden in _HIDDEN.items():
        column = shown.column(name)
        told = pc.if_else(held, pa.scalar(hidden, column.type), column)
        shown = shown.set_column(shown.schema.get_field_index(name), name, told)
    return shown


_HIDDEN = {"n_band": None, "total_band": None, "value": None, "suppressed": True}


def round_cells(cells: pa.Table, hidden: Mask) -> dict[str, pa.Array]:
    """The columns n_band, total_band, value and suppressed; null throughout where hidden."""
    kind = strings(cells, "kind")
    n, total = ints(cells, "n"), ints(cells, "total")
    share = _divide(100 * _nearest_five(total), _nearest_five(n)) / 100
    mean = _divide(10 * total, n * SCORE_UNIT) / 10
    value = np.select([kind == "share", kind == "mean"], [share, mean], _nearest_five(total))
    # A band of the true number would undo the rounding of the figure beside it: 10 in the band 5-9
    # can only be 8 or 9.
    total_band = bands(np.where(kind == "mean", 0, _nearest_five(total)))
    total_band[kind == "mean"] = None
    return {
        "n_band": pa.array(bands(_nearest_five(n)), pa.string(), mask=hidden),
        "total_band": pa.array(total_band, pa.string(), mask=hidden),
        "value": pa.array(value.astype(np.float64), pa.float64(), mask=hidden),
        "suppressed": pa.array(hidden, pa.bool_()),
    }


def _nearest_five(counts: Ints) -> Ints:
    nearest: Ints = (counts + 2) // 5 * 5
    return nearest


def _divide(above: Ints, below: Ints) -> Ints:
    """Whole-number division with halves rounded up; 0 where there is nothing to divide by."""
    safe = np.maximum(below, 1)
    quotient: Ints = (2 * above + safe) // (2 * safe)
    return quotient
