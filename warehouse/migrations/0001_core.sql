-- The restricted warehouse: what came in, what was answered, what it was scored and flagged as.
-- Answers are stored wide, one table an instrument version, made when the instrument is registered
-- (warehouse/instruments.py); core.answer and core.score show them long.

create schema core;
create schema quarantine;

create sequence core.delivery_no start 1;
create sequence core.response_id start 1;
create sequence quarantine.row_id start 1;

-- One row a delivered content, whatever it was called. accepted + quarantined + dropped = delivered.
create table core.delivery (
    delivery_id varchar primary key,        -- SHA-256 of the bytes
    delivery_no integer not null unique,    -- short key used by the row tables
    kind varchar not null,                  -- answers, class_list or unknown
    survey_id varchar,
    format varchar,                         -- csv, xlsx, parquet, ndjson
    outcome varchar not null,               -- loaded, duplicate, quarantined or rejected
    reason_code varchar,                    -- why a whole file was quarantined or rejected
    size_bytes bigint not null,
    delivered bigint not null,              -- rows in the file
    accepted bigint not null,
    quarantined bigint not null,
    dropped bigint not null,                -- rows that were there already
    declared varchar,                       -- digest of the settings that its rows were held against
    content_digest varchar,                 -- the answers of a file whose rows nobody can tell apart
    received_at timestamptz not null,
    filed_at timestamptz,                   -- when the file was moved to its outcome folder
    check (accepted + quarantined + dropped = delivered)
);

-- What has been done with what: a stage is due when the fingerprint of its inputs has changed.
create table core.stage (
    stage varchar not null,                 -- scored, flagged, reported, published
    subject varchar not null,               -- a wave, a school and wave, or the publication
    fingerprint varchar not null,
    done_at timestamptz not null,
    primary key (stage, subject)
);

create table core.dim_school (school_id varchar primary key, name varchar not null);

create table core.dim_wave (
    wave_id varchar primary key,
    name varchar not null,
    school_year varchar not null,
    opens date not null,
    closes date not null
);

create table core.dim_class_group (
    school_id varchar not null,
    class_group varchar not null,
    school_year varchar not null,
    grade tinyint not null,
    enrolled integer not null,              -- pupils on the class list
    primary key (school_id, class_group, school_year)
);

create table core.dim_instrument (
    instrument_key varchar primary key,     -- who5_v1
    instrument_id varchar not null,
    version integer not null,
    definition_sha256 varchar not null
);

create table core.dim_item (
    instrument_key varchar not null,
    item_id varchar not null,
    position integer not null,
    text_nb varchar,
    text_nn varchar,
    text_en varchar,
    primary key (instrument_key, item_id)
);

-- One row a completed form. Pupil codes never reach this file: pupil is a keyed pseudonym.
create table core.response (
    response_id bigint not null,
    delivery_no integer not null,
    row_no integer not null,                -- line or sheet row in the delivered file
    survey_id varchar not null,
    wave_id varchar not null,
    school_id varchar not null,
    class_group varchar not null,
    grade tinyint not null,
    gender varchar,                         -- girl, boy, other or null
    pupil varchar,                          -- null in a survey without linkage
    submission varchar,                     -- keyed submission number, where the tool gives one
    submitted_on date,
    enrolled_on date
);

create table core.class_indicator (
    wave_id varchar not null,
    survey_id varchar not null,
    school_id varchar not null,
    class_group varchar not null,
    grade tinyint not null,
    rule_id varchar not null,
    rule_version integer not null,
    answered integer not null,              -- pupils who answered the items of the rule
    observed integer not null,              -- of them, pupils for whom the condition holds
    enrolled integer,                       -- null while no class list has come
    baseline double not null,               -- share that the class was tested against
    baseline_from varchar not null,         -- grade_band or published
    p_exact double,                         -- null where a gate kept the class out of the test
    p_mid double,
    q_value double,                         -- Benjamini-Hochberg over the wave's family
    gate varchar not null,                  -- tested, few_answers, low_response or few_cases
    primary key (wave_id, survey_id, school_id, class_group, rule_id)
);

create table core.flag (
    flag_id varchar not null,               -- unique; made of what the flag is about
    wave_id varchar not null,
    survey_id varchar not null,
    target varchar not null,                -- pupil or class
    school_id varchar not null,
    class_group varchar not null,
    grade tinyint not null,
    pupil varchar,                          -- null for a class
    level varchar not null,                 -- prompt, flag, watch; for a class alert, watch
    situation varchar not null,
    rule_id varchar not null,
    rule_version integer not null,
    route varchar not null,                 -- health_service or adult_route
    evidence_count integer not null,
    raised_at timestamptz not null,
    review_due date,                        -- null for watch
    expires_on date not null,
    status varchar not null                 -- open, expired or withdrawn; a person's decisions come later
);

create table core.flag_evidence (
    flag_id varchar not null,
    item_or_scale varchar not null,         -- klassepuls_core_v1.safety, or the class rule
    observed double not null,               -- answer code, score, or count of pupils
    threshold double not null,
    denominator integer,                    -- pupils who answered, for a class
    p_value double,
    wave_id varchar not null
);

-- A form that another form contradicts (same pupil, same wave, other answers). Both wait here for a
-- person; their answers stay in the wide tables, which nothing reads without core.response.
create table quarantine.response as from core.response limit 0;

-- Rows that a person has to look at: where they stand in the delivered file, and why. No cell is
-- copied here; the file itself lies in the outcome folder.
create table quarantine.row (
    quarantine_id bigint not null,
    delivery_no integer not null,
    row_no integer not null,
    survey_id varchar,
    reason_codes varchar[] not null,
    column_names varchar[] not null,        -- canonical columns that the codes are about
    digest varchar not null,                -- keyed digest of the row, to know it again
    occurrence integer not null,            -- 1 for the first such row of a file, 2 for the second
    held_at timestamptz not null
);
