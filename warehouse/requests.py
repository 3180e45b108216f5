"""Forms that wait and ask for help: found when they are held, told until a person has decided.

So are flags that stood until another form under the same code contradicted them: whoever knows a
class mate's code must not make them vanish.

What waits is in no figure and raises no flag, but a child who asks for the nurse must not wait for
a class name to be mended. So every held row, and every version of a contradiction, is held against
the rules by which a form asks by itself (transforms/requests.py), each by its own cells alone. What
is kept is the rule, never the answer. All else follows from the ledger: a row that is decided on,
or came mended, asks no longer; one that waited too long goes on asking.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.rule import ClassRule, PupilRule
from schemas.survey import Survey
from transforms.pseudonym import PseudonymKey, pupil_sql
from transforms.recognise import item_columns
from transforms.requests import AT_FLAG, request_sql, rules_of_a_form
from warehouse import audit
from warehouse.audit import Hand
from warehouse.come_again import ASKED_AGAIN
from warehouse.instruments import answer_table
from warehouse.school_data import AskingPupil
from warehouse.stood import STOOD_SQL
from warehouse.vault import remember_codes
from warehouse.years import year_or_newest_sql

RAISED = "prompt.raised"
# Asks still: it waits, or was given up without anybody having decided, and did not come again.
STILL = f"(state = 'waits' or state = 'expired' and quarantine_id not in ({ASKED_AGAIN}))"
# Was heard: all that ever asked, but for a form that a person said is not to be used.
HEARD = "state not in ('rejected', 'withdrawn', 'file_withdrawn')"
# Asks for help now, and is not only to be looked at as a flag is.
ASKS_NOW = f"not ends_with(rule_id, '{AT_FLAG}')"
# A pupil is one, however many forms of the pupil's ask.
WHO = "coalesce(told_in || ' ' || pupil, 'row ' || quarantine_id)"


@dataclass(frozen=True, slots=True)
class Listening:
    """The rules, some of which hear a form that waits, and the instruments that they look at."""

    instruments: Mapping[str, Instrument]
    rules: Sequence[PupilRule | ClassRule]


@dataclass(frozen=True, slots=True)
class Raised:
    """What a delivery's waiting forms asked for: how many do, and how many name no known school.

    `told` is the number of the audit event.
    """

    forms: int
    without_school: int
    told: int


@dataclass(frozen=True, slots=True)
class Unheard:
    """Forms that ask for help now: in a school's report, and in none for want of a school."""

    reported: int
    without_school: int


def find_requests(
    con: duckdb.DuckDBPyConnection,
    readable: pa.Table,
    survey: Survey,
    listening: Listening,
    *,
    key: PseudonymKey,
    first_no: int,
    now: datetime,
) -> None:
    """Enter what asks among the survey's waiting forms; part of the transaction that holds them.

    `readable`: what can be read of the held rows (see `Validated`), by their place in the load.
    """
    forget_requests(con)
    instruments = listening.instruments
    rules = rules_of_a_form(listening.rules, instruments)
    if survey.linkage == "none" or not rules:
        return
    asked = item_columns(survey, instruments)
    con.register("readable", readable)
    year = year_or_newest_sql(con, "wave_id", key, now=now)
    con.execute(
        f"create or replace temp table unread as {_unread_sql(survey, instruments, key, year)}",
        {"survey": survey.id, "first_no": first_no, **key.pupil_parameters()},
    ).fetchall()
    con.unregister("readable")
    con.execute(f"""
        create or replace temp table asking_now as
        select found.*, pupil_code, wave_id, school_id, class_group, pupil
        from ({request_sql(rules, instruments, asked)}) found join unread using (quarantine_id)
    """).fetchall()
    _remember(con)
    con.execute("""
        insert into quarantine.request by name select * exclude (pupil_code) from asking_now
    """).fetchall()
    for table in ("unread", "asking_now"):
        con.execute(f"drop table temp.{table}").fetchall()
    _tell(con, key=key, first_no=first_no, now=now)


def forget_requests(con: duckdb.DuckDBPyConnection) -> None:
    """Strike what asked in rows that are neither there nor decided on: their file is read again."""
    con.execute("""
        delete from quarantine.request
        where quarantine_id not in (
            select quarantine_id from quarantine.row
            union all select quarantine_id from quarantine.decided
        )
    """).fetchall()


# A row of sums has numbers for answers and says nobody's: no code and no class, no grade or wave.
_IS_A_FORM = "coalesce(pupil_code, wave_id, school_id, class_group, grade::varchar) is not null"


def _unread_sql(
    survey: Survey, instruments: Mapping[str, Instrument], key: PseudonymKey, year: str
) -> str:
    """The held rows that wait since this load, and versions of contradictions not yet looked at."""
    names = item_columns(survey, instruments)
    said = ", ".join(f'"{name}"' for name in names)
    stored = ", ".join(f'{name} as "{name}"' for name in names)
    joins = " ".join(
        f"left join {answer_table(name)} {name} using (response_id)" for name in survey.instruments
    )
    return f"""
        select quarantine_id, pupil_code, wave_id, school_id, class_group, grade,
            {pupil_sql("pupil_code", key=key, year=year)} as pupil, {said}
        from readable r join quarantine.row q
            on q.delivery_no = r.file_no + $first_no and q.row_no = r.row_no
        where q.digest <> 'conflict' and {_IS_A_FORM}
        union all by name
        select quarantine_id, null::varchar as pupil_code, r.wave_id, r.school_id, r.class_group,
            r.grade, r.pupil, {stored}
        from quarantine.response r {joins} join quarantine.row q
            on q.delivery_no = r.delivery_no and q.row_no = r.row_no
        where q.digest = 'conflict' and r.survey_id = $survey
            and quarantine_id not in (select quarantine_id from quarantine.request)
    """


def _remember(con: duckdb.DuckDBPyConnection) -> None:
    """Keep the codes of those who ask: a report has to say whom to talk to."""
    codes = con.sql("""
        select distinct pupil_code, school_id from asking_now
        where pupil_code is not null and school_id is not null
    """).to_arrow_table()
    if codes.num_rows:
        remember_codes(con, codes)


def _tell(
    con: duckdb.DuckDBPyConnection, *, key: PseudonymKey, first_no: int, now: datetime
) -> None:
    """An audit event for each delivery of this load that asks for more than was told of it."""
    found = con.execute(
        f"""
        select delivery_id, count(distinct {WHO})::integer,
            count(distinct {WHO}) filter (school_id is null)::integer
        from quarantine.asking
            join (select delivery_no, delivery_id from arriving) using (delivery_no)
        where delivery_no >= $first_no and {STILL} and {ASKS_NOW}
        group by delivery_id order by min(delivery_no)
        """,
        {"first_no": first_no},
    ).fetchall()
    told = raised_by(con, [delivery_id for delivery_id, *_ in found])
    for delivery_id, forms, without_school in found:
        if delivery_id in told and told[delivery_id].forms >= forms:
            continue
        audit.append(
            con,
            by=Hand("klassepuls", key),
            action=RAISED,
            subject=delivery_id,
            detail={"forms": forms, "without_school": without_school},
            now=now,
        )


def raised_by(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]) -> dict[str, Raised]:
    """What was told of these deliveries, the last that was; none for those that ask nothing."""
    found = con.execute(
        """
        select subject, detail, event_no from audit.event
        where action = $action and list_contains($ids, subject) order by event_no
        """,
        {"action": RAISED, "ids": list(delivery_ids)},
    ).fetchall()
    return {subject: Raised(**json.loads(detail), told=number) for subject, detail, number in found}


def unheard(con: duckdb.DuckDBPyConnection) -> Unheard:
    """How many waiting forms ask for help now."""
    [(reported, without_school)] = con.execute(f"""
        select count(distinct {WHO}) filter (school_id is not null),
            count(distinct {WHO}) filter (school_id is null)
        from quarantine.asking where {STILL} and {ASKS_NOW}
    """).fetchall()
    return Unheard(reported, without_school)


def without_school(con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str]) -> dict[str, int]:
    """For each delivery, how many of its waiting forms ask and stand in no school's report."""
    found = con.execute(
        f"""
        select delivery_id, count(distinct {WHO})::integer
        from quarantine.asking join core.delivery using (delivery_no)
        where school_id is null and {STILL} and {ASKS_NOW} and list_contains($ids, delivery_id)
        group by delivery_id
        """,
        {"ids": list(delivery_ids)},
    ).fetchall()
    return dict(found)


# A line a pupil; a form without a code is a line of its own. The clock runs from the first day on
# which the pupil was heard: in a form that has come mended since, or by a flag that stood before.
# A flag that a contradiction withdrew is told beside what the forms themselves ask. Of forms that
# are held from one moment their contents say which is named, and not the order of the files.
_ASKING = f"""
    with version as (from quarantine.response union all from quarantine.set_aside),
    versions as (
        select survey_id, wave_id, school_id, pupil, count(*)::integer as versions
        from version group by all
    ),
    asks as (
        select *, false as has_stood from quarantine.asking where told_in = $wave and {STILL}
        union all by name
        select * exclude (flag_id, level)
                replace (if(level = 'flag', rule_id || '{AT_FLAG}', rule_id) as rule_id),
            true as is_version, true as has_stood
        from ({STOOD_SQL})
    ),
    heard as (
        select survey_id, school_id, pupil, rule_id, min(held_at) as first_at
        from quarantine.asking
        where told_in = $wave and pupil is not null and {HEARD} group by all
    ),
    given_up as (
        select q.quarantine_id, min(d.held_at) as once_at
        from quarantine.row q join quarantine.decided d using (survey_id, digest, occurrence)
        where q.digest <> 'conflict' and d.decision = 'expired' group by all
    ),
    stood as (
        select survey_id, school_id, pupil, rule_id, min(review_due) as flag_due
        from core.flag
        where wave_id = $wave and target = 'pupil' and level in ('prompt', 'flag') group by all
    ),
    said as (
        select a.*, replace(a.rule_id, '{AT_FLAG}', '') as named,
            not ends_with(a.rule_id, '{AT_FLAG}') as is_now,
            least(held_at, first_at, once_at) as heard_at, versions, flag_due
        from asks a
            left join versions v
                on is_version and v.survey_id = coalesce(a.held_survey, a.survey_id)
                and v.wave_id = coalesce(a.held_wave, a.wave_id)
                and v.school_id = a.school_id and v.pupil = a.pupil
            left join heard h
                on h.survey_id = a.survey_id and h.pupil = a.pupil and h.rule_id = a.rule_id
                and coalesce(h.school_id, a.school_id) = a.school_id
            left join given_up g on g.quarantine_id = a.quarantine_id
            left join stood s
                on s.survey_id = a.survey_id and s.pupil = a.pupil
                and s.rule_id = replace(a.rule_id, '{AT_FLAG}', '') and s.school_id = a.school_id
        where a.school_id in (select unnest($schools))
    )
    select route, school_id, pupil,
        list_sort(list_distinct(list(class_group) filter (class_group is not null))),
        list_sort(list_distinct(list((named, rule_version)))),
        list_sort(list_distinct(flatten(list(reason_codes) filter (not is_version)))),
        coalesce(max(versions) filter (is_version), 0),
        count(distinct quarantine_id)
            filter (is_version and not has_stood and is_now = any_now),
        coalesce(min(heard_at) filter (is_now), min(heard_at))::date, bool_and(state = 'expired'),
        left(arg_min(delivery_id, (held_at, delivery_id, row_no)), 12),
        arg_min(row_no, (held_at, delivery_id, row_no)),
        min(flag_due), bool_or(list_contains(reason_codes, '{Reason.CODE_IN_TWO_SCHOOLS}')),
        any_now, bool_or(list_contains(reason_codes, '{Reason.SUBMISSION_CHANGED}')),
        bool_or(list_contains(reason_codes, '{Reason.CODE_WITHOUT_ZEROS}'))
    from (
        select *, bool_or(is_now) over (
            partition by route, school_id, pupil,
                case when pupil is null then quarantine_id end
        ) as any_now
        from said
    ) join (select delivery_no, delivery_id from core.delivery) using (delivery_no)
    group by route, school_id, pupil, any_now, case when pupil is null then quarantine_id end
    order by all
"""


def asking_of(
    con: duckdb.DuckDBPyConnection, wave_id: str, school_ids: Sequence[str]
) -> dict[tuple[str, str], list[AskingPupil]]:
    """Who asks for help in a form that waits, by route and school, in a wave's reports."""
    found = con.execute(_ASKING, {"wave": wave_id, "schools": list(school_ids)}).fetchall()
    asking: defaultdict[tuple[str, str], list[AskingPupil]] = defaultdict(list)
    for route, school_id, pupil, classes, rules, reasons, *rest in found:
        named = tuple((rule_id, int(version)) for rule_id, version in rules)
        one = AskingPupil(pupil, tuple(classes or ()), named, tuple(reasons or ()), *rest)
        asking[route, school_id].append(one)
    return asking


def schools_asking(con: duckdb.DuckDBPyConnection, wave_id: str, *, route: str) -> set[str]:
    """Schools with somebody who asks, in a wave's reports of one route."""
    found = con.execute(
        f"""
        select distinct school_id from quarantine.asking
        where told_in = $wave and route = $route and school_id is not null and {STILL}
        """,
        {"wave": wave_id, "route": route},
    ).fetchall()
    return {school_id for (school_id,) in found}
