"""Prefect flow: what is overdue, every day; whoever has to act is told."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import flow

from flows.boundary import without_values
from flows.events import Fact, count_facts, overdue_facts, tell
from flows.home import open_home
from flows.notices.tell import check_and_tell
from flows.patience import patient_task


@flow(persist_result=False, result_serializer="json")
def check_overdue(home: str) -> dict[str, int]:
    """Find what should have come or been done by now and has not."""
    facts = check(home)
    tell(facts)
    return count_facts(facts)


@patient_task
@without_values
def check(home: str) -> list[Fact]:
    """Look, and tell; the facts of what is late."""
    checked = check_and_tell(open_home(Path(home)), now=datetime.now(UTC), walked="check")
    return overdue_facts(checked.late)
