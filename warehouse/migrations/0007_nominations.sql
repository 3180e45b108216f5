-- Whom pupils like to be with, and what follows from it for pupils and classes.

-- A row for each class mate whom a form names in a situation: a choice is part of its form, and goes
-- wherever the form goes. Nothing reads it without core.response. Both are keyed pseudonyms; a code
-- that is only chosen is nowhere in the vault. Who chose whom is in no report and in no published table.
create table core.nomination (
    response_id bigint not null,            -- the form of the pupil who chose
    situation varchar not null,             -- what was asked about, as the survey file calls it
    chosen varchar not null                 -- pseudonym of the pupil who was chosen, never the chooser
);

-- What follows for each pupil of a class where enough answered; one without a row is not looked at.
create table core.form_network (
    response_id bigint not null,
    wave_id varchar not null,
    unchosen_in integer not null            -- situations in which nobody of the class chose the pupil
);

-- And for each class that was asked, whatever came of it.
create table core.class_network (
    wave_id varchar not null,
    survey_id varchar not null,
    school_id varchar not null,
    class_group varchar not null,
    grade tinyint not null,
    rule_id varchar not null,
    rule_version integer not null,
    answered integer not null,              -- pupils who chose somebody, in the situation with the fewest
    enrolled integer,                       -- null while no class list has come
    unchosen integer,                       -- pupils with a form whom nobody chose; null behind a gate
    groups integer,                         -- groups that hang together by choices in any direction
    cohesion double,                        -- mutual pairs as a share of all pairs, 0-1
    p_cohesion double,                      -- share of classes of equal choices, dealt at random, as low
    gate varchar not null                   -- tested, few_answers, low_response or no_list
);

-- Who may be chosen in a class: everybody with a form, and everybody on the list of the wave.
create view core.class_member as
select wave_id, school_id, class_group, pupil from core.response where pupil is not null
union
select f.wave_id, e.school_id, e.class_group, e.pupil
from core.enrolment e join core.class_list_of_wave f using (school_id, school_year)
where e.pupil is not null
    and e.listed_by <= f.delivery_no and coalesce(e.unlisted_by > f.delivery_no, true)
    and coalesce(e.enrolled_on <= f.opens, true) and coalesce(e.left_on >= f.opens, true);

alter table core.delivery add column own_choices integer;            -- choices of oneself, which are dropped
alter table core.delivery add column outside_choices integer;        -- choices of codes that were in no form or list of the class by then
