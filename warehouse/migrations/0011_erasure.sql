-- What was erased, so that it stays erased, and how far each erasing has come.

-- Who was erased, as a keyed digest of its own: neither the code nor the pseudonym. A form of that
-- wave, or a list of that school year, that comes again is taken without this pupil.
create table core.erased (
    digest varchar not null,
    school_id varchar not null,
    wave_id varchar,                        -- null: a school year's lists, or for good
    school_year varchar,                    -- null: a wave's forms, or for good
    erased_on date not null
);

-- One row an erasing. It is over when the databases have been written anew without the old bytes, and
-- a search has found nothing.
create table audit.erasure (
    event_no bigint not null,               -- the audit event that tells of it
    what varchar not null,                  -- pupil or expired
    digest varchar,                         -- of core.erased, for a pupil
    begun_at timestamptz not null,
    rebuilt_at timestamptz,
    proven_at timestamptz
);

-- Files of which the rows of erased pupils were struck: what the content was known by before.
create table audit.rewritten (delivery_id varchar not null, was varchar not null);

alter table core.delivery add column erased integer;    -- rows that named somebody who was erased
