"""A flag report in a real browser: what axe finds, a phone's width, and A4 paper."""

import io
from collections.abc import Callable
from typing import get_args

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from schemas.settings import ReportLanguage
from tests.reports.school import fill_fjordvik, open_warehouse, render

pytestmark = pytest.mark.browser

PHONE = 360
PAPER = 688  # CSS pixels between the margins of an A4 page: 210 mm less 2 x 14 mm

# What sticks out on the right, but for what only a screen reader meets and links to skip with.
STICKING_OUT = """width => [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('.skip, thead, title'))
    .filter(one => one.getBoundingClientRect().right > width + 1)
    .map(one => one.tagName + '.' + (one.getAttribute('class') ?? ''))"""
SCROLLS = "() => document.documentElement.scrollWidth"

Show = Callable[..., Page]


@pytest.fixture(scope="module")
def reports() -> dict[str, str]:
    """The invented school's reports: of each language, and of the adults' route."""
    warehouse = open_warehouse()
    codes = fill_fjordvik(warehouse)
    data, adult = warehouse.read(), warehouse.read("adult_route")
    warehouse.con.close()
    languages: tuple[ReportLanguage, ...] = get_args(ReportLanguage)
    return {
        **{language: render(data, codes, language=language) for language in languages},
        "adults": render(adult, codes),
    }


@pytest.mark.parametrize("kind", ["nb", "nn", "en", "se", "adults"])
def test_axe_finds_nothing(reports: dict[str, str], show: Show, kind: str) -> None:
    found = Axe().run(show(reports[kind]))
    assert [(one["id"], len(one["nodes"])) for one in found.response["violations"]] == []
    assert len(found.response["passes"]) > 20  # it has looked


def test_axe_finds_nothing_on_a_phone(reports: dict[str, str], show: Show) -> None:
    found = Axe().run(show(reports["nb"], width=PHONE))
    assert [(one["id"], len(one["nodes"])) for one in found.response["violations"]] == []


@pytest.mark.parametrize("kind", ["nb", "nn", "en", "se", "adults"])
def test_nobody_scrolls_sideways_on_a_phone(reports: dict[str, str], show: Show, kind: str) -> None:
    page = show(reports[kind], width=PHONE)
    assert page.evaluate(SCROLLS) <= PHONE
    assert page.evaluate(STICKING_OUT, PHONE) == []


@pytest.mark.parametrize("kind", ["nb", "nn", "en", "se", "adults"])
def test_nothing_is_cut_on_paper(reports: dict[str, str], show: Show, kind: str) -> None:
    page = show(reports[kind], width=PAPER, media="print")
    assert page.evaluate(STICKING_OUT, PAPER) == []


def test_paper_has_page_numbers_and_boxes_to_tick(reports: dict[str, str], show: Show) -> None:
    page = show(reports["nb"], width=PAPER, media="print")
    boxes = page.locator(".box")
    assert boxes.count() > 10
    assert all(boxes.nth(i).is_visible() for i in range(boxes.count()))
    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    for number, text in enumerate((one.extract_text() for one in paper.pages), start=1):
        assert f"Fortrolig · side {number} av {len(paper.pages)}" in text


def test_a_page_asks_nothing_of_any_network_and_runs_nothing(
    reports: dict[str, str], browser: Browser
) -> None:
    page = browser.new_page(java_script_enabled=False)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_content(reports["nb"], wait_until="networkidle")
    page.close()
    assert asked == []
    assert "<script" not in reports["nb"]
