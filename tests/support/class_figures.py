"""The class tables of `docs/explanation/how-well-the-rules-do.md`, drawn once for all tests."""

from functools import cache

from flows.rules.backtest import CLASS_WAVES, class_figures
from flows.rules.how_well import SEED
from schemas.rule import shipped_rules


@cache
def of_the_page():
    """The figures of every class rule over all waves, by what is off."""
    return class_figures(shipped_rules(), waves=CLASS_WAVES, seed=SEED)
