"""A real Prefect server, worker and watcher on loopback, for the tests marked `server`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
# Long, for SQLite under Prefect may stall for its busy timeout of a minute on a machine at work.
PATIENCE = 200.0
T = TypeVar("T")


def eventually(what: str, found: Callable[[], T | None], *, seconds: float = PATIENCE) -> T:
    """Ask until there is an answer that is true; the test fails where there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.4)
    pytest.fail(f"waited {seconds:.0f} s in vain for {what}")


@dataclass
class Prefect:
    """The processes, by their own handles, and a client of the server's API."""

    store: Path
    env: dict[str, str] = field(repr=False)
    api: httpx.Client = field(repr=False)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    def start(self, name: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of this interpreter whose output is kept in Prefect's home too."""
        with (self.store / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes[name] = process
        return process

    def stop(self) -> None:
        """End every process that was started, the last first, and what it started itself."""
        for process in reversed(self.processes.values()):
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)
        self.api.close()

    def is_healthy(self) -> bool:
        """Whether the server answers."""
        try:
            return self.api.get("/health").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the API answers; a refusal fails the test.

        SQLite has one writer: while others wait, the server says 503, and its clients ask again.
        """
        if "Prefect-Csrf-Token" not in self.api.headers:
            client = str(uuid4())
            token = self.api.get("/csrf-token", params={"client": client}).json()["token"]
            self.api.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": client})

        only_asks = method == "GET" or path.endswith(("/filter", "/count"))

        def once() -> httpx.Response | None:
            try:
                answer = self.api.request(method, path, json=body)
            except httpx.ReadTimeout:
                if only_asks:  # SQLite under Prefect may stall for a minute; asking again is safe
                    return None
                raise
            return None if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE else answer

        answer = eventually("the server to have time", once)
        assert answer.is_success, f"{method} {path}: {answer.status_code}"
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any) -> Any:
        """What the API answers to a POST."""
        return self.ask("POST", path, body)

    def deployment(self, name: str) -> str:
        """The id of a deployment, by `flow/deployment`."""
        deployment: str = self.ask("GET", f"/deployments/name/{name}")["id"]
        return deployment

    def runs_of(self, name: str, *states: str) -> list[dict[str, Any]]:
        """The runs of a deployment that are in one of the states, or all."""
        in_state = {"flow_runs": {"state": {"type": {"any_": states}}}} if states else {}
        wanted = {"deployments": {"id": {"any_": [self.deployment(name)]}}, **in_state}
        runs: list[dict[str, Any]] = self.post("/flow_runs/filter", wanted)
        return runs

    def state_of(self, run: str) -> str:
        """The type of the state that a run is in."""
        state: str = self.ask("GET", f"/flow_runs/{run}")["state_type"]
        return state

    def tasks_in(self, state: str) -> list[dict[str, Any]]:
        """The steps of runs that are in a state, by the state's name."""
        wanted = {"task_runs": {"state": {"name": {"any_": [state]}}}}
        tasks: list[dict[str, Any]] = self.post("/task_runs/filter", wanted)
        return tasks

    def is_idle(self) -> bool:
        """Whether nothing runs or should; a run that failed fails the test at once."""
        so_far = {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}
        runs = self.post("/flow_runs/filter", {"flow_runs": so_far})
        states = Counter(run["state_type"] for run in runs)
        assert not states["FAILED"] + states["CRASHED"], f"runs by state: {dict(states)}"
        return not states["PENDING"] + states["RUNNING"] + states["SCHEDULED"]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _environment(store: Path, url: str, password: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if "PREFECT" not in name}
    return inherited | {
        "KLASSEPULS_SRC": str(ROOT),
        "PREFECT_HOME": str(store),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_API_AUTH_STRING": password,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "0.5",
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "2",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """A server that answers, on a free port of loopback, with a store of its own."""
    store = tmp_path_factory.mktemp("prefect")
    port, user, password = _free_port(), "klassepuls", token_urlsafe()
    url = f"http://127.0.0.1:{port}/api"
    # A connection for each call: the server closes idle ones, sometimes just as one is used again.
    alone = httpx.Limits(max_keepalive_connections=0)
    api = httpx.Client(base_url=url, auth=(user, password), timeout=90, limits=alone)
    server = Prefect(store, _environment(store, url, f"{user}:{password}"), api)
    try:
        began = time.monotonic()
        arguments = ("server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui")
        server.start("server", "prefect", *arguments)
        eventually("the server to answer", server.is_healthy)
        server.seconds["server up"] = time.monotonic() - began
        yield server
    finally:
        server.stop()
