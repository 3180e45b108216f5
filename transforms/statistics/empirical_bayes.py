"""What a class's figure would be if it were as unsure as it is: drawn towards its grade band.

One band at a time: fit a prior over its classes, then read each class's posterior. Where classes
differ no more than chance, there is no prior: everybody gets the pooled figure, and nobody stands
out (domain notes 6.3).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import (
    Marks,
    Numbers,
    require_counts,
    require_numbers,
    require_within,
    special,
)

# A prior is worth so many answers: at the least, classes keep their own shares (as where one says
# all and the others none); at the most, there is no difference between classes.
_LEAST_CERTAIN, _MOST_CERTAIN = 0.01, 1e6
_FIRST_GUESS = 30.0  # where the search for the likeliest prior begins


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """Shares of a band's classes as Beta(alpha, beta); both are positive."""

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """The band's mean share."""
        return self.alpha / (self.alpha + self.beta)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """For each class its drawn-in figure, the probability that it stands out, and how."""

    mean: Numbers
    stands_out: Numbers
    is_pooled: Marks


def prior_by_moments(observed: Numbers, n: Numbers) -> BetaPrior | None:
    """The beta prior whose intraclass correlation matches the spread of shares (Kleinman 1973).

    None where that correlation is not above 0, as with few classes of many zeros.
    """
    require_counts(observed, n)
    x, sizes = (values[n > 0].astype(np.float64) for values in (observed, n))
    answers = sizes.sum()
    if answers == 0:
        return None
    mean = x.sum() / answers
    chance = mean * (1 - mean)
    room = answers - np.sum(sizes**2) / answers - (len(x) - 1)
    if chance <= 0 or room <= 0:
        return None
    spread = np.sum(sizes * (x / sizes - mean) ** 2)
    rho = (spread - chance * (len(x) - 1)) / (chance * room)
    return _prior(mean, max(1 / rho - 1, _LEAST_CERTAIN)) if rho > 0 else None


def prior_by_likelihood(observed: Numbers, n: Numbers) -> BetaPrior | None:
    """The beta prior that makes the counts likeliest; None where one share for all does as well.

    Imports scipy.optimize: an eighth of a second, for a night's report and not for each run.
    """
    from scipy import optimize  # noqa: PLC0415

    require_counts(observed, n)
    if observed.sum() in (0, n.sum()):
        return None
    mean = observed.sum() / n.sum()
    found = optimize.minimize(
        lambda logs: -_log_likelihood(np.exp(logs[0]), np.exp(logs[1]), observed, n),
        np.log([mean / (1 - mean), _FIRST_GUESS]),
        method="L-BFGS-B",
        bounds=[(None, None), np.log([_LEAST_CERTAIN, _MOST_CERTAIN])],
    )
    odds, certain = np.exp(found.x)
    pooled = float(np.sum(observed * np.log(mean) + (n - observed) * np.log(1 - mean)))
    return _prior(odds / (1 + odds), certain) if -found.fun > pooled else None


def _prior(mean: float, certain: float) -> BetaPrior:
    return BetaPrior(float(mean * certain), float((1 - mean) * certain))


def _log_likelihood(odds: float, certain: float, observed: Numbers, n: Numbers) -> float:
    prior = _prior(odds / (1 + odds), certain)
    ln = special().betaln
    together = ln(prior.alpha + observed, prior.beta + n - observed) - ln(prior.alpha, prior.beta)
    return float(np.sum(together))


def posterior_mean(prior: BetaPrior, observed: npt.ArrayLike, n: npt.ArrayLike) -> Numbers:
    """Each class's share drawn towards the band's, 0-1."""
    require_counts(observed, n)
    alpha = prior.alpha + np.asarray(observed)
    return np.asarray(alpha / (prior.alpha + prior.beta + np.asarray(n)), np.float64)


def posterior_above(
    prior: BetaPrior, observed: npt.ArrayLike, n: npt.ArrayLike, limit: float
) -> Numbers:
    """P(a class's true share > limit), for each class."""
    require_counts(observed, n)
    require_numbers(limit=limit)
    x = np.asarray(observed, np.float64)
    within = np.clip(limit, 0, 1)
    above = special().betaincc(prior.alpha + x, prior.beta + np.asarray(n) - x, within)
    return np.asarray(above, np.float64)


def shrink_shares(
    observed: Numbers,
    n: Numbers,
    band: npt.NDArray[np.generic],
    *,
    times: float = 1.5,
    fit: Callable[[Numbers, Numbers], BetaPrior | None] = prior_by_moments,
) -> Shrunk:
    """Each class's share within its grade band, and P(true share > times x the band's mean).

    `band` names each class's grade band. Without a prior a class has the band's pooled share and
    stands out with probability 0: no class flag comes of it. Loops over bands, not classes.
    """
    require_counts(observed, n)
    mean, out = np.zeros((2, len(observed)))
    is_pooled = np.ones(len(observed), np.bool_)
    for name in np.unique(band):
        members = band == name
        x, sizes = observed[members], n[members]
        prior = fit(x, sizes)
        if prior is None:
            mean[members] = x.sum() / sizes.sum() if sizes.sum() else np.nan
            continue
        mean[members] = posterior_mean(prior, x, sizes)
        out[members] = posterior_above(prior, x, sizes, times * prior.mean)
        is_pooled[members] = False
    return Shrunk(mean, out, is_pooled)


def variance_between(means: Numbers, variances: Numbers, n: Numbers) -> tuple[float, float]:
    """tau2 between classes and s2 within them, by analysis of variance; tau2 is never below 0.

    `means` and sample `variances` (n - 1) of a scale in each class of a band, in scale units
    squared; every class has 2 answers or more. tau2 is 0 for a single class.
    """
    require_within(0, np.inf, variances=variances)
    require_within(2, np.inf, n=n)
    require_numbers(means=means)
    k, answers = len(means), n.sum()
    if k <= 1:
        return 0.0, float(np.sum(variances))
    within = float(np.sum((n - 1) * variances) / np.sum(n - 1))
    grand = np.sum(n * means) / answers
    between = np.sum(n * (means - grand) ** 2) / (k - 1)
    typical = (answers - np.sum(n**2) / answers) / (k - 1)
    return max(0.0, float((between - within) / typical)), within


def shrink_means(
    means: Numbers, variances: Numbers, n: Numbers, *, below_by: float = 0.5
) -> Shrunk:
    """Class means of one scale in one band, each drawn in by B = tau2 / (tau2 + s2 / n).

    `stands_out` is P(true mean < band's mean - below_by x between-class SD) (domain notes 6.3, C5).
    Where tau2 is 0, every class has the band's mean, and nobody stands out.
    """
    tau2, within = variance_between(means, variances, n)
    classes = len(means)
    grand = np.sum(n * means) / n.sum() if classes else np.nan
    if tau2 == 0:
        return Shrunk(np.full(classes, grand), np.zeros(classes), np.ones(classes, np.bool_))
    kept = tau2 / (tau2 + within / n)
    shrunk = grand + kept * (means - grand)
    spread = np.sqrt(tau2 * (1 - kept))
    distance = grand - below_by * np.sqrt(tau2) - shrunk
    certain = np.where(distance > 0, np.inf, -np.inf)  # where nothing is unsure
    z = np.divide(distance, spread, out=certain, where=spread > 0)
    return Shrunk(shrunk, special().ndtr(z), np.zeros(classes, np.bool_))
