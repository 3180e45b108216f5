"""Disclosure control: which figures may be shown, and how coarsely.

In: cells with true counts. Out: the same cells with a band, a rounded value, or nothing at all.
The true counts never come out. A cell is hidden because it is small itself (primary), or because
a small one could be worked out from it by subtraction (secondary). Each list (schools, grades,
genders) is protected against its whole as if every shown figure were exact; rounding comes on top.
Order and names of the cells never matter.

What this does not prove: that no chain of sums across the lists narrows a cell down. There it
leans on the rounding, and an independent attacker has to try (privacy notes 1.4, the LP gate).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.settings import MIN_N_FLOOR

# Privacy notes 1.4. The floors are held here: settings can raise min_n and lower nothing.
SMALL_COUNT = 5  # a numerator or a complement of 1-4 is a handful of pupils
NONE_OR_ALL_FROM = 20  # 0 % and 100 % say the same of everybody, so there must be many
GENDER_MIN_N = 10
MIN_CLASSES = 2  # a school or grade of one class is a class figure, and none is published
MIN_HIDDEN = {"school": 3, "grade": 2, "gender": 2}  # who knows one must not know the rest
COUNT_WIDTH = 5  # a hidden count must stay uncertain by this many pupils
MEAN_WIDTH = 8  # and a hidden mean by an eighth of the scale
SCORE_UNIT = 10_000  # totals of scores are whole ten-thousandths, so that sums are exact

BANDS = ("5-9", "10-19", "20-49", "50-99", "100-199", "200-499", "500+")
_BAND_STARTS = np.array([5, 10, 20, 50, 100, 200, 500])

Kind = Literal["share", "mean", "count"]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

CELLS = pa.schema(
    [
        pa.field("table", pa.string()),  # cells of one table add up: one wave, figure, statistic
        pa.field("kind", pa.string()),  # share, mean or count
        pa.field("level", pa.string()),  # municipality (one a table), school, grade or gender
        pa.field("n", pa.int64()),  # pupils or classes that the figure is about
        pa.field("total", pa.int64()),  # those for whom it holds; for a mean the sum of scores
        pa.field("lowest", pa.int64()),  # least that one pupil can add to the total
        pa.field("highest", pa.int64()),  # most that one pupil can add
        pa.field("classes", pa.int64()),  # classes behind n
        pa.field("one_piece", pa.bool_()),  # of the table: see schools_and_grades_hang_together
    ]
)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Cells of one table. `part` is the total above the least possible, `reach` its cap a pupil."""

    kind: str
    level: npt.NDArray[np.str_]
    n: Ints
    part: Ints
    reach: int
    classes: Ints

    @property
    def rest(self) -> Ints:
        return self.n * self.reach - self.part

    def where(self, mask: Mask) -> "_Cells":
        return _Cells(
            kind=self.kind,
            level=self.level[mask],
            n=self.n[mask],
            part=self.part[mask],
            reach=self.reach,
            classes=self.classes[mask],
        )


def suppress(cells: pa.Table, *, min_n: int) -> pa.Table:
    """Replace the true counts of `cells` by n_band, total_band, value and suppressed.

    `cells` holds the columns of CELLS and any others, which are passed through in the same order.
    Shares get two decimals, means one, counts the nearest five; a hidden cell is null throughout.
    """
    hidden = hidden_cells(cells, min_n=min_n)
    shown = _round_cells(cells, hidden)
    kept = cells.drop_columns(CELLS.names[CELLS.get_field_index("n") :])
    for name, column in shown.items():
        kept = kept.append_column(name, column)
    return kept


def hidden_cells(cells: pa.Table, *, min_n: int) -> Mask:
    """Say for each row of `cells` whether it must be hidden."""
    floor = max(min_n, MIN_N_FLOOR)
    hidden = np.ones(cells.num_rows, dtype=np.bool_)
    for rows in _rows_by_table(_strings(cells, "table")):
        one_piece = bool(cells.column("one_piece")[int(rows[0])].as_py())
        hidden[rows] = _hide_in_table(_one_table(cells.take(rows)), floor, one_piece=one_piece)
    return hidden


def schools_and_grades_hang_together(schools: Ints, grades: Ints) -> bool:
    """Say whether schools and the grades they teach form one connected whole.

    Where they do not (one lower secondary school is the whole of grades 8-10), sums of grades are
    sums of schools, and what is hidden in one list stands in the other. One pair a position.
    """
    if len(schools) == 0:
        return True
    _, rows = np.unique(schools, return_inverse=True)
    _, columns = np.unique(grades, return_inverse=True)
    taught = np.zeros((rows.max() + 1, columns.max() + 1), np.bool_)
    taught[rows, columns] = True
    # Grades are at most 13: from the first, go on to what shares a school until nothing is new.
    reached = taught[0]
    while not np.array_equal(reached, wider := taught[taught[:, reached].any(axis=1)].any(axis=0)):
        reached = wider
    return bool(reached.all())


def bands(counts: Ints) -> npt.NDArray[np.object_]:
    """The band of each count; "0" for none, and None for 1-4, which has no band to be shown in."""
    labels = np.array([None, *BANDS], dtype=object)
    found = labels[np.searchsorted(_BAND_STARTS, counts, side="right")]
    found[counts == 0] = "0"
    return found


def _rows_by_table(table: npt.NDArray[np.str_]) -> list[Ints]:
    order = np.argsort(table, kind="stable")
    breaks = np.flatnonzero(table[order][1:] != table[order][:-1]) + 1
    return np.split(order, breaks) if len(order) else []


def _hide_in_table(cells: _Cells, min_n: int, *, one_piece: bool) -> Mask:
    small = _too_small(cells, min_n)
    whole = cells.level == "municipality"
    hidden = (
        None if small[whole].any() else _with_siblings(cells, small, min_n, one_piece=one_piece)
    )
    if hidden is not None:
        return hidden
    # Without the whole no sum binds the schools; but grades, genders and a full list of schools
    # would each give the whole away.
    schools = (cells.level == "school") & (cells.n > 0)
    without_whole: Mask = small | (cells.level != "school") | ~(small & schools).any()
    return without_whole


def _too_small(cells: _Cells, min_n: int) -> Mask:
    """Primary suppression: few pupils, a handful of them, or everybody alike."""
    needed = np.where(cells.level == "gender", max(min_n, GENDER_MIN_N), min_n)
    smaller_side = np.minimum(cells.part, cells.rest)
    if cells.kind == "count":
        telling = smaller_side < SMALL_COUNT
    elif cells.kind == "share":
        handful = (smaller_side > 0) & (smaller_side < SMALL_COUNT)
        telling = handful | ((smaller_side == 0) & (cells.n < NONE_OR_ALL_FROM))
    else:
        # A mean that rounds to the end of the scale says what every one of them answered.
        at_the_end = smaller_side * 20 < cells.n * SCORE_UNIT
        telling = at_the_end & (cells.n < NONE_OR_ALL_FROM)
    small: Mask = (cells.n < needed) | (cells.classes < MIN_CLASSES) | telling
    return small


def _with_siblings(cells: _Cells, small: Mask, min_n: int, *, one_piece: bool) -> Mask | None:
    """Secondary suppression below a shown whole; None where no choice of siblings is enough."""
    hidden = small.copy()
    for level, needed in MIN_HIDDEN.items():
        children = cells.level == level
        if level == "grade" and _grades_give_schools_away(cells, hidden, one_piece=one_piece):
            hidden |= children
        floor = max(min_n, GENDER_MIN_N) if level == "gender" else min_n
        chosen = _hide_smallest(cells.where(children), hidden[children], needed, floor)
        if chosen is None:
            return None
        hidden[children] = chosen
    return hidden


def _grades_give_schools_away(cells: _Cells, hidden: Mask, *, one_piece: bool) -> bool:
    """Whether what one list hides would stand in the other, so that one of them has to go.

    In separate pieces sums of grades are sums of schools. A shown 0 % or 100 % settles its pupils
    wherever they are counted, and so can leave separate pieces where there was one.
    """
    crossed = (cells.n > 0) & ((cells.level == "school") | (cells.level == "grade"))
    settled = crossed & ~hidden & (np.minimum(cells.part, cells.rest) == 0)
    return bool((hidden & crossed).any() and (not one_piece or settled.any()))


def _hide_smallest(children: _Cells, small: Mask, needed: int, min_n: int) -> Mask | None:
    """Hide the smallest siblings, equals together, until what is hidden cannot be worked out."""
    hidden = small.copy()
    occupied = children.n > 0
    sizes = np.column_stack([children.n, children.part])
    candidates = iter(np.unique(sizes[~hidden & occupied], axis=0))
    while not _is_protected(
        children.where(hidden & occupied), small[hidden & occupied], needed, min_n
    ):
        size = next(candidates, None)
        if size is None:
            return None
        hidden |= (sizes == size).all(axis=1)
    return hidden


def _is_protected(hidden: _Cells, small: Mask, needed: int, min_n: int) -> bool:
    """Whether each hidden cell stays unknown to one who works out the sum of the hidden ones."""
    if len(hidden.n) == 0:
        return True
    if len(hidden.n) < needed or hidden.n.sum() < min_n:
        return False
    return _side_is_open(hidden, hidden.part, small) and _side_is_open(hidden, hidden.rest, small)


def _side_is_open(hidden: _Cells, side: Ints, small: Mask) -> bool:
    none = np.zeros_like(side)
    if hidden.kind == "mean":
        wanted = np.where(small, -(-hidden.n * hidden.reach // MEAN_WIDTH), 1)
        return bool((_width(hidden, side, none) >= wanted).all())
    if side.sum() < SMALL_COUNT or side.sum() == len(side):  # all hidden ones could be ones
        return False
    # Where 0 % would have been shown, being hidden says that there is at least one.
    seen = np.where(hidden.n >= NONE_OR_ALL_FROM, np.minimum(side, 1), 0)
    floors = [none] if hidden.kind == "count" else [none, seen]
    return all(
        bool((_width(hidden, side, floor) >= _wanted(hidden.n - floor, small)).all())
        for floor in floors
    )


def _wanted(room: Ints, small: Mask) -> Ints:
    return np.minimum(np.where(small, COUNT_WIDTH, 1), room)


def _width(hidden: _Cells, side: Ints, floor: Ints) -> Ints:
    """How far each value can move when only their sum, their caps and their floors are known."""
    caps = hidden.n * hidden.reach
    low = np.maximum(floor, side.sum() - (caps.sum() - caps))
    high = np.minimum(caps, side.sum() - (floor.sum() - floor))
    width: Ints = high - low
    return width


def _round_cells(cells: pa.Table, hidden: Mask) -> dict[str, pa.Array]:
    kind = _strings(cells, "kind")
    n, total = _ints(cells, "n"), _ints(cells, "total")
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


def _one_table(cells: pa.Table) -> _Cells:
    n, lowest = _ints(cells, "n"), _ints(cells, "lowest")
    return _Cells(
        kind=str(cells.column("kind")[0].as_py()),
        level=_strings(cells, "level"),
        n=n,
        part=_ints(cells, "total") - n * lowest,
        reach=int((_ints(cells, "highest") - lowest)[0]),
        classes=_ints(cells, "classes"),
    )


def _ints(cells: pa.Table, name: str) -> Ints:
    return np.asarray(cells.column(name).to_numpy(), dtype=np.int64)


def _strings(cells: pa.Table, name: str) -> npt.NDArray[np.str_]:
    return np.asarray(cells.column(name).to_numpy(), dtype=np.str_)
