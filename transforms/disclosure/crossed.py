"""Grades of schools: shown where that gives away nothing of the lists or of themselves.

A grade of a school stands in two sums, the school's and the grade's in the municipality. So what is
hidden is chosen over both at once, beside lists that stay as they are, and proven as if every shown
figure were exact. Where no choice is enough, this level is left out of the table as a whole.
"""

from dataclasses import dataclass
from importlib import import_module

import numpy as np
import numpy.typing as npt

from schemas.publication import publication_plan
from transforms.disclosure.cells import Cells, Ints, Mask
from transforms.disclosure.siblings import hide_smallest, seen_least, width_wanted
from transforms.disclosure.small import too_small

CROSSED = "school_grade"


@dataclass(frozen=True, slots=True)
class Places:
    """Which school and grade each cell is about: no text, and -1, where it is about all."""

    school: npt.NDArray[np.str_]
    grade: Ints


def hide_crossed(cells: Cells, places: Places, hidden: Mask, min_n: int) -> Mask:
    """Say which grades of schools are hidden, given what is hidden of all else in this table.

    They all are where the whole is hidden, or the sums do not add up to the lists.
    """
    crossed = cells.level == CROSSED
    listed = np.isin(cells.level, ["municipality", "school", "grade"])
    members = _members(places, listed | crossed, crossed)
    everything: Mask = crossed
    fits = all(
        np.array_equal(members @ of[crossed], of[listed | crossed]) for of in (cells.n, cells.part)
    )
    if hidden[cells.level == "municipality"].any() or not fits:
        return everything
    small = too_small(cells, min_n)
    so_far = hidden | (small & crossed)
    while True:
        before = so_far
        so_far = _hide_in_lines(cells, places, before, min_n)
        within = listed | crossed
        chosen = _protected(cells.where(within), members, so_far[within], small[within])
        if chosen is None:
            return everything
        so_far[within] = chosen
        if np.array_equal(so_far, before):
            found: Mask = so_far & crossed
            return found


def _members(places: Places, cells: Mask, units: Mask) -> npt.NDArray[np.int64]:
    """Which grades of schools each cell adds up."""
    school, grade = places.school[cells, None], places.grade[cells, None]
    same_school = (school == "") | (school == places.school[units])
    same_grade = (grade < 0) | (grade == places.grade[units])
    members: npt.NDArray[np.int64] = (same_school & same_grade).astype(np.int64)
    return members


def _hide_in_lines(cells: Cells, places: Places, hidden: Mask, min_n: int) -> Mask:
    """Hide siblings in each school and grade that is shown: who knows one must not know another.

    A grade needs as many schools as any rest has; where there are too few, all of them are hidden.
    """
    result = hidden.copy()
    crossed = cells.level == CROSSED
    for level, of, needed in (
        ("school", places.school, publication_plan().place("grade").min_hidden),
        ("grade", places.grade, publication_plan().place(CROSSED).min_hidden),
    ):
        for whole in of[(cells.level == level) & ~hidden]:
            line = crossed & (of == whole)
            if (result & line & (cells.n > 0)).any():
                chosen = hide_smallest(cells.where(line), result[line], needed, min_n)
                result[line] = True if chosen is None else chosen
    return result


def _protected(
    cells: Cells, members: npt.NDArray[np.int64], hidden: Mask, small: Mask
) -> Mask | None:
    """Hide more of them until each hidden cell is proven uncertain; None where that fails."""
    crossed = cells.level == CROSSED
    counted = hidden & (cells.n > 0)
    share = cells.kind == "share"
    least = seen_least(cells, cells.part) if share else np.zeros_like(cells.part)
    lack = seen_least(cells, cells.rest) if share else np.zeros_like(cells.part)
    wanted = np.minimum(width_wanted(cells, small), cells.n * cells.reach - least - lack)
    for side, floor in ((cells.part, least), (cells.rest, lack)):
        room = side - members @ floor[crossed]
        if _is_hopeless(
            members[~hidden & ~crossed], room[~hidden & ~crossed], (wanted * counted)[crossed]
        ):
            return None
    all_of_it = cells.n * cells.reach
    sums = import_module("transforms.disclosure.sums").sums_of(
        members,
        cells.part[crossed],
        counted,
        out=~hidden & ~crossed,
        virtual=hidden & ~crossed,
        floor=np.where(hidden, least, 0),
        cap=np.where(hidden, all_of_it - lack, all_of_it),
        most=all_of_it[crossed],
    )
    secondary = import_module("transforms.disclosure.secondary")
    done = secondary.protect(sums, width=wanted, equals_together=True)
    chosen: Mask = hidden | done.hidden
    return None if done.exposed.any() else chosen


def _is_hopeless(lines: npt.NDArray[np.int64], room: Ints, wanted: Ints) -> bool:
    """Whether a shown sum has less room than one of its parts is to have, whatever is hidden.

    The room is what is left when each part has the least that its being hidden would tell.
    """
    return bool(((lines * wanted).max(axis=1, initial=0) > room).any())
