"""How well a signal finds what it should: against planted or known truth."""

from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import Numbers, require_within, z_of
from transforms.statistics.proportions import exact_interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its interval; nan where there was nothing to compute it from."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Sensitivity, specificity, PPV and NPV (exact intervals), LR+ and NND."""

    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    lr_positive: Estimate
    number_needed_to_diagnose: Estimate


def accuracy(*, tp: int, fp: int, fn: int, tn: int, confidence: float = 0.95) -> Accuracy:
    """The figures of one 2x2 table: flagged (p) or not (n), rightly (t) or wrongly (f).

    Shares have exact intervals (Clopper & Pearson), LR+ that of Simel et al. 1991, and the number
    needed to diagnose 1 / (se + sp - 1) that of both exact intervals at once.
    """
    require_within(0, inf, tp=tp, fp=fp, fn=fn, tn=tn)
    found = _share(tp, tp + fn, confidence)
    spared = _share(tn, tn + fp, confidence)
    return Accuracy(
        sensitivity=found,
        specificity=spared,
        ppv=_share(tp, tp + fp, confidence),
        npv=_share(tn, tn + fn, confidence),
        lr_positive=_likelihood_ratio((tp, tp + fn), (fp, fp + tn), z_of(confidence)),
        number_needed_to_diagnose=Estimate(
            _needed(found.value, spared.value),
            _needed(found.high, spared.high),
            _needed(found.low, spared.low),
        ),
    )


def _share(x: int, n: int, confidence: float) -> Estimate:
    low, high = exact_interval(x, n, confidence=confidence)
    return Estimate(x / n if n else np.nan, float(low), float(high))


def _likelihood_ratio(right: tuple[int, int], wrong: tuple[int, int], z: float) -> Estimate:
    (tp, with_it), (fp, without) = right, wrong
    if not with_it or not without or not (tp or fp):
        return Estimate(np.nan, 0.0, inf)
    if not fp:
        return Estimate(inf, 0.0, inf)
    ratio = (tp / with_it) / (fp / without)
    if not tp:
        return Estimate(ratio, 0.0, inf)
    half = z * sqrt(1 / tp - 1 / with_it + 1 / fp - 1 / without)
    return Estimate(ratio, ratio * exp(-half), ratio * exp(half))


def _needed(sensitivity: float, specificity: float) -> float:
    youden = sensitivity + specificity - 1
    if np.isnan(youden):
        return np.nan
    return 1 / youden if youden > 0 else inf  # no better than a coin: never


def flagged_share(
    prevalence: npt.ArrayLike, sensitivity: npt.ArrayLike, specificity: npt.ArrayLike
) -> Numbers:
    """The share of all pupils that is flagged, rightly or not."""
    require_within(0, 1, prevalence=prevalence, sensitivity=sensitivity, specificity=specificity)
    prev = np.asarray(prevalence, np.float64)
    rightly, spared = np.asarray(sensitivity, np.float64), np.asarray(specificity, np.float64)
    return np.asarray(prev * rightly + (1 - prev) * (1 - spared))


def ppv_at(
    prevalence: npt.ArrayLike, sensitivity: npt.ArrayLike, specificity: npt.ArrayLike
) -> Numbers:
    """The share of flags that are right at a prevalence (Bayes); nan where nobody is flagged."""
    flagged = flagged_share(prevalence, sensitivity, specificity)
    right = np.asarray(prevalence, np.float64) * np.asarray(sensitivity, np.float64)
    nobody = np.full(flagged.shape, np.nan)
    return np.asarray(np.divide(right, flagged, out=nobody, where=flagged > 0))
