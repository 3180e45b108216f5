"""A small warehouse with two waves, flags on low scores, and groups for some of the flagged.

Some others were offered a group and said no.
"""

from datetime import UTC, date, datetime, timedelta

import duckdb
import numpy as np
import polars as pl

from tests.publish.build import Form, deliver, warehouse

FIRST, SECOND = "2026-spring", "2026-autumn"  # open 2026-02-01 and 2026-09-01
SCHOOLS = "ABCDE"
FORMED = date(2026, 3, 2)
AS_OF = date(2026, 10, 20)


def town(
    *,
    lift: float = 0.0,
    groups_at: str = SCHOOLS,
    share: float = 0.5,
    size: int = 12,
    seed: int = 1,
    again: bool = True,
) -> duckdb.DuckDBPyConnection:
    """Schools of six classes. `share` of the flagged at the schools `groups_at` get a group."""
    rng = np.random.default_rng(seed)
    con = warehouse()
    pupils = [
        (school, f"{grade}{letter}", grade, f"{school}-{grade}{letter}-{number}")
        for school in SCHOOLS
        for grade in (5, 6, 7)
        for letter in "AB"
        for number in range(size)
    ]
    hidden = rng.normal(68, 17, len(pupils))
    before = told(rng, hidden)
    flagged = before <= 60
    followed = flagged & np.array([school in groups_at for school, *_ in pupils])
    followed &= rng.random(len(pupils)) < share
    after = told(rng, 68 + 0.75 * (hidden - 68) + rng.normal(0, 8, len(pupils)) + lift * followed)
    deliver(con, forms(FIRST, pupils, before, "d1"))
    if again:
        deliver(con, forms(SECOND, pupils, after, "d2"))
    declined = flagged & ~followed & (rng.random(len(pupils)) < 0.5 * share)
    declined &= np.array([school in groups_at for school, *_ in pupils])
    follow_up(con, pupils, {"flagged": flagged, "followed": followed, "declined": declined})
    return con


def told(rng, hidden) -> np.ndarray:
    return np.clip(np.rint((hidden + rng.normal(0, 6, len(hidden))) / 4) * 4, 0, 100)


def forms(wave, pupils, scores, delivery) -> list[Form]:
    return [
        Form(wave, school, class_group, grade, pupil=pupil, who5=float(score), delivery=delivery)
        for (school, class_group, grade, pupil), score in zip(pupils, scores, strict=True)
    ]


def follow_up(con, pupils, marks) -> None:
    """Flags of the first wave; of those who are followed a case, its group, meetings and all."""
    who = pl.DataFrame(
        pupils, schema=["school_id", "class_group", "grade", "pupil"], orient="row"
    ).with_columns(pl.Series(f"is_{name}", mark) for name, mark in marks.items())
    con.register("who", who.to_arrow())
    raised = datetime(2026, 3, 1, 6, tzinfo=UTC)
    named = {
        "wave": FIRST,
        "raised": raised,
        "due": FORMED + timedelta(5),
        "formed": FORMED,
        "met": FORMED + timedelta(1),
        "safe": FORMED + timedelta(15),
        "checked": FORMED + timedelta(105),
    }
    for statement in _CASES:
        used = {name: value for name, value in named.items() if f"${name}" in statement}
        con.execute(statement, used).fetchall()
    con.unregister("who")


_EVENT = """
    insert into core.case_event
    select case_id, {step}, '{action}', '{event}', ${day}::date, $raised, 'nurse', '{{}}', 0
    from core.support_case where status = 'closed' or {step} < 4
"""
_STEPS = (
    ("open", "opened", "formed"),
    ("accept", "flag_reviewed", "formed"),
    ("offer", "talk_offered", "formed"),
    ("accepted", "pupil_accepted", "formed"),
    ("group", "group_formed", "formed"),
    ("meeting", "meeting_held", "met"),
    ("review", "review_held", "safe"),
    ("safe", "review_held", "safe"),
    ("followup", "followup_held", "checked"),
    ("close", "closed", "checked"),
)
_CASES = (
    """
    insert into core.flag by name
    select 'F' || pupil as flag_id, $wave as wave_id, 's' as survey_id, 'pupil' as target,
        school_id, class_group, grade, pupil, 'flag' as level, 'not_thriving' as situation,
        'rule.not_thriving' as rule_id, 1 as rule_version, 'health_service' as route,
        1 as evidence_count, $raised as raised_at, $due::date as review_due,
        $due::date as expires_on, 'open' as status,
        case when is_followed then 'accepted' end as review,
        case when is_followed then $formed::date end as reviewed_on
    from who where is_flagged
    """,
    """
    insert into core.support_case by name
    select 'K' || pupil as case_id, pupil, school_id, class_group, 'health_service' as route,
        $formed::date as opened_on, 'not_thriving' as situation, 'flag' as origin,
        ['F' || pupil] as linked_flag_ids,
        case when is_followed then 'closed' else 'declined' end as status,
        case when is_followed then $checked::date end as closed_on,
        case when not is_followed then null when hash(pupil) % 3 = 0 then 'unchanged'
            else 'improved' end as outcome_level
    from who where is_followed or is_declined
    """,
    """
    insert into core.support_group
    select 'G' || case_id, case_id, $formed::date, 5, 'pupil', null, null, null, $safe::date
    from core.support_case where status = 'closed'
    """,
    """
    insert into core.meeting
    select case_id, 'G' || case_id, 6, 'first', $met::date, 5, 2 from core.support_case
    where status = 'closed'
    """,
    """
    insert into core.scale_rating
    select case_id, step, $met::date, question, 2 + step, 'pupil'
    from core.support_case, (values (1), (4)) as s(step),
        (values ('school_now'), ('safety'), ('together')) as q(question)
    where status = 'closed'
    """,
    *(
        _EVENT.format(step=step, action=action, event=event, day=day)
        for step, (action, event, day) in enumerate(_STEPS, start=1)
    ),
)
