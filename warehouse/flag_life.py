"""The life of flags: raised, kept with their clocks, withdrawn, raised again, lapsed.

Nothing here is deleted: somebody may have read it.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import duckdb

from transforms.working_days import add_working_days
from warehouse.heard import find_heard

# Or with the next wave, whichever comes first. Counted from the day it is raised; where its wave
# closed longer ago, and in another school year, it has run out: nobody is to act on it now.
EXPIRES_AFTER = timedelta(days=120)
REVIEW_WORKING_DAYS = {"prompt": 1, "flag": 5, "alert": 5}


@dataclass(frozen=True, slots=True)
class Settled:
    """How many flags of a wave are new, withdrawn, and of another level than before.

    `taken_out` of the withdrawn rested on a form that a person took out.
    """

    new: int
    withdrawn: int
    relevelled: int
    taken_out: int = 0


def settle_flags(con: duckdb.DuckDBPyConnection, wave_id: str, now: datetime) -> Settled:
    """Make core.flag say what was found; returns what that changed.

    A flag that was raised before keeps its date and its clock. One whose pupil was heard in a form
    that waited is raised today, and its clock runs from then. One that the answers no longer
    support, or whose form a person took out, is withdrawn (`withdrawn_why`), not deleted, and keeps
    its evidence: somebody may have read it.
    """
    today = now.date()
    find_heard(con, working_days=REVIEW_WORKING_DAYS)
    named = {"wave": wave_id, "prompt_due": _due(today, "prompt"), "flag_due": _due(today, "flag")}
    was_there = _renew(con, named) if _has_flags(con, wave_id) else (0, 0, 0)
    [(new,)] = con.execute(
        f"""
        insert into core.flag by name
        select n.* replace ($now as raised_at, 'open' as status, {_REVIEW_DUE} as review_due,
            if({_LAST_DAY} < $today::date, {_LAST_DAY}, $today::date + {EXPIRES_AFTER.days})
                as expires_on)
        from found n left join heard h on h.flag_id = n.flag_id
            left join core.dim_wave w on w.wave_id = n.wave_id
        where n.flag_id not in (select flag_id from core.flag where wave_id = $wave)
        """,
        {"now": now, "today": today, **named},
    ).fetchall()
    con.execute("insert into core.flag_evidence from found_evidence").fetchall()
    con.execute("drop table temp.heard").fetchall()
    return Settled(new, *was_there)


# The last day on which somebody can act on what a wave says: a school year ends in July.
_LAST_DAY = f"""
    greatest(w.closes + {EXPIRES_AFTER.days}, make_date(year(w.opens + interval 5 month), 7, 31))
"""
# A person decided on less than the answers say now: somebody has to look again.
_LEVELS = "['watch', 'alert', 'flag', 'prompt']"
_HAS_RISEN = f"list_position({_LEVELS}, n.level) > list_position({_LEVELS}, f.level)"
_REVIEW_DUE = """
    case n.level when 'watch' then null when 'prompt' then least($prompt_due::date, h.due)
        else least($flag_due::date, h.due) end::date
"""


def _has_flags(con: duckdb.DuckDBPyConnection, wave_id: str) -> bool:
    some = con.execute("select 1 from core.flag where wave_id = $wave limit 1", {"wave": wave_id})
    return bool(some.fetchall())


def _renew(con: duckdb.DuckDBPyConnection, named: dict[str, object]) -> tuple[int, int, int]:
    """Bring the wave's flags up to date and clear the evidence of those that stand.

    Returns how many were withdrawn, how many stand at another level, and how many of the withdrawn
    rested on what a person took out.
    """
    wave = {"wave": named["wave"]}
    [(relevelled,)] = con.execute(
        """
        select count(*) from core.flag f join found n using (flag_id)
        where f.wave_id = $wave and f.status <> 'withdrawn' and f.level <> n.level
        """,
        wave,
    ).fetchall()
    going = "wave_id = $wave and status <> 'withdrawn'"
    going += " and flag_id not in (select flag_id from found)"
    [(taken_out,)] = con.execute(
        f"select count(withdrawn_why) from core.flag where {going}", wave
    ).fetchall()
    [(withdrawn,)] = con.execute(
        f"""
        update core.flag
        set status = 'withdrawn', withdrawn_why = coalesce(withdrawn_why, 'answers')
        where {going}
        """,
        wave,
    ).fetchall()
    con.execute(
        f"""
        update core.flag f set class_group = n.class_group, grade = n.grade, level = n.level,
            situation = n.situation, survey_id = n.survey_id,
            rule_version = n.rule_version,
            evidence_count = n.evidence_count,
            review = if({_HAS_RISEN}, null, f.review),
            reviewed_on = if({_HAS_RISEN}, null, f.reviewed_on),
            review_why = if({_HAS_RISEN}, null, f.review_why),
            review_due = case when n.level = 'watch' then null
                when f.review is not null and {_HAS_RISEN} then {_REVIEW_DUE}
                else least(f.review_due, {_REVIEW_DUE}) end,
            status = case when f.status = 'withdrawn' then 'open' else f.status end,
            withdrawn_why = null
        from found n left join heard h on h.flag_id = n.flag_id
        where f.wave_id = $wave and f.flag_id = n.flag_id
        """,
        named,
    ).fetchall()
    # Not by wave: the evidence of a fall has a row of an earlier wave as well.
    con.execute(
        "delete from core.flag_evidence where flag_id in (select flag_id from found)"
    ).fetchall()
    return int(withdrawn), int(relevelled), int(taken_out)


def _due(today: date, level: str) -> date:
    return add_working_days(today, REVIEW_WORKING_DAYS[level])
