"""What people do with cases, for the command line and whatever page comes: plain functions.

Every function opens the home, does one thing in one transaction, and gives plain data. Pupil codes
come in from a person and go out in what the school health service reads, and nowhere else.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import duckdb
import pyarrow as pa

from flows.erasure.pupil import plain_code
from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.road import at_work
from schemas.case_life import SITUATIONS, case_life
from schemas.class_name import class_pattern
from transforms.case_life import Asked, CaseRefusedError, GroupSize, require_may
from transforms.pseudonym import names_of_pupil, pupil_pseudonym
from transforms.school_year import school_year_of
from warehouse import audit
from warehouse.case_flags import Flag, decide_on, find_flags, flags_beside, link_flag
from warehouse.case_groups import (
    form_group,
    hold_meeting,
    join_group,
    leave_group,
    rate_scales,
)
from warehouse.cases import (
    Beside,
    NoSuchCaseError,
    Office,
    Opening,
    act_within,
    facts_of,
    known_pupils,
    open_case,
)
from warehouse.store import transaction
from warehouse.vault import remember_codes

CASE_PREFIX = "K-"
REVIEWS = ("accept", "dismiss", "more_info")


@dataclass(frozen=True, slots=True)
class PupilAsked:
    """A case that no flag began: which pupil, where, what it is about, and who asked."""

    code: str = field(repr=False)
    school: str
    class_group: str
    situation: str
    origin: str
    is_unlisted: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """An open home with all that an action on a case goes by."""

    con: duckdb.DuckDBPyConnection
    config: Config
    office: Office


_OPEN: ContextVar[tuple[Home, Desk] | None] = ContextVar("open_desk", default=None)


@contextmanager
def at_desk(home: Home, *, now: datetime) -> Iterator[Desk]:
    """Hold the writer's lock and an open warehouse; days are those of the municipality's clock.

    Within itself it is the same desk: who looks before an action does both under one lock.
    """
    already = _OPEN.get()
    if already is not None and already[0] == home:
        yield already[1]
        return
    config = load_config(home)
    own = config.settings.cases
    size = GroupSize(own.smallest_group, own.largest_group)
    today = config.local(now).date()
    with at_work(home, config, now=now) as con:
        desk = Desk(con, config, Office(case_life(), size, hand(config), today, now))
        token = _OPEN.set((home, desk))
        try:
            yield desk
        finally:
            _OPEN.reset(token)


def open_for_pupil(
    home: Home, about: PupilAsked, *, role: str, on: date | None, now: datetime
) -> dict[str, str]:
    """Open a case on a pupil's own request, or because an adult or a guardian asks."""
    with at_desk(home, now=now) as desk:
        _require_school(desk.config, about.school)
        if not re.fullmatch(class_pattern(desk.config.settings.classes.names), about.class_group):
            raise HomeError("--class is a class, as 7A, and nothing else")
        if about.situation not in SITUATIONS:
            raise HomeError(f"--situation is one of: {', '.join(SITUATIONS)}")
        [pupil] = _pseudonyms(desk, [about.code], about.school, is_unlisted=about.is_unlisted)
        opening = Opening(
            pupil, about.school, about.class_group, "health_service", about.situation, about.origin
        )
        asked = Asked("open", on or desk.office.today, role, {"origin": about.origin})
        with transaction(desk.con):
            case_id = open_case(desk.con, desk.office, opening, asked)
        return {"case": case_id, "state": "opened"}


def decide(
    home: Home, subject: str, asked: Callable[[date], Asked], *, now: datetime
) -> dict[str, str]:
    """Review a case, or the flag that begins one: accept, dismiss or find out more.

    `subject` is a case's id or the reference of a flag as the report prints it. All open flags of
    the pupil go with the one that is named. A flag of a class gets its decision and no case.
    """
    with at_desk(home, now=now) as desk:
        wish = asked(desk.office.today)
        if subject.upper().startswith(CASE_PREFIX):
            case_id = subject.upper()
            with transaction(desk.con):
                return {"case": case_id, "state": act_within(desk.con, desk.office, case_id, wish)}
        flag = _flag(desk, subject)
        if flag.target == "class":
            return _decide_on_class(desk, flag, wish)
        with transaction(desk.con):
            case_id = _open_for_flag(desk, flag, wish)
            return {"case": case_id, "state": act_within(desk.con, desk.office, case_id, wish)}


def open_for_flag(
    home: Home, reference: str, *, role: str, on: date | None, now: datetime
) -> dict[str, str]:
    """Open a case for a pupil's flag, without a decision yet."""
    with at_desk(home, now=now) as desk:
        flag = _flag(desk, reference)
        wish = Asked("open", on or desk.office.today, role)
        with transaction(desk.con):
            return {"case": _open_for_flag(desk, flag, wish), "state": "opened"}


def act_on(
    home: Home,
    case_id: str,
    asked: Callable[[date], Asked],
    *,
    now: datetime,
    beside: Callable[[Desk, Asked], Beside] | None = None,
) -> dict[str, str]:
    """Any action on a case; `beside` makes what writes the rows beside its event."""
    case_id = case_id.upper()
    with at_desk(home, now=now) as desk:
        wish = asked(desk.office.today)
        writes = beside(desk, wish) if beside else None
        with transaction(desk.con):
            state = act_within(desk.con, desk.office, case_id, wish, beside=writes)
        return {"case": case_id, "state": state}


def link(
    home: Home, case_id: str, reference: str, asked: Callable[[date], Asked], *, now: datetime
) -> dict[str, str]:
    """Let a new flag of the pupil belong to the case that follows the pupil up already."""

    def beside(desk: Desk, wish: Asked) -> Beside:
        flag = _flag(desk, reference)
        [same] = desk.con.execute(
            """
            select pupil = $pupil and school_id = $school and route = $route
            from core.support_case where case_id = $case_id
            """,
            {
                "pupil": flag.pupil,
                "school": flag.school_id,
                "route": flag.route,
                "case_id": case_id.upper(),
            },
        ).fetchall() or [(True,)]  # no such case is told by the action itself
        if not same[0]:
            raise CaseRefusedError(
                "the flag and the case are not about the same pupil", "other_pupil"
            )
        return lambda case, _step: link_flag(desk.con, case, flag.flag_id, wish)

    return act_on(home, case_id, asked, now=now, beside=beside)


def form(
    home: Home,
    case_id: str,
    helpers: Sequence[str],
    asked: Callable[[date], Asked],
    *,
    is_unlisted: bool,
    now: datetime,
) -> dict[str, str]:
    """Form the support group of some pupil codes; the pupil chose, or agreed to, every one."""

    def beside(desk: Desk, wish: Asked) -> Beside:
        pupils = _helpers(desk, case_id, helpers, is_unlisted=is_unlisted)
        return lambda case, _step: form_group(desk.con, case, wish, pupils)

    def sized(today: date) -> Asked:
        wish = asked(today)
        return replace(wish, detail={**wish.detail, "size": len(helpers)})

    return act_on(home, case_id, sized, now=now, beside=beside)


def change_helper(
    home: Home,
    case_id: str,
    helper: str,
    asked: Callable[[date], Asked],
    *,
    is_unlisted: bool = False,
    now: datetime,
) -> dict[str, str]:
    """A helper joins the group or leaves it, as the action says."""

    def beside(desk: Desk, wish: Asked) -> Beside:
        if wish.action == "leave":
            names = names_of_pupil(plain_code(helper), key=desk.config.key)
            return lambda case, _step: leave_group(desk.con, case, wish, names)
        joined = _helpers(desk, case_id, [helper], is_unlisted=is_unlisted)
        largest = desk.office.size.largest
        return lambda case, _step: join_group(desk.con, case, wish, joined[0], largest=largest)

    return act_on(home, case_id, asked, now=now, beside=beside)


def meet(
    home: Home, case_id: str, asked: Callable[[date], Asked], *, now: datetime
) -> dict[str, str]:
    """The group has met, for the first time or again; or one pupil of it was talked with."""

    def beside(desk: Desk, wish: Asked) -> Beside:
        is_first = facts_of(desk.con, case_id.upper()).status == "group_active"
        kind = "first" if is_first else "review"
        kind = "individual" if wish.action == "individual" else kind
        return lambda case, step: hold_meeting(desk.con, case, step, wish, kind)

    return act_on(home, case_id, asked, now=now, beside=beside)


def rate(
    home: Home, case_id: str, asked: Callable[[date], Asked], *, now: datetime
) -> dict[str, str]:
    """The pupil's own ratings, 0 to 10."""

    def beside(desk: Desk, wish: Asked) -> Beside:
        return lambda case, step: rate_scales(desk.con, case, step, wish.on, wish.detail)

    return act_on(home, case_id, asked, now=now, beside=beside)


def _open_for_flag(desk: Desk, flag: Flag, wish: Asked) -> str:
    if flag.pupil is None:
        raise CaseRefusedError("a case is about a pupil, and this flag is of a class")
    if flag.review is not None:
        raise CaseRefusedError(
            f"a person has decided on this flag already: {flag.review}", "decided_already"
        )
    flag_ids, review_due = flags_beside(desk.con, flag)
    opening = Opening(
        flag.pupil,
        flag.school_id,
        flag.class_group,
        flag.route,
        flag.situation,
        "flag",
        tuple(flag_ids),
        review_due,
    )
    opened = Asked("open", wish.on, wish.role, {"origin": "flag", "flags": len(flag_ids)})
    return open_case(desk.con, desk.office, opening, opened)


def _decide_on_class(desk: Desk, flag: Flag, wish: Asked) -> dict[str, str]:
    """A class's flag: the decision and its audit event. What is done then is no single pupil's."""
    review = {"accept": "accepted", "dismiss": "dismissed", "more_info": "more_info"}[wish.action]
    life = desk.office.life
    require_may(life, flag.route, wish, today=desk.office.today)
    codes = life.codes_of("dismiss")
    if wish.action == "dismiss" and wish.detail.get("why") not in codes:
        raise CaseRefusedError(f"a dismissal needs a reason: --why {'|'.join(codes)}", "reason")
    with transaction(desk.con):
        decide_on(desk.con, [flag.flag_id], review, wish)
        told = {"flag": flag.flag_id, "review": review, "role": wish.role}
        audit.append(
            desk.con,
            by=desk.office.by,
            action="flag.reviewed",
            subject="class",
            detail=told,
            now=desk.office.now,
        )
    return {"flag": flag.flag_id[:8], "state": review}


def _flag(desk: Desk, reference: str) -> Flag:
    found = find_flags(desk.con, reference)
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchCaseError(
            f"{len(found)} flags begin with that reference: give more of its signs"
        )
    raise NoSuchCaseError(
        "no case and no flag has that id: a case's begins with K-, a flag's reference stands in the"
        " report and has at least 8 signs"
    )


def _helpers(desk: Desk, case_id: str, codes: Sequence[str], *, is_unlisted: bool) -> list[str]:
    found = desk.con.execute(
        "select school_id from core.support_case where case_id = $case_id",
        {"case_id": case_id.upper()},
    ).fetchall()
    if not found:
        return []  # the action itself says that there is no such case
    return _pseudonyms(desk, codes, found[0][0], is_unlisted=is_unlisted)


def _pseudonyms(desk: Desk, codes: Sequence[str], school: str, *, is_unlisted: bool) -> list[str]:
    """Codes as pseudonyms; HomeError where the school knows some of them not at all.

    Of a pupil with several names that under the newest key counts by which the school knows one.
    Codes are kept in the vault, for what the health service reads; it is cleared of those of which
    nothing else is held.
    """
    plain = [plain_code(code) for code in codes]
    names = [names_of_pupil(code, key=desk.config.key) for code in plain]
    known = known_pupils(desk.con, [name for one in names for name in one], school)
    unknown = len({one for one in names if not known & set(one)})
    if unknown and not is_unlisted:
        raise HomeError(
            f"{unknown} of the pupil codes are not known at the school: look for a slip of the pen,"
            " or say --unlisted for a pupil without a form and on no class list"
        )
    seen = {"pupil_code": pa.array(plain), "school_id": pa.array([school] * len(plain))}
    remember_codes(desk.con, pa.table(seen))
    year = school_year_of(desk.office.today)
    unseen = [pupil_pseudonym(code, key=desk.config.key, year=year) for code in plain]
    return [
        next((name for name in reversed(one) if name in known), other)
        for one, other in zip(names, unseen, strict=True)
    ]


def _require_school(config: Config, school: str) -> None:
    if school not in {known.id for known in config.settings.schools}:
        raise HomeError("klassepuls.toml has no [[school]] with the id of --school")
