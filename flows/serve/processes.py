"""The processes that `klassepuls serve` keeps running, as a table."""

import sys
from dataclasses import dataclass

from flows.due import POOL
from flows.home import Home
from flows.serve.environment import LOOPBACK, api_url
from schemas.settings import Settings

# A run is a process of some 150 MB, and one at a time has the warehouse.
RUNS_AT_ONCE = 4
Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """One process: what it is for, how it is started, and how one sees that it is there."""

    name: str
    what: str
    command: Command
    where: str = ""  # for people: an address, a folder
    answers: str = ""  # this address answers when the next may start, and ever after
    before: Command = ()  # is run before each start but the first


def processes(home: Home, settings: Settings) -> list[Kept]:
    """In the order of starting; they are ended the other way round."""
    server = settings.server
    url = api_url(settings)
    pages = url.removesuffix("/api")
    every = str(server.look_every_seconds)
    return [
        Kept(
            "server",
            "what runs when, and what ran",
            prefect("server", "start", "--host", LOOPBACK, "--port", str(server.port)),
            where=pages if server.ui else f"{url} (no pages)",
            answers=f"{url}/health",
        ),
        Kept(
            "worker",
            "does the runs",
            prefect(
                *("worker", "start", "--pool", POOL, "--type", "process"),
                *("--name", "klassepuls", "--limit", str(RUNS_AT_ONCE)),
            ),
            where=f"work pool {POOL}",
            before=prepare("--worker-is-gone"),
        ),
        Kept(
            "watcher",
            "asks for a run when files have come",
            (*_module("flows.watch_inbox"), "--every", every),
            where=str(home.inbox),
        ),
        *_optional(home, settings),
    ]


def _optional(home: Home, settings: Settings) -> list[Kept]:
    """The services that a municipality switches on, each a section of its settings."""
    table = {
        "board": "the case board",
        "intake": "takes files over HTTP, and says how things are",
    }
    switched_on = {
        name: section
        for name in table
        if (section := getattr(settings, name, None)) is not None and section.enabled
    }
    return [
        Kept(
            name,
            table[name],
            (*_module("flows.cli"), name, "--home", str(home.root)),
            where=f"http://{LOOPBACK}:{section.port}" if hasattr(section, "port") else "",
        )
        for name, section in switched_on.items()
    ]


def prefect(*arguments: str) -> Command:
    """A command of Prefect's, by this interpreter."""
    return (*_module("prefect"), *arguments)


def prepare(*arguments: str) -> Command:
    """What has to be on the server before work begins."""
    return (*_module("flows.serve.prepare"), *arguments)


def _module(name: str) -> Command:
    return (sys.executable, "-m", name)
