"""Sums to be published, as a suppressor sees them: which units each adds up, and what is known.

A unit is the finest thing that any sum tells apart: the pupils of one school, grade and gender, or
one class. Values are whole numbers: counts, or magnitudes in their smallest unit (ten-thousandths
of a score), so that what is equal is equal and a zero is a zero.
"""

from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import numpy as np
from scipy import sparse

from transforms.disclosure.cells import Ints, Mask

NO_LIMIT = 2**40  # more than any sum here; a million of them still fit a whole number


@dataclass(frozen=True, slots=True)
class Sums:
    """Cells (rows of `members`, 0/1) that add up units (its columns).

    `values` is what each cell adds up to. `small`: must not be worked out (primary). `virtual`:
    nobody prints it, but it must not be worked out if it is small: a difference of two cells, say.
    `out`: printed already, and cannot be hidden. `kept`: shown whatever it costs. `worth`: whole
    numbers; the greater, the later a cell is hidden for another's sake. `least` and `most`: what a
    unit can be, as everybody knows; `floor` and `cap`: what a reader holds a hidden cell for.
    """

    members: sparse.csr_array
    units: Ints
    values: Ints
    small: Mask
    virtual: Mask
    out: Mask
    kept: Mask
    worth: Ints
    floor: Ints
    cap: Ints
    least: Ints
    most: Ints

    def units_of(self, cell: int) -> Ints:
        """The units that one cell adds up."""
        start, end = self.members.indptr[cell : cell + 2]
        found: Ints = self.members.indices[start:end]
        return found

    def take(self, cells: Ints, units: Ints) -> "Sums":
        """The same sums with cells and units in another order, or fewer of them."""
        return replace(
            self,
            members=self.members[cells][:, units],
            units=self.units[units],
            values=self.values[cells],
            small=self.small[cells],
            virtual=self.virtual[cells],
            out=self.out[cells],
            kept=self.kept[cells],
            worth=self.worth[cells],
            floor=self.floor[cells],
            cap=self.cap[cells],
            least=self.least[units],
            most=self.most[units],
        )


class Known(TypedDict, total=False):
    """What may be said of sums besides what they are: see Sums. One a cell, or one a unit."""

    virtual: Mask
    out: Mask
    worth: Ints
    floor: Ints
    cap: Ints
    least: Ints
    most: Ints


def sums_of(
    members: sparse.csr_array | Ints,
    units: Ints,
    small: Mask,
    *,
    zeros_shown: bool = False,
    **known: Unpack[Known],
) -> Sums:
    """Sums with what is usual for all that is not said: non-negative units, the largest kept.

    `zeros_shown`: a zero is never hidden, so a hidden cell is known to be at least one. ValueError
    where shapes do not fit, something is outside its limits, or zeros that are always shown are
    among the small.
    """
    cells, width = members.shape
    whole = sparse.csr_array(members, dtype=np.int64)
    whole.sum_duplicates()
    if units.shape != (width,) or small.shape != (cells,):
        raise ValueError(f"expected {width} units and {cells} cells")
    values = whole @ units
    nothing = np.zeros(cells, np.bool_)
    virtual, out = known.get("virtual", nothing), known.get("out", nothing)
    least = known.get("least", np.zeros(width, np.int64))
    most = known.get("most", np.full(width, NO_LIMIT))
    floor = np.maximum(known.get("floor", whole @ least), whole @ least)
    cap = np.minimum(known.get("cap", np.full(cells, NO_LIMIT)), whole @ most)
    if _outside(units, least, most) or _outside(values, floor, cap):
        raise ValueError("a unit or cell is less or more than is known of it")
    if zeros_shown and (small & ~virtual & (values == 0)).any():
        raise ValueError("a zero is both small and always shown")
    at_least_one = zeros_shown & (values > 0) & ~virtual
    return Sums(
        members=whole,
        units=units,
        values=values,
        small=small,
        virtual=virtual & ~out,
        out=out,
        kept=out | (zeros_shown & (values == 0) & ~virtual),
        worth=known.get("worth", values),
        floor=np.maximum(floor, at_least_one),
        cap=cap,
        least=least,
        most=most,
    )


def merged_units(sums: Sums) -> Sums:
    """The same sums over fewer units: those that no cell tells apart are one.

    Who reads the sums can work out nothing about the parts that he cannot work out about the whole.
    """
    by_unit = sums.members.T.tocsr()
    by_unit.sort_indices()
    held = np.flatnonzero(np.diff(by_unit.indptr) > 0)
    keys = [by_unit.indices[by_unit.indptr[u] : by_unit.indptr[u + 1]].tobytes() for u in held]
    numbers = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    group = np.array([numbers[key] for key in keys], np.int64)
    first = np.zeros(len(numbers), np.int64)
    first[group[::-1]] = held[::-1]

    def total(of: Ints) -> Ints:
        found = np.zeros(len(numbers), np.int64)
        np.add.at(found, group, of[held])
        return found

    return replace(
        sums,
        members=sums.members[:, first],
        units=total(sums.units),
        least=total(sums.least),
        most=np.minimum(total(sums.most), NO_LIMIT),
    )


def _outside(values: Ints, least: Ints, most: Ints) -> bool:
    return bool(((values < least) | (values > most)).any())
