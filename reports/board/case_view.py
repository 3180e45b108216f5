"""One case as its page shows it: where it stands, what may be done next, and all that was done."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from reports.board.forms import About, Field, fields_of
from reports.board.office import Room
from reports.board.scope import case_role, may_see_flags
from reports.texts import Texts
from schemas.case_life import Action
from transforms.case_life import CaseFacts, Deadline, deadline, possible_actions
from warehouse.board.door import User
from warehouse.case_lists import case_with_history

# `link` is done where the new flag is shown, and a new case is opened at the school.
_ELSEWHERE = ("link", "open")
# What ends something stands behind what leads on.
_LAST = ("declined", "dismiss", "relapse", "close")
_REASONS: Mapping[str, str] = {"dismiss": "dismiss", "close": "close", "leave": "leave"}


@dataclass(frozen=True, slots=True)
class Form:
    """One action's form; `not_before`: the day from which it may be done, if that is to come."""

    action: Action
    fields: tuple[Field, ...]
    not_before: date | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the history: the day, what was done, under which role, and its codes in words."""

    on: date
    action: str
    role: str
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """All that the page of a case shows; `seen` is the number of its last event."""

    case: Mapping[str, Any] = field(repr=False)
    seen: int
    due: Deadline | None
    is_overdue: bool
    steps: tuple[Form, ...]
    notes: tuple[Form, ...]
    history: tuple[Told, ...]
    helpers: tuple[str, ...] = field(repr=False)
    has_evidence: bool
    may_compose: bool


def case_view(room: Room, user: User, case_id: str, facts: CaseFacts, texts: Texts) -> CaseView:
    """The case with its forms, for a user who may see it."""
    case = case_with_history(room.con, case_id, key=room.key)
    helpers = helpers_of(case)
    about = About(room.life, texts, facts, room.size, room.today, helpers)
    forms = sorted(_forms(room, user, about), key=lambda one: one.action.id in _LAST)
    due = deadline(room.life, facts)
    return CaseView(
        case=case,
        seen=len(case["events"]),
        due=due,
        is_overdue=bool(due and due.due_on < room.today),
        steps=tuple(one for one in forms if one.action.to or one.action.id == "review"),
        notes=tuple(one for one in forms if not (one.action.to or one.action.id == "review")),
        history=tuple(_told(event, room, texts) for event in reversed(case["events"])),
        helpers=helpers,
        has_evidence=may_see_flags(user) and bool(case["linked_flag_ids"]),
        may_compose=may_see_flags(user)
        and facts.status in ("accepted", "group_active", "reviewing"),
    )


def helpers_of(case: Mapping[str, Any]) -> tuple[str, ...]:
    """The codes of who helps now, in the order of the alphabet."""
    return tuple(
        sorted(
            helper["pupil_code"]
            for group in case["groups"]
            if group["ended_on"] is None
            for helper in group["helpers"]
            if helper["left_on"] is None and helper["pupil_code"]
        )
    )


def _forms(room: Room, user: User, about: About) -> list[Form]:
    actions = possible_actions(room.life, about.facts, case_role(user), today=room.today)
    due = deadline(room.life, about.facts)
    begins = due.earliest if due and due.earliest and due.earliest > room.today else None
    return [
        Form(action, fields_of(action.id, about), begins if action.id == "followup" else None)
        for action in actions
        if action.id not in _ELSEWHERE
    ]


def _told(event: Mapping[str, Any], room: Room, texts: Texts) -> Told:
    action = room.life.action(event["action"])
    said = [
        _in_words(name, value, action.id, room, texts)
        for name, value in event["detail"].items()
        if name != "moved_to"
    ]
    return Told(
        on=event["happened_on"],
        action=getattr(action.label, texts.language),
        role=texts.say(f"role.{event['actor_role']}"),
        said=tuple(said),
    )


def _in_words(name: str, value: object, action: str, room: Room, texts: Texts) -> str:
    """One code of an event in words; a code that is no longer known is told as it is."""
    said = str(value)
    of = "outcome" if name == "outcome" else _REASONS.get(action) if name == "why" else None
    known = [
        getattr(code.label, texts.language)
        for code in room.life.codes
        if code.of == of and code.id == value
    ]
    told = texts.entries.get(f"option.{name}.{said}") or (known[0] if known else said)
    return texts.say("history.detail", what=texts.say(f"field.{name}"), told=told)
