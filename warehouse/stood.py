"""Flags that stood until another form contradicted what they rest on.

Whoever knows a class mate's code must not make one vanish, in whatever survey or wave the second
form is. So they are told until somebody has decided which form counts.
"""

# A row a flag of wave $wave and form that waits: of the flag's own survey, of one whose answer is
# among its evidence, or of the earlier wave that it looks back at. `held_survey` and `held_wave`
# are those of the form, `state` says whether it waits or was given up.
STOOD_SQL = """
    select distinct f.*, v.survey_id as held_survey, v.wave_id as held_wave, u.*
    from (
        select flag_id, survey_id, wave_id, school_id, class_group, pupil, rule_id, rule_version,
            route, level
        from core.flag
        where wave_id = $wave and target = 'pupil' and status = 'withdrawn'
            and level in ('prompt', 'flag')
    ) f join (
        select flag_id, survey_id, wave_id from core.flag
        union
        select e.flag_id, if(e.wave_id = f.wave_id, coalesce(e.survey_id, f.survey_id), null),
            e.wave_id
        from core.flag_evidence e join core.flag f using (flag_id)
    ) rests on rests.flag_id = f.flag_id
    join (from quarantine.response union all by name from quarantine.set_aside) v
        on v.school_id = f.school_id and v.pupil = f.pupil and v.wave_id = rests.wave_id
        and coalesce(rests.survey_id, v.survey_id) = v.survey_id
    join (
        select quarantine_id, delivery_no, row_no, reason_codes, held_at, 'waits' as state
        from quarantine.row where digest = 'conflict'
        union all by name
        select quarantine_id, d.delivery_no, row_no, reason_codes, held_at, 'expired' as state
        from quarantine.decided join core.delivery d using (delivery_id)
        where digest = 'conflict' and decision = 'expired'
    ) u on u.delivery_no = v.delivery_no and u.row_no = v.row_no
"""
