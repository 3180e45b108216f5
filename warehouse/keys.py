"""What the warehouse knows of the keys for pupils, and that the ones in use are those.

A key is known by a digest that is made with it. So a key that was swapped, lost, or put in for
school years that another key has turned already is refused before it makes any pupil another.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey, YearKey
from warehouse import audit
from warehouse.audit import Hand
from warehouse.damage import told_in_words
from warehouse.manifest import WAREHOUSE
from warehouse.store import transaction
from warehouse.whom import FORMS

MADE, CARRIED, RETIRED = "key.made", "key.carried_over", "key.retired"


class OtherKeyError(SpeakableError):
    """A key or the municipality number is not the one that the pseudonyms here were made with."""


class KeyNeededError(SpeakableError):
    """A key cannot be retired: something that is still kept was made with it."""


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key for pupils as the warehouse has it."""

    version: int
    since: str
    digest: str
    is_retired: bool


def digest_of(key: PseudonymKey, one: YearKey) -> str:
    """What a key is known by; nobody can tell the key from it."""
    message = f"{one.version}|{key.municipality}|key check|{one.since}".encode()
    return hmac.digest(one.secret, message, hashlib.sha256).hex()[:32]


def known_keys(con: duckdb.DuckDBPyConnection) -> dict[int, KnownKey]:
    """Every key for pupils that this warehouse was ever used with, by its version."""
    found = con.execute("""
        select version, since, digest, is_retired from audit.key_version order by version
    """).fetchall()
    return {version: KnownKey(version, *rest) for version, *rest in found}


def require_known_keys(
    con: duckdb.DuckDBPyConnection, key: PseudonymKey, *, by: Hand, now: datetime
) -> None:
    """OtherKeyError unless each key is the one that was in use; a new one is written down."""
    require_right_keys(known_keys(con), key)
    for one in key.versions:
        if one.version not in known_keys(con):
            require_free_years(con, key)
            _write_down(con, key, one, by=by, now=now)


def require_right_keys(known: Mapping[int, KnownKey], key: PseudonymKey) -> None:
    """OtherKeyError where a key is missing, or is another than it was."""
    here = {one.version: one for one in key.versions}
    for version, was in known.items():
        if was.is_retired:
            continue
        if version not in here:
            raise OtherKeyError(
                f"version {version} of the key is missing from restricted/vault: put its file back"
            )
        if digest_of(key, here[version]) != was.digest:
            raise OtherKeyError(
                f"version {version} of the key is another than the one that this home was filled"
                " with, or its file has another school year in its name: put the old one back"
            )


def _write_down(
    con: duckdb.DuckDBPyConnection, key: PseudonymKey, one: YearKey, *, by: Hand, now: datetime
) -> None:
    with transaction(con):
        con.execute(
            "insert into audit.key_version values ($version, $since, $digest, false)",
            {"version": one.version, "since": one.since, "digest": digest_of(key, one)},
        ).fetchall()
        if one.since:  # the first is as old as the home
            told = {"version": one.version, "since": one.since}
            audit.append(con, by=by, action=MADE, subject="key", detail=told, now=now)


def require_free_years(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> None:
    """OtherKeyError where pupils of a school year were turned with another key than is its own."""
    if len(key.versions) == 1:
        return
    found = con.execute(f"""
        select school_year, split_part(pupil, '-', 1)
        from {FORMS} join core.dim_wave using (wave_id)
        where pupil is not null group by all
        union
        select school_year, split_part(pupil, '-', 1)
        from quarantine.trace join core.dim_wave using (wave_id) group by all
        union
        select school_year, split_part(coalesce(pupil, person), '-', 1) from core.enrolment
        group by all
        order by all
    """).fetchall()
    for school_year, made_with in found:
        if made_with != f"k{key.of_year(school_year).version}":
            raise OtherKeyError(
                f"pupils of {school_year} are in the warehouse under another key than the one that"
                " is for that school year: a key is for years that nobody has answered or was"
                " listed in, and the school year of a wave stays as it was"
            )


# What a register has told so far is of the years that its classes are of, and goes with their key.
_REGISTER = ("core.roster_user", "core.roster_enrolment")


def rows_under(con: duckdb.DuckDBPyConnection, version: int) -> dict[str, int]:
    """How many cells of each table hold a pseudonym of this version."""
    columns = con.execute("""
        select schema_name || '.' || table_name, column_name
        from duckdb_columns()
            semi join duckdb_tables() using (database_name, schema_name, table_name)
        where data_type = 'VARCHAR' and not internal and database_name = current_database()
        order by all
    """).fetchall()
    found: dict[str, int] = {}
    for table, column in columns:
        [(cells,)] = con.execute(
            f"""
            select count(*) from {table}
            where starts_with("{column}", $made_with)
                and regexp_full_match("{column}", 'k[0-9]+-[0-9a-f]{{32}}')
            """,
            {"made_with": f"k{version}-"},
        ).fetchall()
        if cells and table not in _REGISTER:
            found[table] = found.get(table, 0) + int(cells)
    return found


def holds_rows_under(root: Path, version: int) -> bool:
    """The same of a home or a backup in which nobody writes: whether there is any."""
    with told_in_words(), duckdb.connect(str(root / WAREHOUSE), read_only=True) as con:
        return bool(rows_under(con, version))


def mark_retired(con: duckdb.DuckDBPyConnection, version: int, *, by: Hand, now: datetime) -> None:
    """Write down that a key is not needed any more: from now on it may be missing."""
    with transaction(con):
        con.execute(
            "update audit.key_version set is_retired = true where version = $version",
            {"version": version},
        ).fetchall()
        for table in _REGISTER:
            con.execute(
                f"delete from {table} where starts_with(pupil, $made_with)",
                {"made_with": f"k{version}-"},
            ).fetchall()
        told = {"version": version}
        audit.append(con, by=by, action=RETIRED, subject="key", detail=told, now=now)
