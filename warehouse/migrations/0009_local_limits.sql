-- Limits that a grade of the municipality set for itself when a wave was last flagged: for a rule's
-- condition, in each grade, of this wave or of the last time, in which enough have answered. Where a grade has no row, none was set.
create table core.local_limit (
    wave_id varchar not null,
    input varchar not null,                 -- instrument_key.scale
    op varchar not null,                    -- below_percentile or fallen_reliably
    threshold double not null,              -- of the condition: so many of 100, or standard errors
    looks_at varchar not null,              -- this wave, or the previous one
    of_wave varchar not null,               -- the wave whose answers set it
    grade tinyint not null,
    value double not null                   -- on the scale, or the smallest reliable fall
);
