"""Whom a user of the board may see: own schools, own route, and what the role is for.

Whatever is not theirs is as if it were not there. A flag goes to the health service alone, as the
municipality has decided; the resource group comes in when the pupil has said yes.
"""

from reports.board.office import Room
from schemas.case_life import Role, Route
from schemas.settings import Settings
from schemas.settings_board import CASE_ROLE
from transforms.case_life import CaseFacts
from warehouse.board.door import User
from warehouse.board.looks import whose_case
from warehouse.case_flags import Flag, find_flags
from warehouse.cases import NoSuchCaseError, facts_of


class NotForThemError(Exception):
    """It is not there, or not for this user: they are told the same."""


def case_role(user: User) -> Role:
    """Under which role the user's steps stand in a case's history."""
    return CASE_ROLE[user.role]


def routes_of(user: User, settings: Settings) -> tuple[Route, ...]:
    """The routes that a user may look at; what is said of adults goes where the decision says."""
    routing = settings.routing
    adults_to = routing.bullied_by_adults_to if routing else None
    if user.role == "owner":
        return ("adult_route",) if adults_to == "school_owner" else ()
    if user.role == "lead" and adults_to == "health_service_lead":
        return ("health_service", "adult_route")
    return ("health_service",)


def may_see_flags(user: User) -> bool:
    """Whether flags and answers are for the user, and not only cases."""
    return user.role != "resource_group"


def require_school(user: User, school: str, settings: Settings) -> None:
    """NotForThemError unless it is one of the user's schools."""
    if school not in user.schools or school not in {one.id for one in settings.schools}:
        raise NotForThemError


def require_route(user: User, route: str, settings: Settings) -> None:
    """NotForThemError unless the route is the user's."""
    if route not in routes_of(user, settings):
        raise NotForThemError


def require_case(room: Room, user: User, case_id: str) -> CaseFacts:
    """The facts of a case that is the user's."""
    try:
        facts = facts_of(room.con, case_id)
    except NoSuchCaseError:
        raise NotForThemError from None
    school, consent = whose_case(room.con, case_id)
    require_school(user, school, room.settings)
    require_route(user, facts.route, room.settings)
    if not may_see_flags(user) and consent != "yes":
        raise NotForThemError
    return facts


def require_flag(room: Room, user: User, reference: str) -> Flag:
    """A flag that is the user's, by its whole id or the signs that a report prints."""
    found = find_flags(room.con, reference)
    if not may_see_flags(user) or len(found) != 1:
        raise NotForThemError
    require_school(user, found[0].school_id, room.settings)
    require_route(user, found[0].route, room.settings)
    return found[0]
