"""What the board needs of whoever starts it: an open warehouse, a clock, and the actions."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from schemas.case_life import CaseLife, Role
from schemas.case_plan import CasePlan
from schemas.instrument import Instrument
from schemas.network_rule import NetworkRule
from schemas.rule import ClassRule, PupilRule
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.case_life import Detail, GroupSize
from transforms.pseudonym import PseudonymKey
from warehouse.audit import Hand
from warehouse.board.door import Door
from warehouse.board.looks import Connection


@dataclass(frozen=True, slots=True)
class Room:
    """An open warehouse for one request, with what turns its codes into words."""

    con: Connection
    key: PseudonymKey
    settings: Settings
    instruments: Mapping[str, Instrument]
    rules: tuple[PupilRule | ClassRule, ...]
    network: NetworkRule
    surveys: Mapping[str, Survey]
    life: CaseLife
    size: GroupSize
    by: Hand
    today: date
    now: datetime


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case that no flag began."""

    code: str = field(repr=False)
    school: str
    class_group: str
    situation: str
    origin: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants noted: an action on a case or a flag, or a new case.

    `subject`: a case's id or a flag's reference; `codes` are pupil codes, `flag` a further flag.
    """

    action: str
    subject: str
    on: date
    role: Role
    detail: Detail = field(default_factory=dict)
    codes: tuple[str, ...] = field(default=(), repr=False)
    is_unlisted: bool = False
    plan: CasePlan | None = field(default=None, repr=False)
    flag: str = ""
    opening: NewCase | None = None


class UnknownCodesError(Exception):
    """Some pupil codes are not known at the school."""


class Office(Protocol):
    """What `flows` passes in."""

    door: Door
    pdf: Callable[[str], bytes] | None  # turns a printable page into a PDF, where something can

    def settings(self) -> Settings:
        """The settings as they are now, without the warehouse."""
        ...

    def now(self) -> datetime:
        """The time."""
        ...

    def enter(self, who: str) -> AbstractContextManager[Room]:
        """The open warehouse, for one request of a user.

        WarehouseBusyError where a run holds it for longer than anybody likes to wait.
        """
        ...

    def is_busy(self) -> bool:
        """Whether a run holds the warehouse at this moment."""
        ...

    def carry_out(self, wish: Wish) -> Mapping[str, str]:
        """Do it, within `enter`; returns the case or the flag, and the state that follows.

        CaseRefusedError where it may not be done, UnknownCodesError for codes of no pupil.
        """
        ...
