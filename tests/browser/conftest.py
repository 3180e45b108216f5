"""A real Chromium, the system's: CI must have one, and elsewhere these tests may be skipped."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.programs import browser_here

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")


# For a module: while Playwright is open, nothing else in the process can run an event loop.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = browser_here()
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def show(browser: Browser) -> Iterator[Callable[..., Page]]:
    """`show(html, width=...)`: the page as somebody sees it, with no network at all."""
    context = browser.new_context(offline=True, bypass_csp=True)

    def opened(html: str, *, width: int = 1280, media: str = "screen") -> Page:
        page = context.new_page()
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(media="print" if media == "print" else "screen")
        page.set_content(html)
        return page

    yield opened
    context.close()
