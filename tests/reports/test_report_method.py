"""What a report says of its rules: those that the school's own forms could tell, and no others."""

from dataclasses import replace
from typing import Any

from tests.reports.page import Page, Render, School
from tests.reports.school import PULSE

CHOSEN_BY_NOBODY, STIRLING, OUTSIDE = "unchosen@1", "class_childrens_wellbeing@1", "outside@1"


def test_rules_about_what_nobody_here_was_asked_are_left_out(
    fjordvik: School, render_report: Render
) -> None:
    html = render_report(*fjordvik)
    assert "bullied@1" in html
    assert all(rule not in html for rule in (CHOSEN_BY_NOBODY, STIRLING, OUTSIDE))
    new = html[html.index("new_pupil@1") :]
    assert "Stirling" not in new[: new.index("</tr>")]


def test_what_any_survey_of_the_school_asks_counts(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    more = PULSE.model_copy(update={"instruments": ("stirling_v1",)})
    surveys = {"pulse": PULSE, "more": more}
    assert STIRLING not in render_report(data, codes, surveys=surveys)
    both = replace(data, surveys=("more", "pulse"))
    assert STIRLING in render_report(both, codes, surveys=surveys)


def test_a_rule_that_flagged_is_told_whatever_was_asked(
    warehouse: Any, fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    flag = replace(data.pupil_flags[0], rule_id="rule.outside", rule_version=1, evidence=())
    assert OUTSIDE in render_report(replace(data, pupil_flags=(flag,)), codes)


def test_two_answers_that_are_needed_are_not_told_as_either(
    fjordvik: School, render_report: Render
) -> None:
    asks = PULSE.model_copy(update={"instruments": ("pisa_belonging_v1",)})
    html = render_report(*fjordvik, surveys={"pulse": asks})
    limits = html[html.index(OUTSIDE) :]
    limits = limits[: limits.index("</tr>")]
    assert "«enig» eller «svært enig» på" in limits
    assert limits.count(", og «enig»") == 1


def test_a_rule_that_alerts_only_when_it_comes_again_says_so(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text
    told = {
        rule: text[text.index(f"{rule}@1") :][:900] for rule in ("class_witnessed", "class_unsafe")
    }
    assert (
        "Varsel: det samme signalet i to av de tre siste rundene i skoleåret"
        in told["class_witnessed"]
    )
    assert "aldri fra én runde" not in told["class_unsafe"].partition("@1")[2].partition("@1")[0]
