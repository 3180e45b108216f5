"""Which figures are small in themselves (primary suppression)."""

import numpy as np

from transforms.disclosure.cells import SCORE_UNIT, Cells, Mask

# Privacy notes 1.4. The floors are held here: settings can raise min_n and lower nothing.
SMALL_COUNT = 5  # a numerator or a complement of 1-4 is a handful of pupils
NONE_OR_ALL_FROM = 20  # 0 % and 100 % say the same of everybody, so there must be many
GENDER_MIN_N = 10
MIN_CLASSES = 2  # a school or grade of one class is a class figure, and none is published


def too_small(cells: Cells, min_n: int) -> Mask:
    """Few pupils, a handful of them, or everybody alike."""
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
