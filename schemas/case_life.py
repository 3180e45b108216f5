"""The life of a case as data: states, actions, clocks and codes (`schemas/case_life.toml`).

The model refuses a file in which a case could get stuck: every state is reached, every open state
has a way to an end and a clock, and a state that is over has none.
"""

from collections.abc import Collection
from functools import cache
from importlib.resources import files
from typing import Literal, Self

from pydantic import Field, model_validator

from schemas.declared import Declared
from schemas.words import Words

ANY_OPEN = "*"
Role = Literal["nurse", "contact_teacher", "management", "health_service_lead", "school_owner"]
Route = Literal["health_service", "adult_route"]
CodesOf = Literal["dismiss", "close", "outcome", "leave"]
SITUATIONS = (
    "new_pupil",
    "vulnerable_situation",
    "not_thriving",
    "unsafe",
    "exclusion",
    "bullying",
)


class RouteRoles(Declared):
    """Who may act in the cases of one route."""

    id: Route
    roles: tuple[Role, ...] = Field(min_length=1)


class State(Declared):
    """Where a case stands; `plan` is what the nurse's report says of the pupil then."""

    id: str = Field(pattern=r"^[a-z_]+$")
    is_over: bool = False
    plan: Literal["under_review", "has_plan", "no_plan"] = "no_plan"
    label: Words


class Action(Declared):
    """What may be done: from which states, where it leads (None: nowhere else), and by whom."""

    id: str = Field(pattern=r"^[a-z_]+$")
    event: str = Field(pattern=r"^[a-z_]+$")
    origin: tuple[str, ...] = Field(alias="from")
    to: str | None = None
    roles: tuple[Role, ...] | None = None
    ends_group: bool = False
    label: Words
    refused: Words


class Clock(Declared):
    """By when the next step is due, counted from the latest of the actions in `since`."""

    id: str = Field(pattern=r"^[a-z_]+$")
    states: tuple[str, ...] = Field(min_length=1)
    since: tuple[str, ...] = Field(min_length=1)
    working_days: int | None = Field(default=None, ge=1, le=260)
    days: int | None = Field(default=None, ge=1, le=366)
    earliest_days: int | None = Field(default=None, ge=1)
    rationale: str = Field(min_length=10)
    label: Words

    @model_validator(mode="after")
    def _is_one_limit(self) -> Self:
        if (self.working_days is None) == (self.days is None):
            raise ValueError("a clock has either working_days or days")
        if self.earliest_days is not None and (self.days or 0) < self.earliest_days:
            raise ValueError("earliest_days goes with days, and is not more")
        return self


class Prompt(Declared):
    """The review clock of cases that cannot wait for the usual one."""

    origins: tuple[str, ...]
    working_days: int = Field(ge=1)


class Code(Declared):
    """A word that a person chooses for the record; `from` the states in which it may be chosen."""

    of: CodesOf
    id: str = Field(pattern=r"^[a-z_]+$")
    origin: tuple[str, ...] | None = Field(default=None, alias="from")
    label: Words


class CaseLife(Declared):
    """`case_life.toml`."""

    roles: tuple[Role, ...]
    routes: tuple[RouteRoles, ...] = Field(alias="route")
    states: tuple[State, ...] = Field(alias="state")
    actions: tuple[Action, ...] = Field(alias="action")
    clocks: tuple[Clock, ...] = Field(alias="clock")
    prompt: Prompt
    codes: tuple[Code, ...] = Field(alias="code")

    def state(self, state_id: str) -> State:
        """One state; KeyError where there is none of that name."""
        return {state.id: state for state in self.states}[state_id]

    def action(self, action_id: str) -> Action:
        """One action; KeyError where there is none of that name."""
        return {action.id: action for action in self.actions}[action_id]

    def clock_of(self, state_id: str) -> Clock | None:
        """The clock that runs in a state; None where the case is over."""
        return next((clock for clock in self.clocks if state_id in clock.states), None)

    def origins(self, action: Action) -> frozenset[str]:
        """The states in which an action may be done."""
        return self.open_states() if ANY_OPEN in action.origin else frozenset(action.origin)

    def open_states(self) -> frozenset[str]:
        """The states of a case that is not over."""
        return frozenset(state.id for state in self.states if not state.is_over)

    def codes_of(self, of: CodesOf) -> tuple[str, ...]:
        """The words for one purpose."""
        return tuple(code.id for code in self.codes if code.of == of)

    def code(self, of: CodesOf, code_id: str) -> Code:
        """One word for one purpose; KeyError where there is none."""
        return {code.id: code for code in self.codes if code.of == of}[code_id]

    @model_validator(mode="after")
    def _names_stand_once_and_are_known(self) -> Self:
        states = [state.id for state in self.states]
        actions = [action.id for action in self.actions]
        for what, ids in (
            ("state", states),
            ("action", actions),
            ("clock", [clock.id for clock in self.clocks]),
            ("route", [route.id for route in self.routes]),
            ("code", [f"{code.of}.{code.id}" for code in self.codes]),
        ):
            if len(ids) != len(set(ids)):
                raise ValueError(f"two entries of [[{what}]] have the same id")
        _require_known("state", _named_states(self), states)
        _require_known("action", {name for clock in self.clocks for name in clock.since}, actions)
        return self

    @model_validator(mode="after")
    def _nothing_gets_stuck(self) -> Self:
        leads = {
            state: {
                action.to for action in self.actions if action.to and state in self.origins(action)
            }
            for state in (one.id for one in self.states)
        }
        starts = {action.to for action in self.actions if not action.origin}
        if len(starts) != 1 or None in starts:
            raise ValueError("one action, and one only, begins a case")
        lost = set(leads) - _reached({str(state) for state in starts}, leads)
        if lost:
            raise ValueError(f"no action leads to: {', '.join(sorted(lost))}")
        over = set(leads) - self.open_states()
        stuck = {state for state in leads if not _reached({state}, leads) & over}
        if stuck:
            raise ValueError(f"no way to an end from: {', '.join(sorted(stuck))}")
        return self

    @model_validator(mode="after")
    def _open_states_have_one_clock(self) -> Self:
        ticking = [state for clock in self.clocks for state in clock.states]
        if len(ticking) != len(set(ticking)) or set(ticking) != self.open_states():
            raise ValueError("each open state has one clock, and a state that is over has none")
        return self


def _named_states(life: CaseLife) -> set[str]:
    named = {name for action in life.actions for name in action.origin if name != ANY_OPEN}
    named |= {action.to for action in life.actions if action.to}
    named |= {name for clock in life.clocks for name in clock.states}
    return named | {name for code in life.codes for name in code.origin or ()}


def _require_known(what: str, named: Collection[str], known: Collection[str]) -> None:
    unknown = sorted(set(named) - set(known))
    if unknown:
        raise ValueError(f"no [[{what}]] has the id: {', '.join(unknown)}")


def _reached(start: set[str], leads: dict[str, set[str]]) -> set[str]:
    """Every state that can be come to from some, those included."""
    seen: set[str] = set()
    ahead = set(start)
    while ahead:
        seen |= ahead
        ahead = {state for one in ahead for state in leads[one]} - seen
    return seen


@cache
def case_life() -> CaseLife:
    """The life of a case as it is shipped."""
    text = (files("schemas") / "case_life.toml").read_text(encoding="utf-8")
    return CaseLife.from_toml(text, name="case_life.toml")
