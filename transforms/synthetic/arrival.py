"""What is left of a wave's answers when they have come through the gate.

The demo writes files with faults and lets the road read them; a backtest of many waves takes the
same faults row by row, and keeps what the road is known to accept.
"""

import numpy as np
import polars as pl
from numpy.random import Generator

from transforms.synthetic.faults import RowFault, damage_rows
from transforms.synthetic.formats import as_text

# Shares of a wave's forms. A typing error that makes no sound code waits; one that makes another
# sound code is a pupil whom nobody knows; one of two equal forms counts; two that differ wait.
_WAITING, _MISTYPED, _TWICE, _CONTRADICTED = 0.005, 0.005, 0.01, 0.003


def arrived(answers: pl.DataFrame, rng: Generator) -> pl.DataFrame:
    """The forms of one wave that are loaded, some under a mistyped code, each pupil once."""
    plan = {
        RowFault.CODE_INVALID: round(_WAITING * answers.height),
        RowFault.DUPLICATE: round(_TWICE * answers.height),
        RowFault.CONFLICT: round(_CONTRADICTED * answers.height),
    }
    damaged = damage_rows(as_text(answers), plan, rng)
    kept = answers[damaged.source[damaged.sound].tolist()]
    mistyped = pl.Series(rng.random(kept.height) < _MISTYPED)
    strange = pl.Series([f"X{number:07}" for number in rng.permutation(np.arange(kept.height))])
    code = pl.when(mistyped).then(pl.col("wave") + strange).otherwise("pupil_code")
    renamed: pl.DataFrame = kept.with_columns(pupil_code=code)
    return renamed
