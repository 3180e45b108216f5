-- What people and the clock have done, in order. Rows are only ever added, and each one seals the one
-- before it, so that an edit in the middle shows (warehouse/audit.py).
create table audit.event (
    event_no bigint primary key,            -- 1, 2, 3 and so on, without a gap
    happened_at timestamptz not null,
    actor varchar not null,                 -- the machine's account of a person, or klassepuls
    action varchar not null,                -- quarantine.released, quarantine.expired and so on
    subject varchar not null,               -- a delivery, a contradiction, a survey
    detail varchar not null,                -- JSON: codes and counts, never a cell or a pupil
    previous varchar not null,              -- sha256 of the event before, 64 zeros for the first
    sha256 varchar not null                 -- of all columns above
);

-- Rows that waited in quarantine and wait no longer. A row is known by the content of its file, so
-- that the decision stands when the file is read again.
create table quarantine.decided (
    quarantine_id bigint not null,
    delivery_id varchar not null,           -- SHA-256 of the bytes
    row_no integer not null,                -- 0 for a file that was refused as a whole
    survey_id varchar,
    reason_codes varchar[] not null,
    column_names varchar[] not null,
    digest varchar not null,
    occurrence integer not null,
    held_at timestamptz not null,
    decision varchar not null,              -- released, not_chosen, rejected, expired or mended
    why varchar not null,                   -- a code, see schemas/decision.py
    decided_by varchar not null,
    decided_at timestamptz not null,
    event_no bigint not null                -- the audit event that tells of it
);

-- Forms of a pupil that a person decided against, or that waited too long: kept so that their copies
-- are known again. Nothing else reads them.
create table quarantine.set_aside as from core.response limit 0;

-- What a held row is known by when it comes again mended: whose it is, where that is sound, and a
-- digest of its sound cells.
create table quarantine.trace (
    quarantine_id bigint not null,
    pupil varchar not null,                 -- keyed pseudonym
    wave_id varchar not null,
    digest varchar not null                 -- keyed digest of the cells that were sound
);
