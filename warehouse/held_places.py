"""Whose the held rows are: which school, and which wave, as far as they say so themselves.

A report that claims another school's waiting pupils is untrue, and theirs would say nothing. So the
row's own school goes first, and the rest of its file is asked only where the row does not say.
"""

import duckdb
import pyarrow as pa

from schemas.reason import Reason

# For each school: pupils who wait, those who may be its own, and codes that stand in two schools.
# $wave: the wave. Forms that contradict each other wait with their school and wave. A row that does
# not say its school or wave may be of any that its file holds: of the only one there is, unless it
# names one that nobody knows. A pupil counts once, however many forms wait; a form that tells no
# pupil counts as one.
HELD_SQL = f"""
    with unplaced as (
        select delivery_no, coalesce(t.pupil, 'row ' || q.quarantine_id) as who,
            p.school_id, p.wave_id,
            list_contains(reason_codes, '{Reason.SCHOOL_UNKNOWN}') as is_elsewhere
        from quarantine.row q left join quarantine.trace t using (quarantine_id)
            left join quarantine.place p using (quarantine_id)
        anti join quarantine.response using (delivery_no, row_no)
    ),
    place as (
        select distinct delivery_no, school_id, wave_id
        from (
            select delivery_no, school_id, wave_id from core.response
            union all
            select delivery_no, school_id, wave_id from quarantine.response
            union all
            select delivery_no, school_id, wave_id from unplaced
        )
        semi join unplaced using (delivery_no)
    ),
    school as (
        select delivery_no, school_id, count(*) over (partition by delivery_no) as schools
        from (select distinct delivery_no, school_id from place where school_id is not null)
    ),
    wave as (
        select delivery_no, wave_id, count(*) over (partition by delivery_no) as waves
        from (select distinct delivery_no, wave_id from place where wave_id is not null)
    ),
    form as (
        select school_id, coalesce(pupil, submission, 'form ' || response_id) as who
        from quarantine.response
        where wave_id = $wave
    ),
    two_schools as (
        select who from form group by who having count(distinct school_id) > 1
    ),
    waiting as (
        select s.school_id, who, if(
            (u.school_id is not null or (schools = 1 and not is_elsewhere))
                and (u.wave_id is not null or waves = 1),
            'own', 'shared'
        ) as how
        from unplaced u join school s using (delivery_no) join wave w using (delivery_no)
        where w.wave_id = $wave and s.school_id = coalesce(u.school_id, s.school_id)
            and w.wave_id = coalesce(u.wave_id, w.wave_id)
        union all
        select school_id, who, if(who in (from two_schools), 'code', 'own')
        from form
    )
    select school_id,
        count(distinct who) filter (how = 'own') as own,
        count(distinct who) filter (how = 'shared') as shared,
        count(distinct who) filter (how = 'code') as codes
    from waiting
    group by school_id
"""


def note_places(con: duckdb.DuckDBPyConnection, readable: pa.Table, *, first_no: int) -> None:
    """Remember where the rows that this load holds belong; part of its transaction.

    `readable`: what can be read of them (see `Validated`), by their place in the load.
    """
    con.register("readable", readable)
    con.execute(
        """
        insert into quarantine.place
        select quarantine_id, r.wave_id, r.school_id
        from readable r join quarantine.row q
            on q.delivery_no = r.file_no + $first_no and q.row_no = r.row_no
        where digest <> 'conflict' and coalesce(r.wave_id, r.school_id) is not null
        """,
        {"first_no": first_no},
    ).fetchall()
    con.unregister("readable")
