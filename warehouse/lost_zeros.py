"""Pupil codes that lost their leading zeros: a spreadsheet reads 0404 as a number and saves 404.

By its code such a form is a second child's. So a code of digits that a school has with more zeros
in front waits, and the whole code's form counts, whichever of the two came first: zeros get lost,
and nothing adds any. A form that says all that the whole code's form says is a copy of it. Two
codes that the school's class list both has, or that a person has let count beside each other, are
two pupils. Another school's codes say nothing: one school may count from 0401 and another from 401.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.decision import Why
from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.pseudonym import PseudonymKey, name_beside_sql
from transforms.recognise import item_columns
from warehouse import audit
from warehouse.audit import Hand
from warehouse.choice_zeros import MOST_ZEROS
from warehouse.instruments import answer_table
from warehouse.nominations import told_choices_sql
from warehouse.rulings import Ruling, rule_versions
from warehouse.whole_codes import IN_OTHER_FILES, clear_whole_codes

# Two codes that lost zeros are no chance, where nothing of the school in the file begins with one.
LEAST_SHOWN = 2


def find_lost_zeros(
    con: duckdb.DuckDBPyConnection,
    codes: pa.Table,
    survey: Survey,
    *,
    key: PseudonymKey,
    first_id: int,
    now: datetime,
) -> None:
    """Find the codes of this load, and of what is stored, that lost zeros.

    `codes`: pupil_code and school_id of the rows of `arrived`, in their order. Fills the temporary
    table `whole_code` (school_id, pupil, and the pupil of the whole code; null where only the file
    tells that the code is not whole). Forms that wait for what their own file told alone wait no
    longer where another file has the same code and its zeros: it is whole.
    """
    con.execute("""
        create or replace temp table whole_code
            (school_id varchar, pupil varchar, whole varchar, digits integer)
    """).fetchall()
    if survey.linkage == "none" or not _any_zeros(con):
        return
    con.execute(_pairs_sql(key), key.pupil_parameters()).fetchall()
    # Mostly all codes are whole, and there is no need to look at the rows.
    if not con.execute(f"from whole_code select 1 union all ({_ANY_LISTED}) limit 1").fetchall():
        return
    numbers = pa.array(range(first_id, first_id + codes.num_rows), pa.int64())
    con.register("coded", codes.append_column("response_id", numbers))
    con.execute(_CODED).fetchall()
    con.unregister("coded")
    con.execute(_listed_sql(key), {"most": MOST_ZEROS, **key.pupil_parameters()}).fetchall()
    by_person = {"zeros": Reason.CODE_WITHOUT_ZEROS.value, "came_mended": Why.CAME_MENDED.value}
    con.execute(_TWO_PUPILS, by_person).fetchall()
    con.execute(_BARE_FILES, {"least": LEAST_SHOWN}).fetchall()
    con.execute(_OF_THE_SAME_FILE).fetchall()
    clear_whole_codes(con, survey, key=key, now=now)
    for table in ("digit_code", "bare_file"):
        con.execute(f"drop table temp.{table}").fetchall()


def _any_zeros(con: duckdb.DuckDBPyConnection) -> bool:
    found = con.execute("""
        select 1 from vault.code where starts_with(pupil_code, '0')
        union all
        select 1 from core.enrolment where pupil is not null limit 1
    """).fetchall()
    return bool(found)


_LISTED = "select school_id, pupil from core.enrolment where pupil is not null"
_IN_FORCE = f"{_LISTED} and unlisted_by is null"

_ANY_LISTED = f"""
    select 1 from ({_IN_FORCE}) where school_id in (select distinct school_id from arrived)
"""
_OF_DIGITS = "translate(pupil_code, '0123456789', '') = ''"

_CODED = f"""
    create or replace temp table digit_code as
    select a.response_id, delivery_no, a.school_id, pupil, pupil_code
    from (
        select response_id, pupil_code from coded where {_OF_DIGITS}
    ) join (select response_id, delivery_no, school_id, pupil from arrived) a using (response_id)
"""


def _pairs_sql(key: PseudonymKey) -> str:
    """Codes of one school that have come, and are the same but for zeros in front."""
    short = name_beside_sql("short.pupil_code", key=key, beside="made")
    entire = name_beside_sql("entire.pupil_code", key=key, beside="made")
    return f"""
        insert into whole_code
        with number as (
            select school_id, pupil_code, ltrim(pupil_code, '0') as number from vault.code
            where {_OF_DIGITS}
                and school_id in (select distinct school_id from arrived)
        ),
        several as (
            from number semi join (
                select school_id, number from number group by all having count(*) > 1
            ) using (school_id, number)
        )
        select school_id, {short}, {entire}, length(entire.pupil_code)
        from several short join several entire using (school_id, number), (
            select distinct split_part(pupil, '-', 1) as made from arrived where pupil is not null
        )
        where length(short.pupil_code) < length(entire.pupil_code)
    """


def _listed_sql(key: PseudonymKey) -> str:
    """Codes of this load that their school's class list does not have, but has with zeros."""
    whole = name_beside_sql("code", key=key, beside="pupil")
    return f"""
        insert into whole_code
        with listed as ({_IN_FORCE}),
        unlisted as (
            select distinct school_id, pupil, pupil_code from digit_code
            where school_id in (select school_id from listed)
                and (school_id, pupil) not in (from listed)
        ),
        padded as (
            select *, repeat('0', zeros::integer) || pupil_code as code
            from unlisted, range(1, $most + 1) as zeros(zeros)
        )
        select school_id, pupil, {whole} as whole,
            length(code)
        from padded where (school_id, whole) in (from listed)
    """


# What a person has let count beside the whole code is another pupil for good.
_RELEASED = """
    select pupil
    from (
        select pupil, delivery_no, row_no from core.response
        where delivery_no in (
            select delivery_no from core.delivery union all select delivery_no from arriving
        )
    ) join (
        select delivery_no, delivery_id from core.delivery
        union all
        select delivery_no, delivery_id from arriving
    ) using (delivery_no) join quarantine.decided d using (delivery_id, row_no)
    where d.decision = 'released' and d.why <> $came_mended
        and list_contains(d.reason_codes, $zeros)
"""
_TWO_PUPILS = f"""
    delete from whole_code
    where pupil in ({_RELEASED})
        or (school_id, pupil) in ({_IN_FORCE}) and (school_id, whole) in ({_IN_FORCE})
"""

# A spreadsheet takes the zeros of a whole column: those of pupils who are new as well.
_BARE_FILES = """
    create or replace temp table bare_file as
    select delivery_no, school_id, max(digits) as digits
    from digit_code join whole_code using (school_id, pupil)
    where (delivery_no, school_id) not in (
        select (delivery_no, school_id) from digit_code where starts_with(pupil_code, '0')
    )
    group by all having count(distinct pupil) >= $least
"""
# A code is whole that stands in any other file, be it of the same run.
_OF_THE_SAME_FILE = f"""
    insert into whole_code
    select distinct school_id, pupil, null, null
    from digit_code join bare_file using (delivery_no, school_id)
    where length(pupil_code) < digits
        and pupil not in (select pupil from core.response where pupil is not null)
        and (school_id, pupil) not in ({IN_OTHER_FILES})
        and (school_id, pupil) not in ({_LISTED})
        and (school_id, pupil) not in (select (school_id, pupil) from whole_code)
"""

# A stored form waits only where the whole code has a form in the same wave: one child twice.
_STORED = """
    select r.response_id, r.delivery_no
    from core.response r join whole_code using (school_id, pupil)
    where survey_id = $survey and (r.wave_id, school_id, whole) in (
        select (wave_id, school_id, pupil) from arrived
        union all
        select (wave_id, school_id, pupil) from (
            from core.response union all from quarantine.response
        ) where survey_id = $survey and wave_id in (select wave_id from arrived)
    )
"""


def judge_lost_zeros(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """Add to `verdict` the forms whose codes lost zeros: new ones `question`, stored ones `moved`.

    Fills the temporary table `lost_zeros` with them.
    """
    con.execute("create or replace temp table lost_zeros (response_id bigint)").fetchall()
    if not con.execute("select 1 from whole_code limit 1").fetchall():
        return
    con.execute(
        f"""
        insert into lost_zeros
        select response_id from arrived semi join whole_code using (school_id, pupil)
        where response_id not in (select response_id from verdict where kind <> 'conflict')
        union
        select response_id from ({_STORED})
        """,
        {"survey": survey.id},
    ).fetchall()
    con.execute(
        f"""
        insert into verdict
        select response_id, delivery_no, 'question', null from arrived
        where response_id in (from lost_zeros)
            and response_id not in (select response_id from verdict)
        union all
        select distinct response_id, delivery_no, 'moved', null from ({_STORED})
        where response_id not in (select response_id from verdict)
        """,
        {"survey": survey.id},
    ).fetchall()
    # By the tool's number it would be one form with two codes, and both would wait; so
    # `note_numbers` leaves these pupils' forms out as well, copies of copies too.
    con.execute(
        """
        delete from core.form_number
        where survey_id = $survey and (school_id, pupil) in (
            select (school_id, pupil) from whole_code
        )
        """,
        {"survey": survey.id},
    ).fetchall()


def settle_lost_zeros(
    con: duckdb.DuckDBPyConnection,
    survey: Survey,
    instruments: Mapping[str, Instrument],
    *,
    key: PseudonymKey,
    now: datetime,
) -> None:
    """Strike waiting forms that say all that the whole code's form says: they are copies of it.

    New ones become `duplicate` in `verdict`; stored ones are struck off as mended, on record.
    """
    if not con.execute("select 1 from whole_code where whole is not null limit 1").fetchall():
        return
    con.execute(
        f"create or replace temp table made_whole as {_copies_sql(survey, instruments)}",
        {"survey": survey.id, "zeros": Reason.CODE_WITHOUT_ZEROS.value},
    ).fetchall()
    con.execute("""
        update verdict v set kind = 'duplicate', kept_id = m.kept_id
        from made_whole m where m.response_id = v.response_id and m.is_new
    """).fetchall()
    con.execute("""
        delete from quarantine.row
        where digest = 'conflict' and (delivery_no, row_no) in (
            select (delivery_no, row_no) from arrived
            where response_id in (select response_id from made_whole)
        )
    """).fetchall()
    _strike_stored(con, survey, key=key, now=now)
    tables = ("quarantine.response", "quarantine.set_aside", "core.nomination")
    for table in (*tables, *(answer_table(name) for name in survey.instruments)):
        con.execute(f"""
            delete from {table} where response_id in (select response_id from made_whole)
        """).fetchall()
    con.execute("drop table temp.made_whole").fetchall()


def _strike_stored(
    con: duckdb.DuckDBPyConnection, survey: Survey, *, key: PseudonymKey, now: datetime
) -> None:
    con.execute("""
        create or replace temp table ruled_form as
        select response_id, 'mended' as decision from made_whole where not is_new
    """).fetchall()
    [(forms,)] = con.execute("select count(*) from ruled_form").fetchall()
    if forms:
        by = Hand("klassepuls", key)
        detail = {"rows": forms}
        event = audit.append(
            con, by=by, action="quarantine.mended", subject=survey.id, detail=detail, now=now
        )
        rule_versions(con, Ruling(by.actor, Why.CAME_MENDED, now, event))


def _copies_sql(survey: Survey, instruments: Mapping[str, Instrument]) -> str:
    items = ", ".join(f'"{name}"' for name in item_columns(survey, instruments))
    joins = " ".join(
        f"left join {answer_table(name)} {name} using (response_id)" for name in survey.instruments
    )
    stored = ", ".join(f'{name} as "{name}"' for name in item_columns(survey, instruments))
    return f"""
        with form as (
            select response_id, delivery_no, row_no, wave_id, school_id, pupil, submitted_on,
                row(class_group, grade, gender, choices, {items}) as said
            from (
                select f.*, choices, {stored}
                from (from core.response union all from quarantine.response) f {joins}
                    left join ({told_choices_sql("core.nomination")}) using (response_id)
                where survey_id = $survey and (school_id, pupil) in (
                    select (school_id, pupil) from whole_code
                    union all
                    select (school_id, whole) from whole_code
                )
            )
        )
        select s.response_id, min(w.response_id) as kept_id,
            s.response_id in (select response_id from arrived) as is_new
        from form s join quarantine.row q using (delivery_no, row_no)
            join whole_code c on c.school_id = s.school_id and c.pupil = s.pupil
            join form w on w.pupil = c.whole and w.school_id = c.school_id
                and w.wave_id = s.wave_id
        where q.digest = 'conflict' and list_contains(q.reason_codes, $zeros)
            and s.said is not distinct from w.said
            and coalesce(s.submitted_on = w.submitted_on, true)
        group by s.response_id
    """
