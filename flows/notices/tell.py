"""Tell whoever has to be told: look, send, write down, in three steps.

The warehouse is held while it is looked at and written to, and not while a mail server is waited
for. A run that is stopped in between tells twice, never not at all.
"""

import json
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.doctor.zones import ZonesOpenError
from flows.home import Config, Home, load_config
from flows.notices.matters import HOME, Matter, faults_of, find_matters
from flows.notices.plan import Message, Plan, plan
from flows.notices.ways import NoticeError, deliver
from flows.overdue.look import overdue_in
from flows.receive.health import write_health
from flows.road import at_work
from schemas.settings import Settings
from schemas.settings_notices import NoticeKind, Notices
from warehouse.damage import (
    ClosedFolderError,
    NoRoomError,
    WarehouseBusyError,
    WarehouseDamagedError,
)
from warehouse.failpoint import reach
from warehouse.notices import (
    Key,
    Told,
    forget_over,
    note_failed,
    note_told,
    note_walked,
    told_so_far,
)
from warehouse.overdue import Overdue
from warehouse.store import transaction

TRIES, BETWEEN_TRIES = 40, 0.5  # seconds
log = logging.getLogger(__name__)

_OF_THE_MACHINE = (ZonesOpenError, WarehouseDamagedError, NoRoomError, ClosedFolderError, OSError)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found and told: what is overdue, receivers told, and what did not come off."""

    late: tuple[Overdue, ...]
    told: int = 0
    failed: int = 0  # receivers that could not be told: the next run tries again
    nobody: int = 0  # matters that no receiver is named for

    @property
    def needs_a_person(self) -> bool:
        """Whether somebody has to act, or has not heard of it."""
        return bool(self.late or self.failed or self.nobody)


def check_and_tell(
    home: Home, *, now: datetime, walked: str | None = None, faults: int | None = None
) -> Checked:
    """Find what is overdue and tell of all that matters.

    `walked`: the road that has just come to its end, `run` or `check`. `faults`: of the
    installation, where somebody has counted them already.
    """
    config = load_config(home)
    notices = config.settings.notices
    if faults is None:
        faults = faults_of(home, config) if notices else 0
    with at_work(home, config, now=now) as con:
        if walked:
            note_walked(con, walked, now=now)
        late = overdue_in(con, config, now=now)
        write_health(con, home, late, now=now)
        if notices is None:
            return Checked(tuple(late))
        found = _planned(con, home, config, late, notices, now=now, faults=faults)
        forget_over(con, found.over)
    if not found.messages:
        return Checked(tuple(late), nobody=len(found.without_receiver))
    taken, refused = send_all(found.messages, config.settings, now=now)
    reach("after-notices-sent")
    _write_down(home, config, taken, refused, late, now=now)
    return Checked(tuple(late), len(taken), len(refused), len(found.without_receiver))


def tell_now(home: Home, *, now: datetime, walked: str | None = None) -> Checked:
    """The same, where somebody else may be at work by now: then the next sweep or run tells."""
    try:
        return check_and_tell(home, now=now, walked=walked)
    except WarehouseBusyError:
        log.warning("another run holds the warehouse: what there is to tell, the next one tells")
        return Checked(())


def _write_down(
    home: Home,
    config: Config,
    taken: Sequence[Message],
    refused: Sequence[Message],
    late: Sequence[Overdue],
    *,
    now: datetime,
) -> None:
    """What was told is not told again: worth waiting some seconds for who holds the warehouse."""
    for tries_left in reversed(range(TRIES)):
        try:
            with at_work(home, config, now=now) as con:
                with transaction(con):
                    note_told(con, [key for message in taken for key in message.keys], now=now)
                    note_failed(con, [key for message in refused for key in message.keys])
                write_health(con, home, late, now=now)
        except WarehouseBusyError:
            if not tries_left:
                raise
            time.sleep(BETWEEN_TRIES)
        else:
            return


def _planned(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    late: Sequence[Overdue],
    notices: Notices,
    *,
    now: datetime,
    faults: int,
) -> Plan:
    matters = find_matters(con, home, config, late, faults=faults, now=now)
    return plan(matters, told_so_far(con), notices, now=now)


def send_all(
    messages: Sequence[Message], settings: Settings, *, now: datetime
) -> tuple[list[Message], list[Message]]:
    """Those that were taken, and those that were not: one closed way stops no other."""
    taken, refused = [], []
    for message in messages:
        try:
            deliver(message, settings, now=now)
            taken.append(message)
        except NoticeError as error:
            log.warning("%s could not be told: %s", message.receiver.way.name, error)
            refused.append(message)
    return taken, refused


def tell_of_failure(home: Home, error: Exception, *, now: datetime) -> None:
    """Tell that a run failed, without the warehouse, which may be what failed.

    Who has been told stands in a file of restricted/logs until a check comes to its end.
    """
    settings = load_config(home).settings
    if settings.notices is None or isinstance(error, WarehouseBusyError):
        return
    kind: NoticeKind = "run_failed"
    if isinstance(error, _OF_THE_MACHINE):
        kind = "machine"
    before = _told_of_failures(home)
    found = plan([Matter(kind, HOME, 1)], before, settings.notices, now=now)
    taken, _ = send_all(found.messages, settings, now=now)
    told = before | {key: Told(mark, now, 0) for one in taken for key, mark in one.keys}
    lines = [[*key, one.told_at.isoformat()] for key, one in told.items() if one.told_at]
    _failures(home).write_text(json.dumps(lines), encoding="utf-8")


@contextmanager
def telling_of_failure(home: Home, *, now: datetime) -> Iterator[None]:
    """Tell of what stops the work within, and let it pass; where nothing does, forget the last."""
    try:
        yield
    except Exception as error:
        # Nothing that goes wrong in telling may hide what went wrong.
        with suppress(Exception):
            tell_of_failure(home, error, now=now)
        raise
    forget_failures(home)


def forget_failures(home: Home) -> None:
    """A run came to its end: the next failure is told anew."""
    _failures(home).unlink(missing_ok=True)


def _failures(home: Home) -> Path:
    return home.restricted / "logs" / "told_of_failures.json"


def _told_of_failures(home: Home) -> dict[Key, Told]:
    try:
        lines = json.loads(_failures(home).read_text(encoding="utf-8"))
        return {
            (channel, kind, subject): Told(1, datetime.fromisoformat(told_at), 0)
            for channel, kind, subject, told_at in lines
        }
    except (OSError, ValueError, TypeError):
        return {}
