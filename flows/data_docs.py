"""Writes the data docs of a home: pages for analysts, and a page for the operator.

What analysts read is made from the published file alone and lies beside it. What tells of
deliveries lies in the restricted zone, for a delivery is often one class.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from flows.did_it_help.work import write_pages
from flows.home import Config, Home, load_config
from flows.road import at_work
from reports.site.analyst_pages import Source, analyst_pages
from reports.site.operator_page import operator_pages
from reports.site.write import write_site
from schemas.indicator import published_figures
from warehouse.damage import WarehouseBusyError
from warehouse.publish import Publication
from warehouse.site_facts import PublishedFacts, delivery_facts, published_facts
from warehouse.swap import READ_ONLY

log = logging.getLogger(__name__)

FOLDER = "docs"  # in analyst/, and in restricted/


@dataclass(frozen=True, slots=True)
class Written:
    """Where the pages lie, and how many files have changed; `analyst` is None without a file."""

    analyst: Path | None
    operator: Path
    changed: int


def write_docs(home: Home, *, now: datetime) -> Written:
    """Write both parts; the same home gives the same bytes.

    Before a wave is published there is only the operator's page. MartError where the published
    file is not what we published: then nothing is written.
    """
    config = load_config(home)
    facts = published_facts(home.published) if home.published.is_file() else None
    with at_work(home, config, now=now) as con:
        behind = delivery_facts(con, facts.lineage if facts else [])
    operator = home.restricted / FOLDER
    changed = write_site(
        operator, operator_pages(behind, config.settings), {}, mode=0o400, folder_mode=0o700
    )
    if facts:
        changed += write_analyst_docs(home, config, facts)
        write_pages(home, config)
    return Written(home.analyst / FOLDER if facts else None, operator, changed)


def write_docs_of_edition(home: Home, publication: Publication | None, *, now: datetime) -> None:
    """Write the data docs where a publication has brought out a new edition."""
    if publication is None or not publication.changed:
        return
    try:
        write_docs(home, now=now)
    except WarehouseBusyError:
        # The edition is out, and that is what was asked for.
        log.warning("the data docs were not made, for another run has begun: `klassepuls docs`")


def write_analyst_docs(home: Home, config: Config, facts: PublishedFacts) -> int:
    """Write the analysts' pages and a notebook beside their file; returns how many have changed."""
    figures = {figure.id: figure for figure in published_figures(config.instruments)}
    pages = analyst_pages(Source(facts, config.settings, figures))
    notebook = files("reports") / "notebooks" / "published.py"
    more = {"notebook.py": notebook.read_text(encoding="utf-8")}
    return write_site(home.analyst / FOLDER, pages, more, mode=READ_ONLY, folder_mode=0o755)
