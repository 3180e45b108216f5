"""How a wave's flags stand against the last wave that the school answered, in counts and classes.

A flag counts here as it was raised, also where it has lapsed since: what a round said does not
change when a newer one comes. Only flags for a talk (prompt, flag) of the health service's route.
"""

from dataclasses import dataclass

from transforms.flag_inputs import NAMED_NOW_SQL


@dataclass(frozen=True, slots=True)
class Since:
    """What is new, the same and gone since an earlier wave of the school.

    `silent` counts pupils who were flagged then and have not answered at this school in the wave;
    `gone` those who have answered and are not flagged now. The classes are those with a signal,
    and none are given where the two waves are of different school years: 7A is another class then.
    """

    wave_id: str
    new: int
    again: int
    gone: int
    silent: int
    signals_new: tuple[str, ...] = ()
    signals_again: tuple[str, ...] = ()
    signals_gone: tuple[str, ...] = ()


# One row a school that answered the wave, or has flags in it, and answered an earlier one.
SINCE_SQL = f"""
    with here as (
        select opens, school_year from core.dim_wave where wave_id = $wave
    ),
    last as (
        select school_id, arg_max(wave_id, opens) as wave_id,
            arg_max(school_year, opens) = (select school_year from here) as is_same_year
        from (select distinct school_id, wave_id from core.response)
            join core.dim_wave using (wave_id)
        where opens < (select opens from here)
        group by school_id
    ),
    named as ({NAMED_NOW_SQL}),
    talk as (
        select distinct f.wave_id, f.school_id, coalesce(s.known_as, f.pupil) as pupil
        from core.flag f left join named s on s.pupil = f.pupil
        where f.target = 'pupil' and f.level in ('prompt', 'flag') and f.status <> 'withdrawn'
            and f.route = 'health_service'
    ),
    answered as (
        select distinct r.school_id, coalesce(s.known_as, r.pupil) as pupil
        from core.response r left join named s on s.pupil = r.pupil
        where r.wave_id = $wave and r.pupil is not null
    ),
    pupils as (
        select coalesce(now.school_id, before.school_id) as school_id,
            count(*) filter (before.pupil is null) as new,
            count(*) filter (now.pupil is not null and before.pupil is not null) as again,
            count(*) filter (now.pupil is null and answered.pupil is not null) as gone,
            count(*) filter (now.pupil is null and answered.pupil is null) as silent
        from (from talk where wave_id = $wave) now
        full join (from talk semi join last using (school_id, wave_id)) before
            using (school_id, pupil)
        left join answered
            on answered.school_id = before.school_id and answered.pupil = before.pupil
        group by all
    ),
    signal as (
        select distinct wave_id, school_id, class_group
        from core.flag where target = 'class' and status <> 'withdrawn'
    ),
    classes as (
        select school_id,
            list(class_group order by class_group) filter (is_now and not was) as new,
            list(class_group order by class_group) filter (is_now and was) as again,
            list(class_group order by class_group) filter (was and not is_now) as gone
        from (
            select s.school_id, s.class_group, bool_or(s.wave_id = $wave) as is_now,
                bool_or(s.wave_id = last.wave_id) as was
            from signal s join last using (school_id)
            where last.is_same_year and s.wave_id in ($wave, last.wave_id)
            group by all
        )
        group by school_id
    )
    select last.school_id, last.wave_id, coalesce(p.new, 0) as new, coalesce(p.again, 0) as again,
        coalesce(p.gone, 0) as gone, coalesce(p.silent, 0) as silent,
        coalesce(c.new, []) as signals_new, coalesce(c.again, []) as signals_again,
        coalesce(c.gone, []) as signals_gone
    from last left join pupils p using (school_id) left join classes c using (school_id)
"""
