"""Starts the processes in order, starts again what dies, and ends all of them in order."""

import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from flows.serve.child import Child, adopt, end_orphans
from flows.serve.log import Log
from flows.serve.processes import Command, Kept
from schemas.speakable import SpeakableError

TICK = 0.2
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
LIVED_LONG = 60.0  # whoever lived as long begins anew with the shortest wait
ANSWERS_WITHIN = 180.0  # SQLite on a machine at work has once taken a minute
ASKED_EVERY, SILENT_FOR = 15.0, 120.0
PATIENCE = 30.0


class CannotServeError(SpeakableError):
    """What has to run cannot be started; the message says which process, and where it tells why."""


@dataclass
class Life:
    """One process of the table, and what has become of it."""

    kept: Kept
    child: Child | None = None
    wait: float = FIRST_WAIT
    again_at: float = 0.0
    asked_at: float = 0.0
    answered_at: float = 0.0


@dataclass
class Keeper:
    """Keeps a table of processes; `say` is told in plain words what happens."""

    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    log: Log
    say: Callable[[str], None]
    stop: threading.Event
    lives: list[Life] = field(default_factory=list)

    def __post_init__(self) -> None:
        adopt()

    def start(self, kept: Kept) -> None:
        """Start a process for the first time, and wait until it answers."""
        life = Life(kept)
        self.lives.append(life)
        self._start(life)
        if kept.answers and not self._wait_for(life) and not self.stop.is_set():
            raise CannotServeError(f"the {kept.name} did not start: {self.log.path} says why")

    def do(self, name: str, command: Command, *, variables: Mapping[str, str] | None = None) -> int:
        """Run a command to its end; the exit code. Where we are told to stop, it is ended too."""
        child = self._child(name, command, variables)
        while (code := child.ended()) is None:
            if self.stop.wait(TICK):
                return child.stop(patience=PATIENCE)
        self.log.tell(name, event="done", code=code, seconds=round(child.seconds, 1))
        return code

    def look(self) -> None:
        """Start again whoever has died, once its wait is over; end whoever is deaf."""
        now = time.monotonic()
        for life in self.lives:
            if life.child is None:
                if now >= life.again_at:
                    self._start_again(life)
            elif (code := life.child.ended()) is not None:
                self._buried(life, code, now)
            elif life.kept.answers:
                self._ask(life, life.child, now)

    def end(self) -> None:
        """End every process, the last that was started first."""
        for life in reversed(self.lives):
            if life.child is not None:
                code = life.child.stop(patience=PATIENCE)
                life.child = None
                self._end_orphans()
                self.log.tell(life.kept.name, event="ended", code=code)
                self.say(f"{life.kept.name} has ended")
        self.lives.clear()

    def _end_orphans(self) -> None:
        known = {life.child.pid for life in self.lives if life.child is not None}
        if left := end_orphans(known):
            self.log.tell("serve", event="ended what was left", processes=left)

    def _child(
        self, name: str, command: Command, variables: Mapping[str, str] | None = None
    ) -> Child:
        child = Child(
            command,
            environment={**self.environment, **(variables or {})},
            folder=self.folder,
            hear=lambda text: self.log.said(name, text),
        )
        self.log.tell(name, event="started", pid=child.pid)
        return child

    def _start(self, life: Life) -> None:
        life.child = self._child(life.kept.name, life.kept.command)
        life.answered_at = life.asked_at = time.monotonic()

    def _start_again(self, life: Life) -> None:
        if life.kept.before and self.do(f"before {life.kept.name}", life.kept.before):
            self._put_off(life, time.monotonic())
            return
        if not self.stop.is_set():
            self._start(life)
            self.say(f"{life.kept.name} was started again")

    def _buried(self, life: Life, code: int, now: float) -> None:
        child = life.child
        assert child is not None  # noqa: S101 - for the type checker
        child.kill()
        life.child = None
        self._end_orphans()  # what it was at is not left half alive: it is closed and done anew
        if child.seconds >= LIVED_LONG:
            life.wait = FIRST_WAIT
        self.log.tell(life.kept.name, event="died", code=code, again_in=life.wait)
        self.say(f"{life.kept.name} ended by itself ({_how(code)}): again in {life.wait:.0f} s")
        self._put_off(life, now)

    def _put_off(self, life: Life, now: float) -> None:
        life.again_at = now + life.wait
        life.wait = min(2 * life.wait, LONGEST_WAIT)

    def _wait_for(self, life: Life) -> bool:
        """Whether the process answers in time; False at once where it has died."""
        until = time.monotonic() + ANSWERS_WITHIN
        while life.child and life.child.ended() is None and time.monotonic() < until:
            if is_answered(life.kept.answers):
                return True
            if self.stop.wait(TICK):
                break
        return False

    def _ask(self, life: Life, child: Child, now: float) -> None:
        """Ask now and then whether it is there; one that is deaf for minutes is ended."""
        if now - life.asked_at < ASKED_EVERY:
            return
        life.asked_at = now
        if is_answered(life.kept.answers):
            life.answered_at = now
        elif now - life.answered_at > SILENT_FOR:
            self.log.tell(life.kept.name, event="silent", seconds=round(now - life.answered_at))
            child.kill()


def is_answered(url: str, *, seconds: float = 5.0) -> bool:
    """Whether an address on loopback answers with 200; no proxy is asked."""
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=seconds) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (URLError, HTTPException, OSError):
        return False


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
