"""Which version of each report has reached whom: so that none goes there twice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

State = Literal["done", "failed"]

# A version is one word for the files of a report: their texts and whom they are sealed to.
_VERSIONS = """
    select wave_id, school_id, route, list(file order by file) as files,
        max(written_at) as written_at,
        left(sha256(string_agg(concat_ws('|', file, digest, sealed_to), chr(10) order by file)), 12)
            as version
    from core.report_file where sealed_to <> '' group by wave_id, school_id, route
"""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A sealed report as it lies there now: its version, and the names of its files."""

    wave_id: str
    school_id: str
    route: str
    files: tuple[str, ...]
    written_at: datetime
    version: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of giving a version of a report to somebody on a channel."""

    version: str
    school_id: str
    wave_id: str
    route: str
    channel: str
    recipient: str
    state: State
    reason: str
    tried_at: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """Version, channel and recipient."""
        return self.version, self.channel, self.recipient


def parcels(con: duckdb.DuckDBPyConnection) -> list[Parcel]:
    """Every sealed report, the newest last."""
    found = con.execute(f"{_VERSIONS} order by written_at, wave_id, school_id, route").fetchall()
    return [
        Parcel(wave, school, route, tuple(files), written, version)
        for wave, school, route, files, written, version in found
    ]


def attempts(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str, str], Attempt]:
    """The last try of each delivery, the oldest first."""
    found = con.execute("""
        select version, school_id, wave_id, route, channel, recipient, state,
            coalesce(reason, ''), tried_at
        from core.report_delivery order by tried_at, school_id, route, channel
    """).fetchall()
    return {one.key: one for one in (Attempt(*row) for row in found)}


def note_attempt(
    con: duckdb.DuckDBPyConnection,
    parcel: Parcel,
    *,
    channel: str,
    recipient: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Write down that a parcel was given to somebody, or why it was not."""
    con.execute(
        """
        insert into core.report_delivery
        values ($version, $wave, $school, $route, $channel, $recipient, $state, $reason, 1, $now)
        on conflict (version, channel, recipient) do update set
            state = excluded.state, reason = excluded.reason, tries = tries + 1,
            tried_at = excluded.tried_at
        """,
        {
            "version": parcel.version,
            "wave": parcel.wave_id,
            "school": parcel.school_id,
            "route": parcel.route,
            "channel": channel,
            "recipient": recipient,
            "state": "failed" if reason else "done",
            "reason": reason,
            "now": now,
        },
    ).fetchall()
