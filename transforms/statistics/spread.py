"""How far apart one class's values lie, against classes drawn at random from the same pupils.

Under the hypothesis that pupils were dealt to classes by chance, a class of n is a sample of n
without replacement from all pupils of the classes compared: which pupils the other classes have
makes no difference to it. So drawing samples of each size does what permuting all of them does.
"""

import numpy as np

from transforms.statistics.numbers import Counts, Numbers

_ROWS = 1_000  # draws at a time, so that a class of hundreds stays within bounds


def spread_of(n: Counts, total: Counts, squares: Counts) -> Counts:
    """Sum of squares times n, less the sum squared: n (n - 1) times the variance, in whole numbers.

    Of whole-number values, so that two classes with the same values are equal to the last digit.
    """
    return n * squares - total**2


def as_spread_by_chance(
    spread: Counts, n: Counts, pool: Counts, *, draws: int, random: np.random.Generator
) -> Numbers:
    """P(a class of n drawn from the pool is as spread or more), (1 + as spread) / (1 + draws).

    `spread` as `spread_of` gives it for each class of size `n`; `pool` are the values of all
    pupils, at least as many as the largest class. The Monte-Carlo error is sqrt(p (1 - p) / draws)
    (North, Curtis & Sham 2002 for the ones). Loops over blocks of draws and class sizes.
    """
    reached = np.zeros(len(n), np.int64)
    largest = int(n.max(initial=0))
    for first in range(0, draws, _ROWS):
        drawn = pool[_samples(len(pool), largest, min(_ROWS, draws - first), random)]
        total, squares = np.cumsum(drawn, axis=1), np.cumsum(drawn**2, axis=1)
        for size in np.unique(n):
            own = n == size
            by_chance = np.sort(spread_of(size, total[:, size - 1], squares[:, size - 1]))
            reached[own] += len(by_chance) - np.searchsorted(by_chance, spread[own])
    return np.asarray((1 + reached) / (1 + draws), np.float64)


def _samples(pool: int, size: int, rows: int, random: np.random.Generator) -> Counts:
    """`rows` samples of `size` places of the pool, none of them twice in a row.

    The pool is dealt anew and anew into as many samples as it has places for, as pupils would be
    dealt to classes.
    """
    each = pool // max(size, 1)
    deals = np.tile(np.arange(pool), (-(-rows // each), 1))
    dealt = random.permuted(deals, axis=1)[:, : each * size]
    return np.asarray(dealt.reshape(-1, size)[:rows])
