"""`case_life.toml`: what the model refuses, and that the page draws the very same machine."""

import re
from importlib.resources import files

import pytest

from reports.reference.case_life import case_life_page, drawing, edges
from schemas.case_life import SITUATIONS, CaseLife, case_life
from schemas.case_plan import CasePlan
from schemas.declared import DeclarationError
from schemas.rule import shipped_rules
from tests.conftest import ROOT
from transforms.case_life import CaseRefusedError, replay

TEXT = (files("schemas") / "case_life.toml").read_text(encoding="utf-8")
EDGE = re.compile(r"^    (\S+) --> (\w+): (.+)$", re.MULTILINE)


@pytest.mark.parametrize(
    ("was", "now", "said"),
    [
        ('to = "offered"', 'to = "confirmed"', "no action leads to: accepted, closing, declined"),
        ('to = "offered"', 'to = "ofered"', r"no \[\[state\]\] has the id: ofered"),
        ('since = ["safe"]', 'since = ["saef"]', r"no \[\[action\]\] has the id: saef"),
        ('states = ["reviewing"]', 'states = ["reviewing", "closed"]', "a state that is over has"),
        ('states = ["reviewing"]', 'states = ["closing"]', "each open state has one clock"),
        ("working_days = 10", "working_days = 10\ndays = 14", "either working_days or days"),
        ("earliest_days = 84", "earliest_days = 99", "is not more"),
        ('id = "talk"', 'id = "plan"', r"two entries of \[\[action\]\] have the same id"),
        ('id = "open"\nevent = "opened"\nfrom = []', 'id = "open"\nevent = "opened"\nfrom = ["*"]',
         "begins a case"),
        ("is_over = true", "is_ovr = true", "is_ovr"),
    ],
)  # fmt: skip
def test_a_life_in_which_a_case_gets_stuck_is_refused(was: str, now: str, said: str) -> None:
    assert was in TEXT
    with pytest.raises(DeclarationError, match=said):
        CaseLife.from_toml(TEXT.replace(was, now), name="case_life.toml")


def test_a_state_without_a_way_to_an_end_is_refused() -> None:
    only_on = TEXT.replace('"reviewing", "closing", "followup"]', '"closing", "followup"]')
    only_on = only_on.replace('"group_active", "reviewing"]', '"group_active"]')
    only_on = only_on.replace('from = ["reviewing"]', 'from = ["group_active"]')
    with pytest.raises(DeclarationError, match="no way to an end from: reviewing"):
        CaseLife.from_toml(only_on, name="case_life.toml")


def test_drawing_has_every_step_that_leads_on_and_no_other() -> None:
    life = case_life()
    drawn = {
        (origin, action, to)
        for origin, to, actions in EDGE.findall(drawing(life))
        for action in actions.split(", ")
    }
    assert drawn == edges(life)
    assert len(drawn) > len(life.states)
    page = (ROOT / "docs" / "reference" / "case-life.md").read_text(encoding="utf-8")
    assert drawing(life) in page
    assert page == case_life_page(life)


def test_every_clock_says_why_and_every_time_limit_is_the_one_that_was_decided() -> None:
    limits = {
        clock.id: (clock.working_days, clock.days, clock.earliest_days)
        for clock in case_life().clocks
    }
    assert limits == {
        "review": (5, None, None),
        "first_meeting": (10, None, None),
        "weekly_review": (None, 7, None),
        "three_month_check": (None, 98, 84),
        "decide": (5, None, None),
    }
    assert case_life().prompt.working_days == 1


def test_situations_are_those_of_the_rules() -> None:
    of_rules = {rule.situation for rule in shipped_rules()} - {"any"}
    assert of_rules <= set(SITUATIONS)


@pytest.mark.parametrize(
    ("actions", "state"),
    [
        (["open"], "opened"),
        (["open", "accept", "talk", "offer", "declined"], "declined"),
        (["open", "dismiss", "reopen", "accept", "close"], "closed"),
    ],
)
def test_history_leads_to_the_state(actions: list[str], state: str) -> None:
    assert replay(case_life(), actions) == state


def test_plan_of_the_page_can_be_read() -> None:
    page = (ROOT / "docs" / "how-to" / "follow-a-case.md").read_text(encoding="utf-8")
    [plan] = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert CasePlan.from_toml(plan, name="plan.toml").evaluated_when == "Uke 2"


def test_history_that_cannot_be_is_refused() -> None:
    with pytest.raises(CaseRefusedError, match="before the pupil has accepted"):
        replay(case_life(), ["open", "accept", "group"])
    with pytest.raises(ValueError, match="begins with its opening"):
        replay(case_life(), ["accept"])
