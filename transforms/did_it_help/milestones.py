"""When each case reached each step: one row a case, from its events."""

from typing import TYPE_CHECKING

import polars as pl

from schemas.case_life import CaseLife

if TYPE_CHECKING:
    from transforms.did_it_help.programme import CaseTables

# The first day of an action, by the name of the column.
_FIRST = {
    "decided_on": ("accept",),
    "offered_on": ("offer",),
    "accepted_on": ("accepted",),
    "first_closed_on": ("close",),
}
_NEVER = 1_000_000
_CHECKS = ("followup", "relapse")


def milestones(tables: "CaseTables", life: CaseLife) -> pl.DataFrame:
    """The cases with a day for each step, null where it has not come.

    decided_on, clock_on (since when the first meeting is waited for), offered_on, accepted_on,
    first_review, formed_on, met_on, ended_on (null while the group meets), reviews (how many),
    safe_on, checked_on, first_closed_on, reopened_on (the first after that closing), raised_on (the
    earliest of the case's flags).
    """
    reviews = [one.id for one in life.actions if one.event == "flag_reviewed"]
    held = [one.id for one in life.actions if one.event == "review_held"]
    [first_meeting] = [clock for clock in life.clocks if clock.id == "first_meeting"]
    day, action = pl.col("happened_on"), pl.col("action")
    before_meeting = pl.col("step") < _first_step("meeting").fill_null(_NEVER)
    by_action = tables.events.group_by("case_id").agg(
        *(day.filter(action.is_in(actions)).min().alias(name) for name, actions in _FIRST.items()),
        day.filter(action.is_in(reviews)).min().alias("first_review"),
        day.filter(action.is_in(_CHECKS)).min().alias("checked_on"),
        day.filter(action == "safe").min().alias("safe_on"),
        day.filter((action == "reopen") & (pl.col("step") > _first_step("close")))
        .min()
        .alias("reopened_on"),
        day.filter(action.is_in(first_meeting.since) & before_meeting).max().alias("clock_on"),
        action.is_in(held).sum().cast(pl.Int64).alias("reviews"),
    )
    groups = tables.groups.group_by("case_id").agg(
        pl.col("formed_on").min(),
        pl.when(pl.col("ended_on").null_count() == 0)
        .then(pl.col("ended_on").max())
        .alias("ended_on"),
    )
    met = (
        tables.meetings.filter(pl.col("kind") != "individual")
        .group_by("case_id")
        .agg(pl.col("held_on").min().alias("met_on"))
    )
    raised = (
        tables.cases.select("case_id", "flag_ids")
        .explode("flag_ids")
        .join(tables.flags, left_on="flag_ids", right_on="flag_id")
        .group_by("case_id")
        .agg(pl.col("raised_on").min())
    )
    found = tables.cases
    for part in (by_action, groups, met, raised):
        found = found.join(part, on="case_id", how="left", maintain_order="left")
    return found


def _first_step(action: str) -> pl.Expr:
    return pl.col("step").filter(pl.col("action") == action).min()
