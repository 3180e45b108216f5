"""The nurse's report says whether somebody follows a pupil up; a decision stops the clock."""

import json
import re
from datetime import timedelta

import pytest

from flows.cases.listing import list_cases
from flows.cases.work import PupilAsked, act_on, decide, open_for_pupil
from reports.plan_words import plan_lines
from reports.texts import read_texts
from tests.reports.records import flag as flag_record
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of
from transforms.case_life import Asked
from warehouse.preview import _waiting
from warehouse.school_data import FollowUp

# fmt: off
LINES = [
    # decision on the flag | the pupil's case | its state   | the report says
    (None,                   None,              None,         "Uten plan"),
    (None,                   "K-1",             "opened",     "Under vurdering: sak K-1"),
    ("more_info",            "K-1",             "more_info",  "Under vurdering: sak K-1"),
    ("accepted",             "K-1",             "confirmed",  "Har plan: sak K-1"),
    ("accepted",             "K-1",             "reviewing",  "Har plan: sak K-1"),
    (None,                   "K-1",             "reviewing",  "Har plan: sak K-1"),
    ("dismissed",            "K-1",             "dismissed",  "Vurdert: følges ikke opp"),
    ("dismissed",            "K-2",             "reviewing",  "Vurdert: følges ikke opp"),
    ("accepted",             "K-1",             "closed",     "Fulgt opp, saken er avsluttet: K-1"),
    (None,                   "K-1",             "closed",     "Uten plan"),
    (None,                   "K-1",             "dismissed",  "Uten plan"),
]
# fmt: on


@pytest.mark.parametrize(("review", "case", "status", "says"), LINES)
def test_row_says_whether_there_is_a_plan(review, case, status, says) -> None:
    flags = [flag_record("rule.unsafe", "flag", follow_up=FollowUp(review, case, status))]
    assert plan_lines(flags * 2, read_texts("nb")) == (says,)


def test_nothing_is_said_of_plans_where_no_cases_are_kept() -> None:
    assert plan_lines([flag_record("rule.unsafe", "flag")], read_texts("nb")) == ()


def report(home) -> str:
    path = home.health / "S01" / AUTUMN / "report.nb.html"
    return re.sub(r"\s+", " ", path.read_text(encoding="utf-8"))


def asking(action: str, **detail):
    return lambda today: Asked(action, today, "nurse", detail)


def test_report_is_renewed_with_each_decision_and_another_school_is_left_alone(tmp_path) -> None:
    home = make_home(tmp_path / "home")
    changes = {0: {"safety": "1"}, 1: {"bullied_by_pupils": "3"}, 2: {"thriving": "1"}}
    drop(home, "a.csv", csv_bytes(school_class(12, changes=changes)))
    drop(home, "b.csv", csv_bytes(school_class(12, prefix="Q", school="S02", changes=changes)))
    run(home)
    late = NOW + timedelta(30)
    run(home, now=late)
    assert not any(said in report(home) for said in ("Uten plan", "Har plan"))
    with warehouse_of(home) as con:
        flags = dict(con.execute(
            "select rule_id, flag_id from core.flag where school_id = 'S01'"
        ).fetchall())  # fmt: skip
        assert _waiting(con, late.date()) == (6, 6)
    other = (home.health / "S02" / AUTUMN / "report.nb.html").read_bytes()

    case = decide(home, flags["rule.unsafe"], asking("accept"), now=late)["case"]
    decide(home, flags["rule.not_thriving"], asking("dismiss", why="other"), now=late)
    run(home, now=late)
    assert f"Har plan: sak {case}" in report(home)
    assert "Vurdert: følges ikke opp" in report(home)
    assert report(home).count("Uten plan") == 1
    with warehouse_of(home) as con:
        assert _waiting(con, late.date()) == (4, 4)
    assert (home.health / "S02" / AUTUMN / "report.nb.html").read_bytes() == other

    act_on(home, case, asking("close", why="other_measure"), now=late)
    run(home, now=late)
    assert f"Fulgt opp, saken er avsluttet: {case}" in report(home)


def test_case_without_a_flag_shows_at_the_pupils_flag_of_that_school_alone(tmp_path) -> None:
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes(school_class(12, changes={0: {"safety": "1"}})))
    same = school_class(12, prefix="Q", school="S02", changes={0: {"safety": "1"}})
    drop(home, "b.csv", csv_bytes(same))
    run(home)
    about = PupilAsked("Q000", "S02", "7A", "bullying", "guardian")
    case = open_for_pupil(home, about, role="nurse", on=None, now=NOW)["case"]
    run(home)
    assert "Under vurdering" not in report(home)
    path = home.health / "S02" / AUTUMN / "report.nb.html"
    assert f"Under vurdering: sak {case}" in path.read_text(encoding="utf-8")
    found = json.dumps(list_cases(home, now=NOW))
    assert (found.count("Q000"), case in found) == (1, True)
