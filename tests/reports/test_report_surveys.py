"""Two surveys of one wave that ask the same: each row has its own level, and says whose it is."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from schemas.survey import Survey
from tests.reports.page import Page, School
from tests.reports.records import indicator
from tests.reports.school import PULSE, Warehouse, fill_fjordvik, render
from warehouse.school_data import ClassCount, ClassFlag, ClassNetwork, SchoolData
from warehouse.stages import school_inputs

SURVEYS = {
    "pulse": PULSE,
    "core": Survey.model_validate({**PULSE.model_dump(), "id": "core", "name": "Kjerne"}),
}


def raised(survey: str, level: str = "alert", **changes: Any) -> ClassFlag:
    made = ClassFlag(
        "7B", level, "rule.class_bullied", 1, date(2026, 11, 30), date(2027, 3, 23),
        survey_id=survey,
    )  # fmt: skip
    return replace(made, **changes)


def two_surveys(school: School, *flags: ClassFlag, **changes: Any) -> SchoolData:
    """7B was asked the same in two surveys: eight of 20 in one, two of 20 in the other."""
    found = (
        indicator(8, gate="tested", answered=20, p_exact=0.002, survey_id="core"),
        indicator(2, gate="few_cases", answered=20, survey_id="pulse"),
    )
    return replace(
        school[0], surveys=("core", "pulse"), indicators=found, class_flags=flags, **changes
    )


def rows_of(data: SchoolData, codes: dict[str, str]) -> list[str]:
    """Each row about bullying in the classes' tables, in words."""
    html = render(data, codes, language="en", surveys=SURVEYS)
    section = html[html.index("7B · ") :]
    found = re.findall(r"<tr[^>]*>.*?</tr>", section, re.S)
    return [Page(row).text for row in found if "Bullied" in row and "of 20" in row]


def test_a_class_signal_stands_on_the_row_of_its_own_survey(fjordvik: School) -> None:
    core, pulse = rows_of(two_surveys(fjordvik, raised("core")), fjordvik[1])
    assert "Alert" in core
    assert "(survey “Kjerne”)" in core
    assert "fewer than three of 20" in pulse
    assert "Alert" not in pulse
    assert "(survey “Klassepuls”)" in pulse


def test_the_paragraph_of_a_flag_stands_once(fjordvik: School) -> None:
    data = two_surveys(fjordvik, raised("core"))
    text = Page(render(data, fjordvik[1], language="en", surveys=SURVEYS)).text
    assert text.count("Review by 30 November 2026") == 1


def test_a_theme_that_both_surveys_signal_is_named_once_at_its_highest_level(
    fjordvik: School,
) -> None:
    flags = raised("core", "watch", review_due=None), raised("pulse")
    data = two_surveys(fjordvik, *flags)
    data = replace(data, indicators=tuple(replace(o, gate="tested") for o in data.indicators))
    text = Page(render(data, fjordvik[1], language="en", surveys=SURVEYS)).text
    [told] = re.findall(r"The class has [^.]*\.", text[text.index("7B · ") :])[:1]
    assert told.count("bullied") == 1
    assert "alert" in told


def test_a_lapsed_signal_stands_on_the_row_of_its_own_survey(fjordvik: School) -> None:
    data = two_surveys(fjordvik, raised("core", has_lapsed=True))
    core, pulse = rows_of(data, fjordvik[1])
    assert "Lapsed" in core
    assert "Lapsed" not in pulse


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((raised("core"),), "has a signal about the same already"),
        ((raised("pulse"),), "has a signal about the same already"),
        ((raised("core", has_lapsed=True),), "has a signal about the same already"),
        ((), "checking for all classes in this theme"),
    ],
)
def test_a_theme_that_left_the_class_to_another_says_so(
    fjordvik: School, flags: tuple[ClassFlag, ...], says: str
) -> None:
    seen = indicator(
        9, gate="tested", rule_id="rule.class_witnessed", p_exact=1e-9, q_value=1e-8,
        survey_id="core",
    )  # fmt: skip
    data = replace(two_surveys(fjordvik, *flags), indicators=(seen,))
    text = Page(render(data, fjordvik[1], language="en", surveys=SURVEYS)).text
    assert says in text
    assert "may be chance" not in text or not flags


@pytest.mark.parametrize(
    ("apart", "says"),
    [(0, "Less than 60% of the class answered this"), (9, "came without codes. Nobody can tell")],
)
def test_forms_that_nobody_can_tell_apart_are_not_called_few(
    fjordvik: School, apart: int, says: str
) -> None:
    count = ClassCount("7B", 7, 11, 20, apart=apart, surveys=2)
    data = replace(
        fjordvik[0],
        classes=(*[one for one in fjordvik[0].classes if one.class_group != "7B"], count),
        indicators=(indicator(4, gate="low_response", answered=11, survey_id="core"),),
    )
    text = Page(render(data, fjordvik[1], language="en", surveys=SURVEYS)).text
    assert says in text
    assert ("Less than 60% of the class answered" in text) == (not apart)


def test_one_survey_of_a_wave_is_not_named(fjordvik: School) -> None:
    data = replace(two_surveys(fjordvik, raised("core")), surveys=("core",))
    assert "survey “" not in render(data, fjordvik[1], language="en", surveys=SURVEYS)


@pytest.mark.parametrize(("survey", "is_told"), [("core", True), ("pulse", False)])
def test_choices_of_a_class_stand_out_in_the_survey_that_asked(
    fjordvik: School, survey: str, *, is_told: bool
) -> None:
    flag = raised("core", rule_id="rule.class_network")
    network = ClassNetwork("7B", 20, 5, 4, 0.01, survey_id=survey)
    data = two_surveys(fjordvik, flag, networks=(network,))
    html = render(data, fjordvik[1], language="en", surveys=SURVEYS)
    assert ("5 whom nobody chose" in Page(html).text) == is_told


def test_rows_are_read_with_their_survey(warehouse: Warehouse) -> None:
    fill_fjordvik(warehouse)
    before = school_inputs(warehouse.con, warehouse.wave)
    for table, column in (("flag", "class_group = '7B' and target = 'class'"),
                          ("class_indicator", "class_group = '7B'")):  # fmt: skip
        warehouse.con.execute(
            f"update core.{table} set survey_id = 'core' where {column}"  # noqa: S608
        ).fetchall()
    data = warehouse.read()
    assert {flag.survey_id for flag in data.class_flags} == {"core"}
    assert {(one.class_group, one.survey_id) for one in data.indicators} == {
        ("5A", "pulse"), ("7B", "core"),
    }  # fmt: skip
    assert school_inputs(warehouse.con, warehouse.wave) != before


def test_a_theme_that_stands_once_names_no_survey(fjordvik: School) -> None:
    """It may rest on both: each pupil counts once, in whichever form."""
    data = two_surveys(fjordvik, raised("pulse"))
    whole = indicator(8, gate="tested", answered=20, p_exact=0.002, survey_id="pulse")
    [row] = rows_of(replace(data, indicators=(whole,)), fjordvik[1])
    assert "Alert" in row
    assert "8 of 20" in row
    assert "survey “" not in row


@pytest.mark.parametrize(("counted", "told"), [(20, 20), (11, 11), (None, 11)])
def test_forms_without_a_code_that_are_counted_together_are_told_together(
    warehouse: Warehouse, counted: int | None, told: int
) -> None:
    """Eleven in one language and nine in another; the fullest survey where nobody can tell."""
    warehouse.add_class("7B", answered=0, enrolled=24)
    for number in range(20):
        warehouse.add_response("7B", None)
        if number < 9:
            warehouse.con.execute(
                "update core.response set survey_id = 'english' where response_id = ?",
                [warehouse.responses],
            ).fetchall()
    if counted:
        warehouse.add_indicator("rule.class_bullied", "7B", answered=counted, observed=4, p=0.02)
    assert [(one.answered, one.enrolled) for one in warehouse.read().classes] == [(told, 24)]
