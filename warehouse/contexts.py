"""What counts of a pupil's class, grade and gender where copies of one form say different things.

A pupil moves to another class, or a gender is filled in, and the next export says so beside the
same answers. That is one form. What a copy says otherwise than the one before it is kept beside the
form (in quarantine.set_aside, and nobody has decided on it), so that what counts can be worked out
from what is stored, in whatever runs the files came: the class list that the wave goes by, if it
names the pupil; else the newest copy, and of what is blank there the newest that is filled.
"""

import duckdb

IDENTITY = "coalesce(pupil, submission)"

# Whether a row of quarantine.set_aside, called `form`, was kept for what it says beside its
# answers: no person and no clock has decided against it.
SPARE = """
    not exists (
        from quarantine.decided d join (
            select delivery_no, delivery_id from core.delivery
            union all
            select delivery_no, delivery_id from arriving
        ) n using (delivery_id)
        where n.delivery_no = form.delivery_no and d.row_no = form.row_no
    )
"""


def settle_contexts(con: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Let the forms that count say what all their copies say; waves that change are due again.

    Part of the transaction that loads answers or a class list. Returns how many forms got another
    class, grade or gender, by the delivery of the newest copy.
    """
    some = con.execute("select 1 from quarantine.set_aside limit 1").fetchall()
    if not some:
        return {}
    con.execute(f"create or replace temp table settled as {_SETTLED}").fetchall()
    con.execute("""
        create or replace temp table resettled as
        select r.wave_id, s.newest_no from settled s join core.response r using (response_id)
        where (s.class_group, s.grade, s.gender) is distinct from
            (r.class_group, r.grade, r.gender)
    """).fetchall()
    con.execute("""
        delete from core.stage
        where stage = 'flagged' and subject in (from resettled select wave_id)
    """).fetchall()
    con.execute("""
        update core.response r
        set class_group = s.class_group, grade = s.grade, gender = s.gender,
            enrolled_on = s.enrolled_on, submitted_on = s.submitted_on,
            answer_time_ms = s.answer_time_ms, had_text = s.had_text
        from settled s where s.response_id = r.response_id
    """).fetchall()
    changed = con.execute("select newest_no, count(*) from resettled group by all").fetchall()
    con.execute("drop table temp.settled").fetchall()
    con.execute("drop table temp.resettled").fetchall()
    return dict(changed)


# A list's pupil in two classes is in the one that was begun last and not left.
LISTED_SQL = """
    select f.wave_id, e.school_id, e.pupil,
        max_by((e.class_group, coalesce(e.grade, c.grade)), (
            coalesce(e.left_on, date '9999-12-31'), coalesce(e.enrolled_on, date '0001-01-01'),
            e.class_group
        )) as place
    from core.enrolment e join core.class_list_of_wave f using (school_id, school_year)
        left join core.listed_class c
            on c.school_id = e.school_id and c.school_year = e.school_year
            and c.class_group = e.class_group
            and c.listed_by <= f.delivery_no and coalesce(c.unlisted_by > f.delivery_no, true)
    where e.listed_by <= f.delivery_no and coalesce(e.unlisted_by > f.delivery_no, true)
        and e.pupil is not null
    group by all
"""

_SETTLED = f"""
    with spare as (
        select form.*, received_at, {IDENTITY} as identity
        from quarantine.set_aside form join core.delivery d using (delivery_no)
        where (delivery_id, row_no) not in (select (delivery_id, row_no) from quarantine.decided)
    ),
    kept as (
        select form.*, received_at, {IDENTITY} as identity
        from core.response form join core.delivery using (delivery_no)
    ),
    pair as (
        select k.response_id as kept_id, unnest([k, s]) as copy
        from kept k join spare s using (survey_id, wave_id, school_id, identity)
    ),
    said as (
        select kept_id, unnest(copy),
            (copy.received_at, copy.delivery_no, copy.row_no) as receipt,
            copy.delivery_no as copy_no
        from pair
    ),
    merged as (
        select kept_id as response_id, any_value(wave_id) as wave_id,
            any_value(school_id) as school_id, any_value(pupil) as pupil,
            max_by((class_group, grade), receipt) as newest, max_by(copy_no, receipt) as newest_no,
            max_by(gender, receipt) filter (gender is not null) as gender,
            min(enrolled_on) as enrolled_on, min(submitted_on) as submitted_on,
            min(answer_time_ms) as answer_time_ms, bool_or(had_text) as had_text
        from said group by kept_id
    )
    select response_id, wave_id, coalesce(l.place[1], newest[1]) as class_group,
        coalesce(l.place[2], newest[2]) as grade, gender, enrolled_on, submitted_on,
        answer_time_ms, had_text, newest_no
    from merged left join ({LISTED_SQL}) l using (wave_id, school_id, pupil)
"""
