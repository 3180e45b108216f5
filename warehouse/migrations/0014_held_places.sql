-- Where a held row belongs, as far as its own cells say: a report tells of its own school's rows only.
-- Null where the cell is not sound; a row that says neither is not here.
create table quarantine.place (
    quarantine_id bigint not null,
    wave_id varchar,
    school_id varchar
);
