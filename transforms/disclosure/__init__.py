"""Disclosure control: which figures may be shown, and how coarsely.

In: cells with true counts. Out: the same cells with a band, a rounded value, or nothing at all.
The true counts never come out. A cell is hidden because it is small itself (`small`), or because
a small one could be worked out from it by addition and subtraction: within a list and its whole by
`lists`, over any set of sums by `secondary`, which is imported from there: it needs scipy's solver.
`rounding` says how the rest is shown.
"""

from transforms.disclosure.cells import CELLS, SCORE_UNIT
from transforms.disclosure.lists import hidden_cells, schools_and_grades_hang_together, suppress
from transforms.disclosure.rounding import bands, hold_back
from transforms.disclosure.small import SMALL_COUNT

__all__ = [
    "CELLS",
    "SCORE_UNIT",
    "SMALL_COUNT",
    "bands",
    "hidden_cells",
    "hold_back",
    "schools_and_grades_hang_together",
    "suppress",
]
