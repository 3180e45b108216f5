"""What each rule ought to find, told from the planted truth and never from an answer.

A rule whose answer has no truth of its own planted beside it is not in here, and is compared with
nothing.
"""

from collections.abc import Mapping

import polars as pl

from schemas.rule import ClassRule
from transforms.synthetic.states import EVERY_THEME

LOW, RELIABLE_FALL = 50, 24  # of the true score: domain notes 6.1, and WHO-5's own cut


def _any(*states: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(state) for state in states)


_BULLIED = _any("bullied_by_pupils", "bullied_digitally")
_IS_LOW = pl.col("wellbeing") <= LOW
_FALL = pl.col("wellbeing_before") - pl.col("wellbeing")
_ALONE = _any("nobody_in_breaks", "nearly_nobody_in_breaks")
_THRIVES_LITTLE = _any("not_thriving", "nearly_not_thriving")

# Columns of `Municipality.pupils`. A signal that needs a second one is true where both are.
PUPIL_TRUTH: Mapping[str, pl.Expr] = {
    "rule.bullied_by_pupils": _BULLIED,
    "rule.bullied_by_adults": pl.col("bullied_by_adults"),
    "rule.unsafe": pl.col("unsafe"),
    "rule.nobody_in_breaks": pl.col("nobody_in_breaks"),
    "rule.not_thriving": pl.col("not_thriving"),
    "rule.wants_talk": pl.col("wants_talk"),
    "rule.new_pupil": pl.col("new_pupil"),
    "rule.sometimes_alone": pl.col("nearly_nobody_in_breaks"),
    "rule.thriving_less": pl.col("nearly_not_thriving")
    & (_BULLIED | pl.col("unsafe") | _ALONE | _IS_LOW),
    "rule.safety_less": pl.col("nearly_unsafe") & (_BULLIED | _ALONE | _THRIVES_LITTLE | _IS_LOW),
    "rule.low_wellbeing": _IS_LOW,
    "rule.wellbeing_fell": (_FALL >= RELIABLE_FALL).fill_null(value=False),
}


def class_truth(rule: ClassRule) -> pl.Expr:
    """Whether a class was planted with what the rule is about; a column of `Municipality.classes`.

    Themes have the names of the situations that they are.
    """
    return pl.col("elevated").is_in([rule.situation, EVERY_THEME]).fill_null(value=False)
