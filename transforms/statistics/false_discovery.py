"""Many tests at once: how many of those that pass would be chance."""

import numpy as np

from transforms.statistics.numbers import Numbers, require_within


def benjamini_hochberg(p_values: Numbers) -> Numbers:
    """The smallest false-discovery rate at which each test passes (Benjamini & Hochberg 1995).

    `p_values` are the whole family of one wave, fixed before the data; the result has their order.
    The same as scipy.stats.false_discovery_control, which a test compares it with; importing
    scipy.stats would take longer than a municipality's whole wave.
    """
    require_within(0, 1, p_values=p_values)
    m = len(p_values)
    order = np.argsort(p_values)[::-1]
    scaled = p_values[order] * m / np.arange(m, 0, -1)  # begins with the highest p itself
    adjusted = np.empty(m)
    adjusted[order] = np.minimum.accumulate(scaled)
    return adjusted
