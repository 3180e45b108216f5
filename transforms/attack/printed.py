"""What a printed figure can stand for, to a reader who knows the rules of printing.

Counts are rounded to the nearest five; a share is made of rounded counts and has two decimals, a
mean has one; numbers of pupils stand as bands of the rounded count. A figure that is shown has
also passed the rules of privacy notes 1.4, and that too is known.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from transforms.attack.system import AttackError, Floats, Ints

LEAST_N = 5
HANDFUL = 5  # 1-4 are a handful
ALL_ALIKE_FROM = 20
ROUNDED_TO = 5
_OFF = ROUNDED_TO // 2

Texts = npt.NDArray[np.object_]


def share_limits(value: Floats, n: Ints) -> tuple[Floats, Floats]:
    """Least and most of those for whom a shown share of `n` pupils can hold."""
    of = (n + _OFF) // ROUNDED_TO * ROUNDED_TO
    hundredths = np.rint(100 * value).astype(np.int64)
    # Halves are rounded up: 100 k / n lies from a half below the printed hundredths to just under
    # a half above, and k is a whole number of fives.
    step = 200 * ROUNDED_TO
    fives_low = -(-((2 * hundredths - 1) * of) // step)
    fives_high = -(-((2 * hundredths + 1) * of) // step) - 1
    low = np.maximum(ROUNDED_TO * fives_low - _OFF, 0)
    high = np.minimum(ROUNDED_TO * fives_high + _OFF, n)
    return _without_handfuls(low, high, n)


def count_limits(band: Texts, n: Ints) -> tuple[Floats, Floats]:
    """Least and most of a shown count: five or more, of those it is about, and five or more not."""
    low, high = band_limits(band)
    return np.maximum(low, HANDFUL), np.minimum(high, n - HANDFUL)


def mean_limits(value: Floats, n: Ints) -> tuple[Floats, Floats]:
    """Least and most sum of scores behind a shown mean."""
    tenths = np.rint(10 * value)
    return (2 * tenths - 1) * n / 20, (2 * tenths + 1) * n / 20


def band_limits(band: Texts) -> tuple[Floats, Floats]:
    """Least and most count behind each band; a band is of the count to the nearest five."""
    labels, place = np.unique(band.astype(np.str_), return_inverse=True)
    limits = np.array([_of_band(str(label)) for label in labels]).reshape(-1, 2)
    return limits[place, 0], limits[place, 1]


def size_limits(band: Texts, value: Floats, *, share: bool) -> tuple[Floats, Floats]:
    """Least and most pupils that a shown figure can be about, to one who knows only the print."""
    if not share:
        return band_limits(band)
    pairs = zip(band, np.rint(100 * value).astype(int).tolist(), strict=True)
    limits = np.array([_of_share(label, hundredths) for label, hundredths in pairs])
    return limits.reshape(-1, 2)[:, 0], limits.reshape(-1, 2)[:, 1]


def _without_handfuls(low: Ints, high: Ints, n: Ints) -> tuple[Floats, Floats]:
    """A shown share holds for five or more and not for five or more, or of twenty for all alike."""
    many = n >= ALL_ALIKE_FROM
    least = np.where(many & (low <= 0), 0, np.maximum(low, HANDFUL))
    most = np.where(many & (high >= n), n, np.minimum(high, n - HANDFUL))
    least_of_all = np.where(least > n - HANDFUL, n, least)
    most_of_all = np.where(most < HANDFUL, 0, most)
    return least_of_all.astype(np.float64), most_of_all.astype(np.float64)


def _fives(label: str) -> tuple[int, int | None]:
    first, _, last = label.rstrip("+").partition("-")
    low = -(-int(first) // ROUNDED_TO) * ROUNDED_TO
    if label.endswith("+"):
        return low, None
    return low, int(last or first) // ROUNDED_TO * ROUNDED_TO


def _of_band(label: str) -> tuple[float, float]:
    low, high = _fives(label)
    return max(low - _OFF, 0), np.inf if high is None else high + _OFF


@cache
def _of_share(label: str, hundredths: int) -> tuple[float, float]:
    """The band of a share's pupils, less the sizes that give no such share."""
    low, high = _fives(label)
    if high is None:
        return _of_band(label)
    sizes = np.arange(max(low, ROUNDED_TO), high + 1, ROUNDED_TO)
    held = np.arange(0, high + 1, ROUNDED_TO)[:, None]
    alike = ((200 * held + sizes) // (2 * sizes) == hundredths) & (held <= sizes)
    fitting = sizes[alike.any(axis=0)]
    if len(fitting) == 0:
        raise AttackError("a share is printed that no numbers of its band can give")
    return max(float(fitting[0]) - _OFF, LEAST_N), float(fitting[-1]) + _OFF
