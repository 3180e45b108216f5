"""A class in the report: how sure, behind which gates, and never a count that points at someone."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from reports.model import ReportError
from schemas.rule import shipped_rules
from tests.reports.page import Page, Render, School
from tests.reports.records import indicator
from warehouse.school_data import ClassFlag


def test_a_flagged_class_that_nobody_answered_in_stops_the_report(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    stray = ClassFlag(
        "9Z", "watch", "rule.class_bullied", 1, None, date(2027, 3, 23), survey_id="pulse"
    )
    with pytest.raises(ReportError, match="1 flagged class"):
        render_report(replace(data, class_flags=(stray,)), codes)


@pytest.mark.parametrize(
    ("found", "count", "sure", "is_drawn"),
    [
        (indicator(2, gate="few_cases"), "færre enn tre av 21", "Færre enn tre i klassen", False),
        (indicator(0, gate="few_cases"), "færre enn tre av 21", "Færre enn tre i klassen", False),
        (indicator(2, gate="low_response"), "færre enn tre av 21", "Under 60", False),
        (indicator(4, gate="low_response"), "4 av 21", "Under 60", False),
        (indicator(4, gate="few_answers", answered=7), "–", "Færre enn åtte svarte", False),
        (indicator(2, gate="tested"), "færre enn tre av 21", "Kan ikke skilles", False),
        (indicator(4, gate="tested"), "4 av 21", "Kan ikke skilles fra 8", True),
    ],
)  # fmt: skip
def test_a_gate_stands_in_words_and_a_small_count_is_neither_shown_nor_drawn(
    fjordvik: School, render_report: Render, found: Any, count: str, sure: str, *, is_drawn: bool
) -> None:
    data = replace(fjordvik[0], indicators=(found,), class_flags=())
    html = render_report(data, fjordvik[1])
    text = Page(html).text
    row = text[text.index("Hvor sikkert", text.index("7B · 7. trinn")) :]
    assert f" {count} Ik" in row or f" {count} Ing" in row
    assert sure in row
    assert ('class="chart share"' in html) == is_drawn


def test_a_class_without_a_list_is_told_so_beside_its_figure(
    fjordvik: School, render_report: Render
) -> None:
    found = indicator(4, gate="tested", enrolled=None)
    text = Page(render_report(replace(fjordvik[0], indicators=(found,)), fjordvik[1])).text
    assert "Klasseliste mangler, så vi vet ikke hvor mange som ikke svarte." in text


@pytest.mark.parametrize(
    ("level", "p", "words"),
    [
        ("alert", 0.005, "omtrent 5 av 1000 klasser (p = 0,005). Holder etter kontroll"),
        ("alert", 0.0001, "færre enn 1 av 1000 klasser (p < 0,001). Holder etter kontroll"),
        ("watch", 0.018, "omtrent 18 av 1000 klasser (p = 0,018). Holder ikke etter kontroll"),
    ],
)
def test_how_sure_a_class_signal_is_stands_in_words(
    fjordvik: School, render_report: Render, level: str, p: float, words: str
) -> None:
    data, codes = fjordvik
    raised = ClassFlag(
        "7B", level, "rule.class_bullied", 1, None, date(2027, 3, 23), survey_id="pulse"
    )
    found = indicator(6, gate="tested", p_exact=p)
    text = Page(
        render_report(replace(data, class_flags=(raised,), indicators=(found,)), codes)
    ).text
    assert words in text
    assert "Det er ikke en oppfordring til å lete etter enkeltelever." in text


def test_an_alert_that_rests_on_earlier_rounds_does_not_claim_to_hold_by_itself(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    raised = ClassFlag(
        "7B", "alert", "rule.class_bullied", 1, None, date(2027, 3, 23), survey_id="pulse", waves=2
    )
    for q_value, words in ((0.12, "Alene holder det ikke"), (0.09, "Holder etter kontroll")):
        found = indicator(6, gate="tested", p_exact=0.018, q_value=q_value)
        report = replace(data, class_flags=(raised,), indicators=(found,))
        assert f"(p = 0,018). {words}" in Page(render_report(report, codes)).text


WITNESSED = "rule.class_witnessed"


def sure_of(data: Any, codes: Any, render_report: Render, *, flags: Any, found: Any) -> str:
    report = replace(data, class_flags=flags, indicators=(found,))
    return Page(render_report(report, codes)).text.replace("\N{NO-BREAK SPACE}", " ")


def test_a_figure_that_the_check_for_all_classes_stopped_is_not_called_the_same(
    fjordvik: School, render_report: Render
) -> None:
    stopped = indicator(6, gate="tested", p_exact=0.016, q_value=0.6)
    told = sure_of(*fjordvik, render_report, flags=(), found=stopped)
    assert "16 av 1000 klasser (p = 0,016). Holder ikke etter kontroll" in told
    assert "Kan ikke skilles" not in told


def test_a_figure_that_another_signal_tells_of_is_said_to_be_more_than_usual(
    fjordvik: School, render_report: Render
) -> None:
    bullied = ClassFlag(
        "7B", "alert", "rule.class_bullied", 1, None, date(2027, 3, 23), survey_id="pulse"
    )
    seen = indicator(6, gate="tested", rule_id=WITNESSED, p_exact=0.0004, q_value=0.002)
    told = sure_of(*fjordvik, render_report, flags=(bullied,), found=seen)
    assert "(p < 0,001). Klassen har allerede et signal om det samme" in told


def test_a_watch_that_holds_is_not_said_to_be_chance(
    fjordvik: School, render_report: Render
) -> None:
    watch = ClassFlag("7B", "watch", WITNESSED, 1, None, date(2027, 3, 23), survey_id="pulse")
    seen = indicator(6, gate="tested", rule_id=WITNESSED, p_exact=0.0004, q_value=0.0018)
    told = sure_of(*fjordvik, render_report, flags=(watch,), found=seen)
    assert "Dette temaet alene er aldri mer enn «Følg med»." in told
    assert "kan være tilfeldig" not in told


@pytest.mark.parametrize(
    ("rule_id", "share", "words"),
    [
        ("rule.class_bullied", 0.08, "8 % etter publiserte tall"),
        ("rule.class_nobody_in_breaks", 0.015, "1,5 % etter publiserte tall"),
        ("rule.class_unsafe", 0.04, "4 %, som er vårt anslag: vi fant ingen publiserte tall"),
    ],
)
def test_a_yardstick_that_nobody_published_is_called_an_estimate(
    fjordvik: School, render_report: Render, rule_id: str, share: float, words: str
) -> None:
    found = indicator(
        4, gate="tested", rule_id=rule_id, baseline=share, baseline_from="published", p_exact=0.3
    )
    assert words in sure_of(*fjordvik, render_report, flags=(), found=found)


def test_one_wide_share_widens_the_axis_of_every_chart(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    wide = indicator(12, gate="tested")
    narrow = indicator(4, gate="tested", rule_id="rule.class_unsafe")
    html = render_report(replace(data, indicators=(wide, narrow)), codes)
    assert html.count(">100\N{NO-BREAK SPACE}%</text>") == 2
    assert ">60\N{NO-BREAK SPACE}%</text>" not in html


def test_low_response_and_a_missing_list_are_said_on_the_first_page(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Under 60 % svarte i 5A." in text
    assert "Klasseliste mangler for 6A." in text
    assert "12 av 22 (55 %) under 60 % svarte" in text


def test_the_rules_stand_with_version_words_and_source(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text
    table = text[text.index("Slik er rapporten laget") :]
    for words in (
        "bullied_by_pupils@1",
        "Straks: «omtrent én gang i uka»",
        "Solberg & Olweus 2003",
    ):
        assert words in table
    assert "0,1 få «Varsel»" in table


def test_forms_with_a_mark_are_told_by_what_the_marks_know(
    fjordvik: School, render_report: Render
) -> None:
    data, codes = fjordvik
    marked = replace(data, classes=tuple(replace(one, careless=2) for one in data.classes))
    text = Page(render_report(marked, codes)).text
    assert "to skjemaer er sendt inn svært fort eller har et påfallende mønster i svarene" in text
    assert "uten å lese" not in text


def test_sources_stand_in_the_language_of_the_report(
    fjordvik: School, render_report: Render
) -> None:
    norwegian = Page(render_report(*fjordvik, language="nb")).text
    english = Page(render_report(*fjordvik, language="en")).text
    assert "Opplæringslova § 12-4, slik Udir tolker den" in norwegian
    assert "eleven må selv ønske gruppa" in norwegian
    assert "Education Act" not in norwegian
    assert "Education Act § 12-4, as Udir interprets it" in english
    assert 'lang="en"' not in render_report(*fjordvik, language="nb")


def test_the_expected_false_signals_are_told_only_for_the_limits_they_were_simulated_for(
    fjordvik: School, render_report: Render
) -> None:
    stricter = [
        rule if rule.target == "pupil" else rule.model_copy(update={"watch_below": 0.01})
        for rule in shipped_rules()
    ]
    text = Page(render_report(*fjordvik, rules=stricter)).text
    assert "Var 300 klasser helt like" not in text
    assert "p under 0,01, og det holder" in text


@pytest.mark.parametrize(("level", "is_told"), [("watch", False), ("alert", True)])
def test_a_signal_that_came_again_counts_as_an_alert_only_where_it_is_one(
    fjordvik: School, render_report: Render, level: str, *, is_told: bool
) -> None:
    data, codes = fjordvik
    rule = "rule.class_new_pupils" if level == "watch" else "rule.class_bullied"
    raised = ClassFlag(
        "7B", level, rule, 1, None, date(2027, 3, 23), survey_id="pulse", value=4.0, waves=2
    )
    found = indicator(6, gate="tested", p_exact=0.018, q_value=0.2, rule_id=rule)
    report = replace(data, class_flags=(raised,), indicators=(found,))
    text = Page(render_report(report, codes)).text
    section = text[text.index("7B · ") : text.index("Slik er rapporten laget")]
    assert ("så det regnes som «Varsel»" in section) == is_told
