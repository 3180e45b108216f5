"""The report a school nurse opens: what it says, to whom, and what must never stand in it."""

import os
import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports.model import ReportError
from schemas.settings import Routing, Settings
from tests.reports.page import Page, Render, School

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_report_is_the_golden_one(
    fjordvik: School, render_report: Render, language: str
) -> None:
    html, kept = render_report(*fjordvik, language=language), GOLDEN / f"report-{language}.html"
    if os.environ.get("KLASSEPULS_UPDATE_GOLDEN") == "1":
        kept.write_text(html, encoding="utf-8")
    assert html == kept.read_text(encoding="utf-8")


@pytest.mark.parametrize("route", ["health_service", "adult_route"])
@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_the_page_is_well_formed_and_accessible(
    warehouse: Any, fjordvik: School, render_report: Render, language: str, route: str
) -> None:
    page = Page(render_report(warehouse.read(route), fjordvik[1], language=language))
    assert page.every("html") == [{"lang": language}]
    assert page.tags[page.tags.index(("body", {})) + 1] == (
        "a",
        {"class": "skip", "href": "#content"},
    )
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(lower - upper <= 1 for upper, lower in pairwise(levels))
    assert all(th["scope"] in {"col", "row"} for th in page.every("th"))
    assert all(td["role"] == "cell" for td in page.every("td"))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    links = {a["href"] for a in page.every("a")}
    assert links <= {f"#{name}" for name in ids}
    labelled = {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs}
    assert labelled <= set(ids)


def test_every_cell_keeps_its_heading_on_a_narrow_screen(
    fjordvik: School, render_report: Render
) -> None:
    page = Page(render_report(*fjordvik))
    cells = [a for tag, a in page.tags if tag == "td" or (tag == "th" and a["scope"] == "row")]
    assert cells
    assert all(cell.get("data-label") or cell.get("colspan") for cell in cells)


def test_every_chart_says_its_finding_in_words(fjordvik: School, render_report: Render) -> None:
    html = render_report(*fjordvik)
    charts = re.findall(r'<svg class="chart[^>]*role="img"[^>]*>(<title>[^<]{20,}</title>)?', html)
    assert len(charts) == 4
    assert all(charts)
    assert "7 av 21" in html
    assert "33\N{NO-BREAK SPACE}% av klassen, 95 % intervall fra 17" in html


@pytest.mark.parametrize("route", ["health_service", "adult_route"])
def test_nothing_is_fetched_and_nothing_runs(
    warehouse: Any, fjordvik: School, render_report: Render, route: str
) -> None:
    html = render_report(warehouse.read(route), fjordvik[1])
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<link|<img| on[a-z]+=", html)
    assert "default-src 'none'" in html


def test_what_people_typed_is_escaped(fjordvik: School, render_report: Render) -> None:
    data, codes = fjordvik
    attack = "<script>alert(1)</script>"
    html = render_report(
        replace(data, school_name=attack),
        {pupil: f"{attack}{code}" for pupil, code in codes.items()},
    )
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)") > len(codes)
    Page(html)


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
@pytest.mark.parametrize("route", ["health_service", "adult_route"])
def test_no_pseudonym_comes_out(
    warehouse: Any, fjordvik: School, render_report: Render, route: str, language: str
) -> None:
    data = warehouse.read(route)
    assert data.pupil_flags
    for codes in (fjordvik[1], {}):
        html = render_report(data, codes, language=language)
        assert not [f for f in data.pupil_flags if f.pupil in html]
        assert "psn" not in html


def test_the_sentence_comes_first_with_the_pupils_own_wish(
    fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(*fjordvik)).text
    assert (
        "Tre elever kan trenge at noen snakker med dem denne uka. Én av dem ba om det selv. "
        "Én er merket Straks og skal vurderes innen 24. november 2026. "
        "Én ny elev kan få et velkomsttilbud. Én klasse har et signal: 7B (varsel)." in text
    )
    assert text.index("Tre elever kan") < text.index("Vil snakke med en voksen")


def test_no_flags_is_never_said_to_mean_that_all_is_well(
    fjordvik: School, render_report: Render
) -> None:
    data, _ = fjordvik
    html = render_report(replace(data, pupil_flags=(), class_flags=()), {})
    text = Page(html).text
    assert "Ingen flagg i denne runden. Det betyr ikke at alle har det bra" in text
    assert "12 av 22" in text
    assert 'id="class-1"' not in html


def test_without_a_decision_on_routing_pupil_flags_are_refused(
    fjordvik: School, render_report: Render, settings: Settings
) -> None:
    data, codes = fjordvik
    unrouted = settings.model_copy(update={"routing": None})
    with pytest.raises(ReportError, match=r"\[routing\]"):
        render_report(data, codes, settings=unrouted)
    text = Page(render_report(replace(data, pupil_flags=()), {}, settings=unrouted)).text
    assert "Kommunen har ikke bestemt hvem som skal motta elevflagg." in text
    assert "Ingen elever er flagget" not in text[: text.index("Klassene")]


def test_a_survey_without_codes_says_that_it_cannot_flag_pupils(
    fjordvik: School, render_report: Render
) -> None:
    data, _ = fjordvik
    text = Page(render_report(replace(data, pupil_flags=(), is_linked=False), {})).text
    assert "Undersøkelsen kobler ikke svar til elevkoder." in text
    assert "Ingen elever er flagget for en samtale" not in text


@pytest.mark.parametrize("given", ["rules", "instruments"])
def test_a_flag_that_cannot_be_explained_stops_the_report(
    fjordvik: School, render_report: Render, given: str
) -> None:
    missing: dict[str, Any] = {"rules": [], "instruments": {}}
    with pytest.raises(ReportError, match="give the"):
        render_report(*fjordvik, **{given: missing[given]})


def test_the_adult_route_is_a_report_of_its_own(
    warehouse: Any, fjordvik: School, render_report: Render
) -> None:
    text = Page(render_report(warehouse.read("adult_route"), fjordvik[1])).text
    assert "Bare for lederen for skolehelsetjenesten" in text
    assert "plikten til å handle strengere" in text
    assert "T4QX" in text
    assert "K7M2" not in text
    assert "Klassen, sammenlignet" not in text
    assert "supportgruppe" not in text


def test_the_class_report_says_nothing_of_adults_who_bully(
    fjordvik: School, render_report: Render
) -> None:
    html = render_report(*fjordvik)
    assert "bullied_by_adults" not in html
    assert "mobbet av voksne" not in html.lower()


def test_the_school_owner_can_be_the_receiver_of_the_adult_route(
    warehouse: Any, fjordvik: School, render_report: Render, settings: Settings
) -> None:
    assert settings.routing is not None
    routing = Routing(**{**settings.routing.model_dump(), "bullied_by_adults_to": "school_owner"})
    html = render_report(
        warehouse.read("adult_route"),
        fjordvik[1],
        settings=settings.model_copy(update={"routing": routing}),
    )
    assert "Bare for skoleeier." in html


def contrast(one: str, other: str) -> float:
    """The contrast of two colours by WCAG 2.1, `relative luminance`."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_and_charts_have_enough_contrast() -> None:
    css = (files("reports") / "templates" / "report.css").read_text(encoding="utf-8")
    colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", css))
    for ink in ("ink", "soft", "accent"):
        for ground in ("paper", "tint", "zone"):
            assert contrast(colour[ink], colour[ground]) >= 4.5
    assert set(re.findall(r"#[0-9a-f]{6}", css)) == set(colour.values())


def test_the_same_data_give_the_same_report(fjordvik: School, render_report: Render) -> None:
    assert render_report(*fjordvik) == render_report(*fjordvik)
