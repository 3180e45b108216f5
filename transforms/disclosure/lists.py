"""Each list (schools, grades, genders) protected against its whole by hiding smallest siblings.

As if every shown figure were exact; rounding comes on top. Order and names of the cells never
matter.

What this does not prove: that no chain of sums across the lists narrows a cell down. That is proven
where grades of schools are shown (`crossed`); elsewhere it leans on the rounding, and an
independent attacker has to try (privacy notes 1.4, the LP gate).
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.publication import publication_plan
from schemas.settings import MIN_N_FLOOR
from transforms.disclosure.cells import CELLS, Cells, Ints, Mask, ints, one_table, strings
from transforms.disclosure.crossed import CROSSED, Places, hide_crossed
from transforms.disclosure.rounding import round_cells
from transforms.disclosure.siblings import hide_smallest
from transforms.disclosure.small import too_small


def suppress(cells: pa.Table, *, min_n: int) -> pa.Table:
    """Replace the true counts of `cells` by n_band, total_band, value and suppressed.

    `cells` holds the columns of CELLS and any others, which are passed through in the same order.
    Shares get two decimals, means one, counts the nearest five; a hidden cell is null throughout.
    A grade of a school is a row of the school's level.
    """
    hidden = hidden_cells(cells, min_n=min_n)
    shown = round_cells(cells, hidden)
    kept = cells.drop_columns(CELLS.names[CELLS.get_field_index("n") :])
    level = pc.replace_substring_regex(kept.column("level"), f"^{CROSSED}$", "school")
    kept = kept.set_column(kept.schema.get_field_index("level"), "level", level)
    for name, column in shown.items():
        kept = kept.append_column(name, column)
    return kept


def hidden_cells(cells: pa.Table, *, min_n: int) -> Mask:
    """Say for each row of `cells` whether it must be hidden.

    Where there are grades of schools, the columns school_id and grade say which.
    """
    floor = max(min_n, MIN_N_FLOOR)
    hidden = np.ones(cells.num_rows, dtype=np.bool_)
    for rows in _rows_by_table(strings(cells, "table")):
        own = cells.take(rows)
        one_piece = bool(own.column("one_piece")[0].as_py())
        table = one_table(own)
        hidden[rows] = _hide_in_table(table, floor, one_piece=one_piece)
        if (table.level == CROSSED).any():
            hidden[rows] |= hide_crossed(table, _places(own), hidden[rows], floor)
    return hidden


def _places(cells: pa.Table) -> Places:
    grade = pc.fill_null(cells.column("grade"), -1)
    school = cells.set_column(0, "table", pc.fill_null(cells.column("school_id"), ""))
    return Places(strings(school, "table"), ints(cells.set_column(0, "table", grade), "table"))


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
    for level in ("school", "grade", "gender"):
        needed = publication_plan().place(level).min_hidden
        children = cells.level == level
        if level == "grade" and _grades_give_schools_away(cells, hidden, one_piece=one_piece):
            hidden |= children
        # What is hidden is as many pupils together as one shown figure needs.
        floor = max(min_n, publication_plan().place(level).min_n)
        chosen = hide_smallest(cells.where(children), hidden[children], needed, floor)
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
