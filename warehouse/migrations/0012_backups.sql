-- Every copy of the restricted data that was made of this home: an erasure has to find them all. The
-- row stands before the first byte is copied, so a backup that was cut off is known too.
create table audit.backup (
    path varchar primary key,               -- the folder, absolute, on the machine that made it
    kind varchar not null,                  -- backup; or replaced: what a restore moved aside
    made_at timestamptz not null,
    finished_at timestamptz,                -- null while it is being made, or where it was cut off
    manifest_sha256 varchar,
    with_key boolean not null               -- whether the pseudonym key lies in it
);
