"""The programme owner's page: made from the published file alone, in three languages."""

from datetime import UTC, datetime

import pytest
from markupsafe import escape

from reports.outcome.page import LANGUAGES, outcome_page
from reports.pages.html import page_html
from schemas.outcome import outcome_plan
from tests.did_it_help.town import FIRST, SECOND, town
from tests.publish.build import settings
from tests.publish.publishing import AFTER_AUTUMN, publish_to
from tests.reports.test_texts import BOKMAAL
from warehouse.did_it_help.published import PublishedOutcome, published_outcome

WORDS = {"nb": "hjalp", "nn": "hjelpte", "en": "helped"}
EMPTY = PublishedOutcome("0" * 64, datetime(2026, 3, 2, tzinfo=UTC), (), (), ())


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    target = tmp_path_factory.mktemp("analyst") / "klassepuls.duckdb"
    publish_to(target, town(lift=25.0, size=16), FIRST, SECOND, at=AFTER_AUTUMN)
    return published_outcome(target)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_says_the_word_the_counts_and_what_they_do_not_say(facts, language):
    html = page_html(outcome_page(facts, settings(), language))
    plan = outcome_plan()
    assert f'lang="{language}"' in html
    assert getattr(plan.verdicts["helped"], language) == WORDS[language]
    assert f"{WORDS[language]}. {getattr(plan.reasons['beyond'], language)}" in html
    for one in (*plan.claims, *(m for m in plan.measures if m.in_outcome)):
        assert escape(getattr(one.label, language)) in html
    assert "<script" not in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_wave_that_is_not_told_yet_says_when(facts, language):
    html = page_html(outcome_page(facts, settings(), language))
    assert {"nb": "30. mars 2027", "nn": "30. mars 2027", "en": "30 March 2027"}[language] in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_without_a_wave_says_what_is_waited_for(language):
    assert "<h1" in page_html(outcome_page(EMPTY, settings(), language))


def test_the_word_effect_stands_nowhere(facts):
    for language in LANGUAGES:
        assert "effe" not in page_html(outcome_page(facts, settings(), language)).lower()


def test_no_school_is_named(facts):
    html = page_html(outcome_page(facts, settings(), "nb"))
    assert not [school.name for school in settings().schools if school.name in html]


def test_nynorsk_of_the_plan_is_no_bokmaal():
    plan = outcome_plan()
    words = [
        *(one.label for one in (*plan.measures, *plan.claims)),
        *(one.of for one in plan.measures),
        *(one.measured for one in plan.claims),
        *plan.verdicts.values(),
        *plan.reasons.values(),
        *plan.questions.values(),
    ]
    assert [one.nn for one in words if BOKMAAL.search(one.nn)] == []
    assert all(one.nb and one.nn and one.en for one in words)
