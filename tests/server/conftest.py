"""A real `klassepuls serve` for the tests marked `server`, and what Prefect's API says of it."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest

from flows.home import Home, load_config
from flows.serve.environment import environment
from flows.serve.place import Place
from tests.support.ports import free_port

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
    """A running `klassepuls serve`, and a client of its server's API."""

    home: Home
    port: int
    api: httpx.Client = field(repr=False)
    process: subprocess.Popen[bytes] | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """Where it keeps its things."""
        return Place(self.home, ROOT)

    @property
    def store(self) -> Path:
        """PREFECT_HOME."""
        return self.place.store

    @property
    def env(self) -> dict[str, str]:
        """What its processes are told, for a process of a test."""
        return environment(self.place, load_config(self.home).settings)

    def start(self) -> None:
        """Start it, and wait until it says that all of it runs."""
        began = time.monotonic()
        said = self.home.root / "said"
        with said.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flows.cli", "serve", "--home", str(self.home.root)],
                cwd=ROOT,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        eventually("serve", lambda: self.process.poll() is not None or b"To stop" in _all(said))
        assert self.process.poll() is None, _all(said).decode()
        user, _, word = self.place.password_file.read_text(encoding="utf-8").partition(":")
        self.api.auth = httpx.BasicAuth(user, word)
        self.seconds["all runs"] = time.monotonic() - began

    def stop(self) -> int:
        """Tell it to stop; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(120)

    def said(self) -> str:
        """What it told whoever started it."""
        return _all(self.home.root / "said").decode()

    def log(self) -> list[dict[str, Any]]:
        """Its own log, line by line."""
        lines = self.place.log_file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def pid_of(self, name: str) -> int:
        """The number of a process that it keeps, as it was started last."""
        started = [line for line in self.log() if line.get("event") == "started"]
        pid: int = [line["pid"] for line in started if line["process"] == name][-1]
        return pid

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

    def is_idle(self, *, may_crash: bool = False) -> bool:
        """Whether nothing runs or should; a run that failed fails the test at once."""
        so_far = {"expected_start_time": {"before_": datetime.now(UTC).isoformat()}}
        runs = self.post("/flow_runs/filter", {"flow_runs": so_far})
        states = Counter(run["state_type"] for run in runs)
        assert may_crash or not states["FAILED"] + states["CRASHED"], f"runs: {dict(states)}"
        return not states["PENDING"] + states["RUNNING"] + states["SCHEDULED"]


def _all(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def serving(home: Home, *, more: str = "") -> Prefect:
    """A `serve` of the home on a free port that looks often, not yet started."""
    port = free_port()
    server = f"\n[server]\nport = {port}\nui = false\nlook_every_seconds = 0.5\n{more}"
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(server)
    # A connection for each call: the server closes idle ones, sometimes just as one is used again.
    alone = httpx.Limits(max_keepalive_connections=0)
    api = httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=90, limits=alone)
    return Prefect(home, port, api)


@contextmanager
def served(home: Home, *, more: str = "") -> Iterator[Prefect]:
    """A `serve` of the home that is running, and is ended in the end whatever happens."""
    prefect = serving(home, more=more)
    try:
        prefect.start()
        yield prefect
    finally:
        if prefect.process is not None and prefect.process.poll() is None:
            prefect.stop()
        prefect.api.close()
