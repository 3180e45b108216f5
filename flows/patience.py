"""The Prefect task that every flow does its work in: it waits for its turn, and keeps no result."""

from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun

from warehouse.damage import WarehouseBusyError


def lock_is_held(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Only a held lock is worth waiting for: it ends by itself, and nothing has been done yet."""
    return isinstance(state.data, WarehouseBusyError)


# Ten minutes in all; past that the run fails, and the sweep starts the step again. No cache: a
# cached result would outlive the warehouse that it tells of.
patient_task = task(
    retries=40,
    retry_delay_seconds=[2, 4, 8, 15],
    retry_condition_fn=lock_is_held,
    cache_policy=NO_CACHE,
    persist_result=False,
)
