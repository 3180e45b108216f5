"""Puts on the server what work needs, in a process of its own, for it imports Prefect.

The work pool; the deployments of prefect.yaml; and where no worker lives, the runs are closed that
say they run, and a sweep is asked for, which starts what they left undone.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import State, StateType
from prefect.deployments import run_deployment
from prefect.exceptions import ObjectAlreadyExists
from prefect.states import Crashed
from prefect.workers.process import ProcessWorker

from flows.due import POOL

SWEEP = "sweep-due/every-ten-minutes"
# What a run may be in that a process would have to end.
AT_WORK = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
AT_ONCE = 200  # as many as the server gives in one answer


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked; returns the exit code, which is that of the deploying."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve.prepare", description=__doc__)
    parser.add_argument("--deploy", action="store_true", help="deploy what prefect.yaml has")
    parser.add_argument("--worker-is-gone", action="store_true", help="close what it was at")
    parsed = parser.parse_args(arguments)
    with get_client(sync_client=True) as client:
        make_pool(client)
        if parsed.worker_is_gone:
            close_dead_runs(client)
    if parsed.deploy and (code := deploy()):
        return code
    if parsed.worker_is_gone:
        ask_for_a_sweep()
    return 0


def make_pool(client: SyncPrefectClient) -> None:
    """Make the work pool where it is missing."""
    try:
        template = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(
            WorkPoolCreate(name=POOL, type="process", base_job_template=template)
        )
    except ObjectAlreadyExists:
        return


def close_dead_runs(client: SyncPrefectClient) -> int:
    """Mark as crashed what says it is at work: no worker lives, so nothing is. Returns how many.

    Only then is their place free: each deployment runs once at a time.
    """
    at_work = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=AT_WORK)))
    ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
    gone: State[None] = Crashed(message="its worker was gone; what it left undone is done anew")
    closed = 0
    while runs := client.read_flow_runs(
        flow_run_filter=at_work, work_pool_filter=ours, limit=AT_ONCE
    ):
        for run in runs:
            client.set_flow_run_state(run.id, gone, force=True)
        closed += len(runs)
    return closed


def deploy() -> int:
    """Deploy every deployment of prefect.yaml; returns the exit code."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    source = os.environ["KLASSEPULS_SRC"]
    return subprocess.run(command, cwd=source, check=False).returncode  # noqa: S603 - words of ours


def ask_for_a_sweep() -> None:
    """Look at once what is due, and not in ten minutes."""
    run_deployment(
        SWEEP,
        parameters={"home": os.environ["KLASSEPULS_HOME"]},
        timeout=0,
        as_subflow=False,
    )


if __name__ == "__main__":
    sys.exit(main())
