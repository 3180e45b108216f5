"""Prefect flow: take what lies in the inbox to its outcome."""

from prefect import flow

from flows.boundary import without_values
from flows.events import Fact, count_facts, delivery_facts, prompt_facts, tell
from flows.inbox import SETTLE_SECONDS
from flows.intake import ingest
from flows.notices.tell import tell_now
from flows.outcome import fresh
from flows.patience import patient_task
from flows.quarantine.told_anew import tell_anew
from flows.stage import open_stage
from warehouse.requests import raised_by


@flow(persist_result=False, result_serializer="json")
def ingest_inbox(home: str) -> dict[str, int]:
    """Load every file of the inbox, and tell what became of each."""
    facts = take_in(home)
    tell(facts)
    return count_facts(facts)


@patient_task
@without_values
def take_in(home: str) -> list[Fact]:
    """Load the files; where one was loaded, pupils are to be flagged."""
    with open_stage(home) as at:
        outcomes = ingest(at.con, at.home, at.config, now=at.now, settle=SETTLE_SECONDS)
        tell_anew(at.con, at.home, at.config, now=at.now)
        became = [outcome for _, outcome in outcomes]
        raised = raised_by(at.con, fresh(became))
    # Whoever asks for help is told of at once, whatever else waits.
    tell_now(at.home, now=at.now)
    # Where nothing was loaded no flow follows, and whoever asks for help must not wait for a sweep.
    is_loaded = any(outcome.outcome == "loaded" for outcome in became)
    return [
        *delivery_facts(became, makes_due="flag-pupils"),
        *prompt_facts(raised, makes_due=None if is_loaded else "report-flags"),
    ]
