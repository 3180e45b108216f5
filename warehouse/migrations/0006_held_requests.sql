-- Forms that wait in quarantine and ask for help all the same, and cells that rows do without.

-- That a waiting form asks for help now: which rule says so, and where the form belongs as far as it
-- can be read. The answer is not here. A row of quarantine.row or quarantine.decided has the same
-- quarantine_id: what a person has decided on, or what came mended, asks here no longer.
create table quarantine.request (
    quarantine_id bigint not null,
    rule_id varchar not null,
    rule_version integer not null,
    route varchar not null,                 -- health_service or adult_route
    wave_id varchar,                        -- null where it cannot be read, as the three that follow
    school_id varchar,
    class_group varchar,
    pupil varchar                           -- keyed pseudonym
);

-- What asks, with where and why it waits. A form whose wave cannot be read is told of where the rest
-- of its file belongs, or else in the newest wave that had opened.
create view quarantine.asking as
with place as (
    select quarantine_id, delivery_no, row_no, survey_id, reason_codes, held_at,
        digest = 'conflict' as is_version, 'waits' as state
    from quarantine.row
    union all
    select c.quarantine_id, d.delivery_no, c.row_no, c.survey_id, c.reason_codes, c.held_at,
        c.digest = 'conflict', c.decision
    from quarantine.decided c join core.delivery d using (delivery_id)
),
file_wave as (
    select delivery_no, mode(wave_id order by wave_id) as wave_id
    from (
        select delivery_no, wave_id from core.response
        union all
        select delivery_no, wave_id from quarantine.response
    )
    where delivery_no in (
        select delivery_no from place semi join quarantine.request using (quarantine_id)
    )
    group by delivery_no
)
select r.*, p.* exclude (quarantine_id),
    coalesce(
        r.wave_id,
        f.wave_id,
        (select arg_max(w.wave_id, w.opens) from core.dim_wave w where w.opens <= p.held_at::date),
        (select arg_min(w.wave_id, w.opens) from core.dim_wave w)
    ) as told_in
from quarantine.request r join place p using (quarantine_id) left join file_wave f using (delivery_no);

-- Cells that accepted rows do without, for nobody could read them.
create table core.left_blank (
    delivery_no integer not null,
    column_name varchar not null,
    rows integer not null,                  -- rows whose cell was left blank
    told integer not null                   -- rows that had a cell, those included
);
