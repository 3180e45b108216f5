"""The programme in counts: histories of cases as a person tells them, and what they come to."""

from datetime import date, timedelta

import polars as pl
import pytest

from schemas.case_life import case_life
from schemas.outcome import outcome_plan
from transforms.did_it_help.figures import figures, shown
from transforms.did_it_help.programme import CaseTables, told_of

MONDAY = date(2025, 11, 24)
TODAY = MONDAY + timedelta(300)
PLAN = outcome_plan()


def day(number: int) -> date:
    return MONDAY + timedelta(number)


def tables(*histories: str, flagged: bool = True, review_due: int = 7) -> CaseTables:
    """Cases by their history: `accept 2, offer 3, group 8 5, meeting 9` (action, day, and more)."""
    rows = {name: [] for name in SCHEMAS}
    for at, history in enumerate(histories):
        told = ["open 0", *filter(None, history.split(", "))]
        steps = [(at, number, *word.split()) for number, word in enumerate(told, start=1)]
        case = case_row(at, flagged=flagged)
        for step in steps:
            note(rows, case, *step)
        rows["cases"].append(case)
        if flagged:
            looked = day(int(steps[1][3])) if len(steps) > 1 else None
            place = {name: case[name] for name in (*_PLACE, "pupil")}
            due = {"review_due": day(review_due), "reviewed_on": looked, "raised_on": MONDAY}
            rows["flags"].append({"flag_id": f"F{at}", **place, **due})
    return CaseTables(*(pl.DataFrame(rows[name], schema=SCHEMAS[name]) for name in SCHEMAS))


def case_row(at: int, *, flagged: bool) -> dict:
    return {
        "case_id": f"K{at}",
        "wave_id": "a",
        "school_id": f"S{at % 4}",
        "class_group": f"{5 + at % 3}A",
        "pupil": f"p{at}",
        "situation": "exclusion",
        "origin": "flag" if flagged else "self_request",
        "flag_ids": [f"F{at}"] if flagged else [],
        "opened_on": MONDAY,
        "status": "opened",
        "closed_on": None,
        "outcome_level": None,
    }


def note(rows, case, at, step, action, number, *more) -> None:
    on, of = day(int(number)), {"case_id": f"K{at}"}
    why = "too_hard" if action == "leave" else None
    rows["events"].append({**of, "step": step, "action": action, "happened_on": on, "why": why})
    case["status"] = case_life().action(action).to or case["status"]
    if action == "group":
        rows["groups"].append({**of, "formed_on": on, "size": int(more[0]), "ended_on": None})
    if action == "meeting":
        rows["meetings"].append({**of, "kind": "first", "held_on": on})
    if action == "rate":
        rows["ratings"].append({**of, "step": step, "question": "safety", "value": int(more[0])})
    if case_life().action(action).ends_group:
        rows["groups"][-1:] = [{**group, "ended_on": on} for group in rows["groups"][-1:]]
    if action == "close":
        case["closed_on"], case["outcome_level"] = on, (more or [None])[0]


_PLACE = {"wave_id": pl.String, "school_id": pl.String, "class_group": pl.String}
SCHEMAS = {
    "flags": {
        "flag_id": pl.String,
        **_PLACE,
        "pupil": pl.String,
        **dict.fromkeys(("review_due", "reviewed_on", "raised_on"), pl.Date),
    },
    "cases": {
        "case_id": pl.String,
        **_PLACE,
        **dict.fromkeys(("pupil", "situation", "origin"), pl.String),
        "flag_ids": pl.List(pl.String),
        "opened_on": pl.Date,
        "status": pl.String,
        "closed_on": pl.Date,
        "outcome_level": pl.String,
    },
    "events": {
        "case_id": pl.String,
        "step": pl.Int64,
        "action": pl.String,
        "happened_on": pl.Date,
        "why": pl.String,
    },
    "groups": {
        "case_id": pl.String,
        "formed_on": pl.Date,
        "size": pl.Int64,
        "ended_on": pl.Date,
    },
    "meetings": {"case_id": pl.String, "kind": pl.String, "held_on": pl.Date},
    "ratings": {
        "case_id": pl.String,
        "step": pl.Int64,
        "question": pl.String,
        "value": pl.Int64,
    },
}

MET = "accept 2, offer 3, accepted 4, group 8 5, meeting 9"
SAFE = f"{MET}, review 16, safe 23"

# fmt: off
ONE_CASE = [
    # history                                 | measure              | of whom | of them
    ("",                                       "reviewed_in_time",     1,        0),  # never
    ("accept 7",                               "reviewed_in_time",     1,        1),
    ("accept 8",                               "reviewed_in_time",     1,        0),
    ("more_info 3, accept 20",                 "reviewed_in_time",     1,        1),  # looked at
    ("dismiss 2",                              "reviewed_in_time",     1,        1),
    ("dismiss 2",                              "offered",              0,        0),
    ("accept 2",                               "offered",              1,        0),
    ("accept 2, offer 3",                      "offered",              1,        1),
    ("accept 2, offer 3",                      "accepted",             1,        0),
    ("accept 2, offer 3, declined 4",          "accepted",             1,        0),
    ("accept 2, offer 3, accepted 4",          "accepted",             1,        1),
    ("accept 2, offer 3, accepted 4",          "group_formed",         1,        0),
    (MET,                                      "group_formed",         1,        1),
    (MET,                                      "met_in_time",          1,        1),
    ("accept 0, offer 3, accepted 4, group 13 5, meeting 14", "met_in_time", 1,  1),  # 10th day
    ("accept 0, offer 3, accepted 4, group 13 5, meeting 15", "met_in_time", 1,  0),
    ("accept 2, offer 3, declined 4",          "met_in_time",          0,        0),  # waits not
    ("accept 2, offer 3",                      "met_in_time",          1,        0),  # time is up
    # a pupil who said no and then yes: the clock began anew
    ("accept 0, offer 1, declined 20, offer 30, accepted 31, group 31 5, meeting 32",
                                               "met_in_time",          1,        1),
    (SAFE,                                     "reviewed_weekly",      1,        1),
    (f"{MET}, safe 23",                        "reviewed_weekly",      1,        0),
    (f"{MET}, safe 23",                        "reviews_held",         2,        1),
    (f"{MET}, safe 12",                        "reviewed_weekly",      0,        0),  # under a week
    (SAFE,                                     "check_held",           1,        0),
    (f"{SAFE}, followup 110",                  "check_held",           1,        1),
    (f"{SAFE}, relapse 40",                    "check_held",           1,        1),
    (f"{SAFE}, followup 110, close 110 improved", "reopened",          1,        0),
    (f"{SAFE}, followup 110, close 110 improved, reopen 200", "reopened", 1,     1),
    (f"{SAFE}, followup 20, close 20 improved, reopen 280",   "reopened", 1,     0),  # later
    ("dismiss 2, reopen 5, accept 6",          "reopened",             0,        0),
    (f"{MET}, leave 12",                       "helpers_too_hard",     5,        1),
    (f"{MET}, join 12",                        "helpers_too_hard",     6,        0),
]
# fmt: on


@pytest.mark.parametrize(("history", "measure", "n", "total"), ONE_CASE)
def test_one_case_counts_for_a_measure(history, measure, n, total):
    assert _figure(tables(history), measure) == (n, total)


def _figure(of: CaseTables, measure: str, category: str | None = None, today: date = TODAY):
    found = figures(told_of(of, PLAN, case_life(), today), PLAN).filter(
        pl.col("measure") == measure,
        pl.col("school_id").is_null(),
        pl.col("category").eq_missing(pl.lit(category)),
    )
    return found.select("n", "total").row(0) if found.height else (0, 0)


def test_what_is_within_its_time_is_in_no_denominator():
    of = tables("", SAFE)
    assert _figure(of, "reviewed_in_time", today=day(7)) == (0, 0)
    assert _figure(of, "reviewed_in_time", today=day(8)) == (2, 1)
    assert _figure(of, "check_held", today=day(23 + 98)) == (0, 0)
    assert _figure(of, "check_held", today=day(23 + 99)) == (1, 0)


def test_who_asks_is_reviewed_within_one_working_day():
    assert _figure(tables("accept 1", flagged=False), "reviewed_in_time") == (1, 1)
    assert _figure(tables("accept 2", flagged=False), "reviewed_in_time") == (1, 0)


def test_holidays_are_no_working_days():
    """Ten working days over Christmas: 18 December is followed by 23 as the third."""
    start = (date(2025, 12, 18) - MONDAY).days
    rest = f"offer {start}, accepted {start}, group {start} 5"
    in_time = (date(2026, 1, 6) - MONDAY).days
    for met, held in ((in_time, 1), (in_time + 1, 0)):
        history = f"accept {start}, {rest}, meeting {met}"
        assert _figure(tables(history), "met_in_time") == (1, held)


def test_outcome_levels_and_situations_divide_the_groups():
    of = tables(*[f"{SAFE}, close 30 improved"] * 6, *[f"{SAFE}, close 30 worse"] * 3)
    assert _figure(of, "outcome", "improved") == (9, 6)
    assert _figure(of, "outcome", "worse") == (9, 3)
    assert _figure(of, "outcome", "unchanged") == (9, 0)
    assert _figure(of, "groups_by_situation", "exclusion") == (9, 9)


def test_medians_of_days_and_ratings():
    of = tables(*[f"{MET}, rate 10 3, rate 20 {last}" for last in (4, 6, 9)], MET)
    found = figures(told_of(of, PLAN, case_life(), TODAY), PLAN).filter(
        pl.col("school_id").is_null()
    )
    value = {(row["measure"], row["category"]): row["value"] for row in found.to_dicts()}
    assert value["days_to_first_meeting", None] == 9
    assert value["rating_first", "safety"] == 3
    assert value["rating_last", "safety"] == 6
    assert value["rating_up", "safety"] == 1


# fmt: off
FLOORS = [
    # cases that were offered a group | not offered | is it told?
    (4,                                 0,            False),
    (5,                                 0,            True),
    (5,                                 1,            False),  # one pupil was not
    (3,                                 7,            False),
    (5,                                 5,            True),
    (0,                                 9,            True),
]
# fmt: on


@pytest.mark.parametrize(("offered", "others", "is_told"), FLOORS)
def test_no_figure_under_five_and_none_of_a_handful(offered, others, is_told):
    of = tables(*["accept 2, offer 3"] * offered, *["accept 2"] * others)
    told = shown(figures(told_of(of, PLAN, case_life(), TODAY), PLAN)).filter(
        pl.col("measure") == "offered", pl.col("school_id").is_null()
    )
    assert (told["value"][0] is not None) is is_told
    assert (told["n"][0] is not None) is is_told


def test_no_figure_of_a_school_with_fewer_than_five_cases():
    of = tables(*["accept 2, offer 3"] * 19)  # schools of 5, 5, 5 and 4
    told = shown(figures(told_of(of, PLAN, case_life(), TODAY), PLAN)).filter(
        pl.col("measure") == "offered"
    )
    assert told.sort("school_id", nulls_last=True)["n"].to_list() == [5, 5, 5, None, 19]


def test_hidden_category_is_not_the_whole_less_the_others():
    of = tables(*[f"{SAFE}, close 30 improved"] * 6, *[f"{SAFE}, close 30 worse"] * 3)
    told = shown(figures(told_of(of, PLAN, case_life(), TODAY), PLAN)).filter(
        pl.col("measure") == "outcome", pl.col("school_id").is_null()
    )
    hidden = told.filter(pl.col("value").is_null())["category"].to_list()
    assert {"improved", "worse"} <= set(hidden)
