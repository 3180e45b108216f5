"""Each list (schools, grades, genders) protected against its whole by hiding smallest siblings.

As if every shown figure were exact; rounding comes on top. Order and names of the cells never
matter.

What this does not prove: that no chain of sums across the lists narrows a cell down. There it
leans on the rounding, and an independent attacker has to try (privacy notes 1.4, the LP gate).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.settings import MIN_N_FLOOR
from transforms.disclosure.cells import CELLS, Cells, Ints, Mask, one_table, strings
from transforms.disclosure.rounding import round_cells
from transforms.disclosure.small import GENDER_MIN_N, NONE_OR_ALL_FROM, SMALL_COUNT, too_small

MIN_HIDDEN = {"school": 3, "grade": 2, "gender": 2}  # who knows one must not know the rest
COUNT_WIDTH = 5  # a hidden count must stay uncertain by this many pupils
MEAN_WIDTH = 8  # and a hidden mean by an eighth of the scale


def suppress(cells: pa.Table, *, min_n: int) -> pa.Table:
    """Replace the true counts of `cells` by n_band, total_band, value and suppressed.

    `cells` holds the columns of CELLS and any others, which are passed through in the same order.
    Shares get two decimals, means one, counts the nearest five; a hidden cell is null throughout.
    """
    hidden = hidden_cells(cells, min_n=min_n)
    shown = round_cells(cells, hidden)
    kept = cells.drop_columns(CELLS.names[CELLS.get_field_index("n") :])
    for name, column in shown.items():
        kept = kept.append_column(name, column)
    return kept


def hidden_cells(cells: pa.Table, *, min_n: int) -> Mask:
    """Say for each row of `cells` whether it must be hidden."""
    floor = max(min_n, MIN_N_FLOOR)
    hidden = np.ones(cells.num_rows, dtype=np.bool_)
    for rows in _rows_by_table(strings(cells, "table")):
        one_piece = bool(cells.column("one_piece")[int(rows[0])].as_py())
        hidden[rows] = _hide_in_table(one_table(cells.take(rows)), floor, one_piece=one_piece)
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


def _rows_by_table(table: npt.NDArray[np.str_]) -> list[Ints]:
    order = np.argsort(table, kind="stable")
    breaks = np.flatnonzero(table[order][1:] != table[order][:-1]) + 1
    return np.split(order, breaks) if len(order) else []


def _hide_in_table(cells: Cells, min_n: int, *, one_piece: bool) -> Mask:
    small = too_small(cells, min_n)
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


def _with_siblings(cells: Cells, small: Mask, min_n: int, *, one_piece: bool) -> Mask | None:
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


def _grades_give_schools_away(cells: Cells, hidden: Mask, *, one_piece: bool) -> bool:
    """Whether what one list hides would stand in the other, so that one of them has to go.

    In separate pieces sums of grades are sums of schools. A shown 0 % or 100 % settles its pupils
    wherever they are counted, and so can leave separate pieces where there was one.
    """
    crossed = (cells.n > 0) & ((cells.level == "school") | (cells.level == "grade"))
    settled = crossed & ~hidden & (np.minimum(cells.part, cells.rest) == 0)
    return bool((hidden & crossed).any() and (not one_piece or settled.any()))


def _hide_smallest(children: Cells, small: Mask, needed: int, min_n: int) -> Mask | None:
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


def _is_protected(hidden: Cells, small: Mask, needed: int, min_n: int) -> bool:
    """Whether each hidden cell stays unknown to one who works out the sum of the hidden ones."""
    if len(hidden.n) == 0:
        return True
    if len(hidden.n) < needed or hidden.n.sum() < min_n:
        return False
    return _side_is_open(hidden, hidden.part, small) and _side_is_open(hidden, hidden.rest, small)


def _side_is_open(hidden: Cells, side: Ints, small: Mask) -> bool:
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


def _width(hidden: Cells, side: Ints, floor: Ints) -> Ints:
    """How far each value can move when only their sum, their caps and their floors are known."""
    caps = hidden.n * hidden.reach
    low = np.maximum(floor, side.sum() - (caps.sum() - caps))
    high = np.minimum(caps, side.sum() - (floor.sum() - floor))
    width: Ints = high - low
    return width
