"""Prefect flow: publish the waves that are ripe to the analysts' file."""

from prefect import flow

from flows.boundary import without_values
from flows.data_docs import write_docs_of_edition
from flows.events import Fact, count_facts, publication_facts, tell
from flows.patience import patient_task
from flows.road import publish_waves
from flows.stage import open_stage


@flow(persist_result=False, result_serializer="json")
def publish_marts(home: str) -> dict[str, int]:
    """Publish what is ripe, and tell if the file has changed."""
    facts = publish_ripe(home)
    tell(facts)
    return count_facts(facts)


@patient_task
@without_values
def publish_ripe(home: str) -> list[Fact]:
    """Publish the waves whose days of grace are over; a wave that is out stays as it is."""
    with open_stage(home) as at:
        publication = publish_waves(at.con, at.home, at.config, at.waves(None), now=at.now)
    write_docs_of_edition(at.home, publication, now=at.now)
    return publication_facts(publication)
