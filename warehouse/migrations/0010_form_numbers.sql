-- What the tool's own numbers of forms say in surveys with pupil codes, and decisions that rows of
-- later files fell under.

-- Whose each delivered row is, in a survey with codes, that has the tool's own number. Copies leave no
-- other trace, and whether a number names one form shows only in many files.
create table core.form_number (
    delivery_no integer not null,
    row_no integer not null,
    survey_id varchar not null,
    wave_id varchar not null,
    school_id varchar not null,
    pupil varchar not null,                 -- keyed pseudonym
    submission varchar not null,            -- keyed number
    content uhugeint,                       -- digest of class, answers, day and time; null: not known
    is_timed boolean not null               -- whether the digest holds a time in milliseconds
);

-- Two files of one tool that have the same form under another code, or in another school.
create table quarantine.renumbered (
    survey_id varchar not null,
    wave_id varchar not null,
    submission varchar not null,
    delivery_no integer not null,
    school_id varchar not null,
    pupil varchar not null,
    other_no integer not null,              -- the other delivery, and what it says
    other_school varchar not null,
    other_pupil varchar not null
);

-- Who a form was ever said to be from, all under one name: the contradiction's.
create table quarantine.one_form (
    survey_id varchar not null,
    wave_id varchar not null,
    submission varchar not null,
    school_id varchar not null,
    pupil varchar not null,
    name varchar not null
);

-- Rows of a delivery that are not used because of an earlier decision, and which it was.
create table quarantine.fell_under (
    delivery_no integer not null,
    row_no integer not null,
    quarantine_id bigint not null           -- of quarantine.decided
);

insert into core.form_number
select delivery_no, row_no, survey_id, wave_id, school_id, pupil, submission, null, false
from (from core.response union all from quarantine.response union all from quarantine.set_aside)
where pupil is not null and submission is not null;

-- Why a flag was withdrawn: the answers no longer support it (answers), or a person took a form out
-- that it rested on (form_taken_out), which is said as soon as the form is taken out.
alter table core.flag add column withdrawn_why varchar;     -- null while it stands
