"""What a report says of its rules: those that the school's own forms could tell, and no others."""

from dataclasses import replace
from typing import Any

from tests.reports.page import Page, Render, School
from tests.reports.school import PULSE, fill_fjordvik
from warehouse.school_data import LocalLimit
from warehouse.stages import school_inputs

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


BELONGING = LocalLimit("pisa_belonging_v1.belonging", "below_percentile", 10.0, "this", 7)
GRADE_LIMIT = "blant de 10 laveste av 100 på trinnet"
TOO_FEW = "Færre enn 200 av kommunens elever på"
ASKS = {
    "pulse": PULSE.model_copy(
        update={"instruments": ("klassepuls_core_v1", "pisa_belonging_v1", "swemwbs_v1")}
    )
}


def asked_of(school: School, render_report: Render, *grades: int, limits: Any = ()) -> str:
    data = replace(school[0], grades=grades, limits=limits)
    return Page(render_report(data, school[1], surveys=ASKS)).text


def test_limits_that_no_grade_of_the_school_set_are_left_out_and_the_report_says_why(
    fjordvik: School, render_report: Render
) -> None:
    text = asked_of(fjordvik, render_report, 5, 7)
    assert GRADE_LIMIT not in text
    assert "low_belonging@1" not in text
    assert f"{TOO_FEW} 5 og 7. trinn har svart på Tilhørighet på skolen" in text
    assert text.count(TOO_FEW) == 1, "grades 5 and 7 are not asked SWEMWBS"


def test_a_limit_of_one_grade_is_told_and_which_grade_has_none(
    fjordvik: School, render_report: Render
) -> None:
    text = asked_of(fjordvik, render_report, 5, 7, limits=(BELONGING,))
    assert "low_belonging@1" in text
    assert GRADE_LIMIT in text
    assert f"{TOO_FEW} 5. trinn har svart på Tilhørighet på skolen" in text
    whole = asked_of(fjordvik, render_report, 7, limits=(BELONGING,))
    assert GRADE_LIMIT in whole
    assert TOO_FEW not in whole


def test_a_limit_that_only_the_last_time_lacks_is_not_missed(
    fjordvik: School, render_report: Render
) -> None:
    asks = {"pulse": PULSE.model_copy(update={"instruments": ("stirling_v1",)})}
    now = replace(BELONGING, input="stirling_v1.wellbeing")
    fall = replace(now, op="fallen_reliably", threshold=1.96)
    data = replace(fjordvik[0], grades=(7,), limits=(now, fall))
    assert TOO_FEW not in Page(render_report(data, fjordvik[1], surveys=asks)).text
    few = replace(data, limits=())
    assert Page(render_report(few, fjordvik[1], surveys=asks)).text.count(TOO_FEW) == 1


def test_limits_are_read_for_the_schools_own_grades(warehouse: Any) -> None:
    fill_fjordvik(warehouse)
    before = school_inputs(warehouse.con, warehouse.wave)
    for grade in (7, 8):
        warehouse.con.execute(
            "insert into core.local_limit values (?, ?, 'below_percentile', 10, 'this', ?, ?, 2.5)",
            [warehouse.wave, BELONGING.input, warehouse.wave, grade],
        ).fetchall()
    data = warehouse.read()
    assert data.limits == (BELONGING,)
    assert data.grades == (5, 6, 7)
    assert school_inputs(warehouse.con, warehouse.wave) != before


def test_tests_that_no_rule_of_the_report_uses_are_not_explained(
    fjordvik: School, render_report: Render
) -> None:
    def said(*instruments: str) -> str:
        asks = {"pulse": PULSE.model_copy(update={"instruments": instruments})}
        data = replace(fjordvik[0], pupil_flags=(), class_flags=())
        return Page(render_report(data, fjordvik[1], surveys=asks)).text

    everything, scales, own = said("klassepuls_core_v1", "who5_v1"), said("who5_v1"), said("own_v1")
    for words, told_in in (
        ("Wilsons (1927)", (everything,)),
        ("Var 300 klasser", (everything,)),
        ("empirisk Bayes", (everything, scales)),
        ("En klasse vurderes når", (everything, scales)),
    ):
        assert [words in one for one in (everything, scales, own)] == [
            one in told_in for one in (everything, scales, own)
        ]
