"""A case for the school's archive: its plan and its history, as JSON, to print, or as PDF.

Helpers stand in counts: whoever reads the case of one pupil reads of no other.
"""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from reports.board.case_view import case_view
from reports.board.log import log_look
from reports.board.looking import school_values
from reports.board.office import Room
from reports.board.scope import NotForThemError, require_case
from reports.board.visit import Visit
from warehouse.case_lists import case_with_history

SPECVERSION = "1"
_CASE = (
    "case_id",
    "school_id",
    "class_group",
    "pupil_code",
    "situation",
    "origin",
    "opened_on",
    "status",
    "closed_on",
    "close_reason",
    "outcome_level",
    "escalated_on",
    "consent_pupil",
    "consent_pupil_on",
    "consent_guardian",
    "consent_guardian_on",
    "info_guardian_on",
)
_EVENT = ("step", "action", "event", "happened_on", "actor_role", "detail")
_GROUP = ("formed_on", "size", "picked_by", "friends", "around", "difficult", "ended_on")


def exported(case: Mapping[str, Any]) -> dict[str, Any]:
    """What goes to the archive; days are days, and codes those of the reference."""
    return {
        "specversion": SPECVERSION,
        **{name: case[name] for name in _CASE},
        "history": [{name: event[name] for name in _EVENT} for event in case["events"]],
        "groups": [{name: group[name] for name in _GROUP} for group in case["groups"]],
        "meetings": [
            {name: value for name, value in one.items() if name != "group_id"}
            for one in case["meetings"]
        ],
        "ratings": case["ratings"],
        "plans": case["plans"],
    }


def as_json(visit: Visit) -> Response:
    """The case as a file."""
    case_id = visit.path["case"]
    with visit.office.enter(visit.user.name) as room:
        require_case(room, visit.user, case_id)
        case = case_with_history(room.con, case_id, key=room.key)
        log_look(room, "case.exported", case_id, {"as": "json"})
    text = json.dumps(exported(case), ensure_ascii=False, indent=1, default=str)
    return _file(text.encode(), "application/json", f"{case_id}.json")


def print_page(visit: Visit) -> Response:
    """The same as a page to print."""
    with visit.office.enter(visit.user.name) as room:
        return _printed(visit, room, "print")


def as_pdf(visit: Visit) -> Response:
    """The same as PDF, where something that makes one was passed in."""
    if visit.office.pdf is None:
        raise NotForThemError
    with visit.office.enter(visit.user.name) as room:
        page = bytes(_printed(visit, room, "pdf").body).decode()
    return _file(visit.office.pdf(page), "application/pdf", f"{visit.path['case']}.pdf")


def _printed(visit: Visit, room: Room, form: str) -> Response:
    case_id = visit.path["case"]
    facts = require_case(room, visit.user, case_id)
    view = case_view(room, visit.user, case_id, facts, visit.texts)
    log_look(room, "case.exported", case_id, {"as": form})
    return visit.page(
        "print",
        **school_values(visit, room.settings, view.case["school_id"]),
        view=view,
        life=room.life,
        municipality=room.settings.municipality.name,
        today=room.today,
    )


def _file(content: bytes, media_type: str, name: str) -> Response:
    kept = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=kept)
