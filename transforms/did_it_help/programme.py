"""What was done, in counts with their denominators: cases in, one row a measure out.

Deadlines are those of `case_life.toml`, in Norwegian working days. What has a deadline counts once
its time is up, done or not: what was done early would otherwise stand there before the rest can.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from schemas.case_life import CaseLife
from schemas.outcome import OutcomePlan
from transforms.did_it_help.milestones import milestones
from transforms.working_days import add_working_days

# A row each: what is counted, where, and whether it holds. `amount` is for what is no share: days,
# ratings. `weight` is how many reviews or helpers the row stands for.
TOLD = {
    "wave_id": pl.String,
    "school_id": pl.String,
    "class_group": pl.String,
    "unit": pl.String,
    "measure": pl.String,
    "category": pl.String,
    "holds": pl.Int64,
    "weight": pl.Int64,
    "amount": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class CaseTables:
    """What is read of cases, all of the route of the health service.

    flags: flag_id, wave_id, school_id, class_group, pupil, review_due, reviewed_on, raised_on.
    cases: case_id, wave_id, school_id, class_group, pupil, situation, origin, flag_ids, opened_on,
    status, closed_on, outcome_level. events: case_id, step, action, happened_on, why. groups:
    case_id, formed_on, size, ended_on. meetings: case_id, kind, held_on. ratings: case_id, step,
    question, value.
    """

    flags: pl.DataFrame
    cases: pl.DataFrame
    events: pl.DataFrame
    groups: pl.DataFrame
    meetings: pl.DataFrame
    ratings: pl.DataFrame


def told_of(tables: CaseTables, plan: OutcomePlan, life: CaseLife, today: date) -> pl.DataFrame:
    """One row a measure and pupil, case or the like (TOLD), for shares and medians."""
    cases = milestones(tables, life)
    parts = [
        _reviewed(tables, cases, life, today),
        *(make(cases) for make in (_offered, _accepted, _formed, _situations, _days)),
        _met_in_time(cases, life, today),
        *_reviews(cases, today),
        _checked(cases, life, today),
        *_closings(cases, plan, today),
        *_ratings(tables, cases),
        _helpers(tables, cases),
    ]
    return pl.concat([part.select(*TOLD) for part in parts])


def _told(
    rows: pl.DataFrame,
    measure: str,
    *,
    holds: pl.Expr | None = None,
    category: pl.Expr | None = None,
    weight: pl.Expr | None = None,
    amount: pl.Expr | None = None,
    unit: str = "case_id",
) -> pl.DataFrame:
    return rows.select(
        "wave_id",
        "school_id",
        "class_group",
        pl.col(unit).alias("unit"),
        pl.lit(measure).alias("measure"),
        (pl.lit(None, pl.String) if category is None else category).alias("category"),
        (pl.lit(0) if holds is None else holds).cast(pl.Int64).alias("holds"),
        (pl.lit(1) if weight is None else weight).cast(pl.Int64).alias("weight"),
        (pl.lit(None) if amount is None else amount).cast(pl.Float64).alias("amount"),
    )


def after_working_days(column: str, days: int, rows: pl.DataFrame) -> pl.Series:
    """The deadline of each day of a column; null where it is null."""
    known = rows[column].drop_nulls().unique().to_list()
    due = {day: add_working_days(day, days) for day in known}
    return rows[column].replace_strict(due, default=None, return_dtype=pl.Date)


def _clock_days(life: CaseLife, clock_id: str) -> int:
    [clock] = [clock for clock in life.clocks if clock.id == clock_id]
    return clock.working_days or clock.days or 0


def _reviewed(tables: CaseTables, cases: pl.DataFrame, life: CaseLife, today: date) -> pl.DataFrame:
    """Pupils with a signal: each of them looked at by its deadline; and pupils who asked."""
    names = ["wave_id", "school_id", "class_group", "pupil", "review_due", "looked"]
    signals = _signals(tables, cases).select(names)
    both = pl.concat([signals, _requests(cases, life).select(names)])
    due = both.filter(pl.col("review_due") < today)
    in_time = (pl.col("looked") <= pl.col("review_due")).fill_null(value=False)
    each = due.group_by("wave_id", "school_id", "pupil", maintain_order=True).agg(
        pl.col("class_group").first(), in_time.all().alias("in_time")
    )
    return _told(each, "reviewed_in_time", holds=pl.col("in_time"), unit="pupil")


def _signals(tables: CaseTables, cases: pl.DataFrame) -> pl.DataFrame:
    """Flags that have a deadline. Where several decisions fell, the first answered the flag."""
    linked = (
        cases.select("first_review", "flag_ids")
        .explode("flag_ids")
        .rename({"flag_ids": "flag_id"})
        .group_by("flag_id")
        .agg(pl.col("first_review").min())
    )
    flags = tables.flags.filter(pl.col("review_due").is_not_null())
    looked = (
        pl.when(pl.col("first_review") >= pl.col("raised_on"))
        .then(pl.min_horizontal("first_review", "reviewed_on"))
        .otherwise(pl.col("reviewed_on"))
    )
    return flags.join(linked, on="flag_id", how="left").with_columns(looked.alias("looked"))


def _requests(cases: pl.DataFrame, life: CaseLife) -> pl.DataFrame:
    """Cases that no flag began, with the deadline of their first review."""
    asked = cases.filter(pl.col("flag_ids").list.len() == 0)
    usual = after_working_days("opened_on", _clock_days(life, "review"), asked)
    prompt = after_working_days("opened_on", life.prompt.working_days, asked)
    is_prompt = pl.col("origin").is_in(life.prompt.origins)
    due = pl.when(is_prompt).then(prompt).otherwise(usual)
    return asked.with_columns(due.alias("review_due"), pl.col("first_review").alias("looked"))


def _offered(cases: pl.DataFrame) -> pl.DataFrame:
    rows = cases.filter(pl.col("decided_on").is_not_null())
    return _told(rows, "offered", holds=pl.col("offered_on").is_not_null())


def _accepted(cases: pl.DataFrame) -> pl.DataFrame:
    rows = cases.filter(pl.col("offered_on").is_not_null())
    return _told(rows, "accepted", holds=pl.col("accepted_on").is_not_null())


def _formed(cases: pl.DataFrame) -> pl.DataFrame:
    rows = cases.filter(pl.col("accepted_on").is_not_null())
    return _told(rows, "group_formed", holds=pl.col("formed_on").is_not_null())


def _with_group(cases: pl.DataFrame) -> pl.DataFrame:
    return cases.filter(pl.col("formed_on").is_not_null())


def _situations(cases: pl.DataFrame) -> pl.DataFrame:
    one = pl.lit(1)
    return _told(_with_group(cases), "groups_by_situation", holds=one, category=pl.col("situation"))


def _days(cases: pl.DataFrame) -> pl.DataFrame:
    rows = cases.filter(pl.col("met_on").is_not_null() & pl.col("raised_on").is_not_null())
    days = (pl.col("met_on") - pl.col("raised_on")).dt.total_days()
    return _told(rows, "days_to_first_meeting", amount=days)


def _met_in_time(cases: pl.DataFrame, life: CaseLife, today: date) -> pl.DataFrame:
    rows = cases.filter(pl.col("clock_on").is_not_null())
    due = after_working_days("clock_on", _clock_days(life, "first_meeting"), rows)
    # A pupil who said no, or a case that was closed without a group, waits for no meeting.
    waits = pl.col("status").is_in(["confirmed", "offered", "accepted", "group_active"])
    rows = rows.with_columns(due.alias("due")).filter(
        (pl.col("due") < today) & (pl.col("met_on").is_not_null() | waits)
    )
    in_time = (pl.col("met_on") <= pl.col("due")).fill_null(value=False)
    return _told(rows, "met_in_time", holds=in_time)


def _reviews(cases: pl.DataFrame, today: date) -> list[pl.DataFrame]:
    over = pl.min_horizontal(pl.col("ended_on").fill_null(today), pl.lit(today))
    rows = cases.filter(pl.col("met_on").is_not_null()).with_columns(
        ((over - pl.col("met_on")).dt.total_days() // 7).alias("weeks")
    )
    rows = rows.filter(pl.col("weeks") > 0).with_columns(
        pl.min_horizontal("reviews", "weeks").alias("held")
    )
    each = _told(rows, "reviewed_weekly", holds=pl.col("held") >= pl.col("weeks"))
    return [each, _told(rows, "reviews_held", holds=pl.col("held"), weight=pl.col("weeks"))]


def _checked(cases: pl.DataFrame, life: CaseLife, today: date) -> pl.DataFrame:
    days = timedelta(_clock_days(life, "three_month_check"))
    rows = cases.filter(pl.col("safe_on") + days < today)
    return _told(rows, "check_held", holds=pl.col("checked_on").is_not_null())


def _closings(cases: pl.DataFrame, plan: OutcomePlan, today: date) -> list[pl.DataFrame]:
    levels = pl.col("outcome_level")
    closed = _with_group(cases).filter(levels.is_not_null())
    within = timedelta(plan.limits.reopened_days)
    back = (pl.col("reopened_on") - pl.col("first_closed_on")) <= within
    known = cases.filter(pl.col("first_closed_on") + within < today)
    return [
        _told(closed, "outcome", holds=pl.lit(1), category=levels),
        _told(known, "reopened", holds=back.fill_null(value=False)),
    ]


def _ratings(tables: CaseTables, cases: pl.DataFrame) -> list[pl.DataFrame]:
    twice = (
        tables.ratings.sort("case_id", "question", "step")
        .group_by("case_id", "question", maintain_order=True)
        .agg(
            pl.col("value").first().alias("first"),
            pl.col("value").last().alias("last"),
            pl.len().alias("times"),
        )
        .filter(pl.col("times") > 1)
    )
    rows = cases.join(twice, on="case_id")
    question = pl.col("question")
    rose = pl.col("last") > pl.col("first")
    return [
        _told(rows, "rating_up", holds=rose, category=question),
        _told(rows, "rating_first", category=question, amount=pl.col("first")),
        _told(rows, "rating_last", category=question, amount=pl.col("last")),
    ]


def _helpers(tables: CaseTables, cases: pl.DataFrame) -> pl.DataFrame:
    counts = tables.events.group_by("case_id").agg(
        (pl.col("action") == "join").sum().alias("joined"),
        ((pl.col("action") == "leave") & (pl.col("why") == "too_hard")).sum().alias("too_hard"),
    )
    sizes = tables.groups.group_by("case_id").agg(pl.col("size").sum())
    rows = _with_group(cases).join(counts, on="case_id", how="left").join(sizes, on="case_id")
    helpers = pl.col("size") + pl.col("joined")
    return _told(rows, "helpers_too_hard", holds=pl.col("too_hard"), weight=helpers)
