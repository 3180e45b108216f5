"""Adults who choose by all that the survey said, in invented municipalities without an effect.

Whoever has many bad answers falls back further than one scale expects, most of all a careless
pupil.
"""

from functools import cache

import numpy as np
import polars as pl
import pytest

from schemas.outcome import outcome_plan
from transforms.did_it_help.comparison import Arms
from transforms.did_it_help.verdict import Verdict, judge
from transforms.synthetic.municipality import default_waves, make_municipality

CORE, SEEDS, GRADES = "klassepuls_core_v1.", range(40), range(5, 11)
SIGNALS = [pl.col(f"{CORE}{item}") <= 2 for item in ("thriving", "safety", "company_in_breaks")] + [
    pl.col(f"{CORE}bullied_by_pupils") >= 3,
    pl.col(f"{CORE}wants_talk") >= 1,
]
OUTCOMES = {
    "wellbeing": 4
    * pl.sum_horizontal([f"who5_v1.who5_{i}" for i in range(1, 6)], ignore_nulls=False),
    "company": pl.col(f"{CORE}company_in_breaks"),
}


@cache
def flagged(seed: int) -> pl.DataFrame:
    """Pupils with a signal, those with the most first, and their answers in both waves."""
    waves = default_waves(2)
    town = make_municipality(schools=6, grades=GRADES, waves=waves, seed=seed)
    count = pl.sum_horizontal(so.fill_null(value=False).cast(pl.Int64) for so in SIGNALS)
    told = town.answers.with_columns(count.alias("signals"), **OUTCOMES)
    first, second = (told.filter(pl.col("wave") == wave.id) for wave in waves)
    both = first.filter(pl.col("signals") > 0).join(second, on="pupil_code", suffix="_after")
    return both.sample(fraction=1, shuffle=True, seed=seed).sort(
        "signals", descending=True, maintain_order=True
    )


def arms(seed: int, outcome: str, groups: int, *, is_known: bool) -> Arms:
    rows = flagged(seed).with_row_index("turn").drop_nulls([outcome, f"{outcome}_after"])
    place = rows.select(pl.concat_str("school", "class_group").rank("dense")).to_series()
    signals = np.minimum(rows["signals"].to_numpy(), 3)
    return Arms(
        rows[outcome].to_numpy().astype(float),
        rows[f"{outcome}_after"].to_numpy().astype(float),
        (rows["turn"] < groups).to_numpy(),
        rows["grade"].to_numpy().astype(int),
        place.to_numpy().astype(int),
        signals if is_known else np.zeros_like(signals),
    )


def verdicts(outcome: str, groups: int, *, is_known: bool) -> list[Verdict]:
    limits = outcome_plan().limits
    return [
        judge(arms(seed, outcome, groups, is_known=is_known), limits, spread=19) for seed in SEEDS
    ]


@pytest.mark.parametrize("groups", [18, 60])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_choosing_by_signals_is_not_called_help(outcome, groups):
    found = [one.word for one in verdicts(outcome, groups, is_known=True)]
    assert found.count("cannot_tell") >= 0.95 * len(SEEDS)


def test_without_the_signals_choosing_looks_like_help():
    without = verdicts("wellbeing", 18, is_known=False)
    assert [one.word for one in without].count("helped") > 0.1 * len(SEEDS)
    assert mean_of(without) > 5
    # With them what is left pulls the other way: adults took the worst off of those with many.
    assert -6 < mean_of(verdicts("wellbeing", 18, is_known=True)) < 1


def mean_of(found: list[Verdict]) -> float:
    return float(np.mean([one.difference.value for one in found if one.difference]))
