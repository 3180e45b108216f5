"""A school's readiness: agreement, resource group and training, registered and shown."""

from starlette.responses import Response

from reports.board.forms import About, Field, Filled, read_form
from reports.board.looking import Again, school_of
from reports.board.office import Room
from reports.board.scope import case_role, require_route
from reports.board.visit import Visit, back_to
from transforms.case_life import CaseFacts
from warehouse.board.readiness import ITEMS, Readiness, readiness_of, register_readiness


def ready_page(visit: Visit) -> Response:
    """What was registered last of each item, and the form to register it anew."""
    settings, _ = school_of(visit)
    require_route(visit.user, "health_service", settings)
    with visit.office.enter(visit.user.name) as room:
        return _page(visit, room)


def register(visit: Visit) -> Response:
    """Add what somebody has registered."""
    settings, values = school_of(visit)
    require_route(visit.user, "health_service", settings)
    with visit.office.enter(visit.user.name) as room:
        facts = CaseFacts("", "health_service", "", room.today)
        about = About(room.life, visit.texts, facts, room.size, room.today)
        filled = read_form(_fields(visit), visit.typed, about)
        if filled.on and filled.on > room.today:
            filled.errors["on"] = visit.texts.say("problem.day")
        if filled.errors:
            return _page(visit, room, filled)
        people = filled.detail.get("people")
        told = Readiness(
            str(filled.detail["item"]),
            filled.detail["in_place"] == "yes",
            filled.on or room.today,
            int(people) if people is not None else None,
            case_role(visit.user),
        )
        register_readiness(room.con, values["school"], told, by=room.by, now=room.now)
    return back_to(f"/at/{values['school']}/ready", "registered")


def _page(visit: Visit, room: Room, filled: Filled | None = None) -> Response:
    _, values = school_of(visit)
    problem = visit.texts.say("problem.fields") if filled else ""
    return visit.page(
        "ready",
        status=409 if filled else 200,
        **values,
        items=readiness_of(room.con, values["school"]),
        fields=_fields(visit),
        again=Again("ready", visit.typed, filled.errors if filled else {}, problem),
        today=room.today,
    )


def _fields(visit: Visit) -> tuple[Field, ...]:
    say = visit.texts.say
    items = tuple((one, say(f"ready.{one}")) for one in ITEMS)
    answers = tuple((one, say(f"option.in_place.{one}")) for one in ("yes", "no"))
    return (
        Field("item", "choice", say("field.item"), "", items, is_required=True),
        Field("in_place", "choice", say("field.in_place"), "", answers, is_required=True),
        Field("people", "number", say("field.people"), say("hint.people")),
        Field("on", "day", say("field.on"), is_required=True),
    )
