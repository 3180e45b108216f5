-- Cases that people open: what follows a flag up. Nothing here is made by the road, and nothing of it
-- is published. Pupils stand as keyed pseudonyms; who acted stands as a role, never as a name.

-- One row a case. What comes after `origin` follows from the case's events and is written with them.
create table core.support_case (
    case_id varchar primary key,            -- random; says nothing of the pupil
    pupil varchar not null,                 -- keyed pseudonym
    school_id varchar not null,
    class_group varchar not null,           -- at the opening
    route varchar not null,                 -- health_service or adult_route, as the flag's
    opened_on date not null,
    situation varchar not null,             -- one of the six of the programme, or any
    origin varchar not null,                -- flag, self_request, adult or guardian
    linked_flag_ids varchar[] not null,
    status varchar not null,                -- a state of schemas/case_life.toml
    review_due date,                        -- the earliest deadline of its flags; null: by the clock
    closed_on date,
    close_reason varchar,
    outcome_level varchar,
    escalated_on date,                      -- since when the school owner has been told
    consent_pupil varchar,                  -- yes or no
    consent_pupil_on date,
    consent_guardian varchar,               -- yes, no or not_required
    consent_guardian_on date,
    info_guardian_on date,
    let_go_at timestamptz                   -- when the helpers' rows were deleted
);

-- What was done, in order. Rows are only added; each has its audit event, which seals it.
create table core.case_event (
    case_id varchar not null,
    step integer not null,                  -- 1 for the opening
    action varchar not null,                -- an action of schemas/case_life.toml
    event varchar not null,                 -- what it is called in the history: talk_offered
    happened_on date not null,              -- as the person says
    noted_at timestamptz not null,
    actor_role varchar not null,            -- nurse, management, ...; never a name
    detail varchar not null,                -- codes and counts as JSON; no text, no pupil
    audit_no bigint not null,               -- the audit event that tells of it
    primary key (case_id, step)
);

create table core.support_group (
    group_id varchar primary key,
    case_id varchar not null,
    formed_on date not null,
    size integer not null,
    picked_by varchar not null,             -- pupil, adult or both
    friends integer,                        -- composition in counts; null: not told
    around integer,
    difficult integer,
    ended_on date
);

-- Who helps in a group: for the health service alone, and let go some days after the closing.
create table core.group_member (
    group_id varchar not null,
    school_id varchar not null,
    pupil varchar not null,                 -- keyed pseudonym of the helper
    joined_on date not null,
    left_on date,
    left_reason varchar                     -- a code
);

create table core.meeting (
    case_id varchar not null,
    group_id varchar not null,
    step integer not null,                  -- of core.case_event
    kind varchar not null,                  -- first, review or individual
    held_on date not null,
    attended integer,
    agreed_actions integer
);

-- What the pupil says, from 0 to 10; answers to surveys are not copied here.
create table core.scale_rating (
    case_id varchar not null,
    step integer not null,
    rated_on date not null,
    question varchar not null,              -- school_now, safety or together
    value integer not null,
    respondent varchar not null             -- pupil
);

-- The five fields of a written plan, an edition a row. The archive keeps the document; this does not.
create table core.support_plan (
    case_id varchar not null,
    edition integer not null,
    step integer not null,
    written_on date not null,
    problem varchar not null,               -- what the measures shall solve
    measures varchar not null,
    carried_out_when varchar not null,
    carried_out_by varchar not null,        -- roles
    evaluated_when varchar not null
);

-- A person's decision on a flag; the machine's `status` goes on saying whether it is open.
alter table core.flag add column review varchar;            -- accepted, dismissed or more_info; null: not yet
alter table core.flag add column reviewed_on date;
alter table core.flag add column review_why varchar;        -- a code, for a dismissal
