"""`klassepuls serve`: from a home to all that runs by itself, until it is told to stop."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.home import Home, load_config
from flows.serve.environment import LOOPBACK, environment, variables
from flows.serve.keeper import TICK, CannotServeError, Keeper
from flows.serve.log import Log
from flows.serve.place import Place, make_place, only_one, write_environment
from flows.serve.processes import Kept, prepare, processes
from schemas.declared import DeclarationError
from schemas.settings import Settings
from schemas.speakable import SpeakableError

Say = Callable[[str], None]
STEPS = "prepare"


def serve(home: Home, *, say: Say, show: Callable[[Place, list[Kept]], None]) -> None:
    """Keep everything running until SIGTERM or Ctrl-C.

    `say` is told what happens, `show` is given the table once all of it runs. HomeError and
    DeclarationError for settings that are wrong, AlreadyServedError where the home has a `serve`,
    CannotServeError where a port is taken or a process does not start.
    """
    settings = load_config(home).settings
    place = make_place(home)
    os.umask(0o077)
    with only_one(place), _told_to_stop() as stop:
        told = environment(place, settings)
        table = processes(home, settings)
        require_free_port(settings.server.port)
        write_environment(place, variables(place, settings))
        keeper = Keeper(told, place.source, Log(place.log_file), say, stop)
        try:
            _start(keeper, table, say)
            if not stop.is_set():
                show(place, table)
            _keep(keeper, place, settings, say)
        finally:
            keeper.end()


def _start(keeper: Keeper, table: list[Kept], say: Say) -> None:
    """The server first; then what is on it; then who works with it."""
    first, *others = table
    say(f"starting the {first.name} (some fifteen seconds)")
    keeper.start(first)
    if not keeper.stop.is_set():
        say("deploying what runs when")
        if keeper.do(STEPS, prepare("--deploy", "--worker-is-gone")) and not keeper.stop.is_set():
            raise CannotServeError(f"nothing could be deployed: {keeper.log.path} says why")
    for kept in others:
        if not keeper.stop.is_set():
            say(f"starting the {kept.name}")
            keeper.start(kept)


def _keep(keeper: Keeper, place: Place, settings: Settings, say: Say) -> None:
    """Look after the processes, and after the settings that decide when something runs."""
    deployed, seen = settings.schedule, _age(place.home.settings_file)
    while not keeper.stop.wait(TICK):
        keeper.look()
        if (now := _age(place.home.settings_file)) == seen:
            continue
        seen = now
        try:
            settings = Settings.from_file(place.home.settings_file)
        except (DeclarationError, OSError) as error:
            say(f"klassepuls.toml was changed and is not used: {_words(error)}")
            continue
        if settings.schedule != deployed:
            deployed = settings.schedule
            _deploy_anew(keeper, place, settings, say)


def _deploy_anew(keeper: Keeper, place: Place, settings: Settings, say: Say) -> None:
    told = variables(place, settings)
    write_environment(place, told)
    code = keeper.do(STEPS, prepare("--deploy"), variables=told)
    say("[schedule] was changed: " + ("deployed anew" if not code else "could not be deployed"))


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, SpeakableError) else type(error).__name__


def _age(path: Path) -> tuple[int, int]:
    """What tells a changed file from the same; editors write a new one in its place."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)


def require_free_port(port: int) -> None:
    """CannotServeError where somebody listens there already."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            raise CannotServeError(
                f"port {port} of {LOOPBACK} is taken: end what listens there, or choose another"
                " with `port` of [server] in klassepuls.toml"
            ) from None


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """Set when SIGTERM or Ctrl-C comes."""
    stop = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
