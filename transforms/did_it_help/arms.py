"""Who was followed up, who waited, and who was never chosen: forms of two waves in, arms out."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from transforms.did_it_help.comparison import Arms

FOLLOWED, WAITING, OTHERS = "followed", "waiting", "others"
_CLOCKED = ("prompt", "flag")  # a watch is listed, and asks nobody to do anything
_PUPIL = ("school_id", "pupil")
_MANY = 3  # signals; more of them are as many
_PROMPT = 10


@dataclass(frozen=True, slots=True)
class Between:
    """From the first day of the wave of the flags up to the first day of the next one."""

    opens: date
    next_opens: date


def with_arms(
    pairs: pl.DataFrame, flags: pl.DataFrame, groups: pl.DataFrame, between: Between
) -> pl.DataFrame:
    """Add `arm` to pupils with both answers, and `signals`: how much the survey said of them.

    The arms are followed, waiting and others; null is neither.

    `pairs`: school_id, pupil, class_group, grade, before, after. `flags` of the first wave:
    school_id, pupil, level, situation, rule_id. `groups`: school_id, pupil, formed_on. Followed are
    flagged pupils whose group was formed between the waves; waiting those with a flag of a
    situation that some followed pupil was flagged for, and no group so far. Whoever had a group
    before is in no arm, and so is whoever got one without a flag.
    """
    clocked = flags.filter(pl.col("level").is_in(_CLOCKED))
    early = groups.filter(pl.col("formed_on") < between.opens)
    inside = _formed(groups, between)
    followed = clocked.join(inside, on=_PUPIL, how="semi")
    alike = clocked.filter(pl.col("situation").is_in(followed["situation"].unique().to_list()))
    marks = {
        "had_before": early,
        "is_formed": inside,
        "is_clocked": clocked,
        "is_alike": alike,
        "is_flagged": flags,
    }
    marked = pairs
    for name, who in marks.items():
        them = who.select(_PUPIL).unique().with_columns(pl.lit(value=True).alias(name))
        marked = marked.join(them, on=_PUPIL, how="left", maintain_order="left")
    told = marked.with_columns(pl.col(list(marks)).fill_null(value=False))
    free = ~pl.col("had_before")
    arm = (
        pl.when(free & pl.col("is_formed") & pl.col("is_clocked"))
        .then(pl.lit(FOLLOWED))
        .when(free & ~pl.col("is_formed") & pl.col("is_alike"))
        .then(pl.lit(WAITING))
        .when(free & ~pl.col("is_formed") & ~pl.col("is_flagged"))
        .then(pl.lit(OTHERS))
    )
    placed = told.with_columns(arm.alias("arm")).drop(list(marks))
    return placed.join(_signals(flags), on=_PUPIL, how="left", maintain_order="left").with_columns(
        pl.col("signals").fill_null(0)
    )


def _signals(flags: pl.DataFrame) -> pl.DataFrame:
    """How many rules flagged each pupil, up to three, and whether one of them cannot wait."""
    many = pl.min_horizontal(pl.col("rule_id").n_unique().cast(pl.Int64), pl.lit(_MANY))
    prompt = (pl.col("level") == "prompt").any().cast(pl.Int64)
    return flags.group_by(_PUPIL).agg((many + _PROMPT * prompt).alias("signals"))


def with_class_arms(pairs: pl.DataFrame, groups: pl.DataFrame, between: Between) -> pl.DataFrame:
    """The same for classes: the class mates of pupils with a group, and pupils of other classes.

    No pupil who ever had a group is in either. `groups` has class_group as well, that of the case.
    """
    inside = _formed(groups, between).select("school_id", "class_group").unique()
    mates = pairs.join(groups, on=_PUPIL, how="anti")
    marked = mates.join(
        inside.with_columns(pl.lit(FOLLOWED).alias("arm")),
        on=["school_id", "class_group"],
        how="left",
        maintain_order="left",
    )
    early = groups.filter(pl.col("formed_on") < between.opens)
    without = marked.join(early, on=["school_id", "class_group"], how="anti", maintain_order="left")
    return without.with_columns(
        pl.col("arm").fill_null(WAITING), pl.lit(0, pl.Int64).alias("signals")
    )


def _formed(groups: pl.DataFrame, between: Between) -> pl.DataFrame:
    return groups.filter(
        (pl.col("formed_on") >= between.opens) & (pl.col("formed_on") < between.next_opens)
    )


def arms_of(marked: pl.DataFrame, names: tuple[str, ...] = (FOLLOWED, WAITING)) -> Arms:
    """The columns of the pupils in some arms, as the comparison takes them."""
    own = marked.filter(pl.col("arm").is_in(names))
    place = own.select(pl.concat_str("school_id", "class_group", separator="\n").rank("dense"))
    return Arms(
        before=own["before"].to_numpy().astype(np.float64),
        after=own["after"].to_numpy().astype(np.float64),
        followed=(own["arm"] == FOLLOWED).to_numpy(),
        grade=own["grade"].to_numpy().astype(np.int64),
        class_no=place.to_series().to_numpy().astype(np.int64),
        signals=own["signals"].to_numpy().astype(np.int64),
    )
