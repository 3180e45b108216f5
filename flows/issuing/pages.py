"""Makes the pages of flag reports in memory: a school, route and language, as HTML or PDF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product

import duckdb

from flows.home import Config
from flows.issuing.contexts import contexts_of
from reports.model import ReportContext, ReportView
from reports.report_view import report_view
from reports.school_report import render
from schemas.settings import ReportLanguage
from warehouse.careless import marks_in
from warehouse.report_data import read_schools
from warehouse.vault import codes_of_flagged


@dataclass(frozen=True, slots=True)
class Page:
    """One report as bytes, and whose it is."""

    school_id: str
    route: str
    language: ReportLanguage
    content: bytes


@dataclass(frozen=True, slots=True)
class Asked:
    """Which reports of a wave are asked for."""

    wave_id: str
    school_ids: Sequence[str]
    routes: Sequence[str]
    languages: Sequence[ReportLanguage]
    format: str = "html"


def make_pages(
    con: duckdb.DuckDBPyConnection, config: Config, asked: Asked, *, now: datetime
) -> Iterator[Page]:
    """The pages, one after the other; of the adults' route only those that say something."""
    wave_id, schools = asked.wave_id, asked.school_ids
    codes = codes_of_flagged(con, wave_id, schools, key=config.key)
    marks = marks_in(con, wave_id, schools, config.instruments)
    data = read_schools(con, wave_id=wave_id, school_ids=schools, routes=asked.routes, marks=marks)
    contexts = contexts_of(con, config, asked.languages, now=now)
    for school_id, route, language in product(schools, asked.routes, asked.languages):
        says, context = data[route, school_id], contexts[language]
        if route == "adult_route" and not (says.pupil_flags or says.asking):
            continue
        view = report_view(says, replace(context, codes=codes[school_id]))
        content = _set(view, context) if asked.format == "pdf" else _laid(view, context)
        yield Page(school_id, route, language, content)


def _laid(view: ReportView, context: ReportContext) -> bytes:
    return render(view, context.texts).encode()


def _set(view: ReportView, context: ReportContext) -> bytes:
    from reports.pdf.render import render_pdf  # noqa: PLC0415 - Typst is large: only for a PDF

    return render_pdf(view, context.texts, issued_on=context.issued_on)
