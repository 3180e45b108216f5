"""Classes that choose at random, and some in pieces, through the class rule of choices (C7).

Choosing at random is the hardest world for a rule of loose classes: real classes choose each other
back, and hang together more.
"""

import numpy as np
from numpy.random import Generator, default_rng

from schemas.network_rule import NetworkRule
from transforms.backtest import Counted
from transforms.class_worlds import ANSWER, CLASSES, NOBODY, SHARE_OFF, SIZES, ClassWaves, Marks
from transforms.network_flags import Asked, measure_class, stands_out
from transforms.sociometry import Choices

SITUATIONS, CHOICES = 2, 3
PIECES, LEFT_OUT = 3, 3  # of a class that is off: groups that keep to themselves, and unchosen


def choice_waves(rule: NetworkRule, *, off: str, waves: int, seed: int) -> ClassWaves:
    """Run waves of 300 classes, of which 6 % are in pieces unless `off` is NOBODY."""
    rng = default_rng([seed, CLASSES, CHOICES])
    counted = sum(_wave(rng, rule, off, f"{number}") for number in range(waves))
    signals = Counted(*np.asarray(counted).tolist())
    nothing = Counted(signals.units, signals.true, 0, 0, signals.reached)  # no alert at once
    return ClassWaves(rule.id, waves, signals, nothing)


def _wave(rng: Generator, rule: NetworkRule, off: str, name: str) -> np.ndarray:
    enrolled = rng.integers(SIZES[0], SIZES[1] + 1, CLASSES)
    is_off = (rng.random(CLASSES) < SHARE_OFF) & (off != NOBODY)
    is_loose, is_reached = np.zeros(CLASSES, np.bool_), np.zeros(CLASSES, np.bool_)
    for number, (size, in_pieces) in enumerate(zip(enrolled, is_off, strict=True)):
        has_form = np.asarray(rng.random(int(size)) < ANSWER, np.bool_)
        choices = _choices(rng, has_form, in_pieces=bool(in_pieces))
        asked = Asked(f"{name} {number}", choices, has_form, int(size))
        network = measure_class(asked)
        is_reached[number] = network.gate == "tested"
        is_loose[number] = stands_out(
            network,
            cohesion_below=rule.cohesion_below,
            min_unchosen=rule.min_unchosen,
            min_groups=rule.min_groups,
            marks=rule.marks,
        )
    both = is_off & is_loose
    return np.array(
        [CLASSES, is_off.sum(), is_loose.sum(), both.sum(), (is_off & is_reached).sum()], np.int64
    )


def _choices(rng: Generator, has_form: Marks, *, in_pieces: bool) -> Choices:
    """Situations x pupils x pupils: everybody with a form chooses three whom they may choose."""
    size = has_form.size
    may = ~np.eye(size, dtype=np.bool_)
    if in_pieces:
        piece = np.arange(size) % PIECES
        may &= piece[:, np.newaxis] == piece
        may[:, rng.permutation(size)[:LEFT_OUT]] = False
    liking = np.where(may, rng.random((SITUATIONS, size, size)), -1.0)
    rank = (-liking).argsort(axis=2).argsort(axis=2)
    return np.asarray((rank < CHOICES) & may & has_form[:, np.newaxis])
