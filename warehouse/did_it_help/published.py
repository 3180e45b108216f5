"""What the published file says of "did it help": the page of the programme owner is made of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse.analysis import ask
from warehouse.mart import verified_edition

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PublishedOutcome:
    """The edition, its waves, and the rows of mart.outcome and mart.outcome_change."""

    publication_id: str
    published_at: datetime  # UTC
    waves: tuple[str, ...]
    shares: Rows
    changes: Rows


def published_outcome(published: Path) -> PublishedOutcome:
    """Read the file; MartError where it is not ours. An edition without the tables has no rows."""
    edition = verified_edition(published)
    tables = ask(published, "select table_name from duckdb_tables() where schema_name = 'mart'")
    there = "outcome" in tables.column("table_name").to_pylist()
    shares = "from mart.outcome order by wave_id, measure, category"
    changes = "from mart.outcome_change order by wave_id, outcome"
    return PublishedOutcome(
        edition.publication_id,
        edition.published_at,
        edition.waves,
        ask(published, shares).to_pylist() if there else [],
        ask(published, changes).to_pylist() if there else [],
    )
