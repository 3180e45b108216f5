"""The Northern Sámi report: what is in Sámi says so, the rest is bokmål, and nobody reviewed it."""

import re
from html import unescape

import pytest

from reports.texts import read_texts
from tests.reports.page import Page, Render, School

SPOKEN = re.compile(r'<span lang="se">(.*?)</span>')
DRAFT = {"draft.se", "draft.nb"}


def test_every_word_takes_the_place_of_a_text_that_there_is() -> None:
    texts = read_texts("se")
    assert set(texts.partly) >= DRAFT
    assert set(texts.partly) - DRAFT <= set(texts.entries)
    assert texts.entries == read_texts("nb").entries


def test_no_word_is_empty_filled_in_or_carries_markup() -> None:
    words = read_texts("se").partly.values()
    assert all(word.strip() and not set("<>&\\{}") & set(word) for word in words)


@pytest.fixture
def pages(fjordvik: School, render_report: Render) -> dict[str, str]:
    return {name: render_report(*fjordvik, language=name) for name in ("nb", "se")}


def test_what_is_in_sami_says_so_and_the_rest_is_the_bokmaal_report(pages: dict[str, str]) -> None:
    texts = read_texts("se")
    spoken = {unescape(word) for word in SPOKEN.findall(pages["se"])}
    assert spoken <= set(texts.partly.values())
    assert {"Oahppit", "Luohkát", "Mii dál", "Koda", "Dalán", texts.partly["draft.se"]} <= spoken
    back = {said: texts.entries[key] for key, said in texts.partly.items() if key not in DRAFT}
    without = re.sub(r'<p class="draft">.*?</p>\n', "", pages["se"])
    assert SPOKEN.sub(lambda one: back[unescape(one[1])], without) == pages["nb"]


def test_that_nobody_has_reviewed_it_stands_on_top_in_both_languages(
    pages: dict[str, str],
) -> None:
    page = Page(pages["se"])
    assert page.every("html") == [{"lang": "nb"}]
    for one in DRAFT:
        assert page.text.index(read_texts("se").partly[one]) < page.text.index("Oanehaččat")
    assert not [one for one in DRAFT if read_texts("se").partly[one] in Page(pages["nb"]).text]


def test_headings_of_cells_on_a_phone_are_plain_words(pages: dict[str, str]) -> None:
    assert not re.findall(r'data-label="[^"]*(?:<|&lt;)', pages["se"])
