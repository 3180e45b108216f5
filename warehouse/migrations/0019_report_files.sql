-- What lies in the health folder, and how it got to those who may read it. Nothing here tells what
-- a report says: its text stands as a digest that is made with the home's key.

-- The files of each report as they were last written.
create table core.report_file (
    wave_id varchar not null,
    school_id varchar not null,
    route varchar not null,                 -- health_service or adult_route
    file varchar not null,                  -- report.nb.html
    digest varchar not null,                -- of the text, made with the home's key
    sealed_to varchar not null,             -- one word for the public keys; '': it is not sealed
    sha256 varchar not null,                -- of the file as it lies there
    written_at timestamptz not null,
    primary key (wave_id, school_id, route, file)
);

-- Each version of a report goes to each recipient on each channel once.
create table core.report_delivery (
    version varchar not null,               -- of the report: one word for its files
    wave_id varchar not null,
    school_id varchar not null,
    route varchar not null,
    channel varchar not null,               -- mail, sftp or svarut
    recipient varchar not null,             -- a keyed digest of the address
    state varchar not null,                 -- done, or failed: it is tried again
    reason varchar,                         -- why it failed, without a value
    tries integer not null,
    tried_at timestamptz not null,
    primary key (version, channel, recipient)
);
