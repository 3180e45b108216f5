"""What a nurse may do with a case, step by step: what was done so far, what is tried, what comes of it.

Each line can be read aloud. Days go by where a line says `+7`; what a step needs to be told stands in
the table of usual details below it.
"""

# ruff: noqa: E501 - a table that is read line by line

import pytest

from tests.cases.desk import Desk
from transforms.case_life import CaseRefusedError

# fmt: off
TABLE = [
    # so far                                        | tried       | then
    ("",                                              "accept",     "confirmed"),
    ("",                                              "dismiss",    "dismissed"),
    ("",                                              "more_info",  "more_info"),
    ("more_info",                                     "more_info",  "more_info"),
    ("more_info",                                     "accept",     "confirmed"),
    ("more_info",                                     "dismiss",    "dismissed"),
    ("",                                              "offer",      "refused: offered once the case has been accepted"),
    ("",                                              "group",      "refused: before the pupil has accepted"),
    ("",                                              "close",      "refused: has not been reviewed cannot be closed"),
    ("",                                              "plan",       "refused: once the case has been accepted"),
    ("",                                              "talk",       "opened"),
    ("accept",                                        "accept",     "refused: reviewed already"),
    ("accept",                                        "dismiss",    "refused: any other is closed"),
    ("accept",                                        "plan",       "confirmed"),
    ("accept",                                        "accepted",   "refused: an offer that has been made"),
    ("accept",                                        "group",      "refused: before the pupil has accepted"),
    ("accept",                                        "offer",      "offered"),
    ("accept offer",                                  "offer",      "refused: not again while an offer"),
    ("accept offer",                                  "group",      "refused: before the pupil has accepted"),
    ("accept offer",                                  "meeting",    "refused: a meeting needs a group"),
    ("accept offer",                                  "declined",   "declined"),
    ("accept offer declined",                         "offer",      "offered"),
    ("accept offer declined",                         "group",      "refused: before the pupil has accepted"),
    ("accept offer declined",                         "close_no",   "closed"),
    ("accept offer",                                  "accepted",   "accepted"),
    ("accept offer accepted",                         "group",      "group_active"),
    ("accept offer accepted",                         "declined",   "declined"),
    ("accept offer accepted",                         "meeting",    "refused: a meeting needs a group"),
    ("accept offer accepted group",                   "group",      "refused: only once"),
    ("accept offer accepted group",                   "review",     "refused: note the first meeting first"),
    ("accept offer accepted group",                   "individual", "group_active"),
    ("accept offer accepted group",                   "meeting",    "reviewing"),
    ("accept offer accepted group",                   "declined",   "declined"),
    ("accept offer accepted group meeting",           "meeting",    "reviewing"),
    ("accept offer accepted group meeting +7",        "review",     "reviewing"),
    ("accept offer accepted group meeting +7 review", "safe",       "closing"),
    ("accept offer accepted group meeting +7",        "followup",   "refused: after a review that says it is safe"),
    ("accept offer accepted group meeting",           "close_safe", "refused: --why safe is for a case"),
    ("accept offer accepted group meeting",           "close_moved", "closed"),
    ("accept offer accepted group meeting",           "close_no_outcome", "refused: say what came of it"),
    ("accept offer accepted group meeting safe",      "meeting",    "refused: a meeting needs a group"),
    ("accept offer accepted group meeting safe +83",  "followup",   "refused: the three-month check is held from"),
    ("accept offer accepted group meeting safe +84",  "followup",   "followup"),
    ("accept offer accepted group meeting safe +20",  "relapse",    "confirmed"),
    ("accept offer accepted group meeting safe +90 followup", "close_safe", "closed"),
    ("accept offer accepted group meeting safe +90 followup", "relapse", "confirmed"),
    ("accept offer accepted group meeting safe +90 followup close_safe", "talk", "refused: reopen it first"),
    ("accept offer accepted group meeting safe +90 followup close_safe", "reopen", "opened"),
    ("accept offer accepted group meeting safe +20 relapse offer accepted", "group", "group_active"),
    ("dismiss",                                       "accept",     "refused: reviewed already"),
    ("dismiss",                                       "reopen",     "opened"),
    ("dismiss reopen",                                "accept",     "confirmed"),
    ("accept",                                        "reopen",     "refused: the case is open"),
    ("accept",                                        "escalate",   "confirmed"),
    ("accept escalate",                               "offer",      "offered"),
    ("dismiss",                                       "escalate",   "refused: reopen it first"),
    ("accept offer accepted guardians_say_no",        "group",      "refused: while the guardians say no"),
    ("accept offer accepted",                         "group_of_4", "refused: a group has 5 to 8 helpers"),
    ("accept offer accepted",                         "group_of_9", "refused: a group has 5 to 8 helpers"),
    ("accept offer accepted",                         "group_with_pupil_twice", "refused: a helper is named twice"),
    ("accept offer accepted",                         "group_counts_wrong", "refused: together are the 5 helpers"),
    ("accept offer accepted group",                   "crowded_meeting", "refused: the group has 5 helpers"),
    ("accept offer accepted group",                   "join",       "group_active"),
    ("accept offer accepted group join",              "join",       "refused: in the group already"),
    ("accept offer accepted group",                   "leave",      "group_active"),
    ("accept offer accepted group leave",             "leave",      "refused: not in the group now"),
    ("accept offer accepted group",                   "leave_without_why", "refused: needs a reason"),
    ("",                                              "dismiss_without_why", "refused: a dismissal needs a reason"),
    ("",                                              "rate",       "opened"),
    ("",                                              "rate_eleven", "refused: from 0 to 10"),
    ("",                                              "accept_tomorrow", "refused: has not come yet"),
    ("+5",                                            "accept_last_year", "refused: before the case was opened"),
    ("+5 accept +5 offer",                            "accepted_too_early", "refused: before the step that led here"),
    ("",                                              "accept_as_teacher", "refused: that is done by: nurse"),
    ("accept",                                        "talk_as_teacher", "confirmed"),
]
# fmt: on

HELPERS = [f"helper{number}" for number in range(9)]
# What is not told here needs nothing told: the action by its name.
TRIED = {
    "dismiss": ("dismiss", {"why": "pupil_says_fine"}),
    "dismiss_without_why": ("dismiss", {}),
    "close": ("close", {"why": "other"}),
    "close_no": ("close", {"why": "pupil_declined"}),
    "close_safe": ("close", {"why": "safe", "outcome": "resolved_at_first_review"}),
    "close_moved": ("close", {"why": "moved", "outcome": "stopped_early"}),
    "close_no_outcome": ("close", {"why": "moved"}),
    "guardians_say_no": ("consent", {"guardian": "no"}),
    "group_of_4": ("group", {"helpers": HELPERS[:4]}),
    "group_of_9": ("group", {"helpers": HELPERS}),
    "group_with_pupil_twice": ("group", {"helpers": [*HELPERS[:4], "helper0"]}),
    "group_counts_wrong": ("group", {"friends": 1, "around": 1, "difficult": 1}),
    "crowded_meeting": ("meeting", {"attended": 7}),
    "join": ("join", {"helper": "helper8"}),
    "leave": ("leave", {"helper": "helper0", "why": "too_hard"}),
    "leave_without_why": ("leave", {"helper": "helper0"}),
    "rate": ("rate", {"school_now": 0, "safety": 10}),
    "rate_eleven": ("rate", {"school_now": 11}),
    "accept_as_teacher": ("accept", {"role": "contact_teacher"}),
    "talk_as_teacher": ("talk", {"role": "contact_teacher"}),
}
DAYS = {"accept_tomorrow": ("accept", 1), "accept_last_year": ("accept", -30),
        "accepted_too_early": ("accepted", -1)}  # fmt: skip


def step(desk: Desk, tried: str) -> str | None:
    if tried.startswith("+"):
        desk.wait(int(tried))
        return None
    if tried in DAYS:
        action, away = DAYS[tried]
        desk.wait(away)
        on = desk.today
        desk.wait(-away)
        return desk.do(action, on=on)
    action, told = TRIED.get(tried, (tried, {}))
    return desk.do(action, **told)


@pytest.mark.parametrize(("so_far", "tried", "then"), TABLE)
def test_a_step_leads_where_the_table_says(so_far: str, tried: str, then: str) -> None:
    desk = Desk()
    for done in so_far.split():
        step(desk, done)
    before = desk.facts
    if then.startswith("refused: "):
        with pytest.raises(CaseRefusedError, match=then.removeprefix("refused: ")):
            step(desk, tried)
        assert desk.facts == before
    else:
        assert step(desk, tried) == then
        assert desk.facts.status == then


def test_what_pupils_say_of_adults_is_followed_up_by_others_than_the_schools_own() -> None:
    desk = Desk(route="adult_route")
    with pytest.raises(CaseRefusedError, match="done by: health_service_lead, school_owner"):
        desk.do("accept", role="nurse")
    assert desk.do("accept", role="health_service_lead") == "confirmed"
