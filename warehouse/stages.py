"""What has been done with which input: a stage is due when the fingerprint of its input differs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb

from transforms.flag_inputs import NAMED_NOW_SQL
from warehouse.asked import ASKED_CLASS_SQL
from warehouse.case_plans import PLANS_SQL
from warehouse.held_places import HELD_SQL
from warehouse.one_class import ONE_CLASS_SQL
from warehouse.requests import STILL
from warehouse.since import SINCE_SQL
from warehouse.stood import STOOD_SQL


def is_done(con: duckdb.DuckDBPyConnection, stage: str, subject: str, fingerprint: str) -> bool:
    """Whether the stage has been done for the subject with this very input."""
    return stage_input(con, stage, subject) == fingerprint


def mark_done(
    con: duckdb.DuckDBPyConnection, stage: str, subject: str, fingerprint: str, *, now: datetime
) -> None:
    """Record the stage; part of the transaction that does it."""
    mark_all_done(con, stage, {subject: fingerprint}, now=now)


def mark_all_done(
    con: duckdb.DuckDBPyConnection, stage: str, fingerprints: Mapping[str, str], *, now: datetime
) -> None:
    """Record the stage for many subjects, each with the fingerprint of its input."""
    con.execute(
        """
        insert or replace into core.stage
        select $stage, unnest($subjects), unnest($fingerprints), $now
        """,
        {
            "stage": stage,
            "subjects": list(fingerprints),
            "fingerprints": list(fingerprints.values()),
            "now": now,
        },
    ).fetchall()


def mark_due(con: duckdb.DuckDBPyConnection, stage: str, subjects: Sequence[str]) -> None:
    """Strike the record of a stage whose work is outside the database, before the work begins.

    A run that is cut off in between has changed that work already. If the input then went back to
    what it was, the old record would vouch for the new work.
    """
    con.execute(
        """
        delete from core.stage where stage = $stage and subject in (select unnest($subjects))
        """,
        {"stage": stage, "subjects": list(subjects)},
    ).fetchall()


def fingerprint(*parts: object) -> str:
    """One word for some input; parts are anything JSON can say."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def wave_input(con: duckdb.DuckDBPyConnection, wave_id: str) -> list[tuple[object, ...]]:
    """What a wave consists of: its deliveries with their accepted forms, and the class lists.

    Earlier waves count too: a pupil is new, or an answer has fallen, compared with them.
    """
    found: list[tuple[object, ...]] = con.execute(
        f"""
        select d.delivery_id, r.wave_id,
            count(*) || '/' || sum(coalesce(r.enrolled_on - date '2000-01-01', 0))
        from core.response r join core.delivery d using (delivery_no) join core.dim_wave w
            using (wave_id)
        where w.opens <= (select opens from core.dim_wave where wave_id = $wave)
        group by all
        union all
        select school_id || '/' || class_group, $wave || '/' || grade, enrolled
        from ({ASKED_CLASS_SQL}) where wave_id = $wave
        union all
        select school_id, 'started', bit_xor(hash(pupil, enrolled_on))::varchar
        from core.pupil_start where wave_id = $wave group by school_id
        union all
        select 'carried over', 'from an older key', bit_xor(hash(pupil, known_as))::varchar
        from ({NAMED_NOW_SQL}) having count(*) > 0
        order by all
        """,
        {"wave": wave_id},
    ).fetchall()
    return found


def stage_input(con: duckdb.DuckDBPyConnection, stage: str, subject: str) -> str | None:
    """The fingerprint that a stage was last done with; null where it has not been done."""
    return stage_inputs(con, stage, [subject]).get(subject)


def stage_inputs(
    con: duckdb.DuckDBPyConnection, stage: str, subjects: Sequence[str]
) -> dict[str, str]:
    """The fingerprint that the stage was last done with, for those subjects it was done for."""
    found = con.execute(
        """
        select subject, fingerprint from core.stage
        where stage = $stage and subject in (select unnest($subjects))
        """,
        {"stage": stage, "subjects": list(subjects)},
    ).fetchall()
    return dict(found)


def has_any(con: duckdb.DuckDBPyConnection, stage: str) -> bool:
    """Whether the stage was ever done for anything."""
    some = con.execute("select 1 from core.stage where stage = $stage limit 1", {"stage": stage})
    return bool(some.fetchall())


def answered_waves(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Waves that somebody has answered, the newest last.

    A wave whose answers have all gone into quarantine, or were taken out, still has flags to
    withdraw, and reports to write: of the schools that wait, of those who ask for help in a waiting
    form, and of those whose report tells of forms that are gone.
    """
    found = con.execute("""
        select wave_id from core.dim_wave
        where wave_id in (
            select wave_id from core.response union select wave_id from core.flag
            union select wave_id from quarantine.response
            union select told_in from quarantine.asking where school_id is not null
            union select split_part(subject, '/', 1) from core.stage where stage = 'reported'
        )
        -- Where leavers' forms are gone, the rest of a wave tells something else than it did.
        and wave_id not in (select subject from core.stage where stage = 'retired')
        order by opens
    """).fetchall()
    return [wave_id for (wave_id,) in found]


# What the figure of a class is held against, as exact as a reader sees it: a share in per cent, a
# published one, a scale or a number of pupils with one decimal.
BASELINE_SHOWN = """
    round(baseline,
        case when baseline > 1 then 1 when baseline_from = 'published' then 3 else 2 end)
"""

# Of what a class flag rests on a reader sees the figure, and on which side of its limit the false-
# discovery rate lies. The rest is there to check the level by; its last digits move with every form
# of the grade band.
_AS_SHOWN = """
    case when not starts_with(e.item_or_scale, f.rule_id)
            then concat_ws('|', e.observed, e.threshold)
        when e.item_or_scale = f.rule_id then round(e.observed, 1)::varchar
        when e.item_or_scale = f.rule_id || '.q_value' then (e.observed < e.threshold)::varchar
    end
"""


_SCHOOL_INPUTS = f"""
    with told as (
        select wave_id from core.dim_wave
        where opens <= (select opens from core.dim_wave where wave_id = $wave)
    ),
    signalled as (
        select (class_group, school_id, survey_id, rule_id) from core.flag
        where wave_id = $wave and target = 'class' and status <> 'withdrawn'
    ),
    held as ({HELD_SQL}),
    present as (
        select school_id from core.response where wave_id = $wave
        union
        select school_id from core.flag where wave_id = $wave
        union
        select school_id from quarantine.asking where told_in = $wave and school_id is not null
        union
        select school_id from quarantine.response where wave_id = $wave
        union
        select school_id from held where own > 0
    ),
    -- A report that was written tells of forms until it says that they are gone.
    reported as (
        select split_part(subject, '/', 2) as school_id from core.stage
        where stage = 'reported' and split_part(subject, '/', 1) = $wave
    ),
    line as (
        select f.school_id, concat_ws('|', 'flag', f.flag_id, f.level,
            f.status = 'withdrawn', f.wave_id = $wave and f.status = 'expired',
            f.review_due, f.evidence_count, e.item_or_scale,
            {_AS_SHOWN}, e.denominator, round(e.p_value, 3), e.p_value < 0.001,
            'decided ' || f.review) as text
        from core.flag f semi join told using (wave_id)
            left join core.flag_evidence e using (flag_id)
        union all
        select school_id, concat_ws('|', 'class', survey_id, class_group, grade, rule_id,
            rule_version, answered, observed, enrolled, baseline_from, gate,
            case when baseline <= 1 and gate = 'tested'
                    or (class_group, school_id, survey_id, rule_id) in (from signalled)
                then {BASELINE_SHOWN} end)
        from core.class_indicator where wave_id = $wave
        union all
        select school_id, concat_ws('|', 'forms', wave_id, survey_id, class_group, count(*),
            sum(answer_time_ms))
        from core.response semi join told using (wave_id)
        group by school_id, wave_id, survey_id, class_group
        union all
        select distinct school_id, concat_ws('|', 'limit', input, op, threshold, looks_at, grade)
        from core.local_limit join core.response using (wave_id, grade) where wave_id = $wave
        union all
        select school_id, concat_ws('|', 'listed', class_group, grade, enrolled)
        from ({ASKED_CLASS_SQL}) where wave_id = $wave
        union all
        select school_id, concat_ws('|', 'held', own, shared, codes) from held
        union all
        select school_id, concat_ws('|', 'asks', case when {STILL} then concat_ws('|', state,
            route, rule_id, rule_version, class_group, pupil, delivery_no, row_no, held_at,
            reason_codes) end)
        from quarantine.asking where told_in = $wave and school_id is not null
        union all
        select school_id, concat_ws('|', 'stood', flag_id, held_survey, held_wave, delivery_no,
            row_no, state)
        from ({STOOD_SQL})
        union all
        select school_id, concat_ws('|', 'placed', pupil, class_group, grade)
        from ({ONE_CLASS_SQL})
        union all
        select school_id, concat_ws('|', 'since', wave_id, new, again, gone, silent,
            signals_new::varchar, signals_again::varchar, signals_gone::varchar)
        from ({SINCE_SQL})
        union all
        select school_id, concat_ws('|', 'plan', flag_id, review, case_id, status)
        from ({PLANS_SQL}) where wave_id = $wave
        union all
        select school_id, 'nobody' from reported where school_id not in (from present)
    )
    select school_id, sha256(string_agg(text, chr(10) order by text))
    from line
    where school_id in (from present union from reported)
    group by school_id order by school_id
"""


def school_inputs(con: duckdb.DuckDBPyConnection, wave_id: str) -> dict[str, str]:
    """For each school of a wave, one word for all that its report says.

    Figures and p-values count as far as a reader sees them, so that one late form elsewhere in the
    grade band does not renew every report of the municipality.
    """
    found = con.execute(
        _SCHOOL_INPUTS,
        {"wave": wave_id},
    ).fetchall()
    return dict(found)
