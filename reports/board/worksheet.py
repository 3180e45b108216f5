"""The worksheet for whoever composes a group: who chose whom around the pupil, and a mix to aim at.

It helps a person, and decides nothing: the pupil chooses, and may say no to anybody.
"""

from starlette.responses import Response

from reports.board.case_view import helpers_of
from reports.board.forms import About, fields_of
from reports.board.log import log_look
from reports.board.looking import FIRST, school_values
from reports.board.scope import NotForThemError, case_role, may_see_flags, require_case
from reports.board.visit import Visit
from transforms.case_life import possible_actions
from warehouse.board.choices import choices_around
from warehouse.case_lists import case_with_history

KINDS = ("mutual", "named", "named_by", "connected")


def worksheet_page(visit: Visit) -> Response:
    """For the health service, once the pupil has said yes, and until the group has ended."""
    case_id = visit.path["case"]
    with visit.office.enter(visit.user.name) as room:
        facts = require_case(room, visit.user, case_id)
        if not may_see_flags(visit.user) or facts.consent_guardian == "no":
            raise NotForThemError
        if facts.status not in ("accepted", "group_active", "reviewing"):
            raise NotForThemError
        case = case_with_history(room.con, case_id, key=room.key)
        choices = choices_around(room.con, case_id, key=room.key)
        log_look(room, "case.worksheet_shown", case_id, {})
        about = About(room.life, visit.texts, facts, room.size, room.today, helpers_of(case))
        may = possible_actions(room.life, facts, case_role(visit.user), today=room.today)
        actions = [action for action in may if action.id == "group"]
        return visit.page(
            "worksheet",
            **school_values(visit, room.settings, case["school_id"]),
            case=case,
            choices=choices,
            kinds=KINDS,
            size=room.size,
            forms=[(action, fields_of(action.id, about)) for action in actions],
            seen=len(case["events"]),
            again=FIRST,
            today=room.today,
        )
