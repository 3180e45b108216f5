"""The survey tool's own number of a form, where a survey has pupil codes as well.

A code that was typed wrong is put right in the tool, and the next export has the same form under
another code. By its code it would be a second child. The number tells that it is one form, but only
where numbers are the tool's own: some programs count every export from 1. So two files prove it to
each other, by what else they say of the numbers that both have (`_PAIRS`); and a form is another's
only if neither of the two stands anywhere in the other file. What each file said is kept, for
copies leave no other trace, and which file came first must not matter.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import duckdb
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.survey import Survey
from warehouse.come_again import SHARED_CODE, TAKEN_OUT
from warehouse.unnamed import LEAST_ROWS

# So many numbers that both files give to the same pupil of the same school are no chance.
LEAST_PUPILS = 2
# Whoever answers alike is told apart by nothing else; a form that so many send proves nothing.
_MOST_ALIKE = 50

_Who = tuple[str, str]  # a school and a pupil


def note_numbers(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> None:
    """Keep whose each numbered form of `arrived` is, in a survey with codes."""
    said = ", ".join(
        f"'{key}.{name}=' || \"{key}.{name}\""
        for key in survey.instruments
        for name in instruments[key].columns
    )
    con.execute(
        f"""
        insert into core.form_number
        select delivery_no, row_no, $survey, wave_id, school_id, pupil, submission,
            md5_number(concat_ws('|', class_group, grade, submitted_on, answer_time_ms, {said})),
            answer_time_ms is not null
        from arrived where pupil is not null and submission is not null
            and (school_id, pupil) not in (select (school_id, pupil) from whole_code)
        """,
        {"survey": survey.id},
    ).fetchall()


def find_changed_forms(con: duckdb.DuckDBPyConnection, survey: Survey, *, first_no: int) -> None:
    """Add to `verdict` the forms that are under another code, or in another school, elsewhere.

    New ones are `conflict`; stored ones that count are `moved`. Deliveries from `first_no` on are
    those of this load.
    """
    con.execute(
        f"create or replace temp table disputed as {_DISPUTED}", {"survey": survey.id}
    ).fetchall()
    if con.execute("select 1 from disputed limit 1").fetchall():
        _find_pairs(con, survey, first_no=first_no)
        _name_forms(con, survey)
        con.execute(_VERDICT, {"survey": survey.id}).fetchall()
    con.execute("drop table temp.disputed").fetchall()


# Numbers of the waves at hand that are told of several pupils, or schools.
_DISPUTED = """
    select wave_id, submission from core.form_number
    where survey_id = $survey and (wave_id, submission) in (
        select (wave_id, submission) from arrived where submission is not null
    )
    group by all having count(distinct (school_id, pupil)) > 1
"""

# Two files number alike where two thirds of the numbers that both have say the same: the same pupil
# (two at least), or the same class with equal answers, day and time (five different forms at
# least).
_PAIRS = """
    with alike as (
        select wave_id, submission, content from told
        where content is not null
        group by all
        having count(distinct (school_id, pupil)) between 2 and $most
    ),
    agreeing as (
        select new.delivery_no, old.delivery_no as other_no, wave_id, submission, null as content,
            false as is_timed
        from told new join told old using (wave_id, submission, school_id, pupil)
        where new.delivery_no >= $first_no and old.delivery_no <> new.delivery_no
        union
        select new.delivery_no, old.delivery_no, wave_id, submission, content, new.is_timed
        from told new semi join alike using (wave_id, submission, content)
            join told old using (wave_id, submission, content)
        where new.delivery_no >= $first_no and old.delivery_no <> new.delivery_no
            and (new.school_id, new.pupil) <> (old.school_id, old.pupil)
    ),
    agreed as (
        select delivery_no, other_no, wave_id, count(distinct submission) as agreed
        from agreeing group by all
        having count(distinct submission) filter (content is null) >= $least_pupils
            or count(distinct content) >= $least_forms
    ),
    shared as (
        select a.delivery_no, a.other_no, a.wave_id, any_value(agreed) as agreed,
            count(distinct new.submission) as shared
        from agreed a
            join told new on new.delivery_no = a.delivery_no and new.wave_id = a.wave_id
            join told old on old.delivery_no = a.other_no and old.wave_id = a.wave_id
                and old.submission = new.submission
        group by all
    )
    select delivery_no, other_no, wave_id, null as submission
    from shared where 3 * agreed >= 2 * shared
    union all
    -- Nobody answers alike and as fast, to the millisecond, under the same number by chance.
    select delivery_no, other_no, wave_id, submission from agreeing where is_timed
"""

_RENUMBERED = """
    insert into quarantine.renumbered
    with once as (
        select delivery_no, wave_id, submission, min(school_id) as school_id, min(pupil) as pupil
        from told semi join disputed using (wave_id, submission)
        group by all having count(distinct (school_id, pupil)) = 1
    )
    select distinct $survey, new.wave_id, new.submission, p.delivery_no, new.school_id, new.pupil,
        p.other_no, old.school_id, old.pupil
    from numbered_alike p
        join once new on new.delivery_no = p.delivery_no and new.wave_id = p.wave_id
            and new.submission = coalesce(p.submission, new.submission)
        join once old on old.delivery_no = p.other_no and old.wave_id = p.wave_id
            and old.submission = new.submission
    where (new.school_id, new.pupil) <> (old.school_id, old.pupil)
        and (p.other_no, p.wave_id, new.school_id, new.pupil) not in (
            select (delivery_no, wave_id, school_id, pupil) from told
        )
        and (p.delivery_no, p.wave_id, old.school_id, old.pupil) not in (
            select (delivery_no, wave_id, school_id, pupil) from told
        )
"""


def _find_pairs(con: duckdb.DuckDBPyConnection, survey: Survey, *, first_no: int) -> None:
    con.execute(
        """
        create or replace temp table told as
        select * exclude (survey_id) from core.form_number
        where survey_id = $survey and wave_id in (select wave_id from disputed)
        """,
        {"survey": survey.id},
    ).fetchall()
    con.execute(
        f"create or replace temp table numbered_alike as {_PAIRS}",
        {
            "first_no": first_no,
            "most": _MOST_ALIKE,
            "least_pupils": LEAST_PUPILS,
            "least_forms": LEAST_ROWS,
        },
    ).fetchall()
    con.execute(_RENUMBERED, {"survey": survey.id}).fetchall()
    for table in ("told", "numbered_alike"):
        con.execute(f"drop table temp.{table}").fetchall()


def _name_forms(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """Who a form was ever said to be from, file by file and correction by correction: one name."""
    found = con.execute(
        """
        select distinct wave_id, submission, school_id, pupil, other_school, other_pupil
        from quarantine.renumbered where survey_id = $survey
        """,
        {"survey": survey.id},
    ).fetchall()
    con.execute(
        "delete from quarantine.one_form where survey_id = $survey", {"survey": survey.id}
    ).fetchall()
    forms: defaultdict[tuple[str, str], list[tuple[_Who, _Who]]] = defaultdict(list)
    for wave_id, submission, school_id, pupil, other_school, other_pupil in found:
        forms[wave_id, submission].append(((school_id, pupil), (other_school, other_pupil)))
    rows = [
        (survey.id, wave_id, submission, *who, f"{submission}|{min(group)[1]}")
        for (wave_id, submission), pairs in forms.items()
        for group in _joined(pairs)
        for who in group
    ]
    if rows:
        names = ("survey_id", "wave_id", "submission", "school_id", "pupil", "name")
        columns = dict(zip(names, zip(*rows, strict=True), strict=True))
        con.register("named", pa.table({name: list(cells) for name, cells in columns.items()}))
        con.execute("insert into quarantine.one_form by name from named").fetchall()
        con.unregister("named")


def forget_numbers(con: duckdb.DuckDBPyConnection, delivery_id: str) -> None:
    """What a delivery said of numbers holds no more; part of the transaction that takes it out."""
    named = {"id": delivery_id}
    this = "(select delivery_no from core.delivery where delivery_id = $id)"
    con.execute(f"delete from core.form_number where delivery_no = {this}", named).fetchall()
    con.execute(
        f"delete from quarantine.renumbered where delivery_no = {this} or other_no = {this}", named
    ).fetchall()
    con.execute("""
        delete from quarantine.one_form
        where (survey_id, wave_id, submission) not in (
            select (survey_id, wave_id, submission) from quarantine.renumbered
        )
    """).fetchall()


def _joined(pairs: Iterable[tuple[_Who, _Who]]) -> list[set[_Who]]:
    """Groups of all who hang together by some pair."""
    groups: list[set[_Who]] = []
    for pair in pairs:
        touching = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if group not in touching]
        groups.append(set(pair).union(*touching))
    return groups


# As between versions of one code (warehouse/doubles.py): a new form waits beside whatever another
# export says, decided on or not; one that counts waits where another one is alive. What a person
# took out is as if it had not come, and so is what was rejected because pupils shared the code:
# the form under a code of its own is what that decision waits for.
_VERDICT = f"""
    insert into verdict
    with form as (
        select response_id, delivery_no, wave_id, submission, school_id, pupil, 'new' as state
        from arrived
        where response_id not in (
            select response_id from verdict where kind in ('duplicate', 'beside')
        )
        union all
        select response_id, delivery_no, wave_id, submission, school_id, pupil, 'counts'
        from core.response where survey_id = $survey
        union all
        select response_id, delivery_no, wave_id, submission, school_id, pupil, 'waits'
        from quarantine.response where survey_id = $survey
        union all
        select response_id, delivery_no, wave_id, submission, school_id, pupil, 'aside'
        from quarantine.set_aside form
        where survey_id = $survey and not {TAKEN_OUT} and not {SHARED_CODE}
    ),
    version as (
        select form.*, name, (school_id, pupil) as who
        from form join quarantine.one_form o using (wave_id, submission, school_id, pupil)
        where o.survey_id = $survey
    )
    select response_id, delivery_no, if(state = 'new', 'conflict', 'moved'), null
    from version v
    where state in ('new', 'counts') and response_id not in (select response_id from verdict)
        and exists (
            from version other
            where other.wave_id = v.wave_id and other.name = v.name and other.who <> v.who
                and (v.state = 'new' or other.state <> 'aside')
        )
"""
