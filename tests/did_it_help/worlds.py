"""Hundreds of invented municipalities, and what the verdict says of each."""

from collections import Counter

import numpy as np

from schemas.outcome import outcome_plan
from transforms.did_it_help.verdict import Verdict, judge
from transforms.synthetic.groups import SPREAD, GroupWorld, draw_groups

LIMITS = outcome_plan().limits


def verdicts(world: GroupWorld, runs: int) -> list[Verdict]:
    """One verdict a seed; the same seeds every time."""
    drawn = (draw_groups(np.random.default_rng([11, seed]), world) for seed in range(runs))
    return [judge(one.arms, LIMITS, spread=SPREAD) for one in drawn]


def shares(world: GroupWorld, runs: int) -> dict[str, float]:
    found = Counter(one.word for one in verdicts(world, runs))
    return {word: found[word] / runs for word in ("helped", "worse", "cannot_tell")}
