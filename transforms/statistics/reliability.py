"""How well a scale's items hang together in one wave, and how many sit at its ends."""

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import Numbers, require_numbers

_LEAST_ITEMS_OF_A_FACTOR = 3
_FIRST_GUESS, _STEPS, _CLOSE = 0.5, 2000, 1e-12  # of the search for a factor


def cronbach_alpha(codes: Numbers) -> float | None:
    """Alpha of complete forms x items, reversed items already turned (Cronbach 1951).

    None with fewer than two forms or items, or where all sums are equal.
    """
    require_numbers(codes=codes)
    forms, items = codes.shape
    if forms <= 1 or items <= 1:
        return None
    of_sum = np.var(codes.sum(axis=1), ddof=1)
    if of_sum == 0:
        return None
    return float(items / (items - 1) * (1 - np.var(codes, axis=0, ddof=1).sum() / of_sum))


def mcdonald_omega(codes: Numbers) -> float | None:
    """Omega total of one factor: the share of a sum's variance that the factor explains.

    `codes` are complete forms x items. The factor is fitted by least squares on the correlations
    (principal axis, iterated) and taken back to the items' units (McDonald 1999). None with fewer
    than three items, an item that all answer alike, or a fit that leaves an item no error of its
    own (a Heywood case).
    """
    require_numbers(codes=codes)
    forms, items = codes.shape
    if forms <= items or items < _LEAST_ITEMS_OF_A_FACTOR:
        return None
    spread = np.std(codes, axis=0)
    if (spread == 0).any():
        return None
    loading = one_factor(np.asarray(np.corrcoef(codes, rowvar=False), np.float64))
    if loading is None:
        return None
    common = np.sum(loading * spread) ** 2
    return float(common / (common + np.sum((1 - loading**2) * spread**2)))


def one_factor(correlation: Numbers) -> Numbers | None:
    """The loadings of one common factor, their sum positive; None where no proper fit is found."""
    explained = np.full(len(correlation), _FIRST_GUESS)
    for _ in range(_STEPS):
        reduced = correlation.copy()
        np.fill_diagonal(reduced, explained)
        values, vectors = np.linalg.eigh(reduced)
        loading = vectors[:, -1] * np.sqrt(max(float(values[-1]), 0.0))
        if (np.abs(loading) >= 1).any():
            return None
        step, explained = np.max(np.abs(loading**2 - explained)), loading**2
        if step < _CLOSE:
            return np.asarray(loading if loading.sum() > 0 else -loading, np.float64)
    return None


def floor_and_ceiling(
    scores: npt.ArrayLike, *, minimum: float, maximum: float
) -> tuple[float, float] | None:
    """The shares of pupils at the lowest and at the highest possible score; None without scores."""
    require_numbers(scores=scores)
    found = np.asarray(scores, np.float64)
    if found.size == 0:
        return None
    return float(np.mean(found <= minimum)), float(np.mean(found >= maximum))
