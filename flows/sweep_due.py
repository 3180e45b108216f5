"""Prefect flow: find what is due and start it, every ten minutes.

Events may be lost, runs may be killed. This looks in the ledger and the inbox, where nothing is
lost, and starts what it finds, so that nothing is late by more than a sweep a step.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import State, StateType
from prefect.deployments import run_deployment
from prefect.states import Crashed

from flows.boundary import without_values
from flows.due import DEPLOYMENTS, POOL, Due, find_due
from flows.home import open_home
from flows.notices.tell import tell_now
from flows.stage import open_stage
from warehouse.damage import WarehouseBusyError

# No run waits for the lock, or tells its events, for as long as this.
STALE_AFTER = timedelta(hours=2)


@flow(persist_result=False, result_serializer="json")
def sweep_due(home: str) -> dict[str, int]:
    """Start each due step, and close runs that ended without a word (a power cut)."""
    try:
        due = look(home)
    except WarehouseBusyError:
        # Somebody is at work; what is still due after that is found by the next sweep.
        return {"started": 0, "closed": 0}
    for step in due:
        start(step, home)
    tell_missed(home)
    return {"started": len(due), "closed": close_stale_runs(datetime.now(UTC))}


@without_values
def look(home: str) -> list[Due]:
    """What is due now."""
    with open_stage(home) as at:
        return find_due(at)


@without_values
def tell_missed(home: str) -> None:
    """Tell what a run could not, or did not live to."""
    tell_now(open_home(Path(home)), now=datetime.now(UTC))


def start(step: Due, home: str) -> None:
    """Ask the server for a run; the same step in the same ten minutes is one run."""
    wave = {"wave_id": step.wave_id} if step.wave_id else {}
    run_deployment(
        DEPLOYMENTS[step.stage],
        parameters={"home": home, **wave},
        timeout=0,
        idempotency_key=step.key(datetime.now(UTC)),
        as_subflow=False,
    )


def close_stale_runs(now: datetime) -> int:
    """Mark runs as crashed that say for hours that they run, while the warehouse is free."""
    running = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])),
        start_time=FlowRunFilterStartTime(before_=now - STALE_AFTER),
    )
    ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    gone: State[None] = Crashed(message="the process is gone: it held no lock, and never said so")
    with get_client(sync_client=True) as client:
        stale = client.read_flow_runs(flow_run_filter=running, work_pool_filter=ours)
        for run in stale:
            client.set_flow_run_state(run.id, gone, force=True)
    return len(stale)
