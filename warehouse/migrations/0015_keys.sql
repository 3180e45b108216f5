-- The keys for pupils, each from a school year on.

create table audit.key_version (
    version integer primary key,
    since varchar not null,                 -- first school year; '': from the beginning
    digest varchar not null,                -- to know the key by, made with it
    is_retired boolean not null             -- nothing needs it any more, and its file was removed
);

-- That the pupils of two keys may be told to be the same: a key holder's decision, once.
create table audit.key_carried (
    from_version integer not null,
    to_version integer not null,
    event_no bigint not null,               -- the audit event that says who did it, and why
    primary key (from_version, to_version)
);

-- What a pupil of an older key is called under a newer one, where the two were carried over. Made
-- anew from the vault before a wave is flagged; empty otherwise.
create table core.same_pupil (pupil varchar not null, known_as varchar not null);

-- As before, but who was on an earlier list under an older key has not just come either.
create or replace view core.pupil_start as
with listed as (
    select f.wave_id, e.*
    from core.enrolment e join core.class_list_of_wave f using (school_id, school_year)
    where e.listed_by <= f.delivery_no and coalesce(e.unlisted_by > f.delivery_no, true)
        and e.pupil is not null
),
day as (
    select wave_id, school_id, class_group, enrolled_on, count(distinct pupil) as pupils
    from listed group by all
),
began as (
    select *, sum(pupils) over (partition by wave_id, school_id, class_group) as everybody from day
),
started as (
    select wave_id, school_id, pupil, min(enrolled_on) as enrolled_on
    from listed group by all having count(*) = count(enrolled_on)
),
ever as (
    select pupil, school_id, listed_by, enrolled_on from core.enrolment
    union all
    select s.known_as, school_id, listed_by, enrolled_on
    from core.enrolment join core.same_pupil s using (pupil)
)
select s.*
from started s
where not exists (
    select 1
    from listed l join began b using (wave_id, school_id, class_group, enrolled_on)
    where l.wave_id = s.wave_id and l.school_id = s.school_id and l.pupil = s.pupil
        and l.enrolled_on = s.enrolled_on and b.pupils > 1 and 2 * b.pupils >= b.everybody
)
and not exists (
    select 1
    from ever e join core.class_list l
        on l.delivery_no = e.listed_by and l.school_id = e.school_id
    where e.pupil = s.pupil and e.school_id = s.school_id and l.received_on < s.enrolled_on
        and coalesce(e.enrolled_on < s.enrolled_on, true)
);
