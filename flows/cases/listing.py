"""Cases as the school health service reads them: with pupil codes, and every look in the log."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from flows.cases.work import Desk, at_desk
from flows.home import Home
from flows.plain import as_plain
from warehouse import audit
from warehouse.case_lists import case_with_history, cases_of, due_cases, due_flags
from warehouse.cases import facts_of
from warehouse.store import transaction

SOON_DAYS = 3
HEALTH_SERVICE, ADULT_ROUTE = "health_service", "adult_route"


def list_cases(
    home: Home,
    *,
    now: datetime,
    school: str | None = None,
    over: bool = False,
    adults: bool = False,
) -> list[dict[str, Any]]:
    """Open cases, or with `over` those that are not; `adults`: the route of flags about adults."""
    with at_desk(home, now=now) as desk:
        life = desk.office.life
        states = sorted(life.open_states())
        if over:
            states = [state.id for state in life.states if state.is_over]
        found = cases_of(
            desk.con, key=desk.config.key, route=_route(adults), school=school, states=states
        )
        _log_look(desk, "case.listed", _route(adults), {"cases": len(found)})
    return [as_plain(case) for case in found]


def show_case(home: Home, case_id: str, *, now: datetime, adults: bool = False) -> dict[str, Any]:
    """All that is held on one case; one of the other route is as if it were not there."""
    case_id = case_id.upper()
    with at_desk(home, now=now) as desk:
        facts = facts_of(desk.con, case_id)
        if facts.route != _route(adults):
            facts_of(desk.con, "")  # raises as for any id that nobody has
        found = case_with_history(desk.con, case_id, key=desk.config.key)
        _log_look(desk, "case.shown", case_id, {})
    return {name: as_plain(value) for name, value in found.items()}


def due(
    home: Home,
    *,
    now: datetime,
    school: str | None = None,
    adults: bool = False,
    days: int = SOON_DAYS,
) -> list[dict[str, Any]]:
    """Flags and cases whose next step is overdue or due within some days, by urgency."""
    with at_desk(home, now=now) as desk:
        named: dict[str, Any] = {
            "key": desk.config.key,
            "route": _route(adults),
            "school": school,
            "today": desk.office.today,
        }
        found = due_flags(desk.con, **named) + due_cases(desk.con, desk.office.life, **named)
        limit = desk.office.today + timedelta(days)
        near = [one for one in found if (one["earliest"] or one["due_on"]) <= limit]
        near.sort(key=lambda one: (one["due_on"], one["school_id"], one["class_group"]))
        _log_look(desk, "case.due_listed", _route(adults), {"rows": len(near)})
    return [as_plain(one) for one in near]


def due_counts(
    home: Home,
    *,
    now: datetime,
    school: str | None = None,
    adults: bool = False,
    days: int = SOON_DAYS,
) -> list[dict[str, Any]]:
    """The same in counts by school and clock: no pupil in them."""
    found = due(home, now=now, school=school, adults=adults, days=days)
    counts = Counter((one["school_id"], one["clock"], one["is_overdue"]) for one in found)
    return [
        {"school_id": school_id, "clock": clock, "is_overdue": is_overdue, "rows": rows}
        for (school_id, clock, is_overdue), rows in sorted(counts.items())
    ]


def _route(adults: bool) -> str:  # noqa: FBT001 - one of two words
    return ADULT_ROUTE if adults else HEALTH_SERVICE


def _log_look(desk: Desk, action: str, subject: str, detail: dict[str, object]) -> None:
    with transaction(desk.con):
        audit.append(
            desk.con,
            by=desk.office.by,
            action=action,
            subject=subject,
            detail=detail,
            now=desk.office.now,
        )
