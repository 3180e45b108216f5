"""Cases of an invented municipality: what people would have noted, noted by the same functions.

For the demo alone. Adults begin with the most urgent flags and have time for a few dozen; some
pupils say no, and some flags are dismissed. A group changes nothing in an invented pupil's answers,
so the honest answer to *did it help* is *cannot tell*.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import duckdb

from flows.cases.work import Desk, at_desk
from flows.home import Home
from transforms.case_life import Asked, Detail
from warehouse.case_flags import find_flags, flags_beside
from warehouse.case_groups import form_group, hold_meeting, rate_scales
from warehouse.cases import Beside, Office, Opening, act_within, open_case
from warehouse.store import transaction

_SIZE = 5
_AUTUMN = 8  # the month in which a school year begins
_EVERY = 8  # of so many flags one is dismissed, of so many pupils one says no
_OUTCOMES = ("resolved_at_first_review", "resolved_later", "improved")
# Days from today on which each step is done; the review of a flag is given a day of its own.
_GROUP = {"accepted": 1, "group": 3, "meeting": 4, "rate": 4, "safe": 11}


def review_flags(home: Home, wave_id: str, *, most: int, days: int, now: datetime) -> None:
    """Decide on the most urgent flags of a wave so many days from now, and offer a group."""
    with at_desk(home, now=now) as desk, transaction(desk.con):
        day = desk.office.today + timedelta(days)
        for number, flag_id in enumerate(_most_urgent(desk.con, wave_id, most)):
            case = _open(desk, flag_id, day)
            for action in ("dismiss",) if number % _EVERY == 0 else ("accept", "offer"):
                _do(desk, case, _asked(action, day, number))


def form_groups(home: Home, wave_id: str, *, now: datetime) -> None:
    """Pupils answer their offer; a group is formed, meets, and is reviewed after a week."""
    with at_desk(home, now=now) as desk, transaction(desk.con):
        for number, (case, helpers) in enumerate(_offered(desk.con, wave_id)):
            says_no = number % _EVERY == 1
            for action, days in ({"declined": 1} if says_no else _GROUP).items():
                asked = _asked(action, desk.office.today + timedelta(days), number)
                _do(desk, case, asked, helpers)


def check_after_three_months(home: Home, *, now: datetime) -> None:
    """The last rating, the check and the closing of cases with a group; some are left out."""
    with at_desk(home, now=now) as desk, transaction(desk.con):
        rows = desk.con.execute(
            "select case_id from core.support_case where status = 'closing'"
            " order by school_id, class_group, pupil"
        ).fetchall()
        for number, (case,) in enumerate(rows):
            for action in ("rate", "followup", "close") if number % 3 else ("rate",):
                _do(desk, case, _asked(action, desk.office.today, number))


def _most_urgent(con: duckdb.DuckDBPyConnection, wave_id: str, most: int) -> list[str]:
    """A flag a pupil that nobody has looked at: prompts first, at all schools in turn."""
    rows = con.execute(
        """
        with flagged as (
            select school_id, pupil, min(flag_id) as flag_id,
                bool_or(level = 'prompt') as is_prompt, count(*) as flags
            from core.flag
            where wave_id = $wave and target = 'pupil' and route = 'health_service'
                and status = 'open' and review_due is not null and review is null
                and pupil not in (select pupil from core.support_case)
            group by all
        )
        select flag_id from flagged
        order by row_number() over (
            partition by school_id order by is_prompt desc, flags desc, flag_id
        ), school_id
        limit $most
        """,
        {"wave": wave_id, "most": most},
    ).fetchall()
    return [flag_id for (flag_id,) in rows]


def _offered(con: duckdb.DuckDBPyConnection, wave_id: str) -> list[tuple[str, list[str]]]:
    """Cases whose pupil has an offer, each with class mates who have no flag."""
    found: list[tuple[str, list[str]]] = con.execute(
        """
        select c.case_id, list(distinct r.pupil order by r.pupil)[1:$size]
        from core.support_case c join core.response r on r.wave_id = $wave
            and r.school_id = c.school_id and r.class_group = c.class_group
        where c.status = 'offered' and r.pupil not in (
            select pupil from core.flag where wave_id = $wave and pupil is not null
        )
        group by c.case_id, c.school_id, c.class_group, c.pupil
        having count(distinct r.pupil) >= $size order by c.school_id, c.class_group, c.pupil
        """,
        {"wave": wave_id, "size": _SIZE},
    ).fetchall()
    return found


def _open(desk: Desk, flag_id: str, day: date) -> str:
    [flag] = find_flags(desk.con, flag_id)
    flag_ids, due = flags_beside(desk.con, flag)
    about = (str(flag.pupil), flag.school_id, flag.class_group, flag.route, flag.situation)
    told: Detail = {"origin": "flag", "flags": len(flag_ids)}
    opening = Opening(*about, "flag", tuple(flag_ids), due)
    return open_case(desk.con, _office(desk, day), opening, Asked("open", day, "nurse", told))


def _asked(action: str, day: date, number: int) -> Asked:
    better = 2 if day.month < _AUTUMN else 0
    details: dict[str, Detail] = {
        "dismiss": {"why": "pupil_says_fine"},
        "accepted": {"guardian": "yes", "informed": "yes"},
        "group": {"picked_by": "pupil", "size": _SIZE},
        "meeting": {"attended": _SIZE, "agreed": 2},
        "rate": {
            "school_now": 3 + number % 5 + better,
            "safety": 4 + number % 4 + (better if number % 3 else 0),
            "together": 2 + number % 3 + (better if number % 2 else 0),
        },
        "close": {"why": "safe", "outcome": _OUTCOMES[number // 3 % len(_OUTCOMES)]},
    }
    return Asked(action, day, "nurse", details.get(action, {}))


def _do(desk: Desk, case: str, asked: Asked, helpers: Sequence[str] = ()) -> None:
    con = desk.con
    beside: dict[str, Beside] = {
        "group": lambda case, _step: form_group(con, case, asked, helpers),
        "meeting": lambda case, step: hold_meeting(con, case, step, asked, "first"),
        "rate": lambda case, step: rate_scales(con, case, step, asked.on, asked.detail),
    }
    act_within(con, _office(desk, asked.on), case, asked, beside=beside.get(asked.action))


def _office(desk: Desk, day: date) -> Office:
    """The office on the day of a step: nobody notes what has not happened."""
    office = desk.office
    now = datetime.combine(day, time(12), office.now.tzinfo)
    return Office(office.life, office.size, office.by, day, max(now, office.now))
