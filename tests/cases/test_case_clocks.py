"""By when the next step is due: dates that anybody can count on a calendar.

May 2026 has three holidays on weekdays (1 May, Ascension Day 14 May, Whit Monday 25 May); 17 May is
a Sunday. Easter 2026: Maundy Thursday 2 April to Easter Monday 6 April.
"""

# ruff: noqa: E501 - a table that is read line by line

from datetime import date, timedelta

import pytest

from schemas.case_life import case_life
from transforms.case_life import CaseFacts, Deadline, deadline

LIFE = case_life()

# fmt: off
TABLE = [
    # the case          what was done last, and when                     clock                due
    ("opened",          {"open": "2026-01-05"},                          "review",            "2026-01-12"),
    ("opened",          {"open": "2026-03-30"},                          "review",            "2026-04-09"),  # Easter
    ("opened",          {"open": "2026-01-05", "reopen": "2026-02-02"},  "review",            "2026-02-09"),
    ("more_info",       {"open": "2026-01-05", "more_info": "2026-01-08"}, "review",          "2026-01-15"),
    ("confirmed",       {"open": "2026-01-05", "accept": "2026-01-05"},  "first_meeting",     "2026-01-19"),
    ("offered",         {"accept": "2026-05-11", "offer": "2026-05-20"}, "first_meeting",     "2026-05-27"),  # 14 and 25 May
    ("group_active",    {"accept": "2026-01-05", "group": "2026-01-15"}, "first_meeting",     "2026-01-19"),
    ("offered",         {"accept": "2026-01-05", "declined": "2026-02-02", "offer": "2026-02-04"}, "first_meeting", "2026-02-16"),
    ("declined",        {"accept": "2026-01-05", "declined": "2026-01-09"}, "decide",         "2026-01-16"),
    ("reviewing",       {"meeting": "2026-01-19"},                       "weekly_review",     "2026-01-26"),
    ("reviewing",       {"meeting": "2026-01-19", "review": "2026-01-27"}, "weekly_review",   "2026-02-03"),
    ("reviewing",       {"meeting": "2026-02-02", "review": "2026-01-27"}, "weekly_review",   "2026-02-09"),
    ("closing",         {"safe": "2026-02-02"},                          "three_month_check", "2026-05-11"),
    ("followup",        {"safe": "2026-02-02", "followup": "2026-05-04"}, "decide",           "2026-05-11"),
]
# fmt: on


def facts(status: str, done: dict[str, str], **more) -> CaseFacts:
    latest = {action: date.fromisoformat(day) for action, day in done.items()}
    return CaseFacts(status, "health_service", "flag", date(2026, 1, 5), latest=latest, **more)


@pytest.mark.parametrize(("status", "done", "clock", "due"), TABLE)
def test_next_step_is_due_on_the_day_that_the_calendar_says(status, done, clock, due) -> None:
    found = deadline(LIFE, facts(status, done))
    assert found is not None
    assert (found.clock, found.due_on.isoformat()) == (clock, due)


def test_three_month_check_has_a_first_and_a_last_day() -> None:
    found = deadline(LIFE, facts("closing", {"safe": "2026-02-02"}))
    safe = date(2026, 2, 2)
    assert found == Deadline(
        "three_month_check", safe + timedelta(98), earliest=safe + timedelta(84)
    )


@pytest.mark.parametrize("status", ["closed", "dismissed"])
def test_no_clock_runs_in_a_case_that_is_over(status) -> None:
    assert deadline(LIFE, facts(status, {"open": "2026-01-05"})) is None


def test_flags_deadline_is_kept_for_the_first_review_and_not_for_a_second() -> None:
    due = date(2026, 1, 6)
    first = deadline(LIFE, facts("opened", {"open": "2026-01-05"}, review_due=due))
    assert first == Deadline("review", due)
    again = {"open": "2026-01-05", "reopen": "2026-02-02"}
    second = deadline(LIFE, facts("opened", again, review_due=due))
    assert second == Deadline("review", date(2026, 2, 9))


def test_pupil_who_asks_is_looked_at_within_a_working_day() -> None:
    friday = {"open": "2026-01-09"}
    asks = CaseFacts(
        "opened",
        "health_service",
        "self_request",
        date(2026, 1, 9),
        latest={action: date.fromisoformat(day) for action, day in friday.items()},
    )
    assert deadline(LIFE, asks) == Deadline("review", date(2026, 1, 12))
