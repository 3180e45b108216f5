"""Shares and medians of the programme, for the municipality and each school: true counts.

What comes out of here goes through a floor (`shown`) or the disclosure gate, and nowhere else.
"""

import polars as pl

from schemas.case_life import SITUATIONS, case_life
from schemas.outcome import Measure, OutcomePlan

SMALLEST = 5  # fewer pupils or cases are no figure, and neither are fewer on either side of a share
OF_ALL = ("situation", "outcome")  # categories that divide a measure; a question is one of its own
_PLACES = ("wave_id", "school_id", "measure", "category")


def figures(told: pl.DataFrame, plan: OutcomePlan) -> pl.DataFrame:
    """One row a wave, school (null for all), measure and category, with the true counts.

    cases: units behind it. n, total: of whom, and of them; for a median n alone. value: the share
    or the median. Every category of a measure has a row, with nobody in it or not.
    """
    whole = told.with_columns(pl.lit(None, pl.String).alias("school_id"))
    both = pl.concat([told, whole])
    return pl.concat([_measured(both, measure) for measure in plan.measures]).sort(_PLACES)


def _measured(told: pl.DataFrame, measure: Measure) -> pl.DataFrame:
    own = told.filter(pl.col("measure") == measure.id)
    place = ["wave_id", "school_id"]
    if measure.categories is not None:
        every = pl.DataFrame({"category": categories_of(measure)})
        places = own.select(place).unique().join(every, how="cross")
    else:
        places = own.select(place).unique().with_columns(pl.lit(None, pl.String).alias("category"))
    by = place if measure.categories in OF_ALL else [*place, "category"]
    of = own.group_by(by).agg(
        pl.col("unit").n_unique().cast(pl.Int64).alias("cases"),
        pl.struct("school_id", "class_group").n_unique().cast(pl.Int64).alias("classes"),
        pl.col("weight").sum().alias("n"),
        pl.col("amount").median().alias("median"),
    )
    holds = own.group_by([*place, "category"]).agg(pl.col("holds").sum().alias("total"))
    found = places.join(of, on=by, how="left", nulls_equal=True).join(
        holds, on=[*place, "category"], how="left", nulls_equal=True
    )
    counts = ("cases", "classes", "n", "total")
    found = found.with_columns(pl.col(name).fill_null(0) for name in counts)
    share = pl.when(pl.col("n") > 0).then(pl.col("total") / pl.col("n"))
    value = pl.col("median") if measure.statistic == "median" else share
    return found.select(
        "wave_id",
        "school_id",
        pl.lit(measure.id).alias("measure"),
        "category",
        pl.lit(measure.statistic).alias("statistic"),
        *counts,
        value.cast(pl.Float64).alias("value"),
    )


def categories_of(measure: Measure) -> list[str]:
    """The categories of a measure, in the order in which they are told; none of most."""
    if measure.categories == "situation":
        return [*SITUATIONS, "any"]
    if measure.categories == "outcome":
        return list(case_life().codes_of("outcome"))
    return ["school_now", "safety", "together"] if measure.categories == "question" else []


def shown(found: pl.DataFrame) -> pl.DataFrame:
    """The figures that may be told, and null for the others: columns n, total and value.

    Hidden are figures of fewer than five cases, and shares with one to four on either side. A
    category is hidden with all of its measure where one alone would be: it is the whole less the
    others.
    """
    handful = pl.col("total").is_between(1, SMALLEST - 1) | (
        pl.col("n") - pl.col("total")
    ).is_between(1, SMALLEST - 1)
    is_share = pl.col("statistic") == "share"
    small = (pl.col("cases") < SMALLEST) | (is_share & handful)
    place = ["wave_id", "school_id", "measure"]
    alone = pl.col("small").sum().over(place) == 1
    divides = pl.col("category").is_in([*SITUATIONS, "any", *case_life().codes_of("outcome")])
    told = found.with_columns(small.alias("small")).with_columns(
        (pl.col("small") | (divides.fill_null(value=False) & alone)).alias("hidden")
    )
    return told.with_columns(
        pl.when(~pl.col("hidden")).then(pl.col(name)).alias(name)
        for name in ("n", "total", "value", "cases")
    ).drop("small", "classes")
