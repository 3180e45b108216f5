-- What people have been told of, and when the road was last walked to its end. No pupil, no count.

create table core.notice (
    channel varchar not null,               -- the channel's name, or a school's recipients
    kind varchar not null,                  -- a kind of schemas/settings_notices.py
    subject varchar not null,               -- a wave, a school, or the home: what the matter is about
    mark bigint not null,                   -- how far it had got when it was told; more is worse
    told_at timestamptz,                    -- null: it is to be told, and no channel has taken it yet
    failed integer not null,                -- tries since then that no channel took
    primary key (channel, kind, subject)
);

create table core.road_walked (
    road varchar primary key,               -- run or check
    ended_at timestamptz not null
);
