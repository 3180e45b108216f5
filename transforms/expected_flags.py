"""How many classes a rule would signal by chance alone, if every class were like its yardstick."""

import numpy as np
import numpy.typing as npt

from transforms.statistics import binomial_tail


def false_signals(
    answered: npt.ArrayLike, baseline: npt.ArrayLike, *, watch_below: float, min_count: int
) -> float:
    """Expected signals of equal classes: the sum over classes of P(X >= c | n, baseline).

    c is the smallest count that would be a signal: at least `min_count`, and with an exact tail
    below `watch_below`. A control of the whole family on top can only lower it.
    """
    n, share = np.asarray(answered, np.int64), np.asarray(baseline, np.float64)
    if n.size == 0:
        return 0.0
    counts = np.arange(int(n.max()) + 2)
    tails = binomial_tail(counts[np.newaxis, :], n[:, np.newaxis], share[:, np.newaxis])
    is_signal = (tails < watch_below) & (counts >= min_count)
    # Tails fall with the count, so the first signal has the probability of any.
    return float(tails[np.arange(n.size), is_signal.argmax(axis=1)].sum())
