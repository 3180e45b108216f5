"""Whether somebody follows a flagged pupil up, as a report says it: from cases, for flags.

Only at schools that keep their cases here: anywhere else nothing is known, and nothing is said.
"""

# route, school_id, wave_id, flag_id, review (a person's decision on the flag), and the pupil's open
# case, or else the last one.
PLANS_SQL = """
    select f.route, f.school_id, f.wave_id, f.flag_id, f.review, c.case_id, c.status
    from core.flag f left join (
        select pupil, school_id, route,
            max_by(case_id, (closed_on is null, opened_on, case_id)) as case_id,
            max_by(status, (closed_on is null, opened_on, case_id)) as status
        from core.support_case group by all
    ) c using (pupil, school_id, route)
    where f.target = 'pupil' and f.status in ('open', 'expired')
        and f.school_id in (select school_id from core.support_case)
"""
