"""Which figures are small in themselves (primary suppression)."""

import numpy as np

from schemas.publication import publication_plan
from transforms.disclosure.cells import SCORE_UNIT, Cells, Mask

# Privacy notes 1.4. How many pupils and classes a place needs stands in schemas/publication.toml.
SMALL_COUNT = 5  # a numerator or a complement of 1-4 is a handful of pupils
NONE_OR_ALL_FROM = 20  # 0 % and 100 % say the same of everybody, so there must be many


def too_small(cells: Cells, min_n: int) -> Mask:
    """Few pupils, a handful of them, or everybody alike."""
    plan = [publication_plan().place(str(level)) for level in cells.level]
    pupils = np.array([max(min_n, place.min_n) for place in plan])
    classes = np.array([place.min_classes for place in plan])
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
    small: Mask = (cells.n < pupils) | (cells.classes < classes) | telling
    return small
