"""How pupils are doing, before anybody asks: hidden states that later waves partly keep.

Each state is a threshold on a hidden quantity, and the quantities are correlated, so that the
shares are those that were published while the same pupils often carry several states.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr

FACTORS = ("safety", "belonging", "wellbeing", "bullying")
_CORRELATION = np.array(
    (
        (1.00, 0.50, 0.50, 0.45),
        (0.50, 1.00, 0.50, 0.45),
        (0.50, 0.50, 1.00, 0.40),
        (0.45, 0.45, 0.40, 1.00),
    )
)
# How much of a quantity is still there half a year later.
_FACTOR_STAYS, _OWN_STAYS = 0.75, 0.6

# Share of the overall rate by grade. Bullied by anybody falls from about 9 % in grade 5 to about
# 4 % in grade 10 and 2 % later (domain notes 0.7) while by pupils is 4.6 % over all (3.1).
_PROFILE_GRADES = (5, 6, 7, 8, 9, 10, 12)
_PROFILE = (1.46, 1.22, 1.05, 0.88, 0.73, 0.66, 0.33)

BULLYING, UNSAFE, EXCLUSION, NOT_THRIVING = "bullying", "unsafe", "exclusion", "not_thriving"
# A class with every theme at once, so that each class rule has the same share of classes to find.
EVERY_THEME = "every_theme"


@dataclass(frozen=True, slots=True)
class State:
    """One true state: its share of pupils, what drives it, and its share in a planted class."""

    name: str
    rate: float
    drivers: dict[str, float]
    falls_with_grade: bool = False
    planted: dict[str, float] = field(default_factory=dict)


# Rates: domain notes 3.1. No share was published for unsafe, wants_talk and sees_bullying in
# this wording; theirs are planning figures.
STATES = (
    State(
        "bullied_by_pupils",
        0.046,
        {"bullying": 0.9},
        falls_with_grade=True,
        planted={BULLYING: 0.35},
    ),
    State("bullied_digitally", 0.019, {"bullying": 0.85}, falls_with_grade=True),
    State("bullied_by_adults", 0.017, {"bullying": 0.45, "safety": 0.2}, falls_with_grade=True),
    State("nobody_in_breaks", 0.015, {"belonging": 0.85}, planted={EXCLUSION: 0.35}),
    State(
        "not_thriving",
        0.027,
        {"wellbeing": 0.6, "belonging": 0.25},
        planted={NOT_THRIVING: 0.35},
    ),
    State("unsafe", 0.03, {"safety": 0.75, "bullying": 0.2}, planted={UNSAFE: 0.35}),
    State("wants_talk", 0.02, {"wellbeing": 0.35, "bullying": 0.25}),
    State("sees_bullying", 0.08, {"bullying": 0.2, "safety": 0.2}, planted={BULLYING: 0.45}),
)
STATE_NAMES = tuple(state.name for state in STATES)


def _weights() -> np.ndarray:
    drivers = np.array([[state.drivers.get(name, 0.0) for name in FACTORS] for state in STATES])
    shared = np.einsum("si,ij,sj->s", drivers, _CORRELATION, drivers)
    return np.vstack([drivers.T, np.diag(np.sqrt(1 - shared))])


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How the pupils of one wave are doing; rows are pupils.

    `quantities`: × STATES, standard normal, high is worse. `rates`: × STATES, the share for whom
    each is true, that is, whose quantity lies so far up. `factors`: × FACTORS, high is worse.
    """

    quantities: np.ndarray
    rates: np.ndarray
    factors: np.ndarray

    @property
    def true(self) -> np.ndarray:
        """Pupils × states, bool."""
        return np.asarray(ndtr(-self.quantities) < self.rates)


def draw_components(rng: Generator, previous: np.ndarray | int) -> np.ndarray:
    """Draw pupils × (factors + states) normals, anew for a count or from the wave before."""
    pupils = previous if isinstance(previous, int) else len(previous)
    fresh = rng.standard_normal((pupils, len(FACTORS) + len(STATES)))
    fresh[:, : len(FACTORS)] @= np.linalg.cholesky(_CORRELATION).T
    if isinstance(previous, int):
        return fresh
    stays = np.repeat((_FACTOR_STAYS, _OWN_STAYS), (len(FACTORS), len(STATES)))
    return np.asarray(previous * stays + fresh * np.sqrt(1 - stays**2))


def support(components: np.ndarray, helped: np.ndarray, *, effect: float) -> np.ndarray:
    """The components after pupils had a group: each hidden quantity is `effect` better for them."""
    return components - effect * helped[:, np.newaxis]


def circumstances(
    components: np.ndarray, *, grade: np.ndarray, theme: np.ndarray, strength: float = 1.0
) -> Circumstances:
    """Turn components into states; `theme` is what each pupil's class was planted with, or ''."""
    return Circumstances(
        quantities=components @ _weights(),
        rates=state_rates(grade=grade, theme=theme, strength=strength),
        factors=components[:, : len(FACTORS)],
    )


def state_rates(*, grade: np.ndarray, theme: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """The share of pupils × states for whom the state is true, by grade and planted theme.

    `strength`: how far planted classes have come from the ordinary share, 0, to their own, 1.
    """
    profile = np.interp(grade, _PROFILE_GRADES, _PROFILE)
    rates = np.empty((len(grade), len(STATES)))
    for column, state in enumerate(STATES):
        rates[:, column] = state.rate * (profile if state.falls_with_grade else 1.0)
        for planted, rate in state.planted.items():
            here = (theme == planted) | (theme == EVERY_THEME)
            ordinary = rates[here, column]
            rates[here, column] = (1 - strength) * ordinary + strength * rate
    return rates
