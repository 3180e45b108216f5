"""The board in a real browser: by keyboard alone, without a script, at 360 pixels, and with axe."""

import re
from collections.abc import Iterator
from datetime import timedelta
from threading import Thread

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from flows.board.desk import BoardDesk
from reports.board.app import make_app
from tests.board.client import Clock
from tests.support.programs import browser_here
from tests.support.state import warehouse_of
from warehouse.board.door import User

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
)
KARI = User("kari", "nurse", ("S01",))
PHONE = {"width": 360, "height": 740}
# What WCAG 2.1 asks for at levels A and AA.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture
def desk(home) -> BoardDesk:
    return BoardDesk(home, clock=Clock(), patience=5)


@pytest.fixture
def address(desk) -> Iterator[str]:
    """A server of the board on a free port of loopback."""
    faults: list[Exception] = []
    app = make_app(desk, tell=faults.append)
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    )
    thread = Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()
    assert faults == []


@pytest.fixture(scope="module")
def browser():
    where = browser_here()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=where, args=FLAGS)
        yield chromium
        chromium.close()


def opened(browser, desk: BoardDesk, address: str, **options) -> Page:
    """A browser of somebody who has opened a link; anything asked of elsewhere fails the test."""
    context = browser.new_context(viewport=PHONE, **options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("request", lambda request: _require_own(request.url, address))
    page.goto(f"{address}/enter/{desk.door.invite(KARI, now=desk.now(), minutes=30)}")
    return page


def _require_own(url: str, address: str) -> None:
    assert url.startswith(address), "a page asked something of elsewhere"


def require_accessible(page: Page) -> None:
    """No violation that axe finds, and nothing wider than the screen."""
    found = Axe().run(page, options=RULES).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


class Keys:
    """Somebody who has a keyboard and no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def go_to(self, words: str) -> None:
        """Tab until what has the focus is called that; it must be seen to have it."""
        for _ in range(120):
            self.page.keyboard.press("Tab")
            if self.page.evaluate(NAME_OF_FOCUS).strip().startswith(words):
                assert self.page.evaluate(HAS_OUTLINE)
                return
        raise AssertionError(f"the keyboard does not get to {words}")

    def note(self, action: str, *typed: tuple[str, str]) -> None:
        """Open a form, fill its fields in, and send it."""
        self.go_to(action)
        self.page.keyboard.press("Enter")
        for label, text in typed:
            self.go_to(label)
            self.page.keyboard.type(text)
        self.go_to(f"Noter: {action.lower()}")
        self.page.keyboard.press("Enter")
        self.page.locator(".done, .problem").wait_for()


NAME_OF_FOCUS = """(() => {
    const at = document.activeElement;
    return (at.labels && at.labels.length ? at.labels[0] : at).innerText || "";
})()"""
HAS_OUTLINE = "getComputedStyle(document.activeElement).outlineStyle !== 'none'"


def test_a_case_from_flag_to_archive_by_keyboard_alone(browser, desk, address, home) -> None:
    page = opened(browser, desk, address)
    keys = Keys(page)
    require_accessible(page)
    keys.go_to("Logg inn")
    page.keyboard.press("Enter")
    page.wait_for_url("**/at/S01")
    require_accessible(page)
    keys.go_to("Vurder P000")
    page.keyboard.press("Enter")
    page.wait_for_url("**/flag/*")
    require_accessible(page)
    keys.note("Skal følges opp")
    page.wait_for_selector("h1:has-text('Sak K-')")
    case_id = re.search(r"K-\w+", page.text_content("h1"))[0]
    page.goto(f"{address}/case/{case_id}")
    for action, *typed in (
        ("Tilby supportgruppe",),
        ("Eleven sier ja", ("Foresattes samtykke", "J")),
        ("Dann gruppa", ("Hjelpernes", "P005 P006 P007 P008 P009"), ("Valgt av", "e")),
        ("Gruppemøte holdt", ("Hvor mange kom", "5")),
        ("Elevens egne tall", ("Hvor trygt", "6")),
        ("Gjennomgang: trygt nå",),
    ):
        if action == "Elevens egne tall":
            keys.go_to(action)
            page.keyboard.press("Enter")
            keys.go_to(typed[0][0])
            page.keyboard.type(typed[0][1])
            page.keyboard.press("Enter")  # in a field it sends the form
            page.locator(".done, .problem").wait_for()
        else:
            keys.note(action, *typed)
        assert page.locator(".problem").count() == 0, page.locator(".problem").inner_text()
        page.goto(f"{address}/case/{case_id}")
    require_accessible(page)
    desk.now.now += timedelta(days=90)
    page.goto(f"{address}/enter/{desk.door.invite(KARI, now=desk.now(), minutes=30)}")
    keys.go_to("Logg inn")
    page.keyboard.press("Enter")
    page.wait_for_url("**/at/S01")
    page.goto(f"{address}/case/{case_id}")
    keys.note("Tremånederssjekk: fortsatt trygt")
    page.goto(f"{address}/case/{case_id}")
    keys.note("Avslutt", ("Grunn", "t"))
    assert page.locator(".problem").inner_text()  # what came of the group has to be said
    assert page.evaluate("document.activeElement.className") == "problem"
    page.goto(f"{address}/case/{case_id}")
    keys.note("Avslutt", ("Grunn", "t"), ("Hva kom ut", "løst ved"))
    page.goto(f"{address}/case/{case_id}/print")
    require_accessible(page)
    assert "Tremånederssjekk" in page.text_content("main").replace("tremåneders", "Tremåneders")
    with warehouse_of(home) as con:
        ended = con.execute("select status, outcome_level from core.support_case").fetchall()
    assert ended == [("closed", "resolved_at_first_review")]


def test_it_works_without_a_script_and_axe_does_see_what_is_wrong(browser, desk, address) -> None:
    page = opened(browser, desk, address, java_script_enabled=False)
    page.click("main button")
    page.click("text=Vurder P001")
    page.click("summary:has-text('Følges ikke opp')")
    page.select_option("[name=why]", "no_longer_so")
    page.click("button:has-text('Noter: følges ikke opp')")
    page.wait_for_url("**/at/S01?done=dismiss")
    assert page.locator(".done").inner_text() == "Notert."
    assert page.locator("text=P001").count() == 0

    seeing = opened(browser, desk, address)
    seeing.click("main button")
    seeing.goto(f"{address}/at/S01/open")
    require_accessible(seeing)
    seeing.evaluate("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match="label"):
        require_accessible(seeing)
