"""A case that no flag begins: a pupil asks, or an adult or a guardian does."""

import re

from starlette.responses import Response

from reports.board.acting import why_not
from reports.board.forms import About, Field, Filled, read_form
from reports.board.looking import Again, require_visible, school_of
from reports.board.office import NewCase, Room, UnknownCodesError, Wish
from reports.board.scope import case_role, require_route
from reports.board.visit import Visit, back_to
from schemas.case_life import SITUATIONS
from schemas.class_name import class_pattern
from transforms.case_life import CaseFacts, CaseRefusedError

ORIGINS = ("self_request", "adult", "guardian")


def open_page(visit: Visit) -> Response:
    """The form for a new case."""
    settings, values = school_of(visit)
    require_route(visit.user, "health_service", settings)
    with visit.office.enter(visit.user.name) as room:
        require_visible(visit, room, values["school"])
        return _page(visit, room)


def open_case(visit: Visit) -> Response:
    """Open it; where the pupil has an open case, the page says so."""
    settings, values = school_of(visit)
    require_route(visit.user, "health_service", settings)
    with visit.office.enter(visit.user.name) as room:
        require_visible(visit, room, values["school"])
        about = _about(visit, room)
        filled = read_form(_fields(visit), visit.typed, about)
        pattern = class_pattern(room.settings.classes.names)
        group = str(filled.detail.get("class_group", ""))
        if "class_group" not in filled.errors and not re.fullmatch(pattern, group):
            filled.errors["class_group"] = visit.texts.say("error.class")
        if len(filled.codes) != 1 and "code" not in filled.errors:
            filled.errors["code"] = visit.texts.say("error.codes")
        if filled.errors:
            return _page(visit, room, filled, visit.texts.say("problem.fields"))
        detail = {name: str(value) for name, value in filled.detail.items()}
        asked = NewCase(
            filled.codes[0], values["school"], group, detail["situation"], detail["origin"]
        )
        wish = Wish(
            "open",
            "",
            filled.on or room.today,
            case_role(visit.user),
            is_unlisted=filled.is_unlisted,
            opening=asked,
        )
        try:
            told = visit.office.carry_out(wish)
        except (CaseRefusedError, UnknownCodesError) as error:
            return _page(visit, room, filled, why_not(error, visit, room, "open"))
    return back_to(f"/case/{told['case']}", "open")


def _page(visit: Visit, room: Room, filled: Filled | None = None, problem: str = "") -> Response:
    _, values = school_of(visit)
    return visit.page(
        "open",
        status=409 if problem else 200,
        **values,
        fields=_fields(visit),
        again=Again("open", visit.typed, filled.errors if filled else {}, problem),
        today=room.today,
        action=room.life.action("open"),
    )


def _about(visit: Visit, room: Room) -> About:
    facts = CaseFacts("", "health_service", "", room.today)
    return About(room.life, visit.texts, facts, room.size, room.today)


def _fields(visit: Visit) -> tuple[Field, ...]:
    say = visit.texts.say
    situations = tuple((one, say(f"situation.{one}")) for one in SITUATIONS)
    origins = tuple((one, say(f"option.origin.{one}")) for one in ORIGINS)
    return (
        Field("code", "codes", say("field.code"), is_required=True),
        Field("class_group", "text", say("field.class_group"), is_required=True),
        Field("situation", "choice", say("field.situation"), "", situations, is_required=True),
        Field("origin", "choice", say("field.origin"), "", origins, is_required=True),
        Field("unlisted", "check", say("field.unlisted")),
        Field("on", "day", say("field.on"), is_required=True),
    )
