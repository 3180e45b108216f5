"""Retention: whose rows have been kept long enough, and guards against a wrong clock.

A pupil's rows go together, when the last school year in which the pupil answered or stood on a list
has been over for as many school years as the settings say. The waves of such a year are retired:
what is left of them is not flagged or reported again, for with the leavers gone it would say
something else. Counts of classes are kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey, names_sql
from warehouse.audit import Hand
from warehouse.case_rows import PUPILS_OF_CASES, SEEN_IN_CASES
from warehouse.damage import told_in_words
from warehouse.erase import delete_found, find_waiting, name_pupils, note_erasure
from warehouse.failpoint import reach
from warehouse.manifest import WAREHOUSE
from warehouse.store import transaction
from warehouse.whom import FORMS

MOST_OF_PUPILS = 0.20
LONGEST_SILENCE = timedelta(days=180)


class TooManyError(SpeakableError):
    """More pupils would go in one run than a person has looked at."""


class ClockError(SpeakableError):
    """The clock is behind what the warehouse knows, or far ahead of it."""


@dataclass(frozen=True, slots=True)
class Leavers:
    """Who goes, of how many, and the waves whose school year is over for long enough."""

    pupils: tuple[str, ...] = field(repr=False)
    of: int
    waves: tuple[str, ...]


def require_sound_clock(con: duckdb.DuckDBPyConnection, *, now: datetime, looked: bool) -> None:
    """ClockError where time has gone back, or has jumped and nobody has looked."""
    [(newest,)] = con.execute("""
        select max(moment) from (
            select max(received_at) as moment from core.delivery
            union all select max(happened_at) from audit.event
            union all select max(done_at) from core.stage
        )
    """).fetchall()
    if newest is None:
        return
    if now < newest:
        raise ClockError(
            f"the clock says {now:%Y-%m-%d}, and the warehouse knows of {newest:%Y-%m-%d}: nothing"
            " was deleted. Set the clock right, and run again"
        )
    if now - newest > LONGEST_SILENCE and not looked:
        raise ClockError(
            f"the clock says {now:%Y-%m-%d}, and the last that happened was on {newest:%Y-%m-%d}:"
            " nothing was deleted. If the clock is right, run again with --allow-many"
        )


def find_leavers(
    con: duckdb.DuckDBPyConnection, *, years: int, timezone: str, now: datetime
) -> Leavers:
    """Pupils whose last school year ended so many school years ago; a year ends with 31 July."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    limit = {"years": years, "today": today}
    found = con.execute(_LEAVERS, limit).fetchall()
    [(total,)] = con.execute(f"select count(distinct pupil) from ({_SEEN})").fetchall()
    waves = con.execute(
        f"select wave_id from core.dim_wave where {_IS_OVER} order by opens", limit
    ).fetchall()
    return Leavers(tuple(pupil for (pupil,) in found), int(total), tuple(wave for (wave,) in waves))


def kept_pupils(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Everybody who is in the warehouse, as pseudonyms."""
    found = con.execute(f"select distinct pupil from ({_SEEN}) where pupil is not null").fetchall()
    return {pupil for (pupil,) in found}


def may_have_leavers(
    root: Path, kept: Collection[str], *, years: int, timezone: str, now: datetime
) -> bool:
    """Whether a copy of the home, which is only read, has pupils who are gone from the home."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    with told_in_words(), duckdb.connect(str(root / WAREHOUSE), read_only=True) as con:
        found = con.execute(
            f"""
            with last as (select pupil, max(school_year) as school_year from ({_OWN}) group by all)
            select pupil from last where {_IS_OVER}
            """,
            {"years": years, "today": today},
        ).fetchall()
    return any(pupil not in kept for (pupil,) in found)


# 2025-26 is over on 1 August 2026, whatever the time of day.
_IS_OVER = "make_date(left(school_year, 4)::integer + 1 + $years, 8, 1) <= $today"
_OWN = f"""
    select pupil, school_year from {FORMS} join core.dim_wave using (wave_id)
    where pupil is not null
    union
    select coalesce(pupil, person), school_year from core.enrolment
    union
    select pupil, school_year from quarantine.trace join core.dim_wave using (wave_id)
    union
    {SEEN_IN_CASES}
"""
# Who was carried over to a newer key is kept as long under the older one.
_SEEN = f"""
    with seen as ({_OWN})
    from seen
    union
    select s.pupil, school_year from seen join core.same_pupil s on s.known_as = seen.pupil
"""
_LEAVERS = f"""
    with last as (select pupil, max(school_year) as school_year from ({_SEEN}) group by all)
    select pupil from last where {_IS_OVER} order by pupil
"""


def require_few(leavers: Leavers, *, looked: bool) -> None:
    """TooManyError where more than a fifth of all pupils would go and nobody has looked."""
    if looked or len(leavers.pupils) <= MOST_OF_PUPILS * leavers.of:
        return
    raise TooManyError(
        f"{len(leavers.pupils)} of {leavers.of} pupils would be deleted, more than"
        f" {MOST_OF_PUPILS:.0%}: nothing was. Look at the clock, [retention] and the school years"
        " of the waves; if they are right, run again with --allow-many"
    )


def delete_leavers(
    con: duckdb.DuckDBPyConnection,
    leavers: Leavers,
    *,
    by: Hand,
    now: datetime,
) -> dict[str, int]:
    """Delete the leavers' rows and the forms without codes of retired waves, in one transaction."""
    with transaction(con):
        name_pupils(con, leavers.pupils)
        con.execute(
            f"""
            create or replace temp table gone_form as
            select response_id, delivery_no, row_no, wave_id, place from {FORMS}
            where pupil in (from gone_pupil)
                or (pupil is null and list_contains($waves, wave_id))
            """,
            {"waves": list(leavers.waves)},
        ).fetchall()
        con.execute("""
            create or replace temp table gone_place as select delivery_no, row_no from gone_form
        """).fetchall()
        find_waiting(con, [], is_all=True)
        found = {table: rows for table, rows in delete_found(con, [], is_all=True).items() if rows}
        _retire(con, leavers.waves, now=now)
        if found:
            told = {"tables": found, "pupils": len(leavers.pupils), "waves": len(leavers.waves)}
            note_erasure(con, "expired", told, by=by, now=now)
        reach("before-erase-commit")
    reach("after-erase-commit")
    found |= _clear_vault(con, by.key)
    reach("after-vault-erase")
    return found


def _retire(con: duckdb.DuckDBPyConnection, waves: Sequence[str], *, now: datetime) -> None:
    con.execute(
        """
        insert or ignore into core.stage
        select 'retired', unnest($waves), 'retired', $now
        """,
        {"waves": list(waves), "now": now},
    ).fetchall()


def _clear_vault(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> dict[str, int]:
    """Codes of which the warehouse holds nothing any more: a run that was killed left them too."""
    con.execute(f"""
        create or replace temp table kept_pupil as
        select pupil from {FORMS} where pupil is not null
        union select pupil from core.enrolment where pupil is not null
        union select pupil from core.flag where pupil is not null
        union select pupil from core.form_number
        union select pupil from quarantine.trace
        union select pupil from quarantine.request where pupil is not null
        union {PUPILS_OF_CASES}
    """).fetchall()
    is_gone = " and ".join(
        f"{name} not in (from kept_pupil)" for name in names_sql("pupil_code", key=key).values()
    )
    [(codes,)] = con.execute(
        f"delete from vault.code where {is_gone}", key.pupil_parameters()
    ).fetchall()
    con.execute("drop table temp.kept_pupil").fetchall()
    return {"vault.code": int(codes)} if codes else {}


def old_files(con: duckdb.DuckDBPyConnection, *, before: datetime) -> list[str]:
    """Deliveries that were put away before a moment, and of which nothing waits."""
    found = con.execute(
        """
        select delivery_id from core.delivery
        where coalesce(filed_at, received_at) <= $before and quarantined = 0
        order by delivery_no
        """,
        {"before": before},
    ).fetchall()
    return [delivery_id for (delivery_id,) in found]
