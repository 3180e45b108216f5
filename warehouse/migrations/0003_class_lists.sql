-- Class lists: which classes a school has, which pupils go to them, and which list says so.
-- A row of a list is never changed. It is in force from the delivery that brought it (listed_by) up
-- to the delivery that no longer has it (unlisted_by), so that a wave keeps the list it was held by.

-- Which list spoke of which school and school year.
create table core.class_list (
    delivery_no integer not null,           -- 0: from before lists were kept
    school_id varchar not null,
    school_year varchar not null,
    received_on date not null,              -- a wave goes by the last list up to 30 days after it closed
    primary key (delivery_no, school_id, school_year)
);

-- One row a class, as long as the lists say the same of it.
create table core.listed_class (
    school_id varchar not null,
    school_year varchar not null,
    class_group varchar not null,
    grade tinyint not null,                 -- the most common one of its pupils, else the lowest
    grades tinyint[] not null,              -- more than one in a small school
    enrolled integer,                       -- from a list that only counts; null: count core.enrolment
    listed_by integer not null,             -- the delivery that brought it
    unlisted_by integer                     -- the one that no longer has it; null while it is in force
);

-- One row a pupil in a class, as long as the lists say the same of it.
create table core.enrolment (
    person varchar not null,                -- keyed pseudonym that the list tells pupils apart by
    pupil varchar,                          -- pseudonym in the surveys, where the list has their codes
    school_id varchar not null,
    school_year varchar not null,
    class_group varchar not null,
    grade tinyint,                          -- null in a register's class of several grades
    enrolled_on date,                       -- first day, null where the list has none
    left_on date,                           -- last day
    listed_by integer not null,             -- as for a class
    unlisted_by integer
);

-- What OneRoster has told so far, for its lists of changes. Class and enrolment numbers are keyed too:
-- nobody knows what a register puts into them.
create table core.roster_class (
    class_id varchar not null,
    school varchar,
    school_id varchar,
    class_group varchar,
    grade varchar,
    school_year varchar,
    class_type varchar,
    status varchar                          -- active or tobedeleted
);

-- Its enrolments, those that have ended too.
create table core.roster_enrolment (
    enrolment varchar not null,
    school varchar,
    school_id varchar,
    class_id varchar,
    class_group varchar,
    pupil varchar,                          -- keyed sourcedId of the user
    begin_date date,
    end_date date,
    status varchar
);

-- Its users who have a pupil code.
create table core.roster_user (
    person varchar primary key,             -- keyed sourcedId
    pupil varchar not null                  -- pseudonym in the surveys
);

-- What earlier lists have counted goes on counting, as list number 0.
insert into core.class_list
select distinct 0, school_id, school_year, date '1970-01-01' from core.dim_class_group;

insert into core.listed_class
select school_id, school_year, class_group, grade, [grade], enrolled, 0, null
from core.dim_class_group;

-- The list that a wave goes by in each school.
create view core.class_list_of_wave as
select w.wave_id, w.opens, w.closes, l.school_id, school_year,
    coalesce(
        max(l.delivery_no) filter (l.received_on <= w.closes + 30), max(l.delivery_no)
    ) as delivery_no
from core.class_list l join core.dim_wave w using (school_year)
group by w.wave_id, w.opens, w.closes, l.school_id, school_year;

create view core.class_in_wave as
with named as (
    select f.wave_id, c.*
    from core.listed_class c join core.class_list_of_wave f using (school_id, school_year)
    where c.listed_by <= f.delivery_no and coalesce(c.unlisted_by > f.delivery_no, true)
),
counted as (
    select f.wave_id, e.school_id, e.class_group, count(distinct e.person)::integer as pupils
    from core.enrolment e join core.class_list_of_wave f using (school_id, school_year)
    where e.listed_by <= f.delivery_no and coalesce(e.unlisted_by > f.delivery_no, true)
        and coalesce(e.enrolled_on <= f.opens, true) and coalesce(e.left_on >= f.opens, true)
    group by all
)
select n.wave_id, n.school_id, n.class_group, n.grade, n.grades,
    coalesce(n.enrolled, c.pupils) as enrolled
from named n left join counted c using (wave_id, school_id, class_group)
where coalesce(n.enrolled, c.pupils) > 0
union all
select w.wave_id, d.school_id, d.class_group, d.grade, [d.grade], d.enrolled
from core.dim_class_group d join core.dim_wave w using (school_year)
where (d.school_id, d.school_year) not in (
    select (school_id, school_year) from core.class_list
);

-- Since when a pupil has gone to a school, where the list of the wave tells it. A day that half of a
-- class shares is the day that the class began, and who was on an earlier list has not just come.
create view core.pupil_start as
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
    from core.enrolment e join core.class_list l
        on l.delivery_no = e.listed_by and l.school_id = e.school_id
    where e.pupil = s.pupil and e.school_id = s.school_id and l.received_on < s.enrolled_on
        and coalesce(e.enrolled_on < s.enrolled_on, true)
);
