"""What is done on the board: a form's action, held to the same rules as every command's.

Nothing of what was typed is lost: where it cannot be done the page comes back with it, and says
why. A page that is older than the case is told so, and does nothing twice.
"""

from collections.abc import Mapping

from starlette.responses import Response

from reports.board.case_view import helpers_of
from reports.board.forms import About, Filled, fields_of, read_form
from reports.board.looking import Again, show_case, show_flag
from reports.board.office import Room, UnknownCodesError, Wish
from reports.board.scope import NotForThemError, case_role, require_case, require_flag
from reports.board.visit import Visit, back_to
from reports.board.waiting import waiting_pupil
from transforms.case_life import CaseFacts, CaseRefusedError, possible_actions
from warehouse.case_lists import case_with_history

_REVIEWS = ("accept", "dismiss", "more_info", "link")


def act_on_case(visit: Visit) -> Response:
    """One action on a case; then the page of the case again."""
    case_id, action_id = visit.path["case"], visit.path["action"]
    with visit.office.enter(visit.user.name) as room:
        facts = require_case(room, visit.user, case_id)
        _require_known(room, action_id, without=("open", "link"))
        case = case_with_history(room.con, case_id, key=room.key)
        about = About(room.life, visit.texts, facts, room.size, room.today, helpers_of(case))
        filled = read_form(fields_of(action_id, about), visit.typed, about)

        def again(problem: str, errors: Mapping[str, str] | None = None) -> Response:
            back = Again(action_id, visit.typed, errors or {}, problem)
            return show_case(visit, room, case_id, facts, back)

        if visit.one("seen") != str(len(case["events"])):
            return again(visit.texts.say("problem.stale"))
        may = possible_actions(room.life, facts, case_role(visit.user), today=room.today)
        if action_id not in {action.id for action in may}:
            return again(visit.word(room.life.action(action_id).refused))
        if filled.errors:
            return again(visit.texts.say("problem.fields"), filled.errors)
        try:
            visit.office.carry_out(_wish(visit, action_id, case_id, filled, room))
        except (CaseRefusedError, UnknownCodesError) as error:
            return again(why_not(error, visit, room, action_id))
    return back_to(f"/case/{case_id}", action_id)


def act_on_flag(visit: Visit) -> Response:
    """A decision on a flag; a pupil's leads to the case that it opens."""
    action_id = visit.path["action"]
    with visit.office.enter(visit.user.name) as room:
        flag = require_flag(room, visit.user, visit.path["flag"])
        if action_id not in _REVIEWS:
            raise NotForThemError
        facts = CaseFacts("", flag.route, "", room.today)
        about = About(room.life, visit.texts, facts, room.size, room.today)
        filled = read_form(fields_of(action_id, about), visit.typed, about)

        def again(problem: str, errors: Mapping[str, str] | None = None) -> Response:
            back = Again(action_id, visit.typed, errors or {}, problem)
            return show_flag(visit, room, flag, back)

        if filled.errors:
            return again(visit.texts.say("problem.fields"), filled.errors)
        try:
            wish = _wish(visit, action_id, flag.flag_id, filled, room)
            is_link = action_id == "link"
            told = _link(visit, room, wish) if is_link else visit.office.carry_out(wish)
        except CaseRefusedError as error:
            return again(why_not(error, visit, room, action_id))
        if "case" in told and told["state"] != "dismissed":
            return back_to(f"/case/{told['case']}", action_id)
        way = "/adults" if flag.route == "adult_route" else ""
        return back_to(f"/at/{flag.school_id}{way}", action_id)


def _link(visit: Visit, room: Room, wish: Wish) -> Mapping[str, str]:
    """The new flag goes to the pupil's open case, whichever that is now."""
    flag = require_flag(room, visit.user, wish.subject)
    told = (flag.flag_id, flag.school_id, flag.route, visit.session.language)
    pupil = waiting_pupil(room, *told)
    if pupil is None or pupil.open_case is None:
        raise CaseRefusedError("the flag was decided on", "decided_already")
    return visit.office.carry_out(
        Wish("link", pupil.open_case, wish.on, wish.role, wish.detail, flag=flag.flag_id)
    )


def _wish(visit: Visit, action: str, subject: str, filled: Filled, room: Room) -> Wish:
    return Wish(
        action=action,
        subject=subject,
        on=filled.on or room.today,
        role=case_role(visit.user),
        detail=filled.detail,
        codes=filled.codes,
        is_unlisted=filled.is_unlisted,
        plan=filled.plan,
    )


def _require_known(room: Room, action_id: str, *, without: tuple[str, ...]) -> None:
    if action_id in without or action_id not in {action.id for action in room.life.actions}:
        raise NotForThemError


def why_not(error: Exception, visit: Visit, room: Room, action_id: str) -> str:
    """A refusal in the language of the session."""
    texts, size = visit.texts, room.size
    if isinstance(error, UnknownCodesError):
        return texts.say("problem.codes")
    kind = error.kind if isinstance(error, CaseRefusedError) else ""
    if kind == "state":
        return visit.word(room.life.action(action_id).refused)
    if f"problem.{kind}" not in texts.entries:
        kind = "other"
    return texts.say(f"problem.{kind}", smallest=size.smallest, largest=size.largest)
