"""Prefect flow: the whole road at once, every night."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import flow

from flows.boundary import without_values
from flows.events import (
    Fact,
    count_facts,
    delivery_facts,
    prompt_facts,
    publication_facts,
    report_facts,
    tell,
    wave_facts,
)
from flows.home import open_home
from flows.notices.tell import tell_now, telling_of_failure
from flows.patience import patient_task
from flows.road import run
from warehouse.publish import PublicationError


@flow(persist_result=False, result_serializer="json")
def run_road(home: str, wave_id: str | None = None) -> dict[str, int]:
    """Inbox -> loaded -> scored and flagged -> reported -> published."""
    facts, refused = walk(home, wave_id)
    tell(facts)
    if refused:
        raise PublicationError(refused)
    return count_facts(facts)


@patient_task
@without_values
def walk(home: str, wave_id: str | None) -> tuple[list[Fact], str]:
    """Do all that is due: its facts, and why nothing was published, if that was refused.

    Its facts make nothing due: the road has been there already.
    """
    place, now = open_home(Path(home)), datetime.now(UTC)
    with telling_of_failure(place, now=now):
        summary = run(place, now=now, wave=wave_id)
    tell_now(place, now=now, walked="run")
    facts = [
        *delivery_facts([outcome for _, outcome in summary.files]),
        *prompt_facts(summary.raised),
        *wave_facts(summary.waves),
        *report_facts(summary.reported),
        *publication_facts(summary.publication),
    ]
    return facts, summary.refused
