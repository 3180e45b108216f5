"""What may be done in a case, and why not: one case's facts in, a refusal or nothing out.

The states and actions are data (`schemas/case_life.toml`); here stand the few conditions that a
state alone does not say: days, roles, consent, the size of a group. Whoever shows a button asks
`is_allowed`, whoever presses it is held to `require_allowed`: one truth, two forms.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from schemas.case_life import ANY_OPEN, Action, CaseLife, CodesOf
from schemas.speakable import SpeakableError
from transforms.working_days import add_working_days

Detail = Mapping[str, str | int | None]
HIGHEST_RATING = 10


class CaseRefusedError(SpeakableError):
    """What was asked for may not be done in this case, or not now.

    `kind` names the condition in one word, for a page that says it in another language.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the conditions look at. `latest` has the last day of each action that was done.

    `moved_on`: the day of the last action that led the case to another state.
    """

    status: str
    route: str
    origin: str
    opened_on: date
    review_due: date | None = None
    consent_guardian: str | None = None
    had_group: bool = False
    members: int = 0
    moved_on: date | None = None
    latest: Mapping[str, date] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants done: the action, the day it happened, by whom, and its codes."""

    action: str
    on: date
    role: str
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The next step's clock: due by the end of `due_on`, and not before `earliest`."""

    clock: str
    due_on: date
    earliest: date | None = None


@dataclass(frozen=True, slots=True)
class GroupSize:
    """How many helpers a group has, as the municipality's settings say."""

    smallest: int
    largest: int


@dataclass(frozen=True, slots=True)
class _Question:
    life: CaseLife
    facts: CaseFacts
    asked: Asked
    action: Action
    today: date
    size: GroupSize


def require_allowed(
    life: CaseLife, facts: CaseFacts, asked: Asked, *, today: date, size: GroupSize
) -> None:
    """CaseRefusedError, with the reason, where the action may not be done."""
    _hold_to(_CHECKS, _Question(life, facts, asked, life.action(asked.action), today, size))


def require_may(life: CaseLife, route: str, asked: Asked, *, today: date) -> None:
    """CaseRefusedError where the role may not do it on this route, or not on that day.

    For what has no case yet: the opening itself, and the decision on a flag of a class.
    """
    facts = CaseFacts("", route, "", asked.on)
    nobody = GroupSize(0, 0)
    question = _Question(life, facts, asked, life.action(asked.action), today, nobody)
    _hold_to((_role, _day), question)


def _hold_to(checks: Iterable["_Check"], question: _Question) -> None:
    for check in checks:
        reason = check(question)
        if reason is not None:
            raise CaseRefusedError(reason, check.__name__.strip("_"))


def is_allowed(
    life: CaseLife, facts: CaseFacts, asked: Asked, *, today: date, size: GroupSize
) -> bool:
    """Whether `require_allowed` has nothing against it."""
    try:
        require_allowed(life, facts, asked, today=today, size=size)
    except CaseRefusedError:
        return False
    return True


def possible_actions(
    life: CaseLife, facts: CaseFacts, role: str, *, today: date
) -> tuple[Action, ...]:
    """What a role may do in the case as it stands, whatever is told with it.

    A page offers these; days, reasons and numbers are held to `require_allowed` when they are told.
    """
    nobody = GroupSize(0, 0)
    return tuple(
        action
        for action in life.actions
        if all(
            check(_Question(life, facts, Asked(action.id, today, role), action, today, nobody))
            is None
            for check in (_state, _role)
        )
    )


def next_state(life: CaseLife, status: str, action_id: str) -> str:
    """Where an action leads from a state in which it may be done; most leave the case there."""
    action = life.action(action_id)
    if status not in life.origins(action):
        raise CaseRefusedError(_refused(life, status, action))
    return action.to or status


def replay(life: CaseLife, actions: Iterable[str]) -> str:
    """The state that a case's actions lead to, the opening first; refuses a history that cannot be.

    Raises ValueError for a history that does not begin with the opening.
    """
    beginning, *others = actions
    opening = life.action(beginning)
    if opening.origin or opening.to is None:
        raise ValueError("a case begins with its opening")
    status = opening.to
    for action in others:
        status = next_state(life, status, action)
    return status


def deadline(life: CaseLife, facts: CaseFacts) -> Deadline | None:
    """By when the next step of a case is due; None where the case is over.

    A case that was opened for flags keeps the earliest of their deadlines for its first review.
    """
    clock = life.clock_of(facts.status)
    if clock is None:
        return None
    since = max(facts.latest[name] for name in clock.since if name in facts.latest)
    if clock.days is not None:
        earliest = since + timedelta(clock.earliest_days) if clock.earliest_days else None
        return Deadline(clock.id, since + timedelta(clock.days), earliest)
    is_first = facts.status == "opened" and "reopen" not in facts.latest
    if is_first and facts.review_due is not None:
        return Deadline(clock.id, facts.review_due)
    is_prompt = is_first and facts.origin in life.prompt.origins
    days = life.prompt.working_days if is_prompt else clock.working_days
    return Deadline(clock.id, add_working_days(since, days or 0))


def _refused(life: CaseLife, status: str, action: Action) -> str:
    return f"{action.refused.en}. The case now: {life.state(status).label.en} ({status})"


def _state(q: _Question) -> str | None:
    if q.facts.status in q.life.origins(q.action):
        return None
    return _refused(q.life, q.facts.status, q.action)


def _role(q: _Question) -> str | None:
    [of_route] = [route.roles for route in q.life.routes if route.id == q.facts.route]
    may = [role for role in of_route if q.action.roles is None or role in q.action.roles]
    if q.asked.role in may:
        return None
    return f"in this case that is done by: {', '.join(may)}"


def _day(q: _Question) -> str | None:
    if q.asked.on > q.today:
        return "--on is a day that has not come yet: what has not happened cannot be noted"
    if q.asked.on < q.facts.opened_on:
        return f"--on is before the case was opened, {q.facts.opened_on}"
    is_free = ANY_OPEN in q.action.origin  # a talk of last week may be noted after today's decision
    if not is_free and q.facts.moved_on is not None and q.asked.on < q.facts.moved_on:
        return f"--on is before the step that led here, {q.facts.moved_on}"
    return None


def _reason(q: _Question) -> str | None:
    wanted: dict[str, tuple[CodesOf, str]] = {
        "dismiss": ("dismiss", "a dismissal"),
        "close": ("close", "a closing"),
        "leave": ("leave", "leaving a group"),
    }
    if q.action.id not in wanted:
        return None
    of, what = wanted[q.action.id]
    codes = q.life.codes_of(of)
    why = q.asked.detail.get("why")
    if why not in codes:
        return f"{what} needs a reason: --why {'|'.join(codes)}"
    only_from = q.life.code(of, str(why)).origin
    if only_from is not None and q.facts.status not in only_from:
        states = ", ".join(q.life.state(state).label.en for state in only_from)
        return f"--why {why} is for a case of which it is said: {states}"
    return None


def _outcome(q: _Question) -> str | None:
    if q.action.id != "close":
        return None
    told, codes = q.asked.detail.get("outcome"), q.life.codes_of("outcome")
    if q.facts.had_group and told not in codes:
        return f"there was a group: say what came of it with --outcome {'|'.join(codes)}"
    if not q.facts.had_group and told is not None:
        return "there was no group, so there is no --outcome of one"
    return None


def _not_too_early(q: _Question) -> str | None:
    if q.action.id != "followup":
        return None
    due = deadline(q.life, q.facts)
    if due is None or due.earliest is None or q.asked.on >= due.earliest:
        return None
    return (
        f"the three-month check is held from {due.earliest} to {due.due_on}; a talk or a meeting"
        " may be noted on any day, and `followup --not-safe` too"
    )


def _group(q: _Question) -> str | None:
    if q.action.id != "group":
        return None
    if q.facts.consent_guardian == "no":
        return "a group cannot be formed while the guardians say no (`case consent` notes it)"
    size = q.asked.detail.get("size") or 0
    if not q.size.smallest <= int(size) <= q.size.largest:
        return (
            f"a group has {q.size.smallest} to {q.size.largest} helpers ([cases] in"
            f" klassepuls.toml), and {size} are named"
        )
    return _composition(q.asked.detail, int(size))


def _composition(detail: Detail, size: int) -> str | None:
    parts = [detail.get(name) for name in ("friends", "around", "difficult")]
    told = [int(part) for part in parts if part is not None]
    if any(part < 0 for part in told) or (told and sum(told) != size):
        return (
            f"--friends, --around and --difficult together are the {size} helpers, or are not told"
        )
    return None


def _attended(q: _Question) -> str | None:
    if q.action.id != "meeting":
        return None
    attended, agreed = (int(q.asked.detail.get(name) or 0) for name in ("attended", "agreed"))
    # The pupil whom the group is for may be there as well.
    if not 0 <= attended <= q.facts.members + 1:
        return f"the group has {q.facts.members} helpers: --attended is more, or less than none"
    return "--agreed is a number of actions, from 0" if agreed < 0 else None


def _ratings(q: _Question) -> str | None:
    if q.action.id != "rate":
        return None
    values = [int(value) for value in q.asked.detail.values() if value is not None]
    if not values or not all(0 <= value <= HIGHEST_RATING for value in values):
        return f"a rating is a whole number from 0 to {HIGHEST_RATING}, and at least one is given"
    return None


_Check = Callable[[_Question], str | None]
_CHECKS: tuple[_Check, ...] = (
    _state,
    _role,
    _day,
    _reason,
    _outcome,
    _not_too_early,
    _group,
    _attended,
    _ratings,
)
