"""The PDF says what the HTML says, is tagged, and comes out the same twice."""

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from markupsafe import Markup
from pdfua import validate

from reports.model import ReportContext, ReportError
from reports.pdf.payload import payload
from reports.pdf.render import render_pdf
from reports.report_view import report_view
from reports.school_report import render, report_context
from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules
from schemas.settings import ReportLanguage, Settings
from tests.reports.page import VOID, School
from tests.reports.pdf import Pdf, glue
from tests.reports.records import scale_rule
from tests.reports.school import ISSUED, PULSE
from tests.reports.test_report_texts_used import worlds
from warehouse.school_data import SchoolData


class Said(HTMLParser):
    """The texts of a page that a reader of paper meets, and the titles of its charts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.titles: set[str] = set()
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tags = {tag for tag, _ in self.open}
        if "svg" in tags:
            if "title" in tags:
                self.titles.add(data)
        elif not tags & {"head"} and not {"skip", "screen"} & {name for _, name in self.open}:
            self.texts.append(data)


def context_of(
    settings: Settings, codes: dict[str, str], language: ReportLanguage
) -> ReportContext:
    made = report_context(
        settings=settings,
        instruments=shipped_instruments(),
        rules=(*shipped_rules(), scale_rule("wellbeing")),
        language=language,
        issued_on=ISSUED,
        surveys={"pulse": PULSE},
    )
    return replace(made, codes=codes, audit_head="ab" * 32)


def both(data: SchoolData, context: ReportContext) -> tuple[Said, Pdf]:
    view = report_view(data, context)
    texts = context.texts
    return Said(render(view, texts)), Pdf(render_pdf(view, texts, issued_on=ISSUED))


def footer(context: ReportContext) -> str:
    before, between = (context.texts.say(f"page.number_{one}") for one in ("before", "between"))
    return rf"{glue(before)}\d+{glue(between)}\d+"


def lost(said: Said, pdf: Pdf, context: ReportContext) -> list[str]:
    glued = pdf.glued(footer(context))
    return [text for text in said.texts if glue(text) not in glued]


@pytest.mark.parametrize("language", ["nb", "nn", "en", "se"])
def test_the_pdf_says_what_the_html_says(
    fjordvik: School, settings: Settings, language: ReportLanguage
) -> None:
    context = context_of(settings, fjordvik[1], language)
    said, pdf = both(fjordvik[0], context)
    assert lost(said, pdf, context) == []
    assert said.titles <= pdf.alternatives


def test_each_kind_of_report_says_the_same_in_both(
    warehouse: Any, fjordvik: School, settings: Settings
) -> None:
    context = context_of(settings, fjordvik[1], "nb")
    context = replace(context, asked_in={"core": frozenset({"stirling_v1"})})
    adult = warehouse.read("adult_route")
    told = [one for one in worlds(fjordvik[0], adult) if kind_of(one)]
    kinds = {kind_of(one): one for one in told}
    assert len(kinds) == KINDS
    for kind, data in kinds.items():
        said, pdf = both(data, context)
        assert (kind, lost(said, pdf, context)) == (kind, [])


KINDS = 6


def kind_of(data: SchoolData) -> str:
    """What a report has that most have not: each of these is a branch of the template."""
    if data.route == "adult_route":
        return "adults, asking" if data.asking else "adults"
    if data.since:
        return "since"
    if data.asking:
        return "asking"
    if any(flag.has_lapsed for flag in data.class_flags):
        return "lapsed"
    return "choices" if data.networks else ""


PLANTED = [
    "<script>alert(1)</script>",
    '#panic("ran")',
    "$x^2$ #sys.inputs @ref *bold* _it_ `raw`",
    "=HYPERLINK(1;2)",
    "../../etc/passwd \\ ${jndi} {{ 7 * 7 }}",
    ']) #read("render.py") [',
]


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_in_a_name_comes_out_as_text(
    fjordvik: School, settings: Settings, planted: str
) -> None:
    data, codes = fjordvik
    named = replace(data, school_name=planted, wave=replace(data.wave, name=planted))
    context = context_of(settings, {**codes, "psn-FJV-7B-00": planted}, "nb")
    said, pdf = both(named, context)
    assert glue(planted) in glue("".join(said.texts))
    assert pdf.glued(footer(context)).count(glue(planted)) >= 3
    assert str(pdf.reader.metadata["/Title"]) == f"Flaggrapport: {planted}, {planted}"
    assert "alert" not in str(pdf.reader.trailer["/Root"].get("/OpenAction", ""))


def test_equal_reports_of_a_day_have_equal_bytes(fjordvik: School, settings: Settings) -> None:
    context = context_of(settings, fjordvik[1], "nb")
    view = report_view(fjordvik[0], context)
    first, again = (render_pdf(view, context.texts, issued_on=ISSUED) for _ in range(2))
    assert first == again


def test_the_pdf_is_tagged_with_bookmarks_page_numbers_and_fonts_of_its_own(
    fjordvik: School, settings: Settings, tmp_path: Path
) -> None:
    context = context_of(settings, fjordvik[1], "nb")
    view = report_view(fjordvik[0], context)
    content = render_pdf(view, context.texts, issued_on=ISSUED)
    pdf = Pdf(content)
    assert pdf.reader.trailer["/Root"]["/Lang"] == "nb"
    assert pdf.outline[:2] == ["Fjordvik skole", "Kort sagt"]
    assert {section.title for section in view.sections} <= set(pdf.outline)
    assert {"H1", "H2", "H3", "Table", "THead", "TH", "TD", "L", "LI", "Figure"} <= {
        tag.removeprefix("/") for tag in pdf.tags
    }
    count = len(pdf.pages)
    for number, page in enumerate(pdf.pages, start=1):
        assert f"Fortrolig · side {number} av {count}" in page
    assert {name.partition("-")[0] for name in pdf.fonts} <= {"LibertinusSerif", "DejaVuSansMono"}
    (tmp_path / "r.pdf").write_bytes(content)
    found = validate(tmp_path / "r.pdf")
    assert [(one.rule_id, one.message) for one in found.findings] == []


def test_a_chart_without_words_makes_no_pdf(fjordvik: School, settings: Settings) -> None:
    context = context_of(settings, fjordvik[1], "nb")
    view = report_view(fjordvik[0], context)
    row = replace(view.sections[0].indicators[0], chart=Markup("<svg width='1'></svg>"))
    mute = replace(view, sections=(replace(view.sections[0], indicators=(row,)),))
    with pytest.raises(ValueError, match="a chart without a title"):
        payload(mute, context.texts)


def test_what_typst_refuses_is_told_without_a_word_of_the_report(
    fjordvik: School, settings: Settings
) -> None:
    context = context_of(settings, fjordvik[1], "nb")
    view = report_view(fjordvik[0], context)
    lost_anchor = replace(view, anchors={})
    with pytest.raises(ReportError) as told:
        render_pdf(lost_anchor, context.texts, issued_on=ISSUED)
    assert not [code for code in fjordvik[1].values() if code in str(told.value)]
    assert "Fjordvik" not in str(told.value)
