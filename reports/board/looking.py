"""The pages that are looked at: what waits at a school, its cases, a flag, a case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from reports.board.case_view import case_view
from reports.board.forms import About, fields_of
from reports.board.log import log_look
from reports.board.office import Room
from reports.board.scope import (
    NotForThemError,
    case_role,
    may_see_flags,
    require_case,
    require_flag,
    require_route,
    require_school,
    routes_of,
)
from reports.board.visit import Visit, back_to
from reports.board.waiting import (
    case_lines,
    pupil_of_flags,
    waiting_at,
    waiting_class,
    waiting_pupil,
)
from schemas.settings import Settings
from transforms.case_life import Asked, CaseFacts, CaseRefusedError, require_may
from warehouse.board.looks import case_of_flag, consented
from warehouse.board.readiness import readiness_of
from warehouse.case_flags import Flag
from warehouse.case_lists import case_with_history

ADULTS = "adult_route"


@dataclass(frozen=True, slots=True)
class Again:
    """What comes back to whoever typed it: of which action, and what is wrong with it."""

    at: str = ""
    typed: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


FIRST = Again()


def start(visit: Visit) -> Response:
    """The user's schools, or the only one of them."""
    settings = visit.office.settings()
    known = [school for school in settings.schools if school.id in visit.user.schools]
    if len(known) == 1:
        routes = routes_of(visit.user, settings)
        way = "/adults" if routes == (ADULTS,) else ""
        return back_to(f"/at/{known[0].id}{way}")
    return visit.page("start", schools=known, routes=routes_of(visit.user, settings))


def school_of(visit: Visit) -> tuple[Settings, Mapping[str, Any]]:
    """The settings, and what the head of each page of a school shows."""
    settings, school = visit.office.settings(), visit.path["school"]
    require_school(visit.user, school, settings)
    return settings, school_values(visit, settings, school)


def school_values(visit: Visit, settings: Settings, school: str) -> Mapping[str, Any]:
    """The school's id and name, and the routes that the user has there."""
    [name] = [one.name for one in settings.schools if one.id == school]
    return {"school": school, "school_name": name, "routes": routes_of(visit.user, settings)}


def waiting_page(visit: Visit) -> Response:
    """What waits at a school: forms, flags with their clocks, cases that are due."""
    return _waiting(visit, "health_service")


def adults_page(visit: Visit) -> Response:
    """The same of pupils who say that adults bully them: for whom that goes to, and nobody else."""
    return _waiting(visit, ADULTS)


def _waiting(visit: Visit, route: str) -> Response:
    settings, values = school_of(visit)
    require_route(visit.user, route, settings)
    school, language = values["school"], visit.session.language
    with visit.office.enter(visit.user.name) as room:
        sees_flags = may_see_flags(visit.user)
        waiting = waiting_at(room, school, route, language) if sees_flags else None
        only = None if sees_flags else consented(room.con, school)
        lines = case_lines(room, school, route, over=False, only=only)
        ready = readiness_of(room.con, school)
        shown = {
            "route": route,
            "flags": waiting.references() if waiting else [],
            "asking": len(waiting.asking) if waiting else 0,
            "cases": [line.case_id for line in lines],
        }
        log_look(room, "board.waiting_shown", school, shown)
        return visit.page(
            "waiting",
            **values,
            route=route,
            waiting=waiting,
            lines=[line for line in lines if line.is_overdue or line.is_soon],
            is_ready=all(one.is_in_place for one in ready),
            life=room.life,
        )


def cases_page(visit: Visit) -> Response:
    """Every case of a school that is the user's: open ones by their clock, then those over."""
    settings, values = school_of(visit)
    school = values["school"]
    with visit.office.enter(visit.user.name) as room:
        only = None if may_see_flags(visit.user) else consented(room.con, school)
        tables = {
            (route, over): case_lines(room, school, route, over=over, only=only)
            for route in routes_of(visit.user, settings)
            for over in (False, True)
        }
        ids = [line.case_id for lines in tables.values() for line in lines]
        log_look(room, "board.cases_shown", school, {"cases": sorted(ids)})
        return visit.page("cases", **values, tables=tables, life=room.life)


def flag_page(visit: Visit) -> Response:
    """One pupil's, or one class's, flags that wait, with the forms of a review."""
    with visit.office.enter(visit.user.name) as room:
        flag = require_flag(room, visit.user, visit.path["flag"])
        return show_flag(visit, room, flag)


def show_flag(
    visit: Visit,
    room: Room,
    flag: Flag,
    again: Again = FIRST,
) -> Response:
    """The page of a flag; with what was typed, where that could not be done."""
    language = visit.session.language
    told = (flag.flag_id, flag.school_id, flag.route, language)
    is_class = flag.target == "class"
    group = waiting_class(room, *told) if is_class else None
    pupil = None if is_class else waiting_pupil(room, *told)
    log_look(room, "board.flag_shown", flag.flag_id[:8], {"route": flag.route})
    if pupil is None and group is None:
        case_id = case_of_flag(room.con, flag.flag_id)
        if case_id is not None and not again.at:
            return back_to(f"/case/{case_id}")
        status = 409 if again.problem else 200
        return visit.page(
            "decided", status=status, **school_values(visit, room.settings, flag.school_id)
        )
    about = About(room.life, visit.texts, _no_facts(flag, room), room.size, room.today)
    open_case = pupil.open_case if pupil else None
    ids = ("link",) if open_case else ("accept", "more_info", "dismiss")
    actions = [room.life.action(one) for one in ids if _may(room, visit, flag, one)]
    return visit.page(
        "flag",
        status=409 if again.problem else 200,
        **school_values(visit, room.settings, flag.school_id),
        reference=flag.flag_id[:8],
        route=flag.route,
        pupil=pupil,
        group=group,
        open_case=open_case,
        forms=[(action, fields_of(action.id, about)) for action in actions],
        again=again,
        today=room.today,
        seen=0,
    )


def _no_facts(flag: Flag, room: Room) -> CaseFacts:
    return CaseFacts("", flag.route, "", room.today)


def _may(room: Room, visit: Visit, flag: Flag, action: str) -> bool:
    asked = Asked(action, room.today, case_role(visit.user))
    try:
        require_may(room.life, flag.route, asked, today=room.today)
    except CaseRefusedError:
        return False
    return True


def case_page(visit: Visit) -> Response:
    """One case: where it stands, what may be done, and all that was done."""
    with visit.office.enter(visit.user.name) as room:
        case_id = visit.path["case"]
        facts = require_case(room, visit.user, case_id)
        return show_case(visit, room, case_id, facts)


def show_case(
    visit: Visit,
    room: Room,
    case_id: str,
    facts: CaseFacts,
    again: Again = FIRST,
) -> Response:
    """The page of a case; with what was typed, where that could not be done."""
    view = case_view(room, visit.user, case_id, facts, visit.texts)
    log_look(room, "case.shown", case_id, {})
    return visit.page(
        "case",
        status=409 if again.problem else 200,
        **school_values(visit, room.settings, view.case["school_id"]),
        route=facts.route,
        view=view,
        life=room.life,
        again=again,
        today=room.today,
        has_pdf=visit.office.pdf is not None,
    )


def why_page(visit: Visit) -> Response:
    """What the case began with: apart, so that answers are read only by who asks for them."""
    with visit.office.enter(visit.user.name) as room:
        case_id = visit.path["case"]
        facts = require_case(room, visit.user, case_id)
        case = case_with_history(room.con, case_id, key=room.key)
        if not may_see_flags(visit.user) or not case["linked_flag_ids"]:
            raise NotForThemError
        language, school = visit.session.language, case["school_id"]
        rows = pupil_of_flags(room, case["linked_flag_ids"], school, facts.route, language)
        log_look(room, "case.answers_shown", case_id, {"flags": len(case["linked_flag_ids"])})
        values = school_values(visit, room.settings, school)
        return visit.page("why", **values, case=case, rows=rows)


def require_visible(visit: Visit, room: Room, school: str) -> None:
    """NotForThemError where the pages of a school's pupils are not for the user."""
    require_school(visit.user, school, room.settings)
    if not may_see_flags(visit.user):
        raise NotForThemError
