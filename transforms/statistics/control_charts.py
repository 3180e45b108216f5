"""Levels over time: for a school or a municipality with many pulses, never for a single class.

One class gives one to three points a year; a chart of those is not meaningful (domain notes 6.5).
Compare like term with like term: autumn and spring differ by themselves.
"""

from dataclasses import dataclass

import numpy as np

from transforms.statistics.numbers import Marks, Numbers, require_counts, require_numbers

RUN_LENGTH = 7  # a shift is 7 points on one side (NHS, Making Data Count)
_LIMIT_PER_RANGE = 2.66  # 3 / 1.128: three sigma from the mean range of two
_RANGE_LIMIT = 3.267  # the upper limit of a range of two


@dataclass(frozen=True, slots=True)
class Chart:
    """The points, their centre line, the limits at each point, and which points lie outside."""

    points: Numbers
    centre: float
    low: Numbers
    high: Numbers
    outside: Marks


def p_chart(observed: Numbers, n: Numbers) -> Chart:
    """Shares of a school over time against three sigma of their pooled share (Shewhart).

    `observed` of `n` at each point in time; n must be positive.
    """
    require_counts(observed, n)
    if len(n) == 0 or (np.asarray(n) <= 0).any():
        message = "a chart needs points, and a point without answers has no share"
        raise ValueError(message)
    points = np.asarray(observed / n, np.float64)
    centre = float(np.sum(observed) / np.sum(n))
    half = 3 * np.sqrt(centre * (1 - centre) / n)
    return _chart(points, centre, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0))


def xmr_chart(values: Numbers) -> Chart:
    """Single values against their mean, limits from the mean moving range (Wheeler); 2 or more."""
    mean_range = float(np.mean(moving_ranges(values)))
    centre, half = float(np.mean(values)), _LIMIT_PER_RANGE * mean_range
    same = np.ones(len(values))
    return _chart(values, centre, same * (centre - half), same * (centre + half))


def moving_ranges(values: Numbers) -> Numbers:
    """The step between each two neighbours, without its sign."""
    require_numbers(values=values)
    if len(values) <= 1:
        message = f"a moving range needs 2 values or more, and there are {len(values)}"
        raise ValueError(message)
    return np.abs(np.diff(values))


def range_limit(values: Numbers) -> float:
    """The moving range above which a single step is out of the ordinary."""
    return float(_RANGE_LIMIT * np.mean(moving_ranges(values)))


def _chart(points: Numbers, centre: float, low: Numbers, high: Numbers) -> Chart:
    return Chart(points, centre, low, high, (points < low) | (points > high))


def shifted(values: Numbers, centre: float, *, length: int = RUN_LENGTH) -> Marks:
    """Which points belong to a run of `length` or more on one side; one on the line breaks it."""
    require_numbers(values=values, centre=centre)
    side = np.sign(np.asarray(values, np.float64) - centre)
    starts = np.flatnonzero(np.diff(side, prepend=np.nan) != 0)
    lengths = np.diff(starts, append=len(side))
    return np.asarray(np.repeat(lengths >= length, lengths) & (side != 0))


def persistent(signals: Marks, *, at_least: int = 2, of: int = 3) -> Marks:
    """Where a signal was there in `at_least` of the last `of` waves, this one included.

    `signals` and the result are waves (oldest first) x classes. Before the third wave, those there
    are count. The newest wave may be a quiet one: whoever raises a flag asks for its own signal.
    """
    so_far = np.cumsum(signals, axis=0)
    before = np.zeros_like(so_far)
    before[of:] = so_far[:-of]
    return np.asarray(so_far - before >= at_least)
