-- What a school has in place before it runs support groups, as somebody has registered it.

-- Rows are only added; the latest of an item counts. The documents themselves lie in the archive.
create table core.school_readiness (
    school_id varchar not null,
    item varchar not null,                  -- agreement, health_service, management or training
    is_in_place boolean not null,
    happened_on date not null,              -- signed, named or held, as the person says
    people integer,                         -- how many were trained
    actor_role varchar not null,            -- nurse, management, ...; never a name
    noted_at timestamptz not null,
    audit_no bigint not null                -- the audit event that tells of it
);
