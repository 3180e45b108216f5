"""What the reports of a run have in common, by language: words, rules, settings and the day."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import duckdb

from flows.home import Config
from reports.model import ReportContext
from reports.school_report import report_context
from schemas.settings import ReportLanguage
from warehouse.audit import newest_head


def contexts_of(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    languages: Iterable[ReportLanguage],
    *,
    now: datetime,
) -> dict[ReportLanguage, ReportContext]:
    """All but the codes of the schools, as settings and rules are and as the log ends now."""
    head, issued_on = newest_head(con), config.local(now).date()
    return {
        language: replace(
            report_context(
                settings=config.settings,
                instruments=config.instruments,
                rules=config.rules,
                surveys=config.surveys,
                network=config.network,
                language=language,
                issued_on=issued_on,
            ),
            audit_head=head,
        )
        for language in languages
    }
