"""What the case board works with: the open warehouse of one request, and the actions.

DuckDB lets one process in, so each request opens the warehouse, looks or acts, and closes it. While
a run holds it a request waits a little and then says so; what was typed stays on the page.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from threading import Lock

from flows.cases.plan import plan
from flows.cases.work import (
    REVIEWS,
    Desk,
    PupilAsked,
    act_on,
    at_desk,
    change_helper,
    decide,
    form,
    link,
    meet,
    open_for_pupil,
    rate,
)
from flows.hand import asked_by
from flows.home import Home, HomeError
from reports.board.office import NewCase, Room, UnknownCodesError, Wish
from schemas.settings import Settings
from transforms.case_life import Asked
from warehouse.board.door import Door
from warehouse.damage import WarehouseBusyError
from warehouse.store import only_writer

PATIENCE_SECONDS = 3.0
_BETWEEN_TRIES = 0.1

Told = dict[str, str]
Make = Callable[[date], Asked]


def _now() -> datetime:
    return datetime.now(UTC)


class BoardDesk:
    """One home's board; `clock` and `patience` (seconds) are for whoever tries it out."""

    pdf: Callable[[str], bytes] | None = None

    def __init__(
        self,
        home: Home,
        *,
        clock: Callable[[], datetime] = _now,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.door = Door(home.restricted)
        self.now = clock
        self._home, self._patience = home, patience
        self._turn = Lock()  # requests of this process one after the other

    def settings(self) -> Settings:
        """The settings as they are now, without the warehouse."""
        return Settings.from_file(self._home.settings_file)

    def is_busy(self) -> bool:
        """Whether a run holds the warehouse at this moment."""
        with self._turn:
            try:
                with only_writer(self._home.restricted):
                    return False
            except WarehouseBusyError:
                return True

    @contextmanager
    def enter(self, who: str) -> Iterator[Room]:
        """The open warehouse, for one request of a user; WarehouseBusyError after some waiting."""
        with self._turn, asked_by(f"board user {who}"):
            self._wait_for_turn()
            with at_desk(self._home, now=self.now()) as desk:
                yield _room(desk)

    def _wait_for_turn(self) -> None:
        """Until no run holds the warehouse, or patience ends; the desk itself has the last word."""
        until = time.monotonic() + self._patience
        while time.monotonic() < until:
            try:
                with only_writer(self._home.restricted):
                    return
            except WarehouseBusyError:
                time.sleep(_BETWEEN_TRIES)

    def carry_out(self, wish: Wish) -> Mapping[str, str]:
        """Do it, as `klassepuls case` does; UnknownCodesError for codes of no pupil."""
        make = partial(_asked, wish)
        try:
            return self._done(wish, make)
        except HomeError:
            raise UnknownCodesError from None

    def _done(self, wish: Wish, make: Make) -> Told:
        home, subject, now = self._home, wish.subject, self.now()
        if wish.opening is not None:
            return self._opened(wish, wish.opening)
        if wish.action == "link":
            return link(home, subject, wish.flag, make, now=now)
        if wish.action == "plan" and wish.plan is not None:
            return plan(home, subject, wish.plan, make, now=now)
        if wish.action == "group":
            return form(home, subject, wish.codes, make, is_unlisted=wish.is_unlisted, now=now)
        if wish.action in ("join", "leave"):
            [helper] = wish.codes
            unlisted = wish.is_unlisted
            return change_helper(home, subject, helper, make, is_unlisted=unlisted, now=now)
        return _PLAIN.get(wish.action, act_on)(home, subject, make, now=now)

    def _opened(self, wish: Wish, asked: NewCase) -> Told:
        of_pupil = (asked.school, asked.class_group, asked.situation, asked.origin)
        about = PupilAsked(asked.code, *of_pupil, is_unlisted=wish.is_unlisted)
        return open_for_pupil(self._home, about, role=wish.role, on=wish.on, now=self.now())


_PLAIN: Mapping[str, Callable[..., Told]] = {
    **dict.fromkeys(REVIEWS, decide),
    "meeting": meet,
    "individual": meet,
    "rate": rate,
}


def _asked(wish: Wish, _today: date) -> Asked:
    return Asked(wish.action, wish.on, wish.role, wish.detail)


def _room(desk: Desk) -> Room:
    config, office = desk.config, desk.office
    return Room(
        con=desk.con,
        key=config.key,
        settings=config.settings,
        instruments=config.instruments,
        rules=tuple(config.rules),
        network=config.network,
        surveys=config.surveys,
        life=office.life,
        size=office.size,
        by=office.by,
        today=office.today,
        now=office.now,
    )
