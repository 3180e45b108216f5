"""What should have come or been done by now and has not: classes, prompts, reviews, cases.

Found in sets from what stands in the warehouse; nothing has to have been remembered for it. A row
is of a school and a wave: ids, classes, counts and days, never a pupil. What is on the route of
adults names no school here, for who hears of it is not whom the school's reports go to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import duckdb

from schemas.case_life import CaseLife
from transforms.case_life import deadline
from transforms.working_days import add_working_days
from warehouse.cases import all_facts
from warehouse.requests import ASKS_NOW, STILL, WHO

OverdueKind = Literal["wave", "prompt", "review", "case"]


@dataclass(frozen=True, slots=True)
class WaveClock:
    """When a wave's files are due: the first ones, and all; after `until` nobody waits for them."""

    wave_id: str
    first_due: date
    all_due: date
    until: date


@dataclass(frozen=True, slots=True)
class Overdue:
    """Something late: of which school and wave, how much of it, since when.

    `classes` only of a wave; `count` of classes, or of flags, forms or cases. `mark` grows when
    something more has become late (microseconds).
    """

    kind: OverdueKind
    school_id: str | None
    wave_id: str | None
    classes: tuple[str, ...]
    count: int
    due_on: date
    days_late: int
    mark: int


# What is expected of each school in each wave: its class list's classes in the grades that are
# asked, else the classes of its last wave of that school year, else only that it answers at all.
_EXPECTED = """
    with clock as (
        select unnest($waves) as wave_id, unnest($first) as first_due, unnest($all) as all_due,
            unnest($until) as until
    ),
    wave as (select * from core.dim_wave join clock using (wave_id)),
    form as (
        select wave_id, school_id, class_group, grade, delivery_no from core.response
        union all
        select wave_id, school_id, class_group, grade, delivery_no from quarantine.response
    ),
    came as (select distinct wave_id, school_id, class_group, grade from form),
    asked as (
        select distinct w.wave_id, c.grade
        from wave w join core.dim_wave d on d.opens <= w.opens join came c on c.wave_id = d.wave_id
    ),
    listed as (
        select w.wave_id, g.school_id, g.class_group
        from wave w join core.dim_class_group g using (school_year)
            semi join asked a on a.wave_id = w.wave_id and a.grade = g.grade
        where g.enrolled > 0
    ),
    earlier as (
        select w.wave_id, c.school_id, c.class_group, d.opens
        from wave w join core.dim_wave d on d.school_year = w.school_year and d.opens < w.opens
            join came c on c.wave_id = d.wave_id
    ),
    before as (
        select distinct wave_id, school_id, class_group
        from earlier semi join (
            select wave_id, school_id, max(opens) as opens from earlier group by wave_id, school_id
        ) using (wave_id, school_id, opens)
    ),
    expected as (
        from listed
        union all
        from before anti join listed using (wave_id, school_id)
        union all
        select wave_id, school_id, null
        from (select wave_id, school_id from wave cross join core.dim_school)
            anti join listed using (wave_id, school_id) anti join before using (wave_id, school_id)
    ),
    state as (
        select e.wave_id, e.school_id, e.class_group,
            exists (
                from came c where c.wave_id = e.wave_id and c.school_id = e.school_id
                    and (e.class_group is null or c.class_group = e.class_group)
            ) as has_come,
            exists (from came c where c.wave_id = e.wave_id) as some_came
        from expected e
    )
"""


def find_overdue(
    con: duckdb.DuckDBPyConnection,
    *,
    waves: Sequence[WaveClock],
    life: CaseLife,
    now: datetime,
) -> list[Overdue]:
    """All that is overdue now; `now` is on the municipality's clock, and has its time zone."""
    return [
        *_missing(con, waves, now.date()),
        *_unacknowledged(con, now),
        *_unreviewed(con, now.date()),
        *_late_cases(con, life, now.date()),
    ]


def _named(waves: Sequence[WaveClock]) -> dict[str, list[object]]:
    return {
        "waves": [wave.wave_id for wave in waves],
        "first": [wave.first_due for wave in waves],
        "all": [wave.all_due for wave in waves],
        "until": [wave.until for wave in waves],
    }


def _missing(
    con: duckdb.DuckDBPyConnection, waves: Sequence[WaveClock], today: date
) -> list[Overdue]:
    """Schools and classes of which no form has come, in waves that somebody still waits for."""
    if not waves:
        return []
    found = con.execute(
        f"""
        {_EXPECTED}
        select school_id, wave_id,
            coalesce(list(class_group order by class_group) filter (class_group is not null), []),
            count(*), if(bool_or(some_came), any_value(all_due),
                least(any_value(first_due), any_value(all_due))) as due
        from state join clock using (wave_id)
        where not has_come and $today::date <= until
        group by all having due < $today::date order by wave_id, school_id
        """,
        {**_named(waves), "today": today},
    ).fetchall()
    return [
        Overdue("wave", school, wave, tuple(classes), count, due, (today - due).days, _mark(due))
        for school, wave, classes, count, due in found
    ]


def freshness(
    con: duckdb.DuckDBPyConnection, *, waves: Sequence[WaveClock]
) -> list[tuple[str, str, int, int, datetime | None]]:
    """Wave, school, expected classes (0: not known), those that came, when the last file did."""
    if not waves:
        return []
    rows: list[tuple[str, str, int, int, datetime | None]] = con.execute(
        f"""
        {_EXPECTED}
        select s.wave_id, s.school_id, count(s.class_group)::integer,
            count(s.class_group) filter (has_come)::integer, any_value(last_at)
        from state s left join (
            select wave_id, school_id, max(received_at) as last_at
            from form join core.delivery using (delivery_no) group by all
        ) using (wave_id, school_id)
        group by all order by all
        """,
        _named(waves),
    ).fetchall()
    return rows


# A person has taken up a flag by opening a case for it, too.
_NOT_TAKEN_UP = """
    flag_id not in (select unnest(linked_flag_ids) from core.support_case where closed_on is null)
"""
# Who hears of an adult at school is told without the school.
_SCHOOL = "if(route = 'health_service', school_id, null)"


def _unacknowledged(con: duckdb.DuckDBPyConnection, now: datetime) -> list[Overdue]:
    """Prompts that nobody has taken up in one working day, to the hour of the day they were raised.

    Flags, and forms that wait and ask for help now: those are taken up when they are decided on.
    """
    zone = str(now.tzinfo)
    days = [
        day
        for (day,) in con.execute(
            f"""
            select distinct (held_at at time zone $zone)::date from quarantine.asking
            where {STILL} and {ASKS_NOW}
            """,
            {"zone": zone},
        ).fetchall()
    ]
    found = con.execute(
        f"""
        with next as (select unnest($days::date[]) as day, unnest($next::date[]) as next_day),
        prompt as (
            select {_SCHOOL} as school_id, wave_id, flag_id as who,
                (review_due + (raised_at at time zone $zone)::time) at time zone $zone as due
            from core.flag
            where status = 'open' and level = 'prompt' and review is null and {_NOT_TAKEN_UP}
            union all
            select {_SCHOOL}, told_in, {WHO},
                (next_day + (held_at at time zone $zone)::time) at time zone $zone
            from quarantine.asking join next on day = (held_at at time zone $zone)::date
            where {STILL} and {ASKS_NOW}
        )
        select school_id, wave_id, count(distinct who), min(due at time zone $zone)::date,
            epoch_us(max(due))
        from prompt where due < $now group by all order by all
        """,
        {
            "zone": zone,
            "now": now,
            "days": days,
            "next": [add_working_days(day, 1) for day in days],
        },
    ).fetchall()
    today = now.date()
    return [
        Overdue("prompt", school, wave, (), count, due, (today - due).days, mark)
        for school, wave, count, due, mark in found
    ]


def _unreviewed(con: duckdb.DuckDBPyConnection, today: date) -> list[Overdue]:
    """Flags of pupils and classes that nobody has decided on by their day; prompts are above."""
    found = con.execute(
        f"""
        select {_SCHOOL} as school_id, wave_id, count(*), min(review_due), max(review_due)
        from core.flag
        where status = 'open' and level <> 'prompt' and review is null
            and review_due < $today::date and {_NOT_TAKEN_UP}
        group by all order by all
        """,
        {"today": today},
    ).fetchall()
    return [
        Overdue("review", school, wave, (), count, due, (today - due).days, _mark(last))
        for school, wave, count, due, last in found
    ]


def _late_cases(con: duckdb.DuckDBPyConnection, life: CaseLife, today: date) -> list[Overdue]:
    """Open cases whose next step is past its day: weekly reviews, follow-ups, all clocks."""
    found = con.execute(
        f"""
        select case_id, {_SCHOOL} from core.support_case
        where list_contains($states, status) order by case_id
        """,
        {"states": sorted(life.open_states())},
    ).fetchall()
    facts = all_facts(con, [case_id for case_id, _ in found])
    late: dict[str | None, list[date]] = {}
    for case_id, school in found:
        due = deadline(life, facts[case_id])
        if due is not None and due.due_on < today:
            late.setdefault(school, []).append(due.due_on)
    return [
        Overdue(
            "case",
            school,
            None,
            (),
            len(days),
            min(days),
            (today - min(days)).days,
            _mark(max(days)),
        )
        for school, days in sorted(late.items(), key=lambda one: one[0] or "")
    ]


def _mark(day: date) -> int:
    """A day as microseconds since 1970, as the database counts them."""
    return (day - date(1970, 1, 1)).days * 86_400_000_000
