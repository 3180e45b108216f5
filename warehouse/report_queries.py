"""What flag reports are made from, as queries: a wave's rows by school, and by route of its flags.

$wave: the wave; $schools: the schools that are read together.
"""

from transforms.flag_inputs import NAMED_NOW_SQL
from warehouse.asked import ASKED_CLASS_SQL
from warehouse.case_plans import PLANS_SQL
from warehouse.held_places import HELD_SQL
from warehouse.one_class import ONE_CLASS_SQL
from warehouse.since import SINCE_SQL
from warehouse.stages import BASELINE_SHOWN

WAVES = """
    select wave_id, name, school_year, opens, closes
    from core.dim_wave
    where opens <= (select opens from core.dim_wave where wave_id = $wave)
    order by opens
"""

# Each query answers for many schools at once, and every row begins with its school, or with its
# route and its school: a query costs its milliseconds whether for one school or for a hundred.

# A class is listed when it is on this school year's class list or has answered. A pupil with a
# code counts once and in one class, however many surveys the wave has; without codes the fullest
# survey counts, or as many as the class rules found to be different pupils.
CLASSES = f"""
    with asked as (
        select school_id, coalesce(o.class_group, r.class_group) as class_group, survey_id,
            coalesce(o.grade, r.grade) as grade, pupil
        from core.response r left join ({ONE_CLASS_SQL}) o using (school_id, pupil)
        where wave_id = $wave and school_id in (select unnest($schools))
    ),
    per_survey as (
        select school_id, class_group, survey_id, min(grade) as grade, count(*) as forms
        from asked
        group by all
    ),
    pupils as (
        select school_id, class_group, count(distinct pupil) as pupils,
            count(distinct pupil) + count(*) filter (pupil is null) as together
        from asked
        group by all
    ),
    answered as (
        select school_id, class_group, min(grade) as grade,
            greatest(max(forms), max(pupils)) as answered, max(together) as together,
            count(*) as surveys
        from per_survey
        join pupils using (school_id, class_group)
        group by all
    ),
    judged as (
        select school_id, class_group, max(answered) as told
        from core.class_indicator
        where wave_id = $wave and school_id in (select unnest($schools))
        group by all
    ),
    listed as (
        select school_id, class_group, grade, enrolled
        from ({ASKED_CLASS_SQL})
        where school_id in (select unnest($schools)) and wave_id = $wave
    )
    select school_id, class_group, coalesce(listed.grade, answered.grade),
        greatest(coalesce(answered, 0), coalesce(told, 0)), enrolled,
        greatest(coalesce(together, 0) - greatest(coalesce(answered, 0), coalesce(told, 0)), 0),
        coalesce(surveys, 0)
    from answered
    full join listed using (school_id, class_group)
    left join judged using (school_id, class_group)
    order by 1, 3, 2
"""

# Where a person has decided on a flag, its clock has run out.
PUPIL_FLAGS = """
    select route, school_id, flag_id, pupil, class_group, level, situation, rule_id, rule_version,
        case when review is null then review_due end, expires_on, status = 'expired', survey_id
    from core.flag
    where wave_id = $wave and school_id in (select unnest($schools))
        and status in ('open', 'expired') and target = 'pupil'
    order by school_id, class_group, rule_id, flag_id
"""

CLASS_FLAGS = """
    select route, school_id, class_group, level, rule_id, rule_version,
        case when review is null then review_due end, expires_on,
        (select round(any_value(e.observed), 1) from core.flag_evidence e
            where e.flag_id = f.flag_id and e.wave_id = f.wave_id
                and e.item_or_scale = f.rule_id) as value,
        greatest(evidence_count, 1) as waves, status = 'expired', survey_id
    from core.flag f
    where wave_id = $wave and school_id in (select unnest($schools))
        and status in ('open', 'expired') and target = 'class'
    order by school_id, class_group, rule_id, survey_id
"""

# A rule that looked back has a row of the last time as well, which stands beside the one of now.
EVIDENCE = """
    with seen as (
        select f.route, f.school_id, e.flag_id, f.pupil, e.item_or_scale, e.observed, e.threshold,
            e.wave_id, e.wave_id = f.wave_id as is_now
        from core.flag_evidence e
        join core.flag f using (flag_id)
        where f.wave_id = $wave and f.school_id in (select unnest($schools))
            and f.status in ('open', 'expired') and f.target = 'pupil'
    ),
    before as (
        select flag_id, item_or_scale, any_value(wave_id) as wave_id,
            any_value(observed) as observed
        from seen where not is_now group by all
    )
    select distinct s.route, s.school_id, s.flag_id, s.pupil, s.item_or_scale, s.observed,
        s.threshold, b.wave_id, b.observed
    from seen s left join before b using (flag_id, item_or_scale)
    where s.is_now
    order by 1, 2, 3, 5, 7
"""

# The same item may be asked by two surveys of a wave: the last by name that has an answer counts.
# A question that was not asked is no answer, and no missing one either.
EARLIER = f"""
    with named as ({NAMED_NOW_SQL}),
    flagged as (
        select distinct
            f.route,
            f.school_id,
            f.pupil,
            split_part(e.item_or_scale, '.', 1) as instrument_key,
            split_part(e.item_or_scale, '.', 2) as item_id
        from core.flag f
        join core.flag_evidence e using (flag_id)
        where f.wave_id = $wave and f.school_id in (select unnest($schools))
            and f.status in ('open', 'expired') and f.target = 'pupil'
    )
    select
        flagged.route,
        a.school_id,
        flagged.pupil,
        a.instrument_key || '.' || a.item_id,
        a.wave_id,
        arg_max(a.value, (a.survey_id, a.response_id)),
        case when count(a.value) = 0 then arg_max(a.missing, (a.survey_id, a.response_id)) end
    from core.answer a left join named s on s.pupil = a.pupil
    join flagged
        on a.school_id = flagged.school_id
        and coalesce(s.known_as, a.pupil) = flagged.pupil
        and a.instrument_key = flagged.instrument_key
        and a.item_id = flagged.item_id
    join core.dim_wave w on w.wave_id = a.wave_id
    where a.missing is distinct from 'not_asked'
        and w.opens < (select opens from core.dim_wave where wave_id = $wave)
    group by 1, 2, 3, 4, 5, w.opens
    order by 1, 2, 3, 4, w.opens
"""

KNOWN = f"""
    select now.route, now.school_id, now.flag_id, before.wave_id
    from core.flag now
    join (
        select f.* replace (coalesce(s.known_as, f.pupil) as pupil)
        from core.flag f left join ({NAMED_NOW_SQL}) s on s.pupil = f.pupil
    ) before
        on before.pupil = now.pupil
        and before.rule_id = now.rule_id
        and before.route = now.route
        and before.school_id = now.school_id
    join core.dim_wave w on w.wave_id = before.wave_id
    where now.wave_id = $wave and now.school_id in (select unnest($schools))
        and now.status in ('open', 'expired') and now.target = 'pupil'
        and before.status <> 'withdrawn'
        and w.opens < (select opens from core.dim_wave where wave_id = $wave)
    group by 1, 2, 3, 4, w.opens
    order by 1, 2, 3, w.opens
"""

# The baseline as exact as a reader sees it: a chart that shows more would depend on when it was
# drawn, for the report is not renewed for less (see `school_inputs`).
PLANS = f"""
    select route, school_id, flag_id, review, case_id, status from ({PLANS_SQL})
    where wave_id = $wave and school_id in (select unnest($schools))
"""

# How classes were judged belongs to the health service's route, and to no other.
INDICATORS = f"""
    select 'health_service', school_id, class_group, rule_id, rule_version, answered, observed,
        enrolled, {BASELINE_SHOWN} as baseline, baseline_from, p_exact, gate, q_value, survey_id
    from core.class_indicator
    where wave_id = $wave and school_id in (select unnest($schools))
    order by school_id, class_group, rule_id, survey_id
"""

# Only classes that stand out: what the choices of any other say is nobody's business.
NETWORKS = """
    select 'health_service', n.school_id, n.class_group, n.answered, n.unchosen, n.groups,
        n.p_cohesion, n.survey_id
    from core.class_network n join core.flag f
        on f.wave_id = n.wave_id and f.survey_id = n.survey_id and f.school_id = n.school_id
        and f.class_group = n.class_group and f.rule_id = n.rule_id
    where n.wave_id = $wave and n.school_id in (select unnest($schools)) and n.gate = 'tested'
        and f.target = 'class' and f.status = 'open'
    order by n.school_id, n.class_group, n.survey_id
"""

HELD = f"""
    select school_id, own, shared, codes from ({HELD_SQL})
    where school_id in (select unnest($schools))
"""

# A pupil without a code is in no flag of a pupil.
LINKED = """
    select school_id, count(pupil) > 0, list(distinct survey_id order by survey_id),
        list(distinct grade order by grade)
    from core.response
    where wave_id = $wave and school_id in (select unnest($schools))
    group by school_id
"""

LIMITS = """
    select distinct school_id, input, op, threshold, looks_at, grade
    from core.local_limit join core.response using (wave_id, grade)
    where wave_id = $wave and school_id in (select unnest($schools))
    order by all
"""

NAMES = "select school_id, name from core.dim_school where school_id in (select unnest($schools))"

SINCE = f"""
    select 'health_service', * from ({SINCE_SQL})
    where school_id in (select unnest($schools))
"""
