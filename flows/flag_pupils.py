"""Prefect flow: score and flag what has changed."""

from prefect import flow

from flows import road
from flows.boundary import without_values
from flows.events import Fact, count_facts, tell, wave_facts
from flows.patience import patient_task
from flows.stage import open_stage


@flow(persist_result=False, result_serializer="json")
def flag_pupils(home: str, wave_id: str | None = None) -> dict[str, int]:
    """Score and flag one wave or all, and tell which have changed."""
    facts = flag_waves(home, wave_id)
    tell(facts)
    return count_facts(facts)


@patient_task
@without_values
def flag_waves(home: str, wave_id: str | None) -> list[Fact]:
    """Flag the waves; of each that has changed, reports are to be written."""
    with open_stage(home) as at:
        flagged = road.flag_waves(at.con, at.config, at.waves(wave_id), now=at.now)
    return wave_facts(flagged, makes_due="report-flags")
