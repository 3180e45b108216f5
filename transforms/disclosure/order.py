"""An order of cells and units that comes from the figures alone, never from names or row numbers.

Each cell and unit gets a colour: its own figures to begin with, then again and again its colour
together with those of what it hangs together with, until no colour splits any more (colour
refinement, as for graphs). What ends with one colour has the same figures and the same place in
the same surroundings, and nothing in the data tells it apart.
"""

import numpy as np
import numpy.typing as npt
from scipy import sparse

from transforms.disclosure.sums import Sums

Colours = npt.NDArray[np.uint64]
_ODD = np.array(
    [0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93],
    dtype=np.uint64,
)


def colours(sums: Sums) -> tuple[Colours, Colours]:
    """The colours of cells and of units."""
    to_units = sparse.csr_array(sums.members.T, dtype=np.uint64)
    to_cells = sparse.csr_array(sums.members, dtype=np.uint64)
    unit = _mixed(sums.units, sums.least, sums.most)
    cell = _mixed(sums.floor, sums.cap)
    cell = _mixed(cell, sums.values, sums.small + 2 * sums.virtual + 4 * sums.kept, sums.worth)
    before = 0
    while (found := len(np.unique(cell)) + len(np.unique(unit))) > before:
        before = found
        unit, cell = (
            _mixed(unit, to_units @ _mixed(cell)),
            _mixed(cell, to_cells @ _mixed(unit)),
        )
    return cell, unit


def by_figures(sums: Sums, cell: Colours, unit: Colours) -> tuple[npt.NDArray[np.int64], ...]:
    """Positions of cells and units, the smallest first; equals stay as they were given."""
    size = sums.members.sum(axis=1)
    return np.lexsort((cell, size, sums.values, sums.worth)), np.lexsort((unit, sums.units))


def _mixed(*parts: npt.NDArray[np.generic]) -> Colours:
    """One number for several, well stirred (the finisher of SplitMix64)."""
    stirred = np.zeros(len(parts[0]), np.uint64)
    for part, odd in zip(parts, _ODD, strict=False):
        stirred = (stirred + odd) ^ (part.astype(np.uint64) * odd)
        stirred = (stirred ^ (stirred >> np.uint64(30))) * _ODD[1]
        stirred = (stirred ^ (stirred >> np.uint64(27))) * _ODD[2]
        stirred ^= stirred >> np.uint64(31)
    return stirred
