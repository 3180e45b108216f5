"""`klassepuls key`: a new key for pupils from a school year on, carried over or not, and retired.

A new key is one new file, and the warehouse takes note of it the next time that it is opened; a
command that is killed in between is simply finished by the next one.
"""

import os
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.keys.files import key_files, later_name
from flows.road import at_work
from transforms.identifiers import find_identifiers
from transforms.pseudonym import KEY_BYTES, PseudonymKey, YearKey
from warehouse.backup import Copy, begun, copies
from warehouse.failpoint import reach
from warehouse.keys import (
    KeyNeededError,
    holds_rows_under,
    known_keys,
    mark_retired,
    require_free_years,
    rows_under,
)
from warehouse.manifest import WAREHOUSE
from warehouse.same_pupils import carried, carry_over, renew_same_pupils
from warehouse.swap import fsync

_MOST_REASON = 200
_NAMES_SOMEBODY = "--reason looks as if it named a person: say why without"


def list_keys(home: Home, *, now: datetime) -> dict[str, Any]:
    """The keys for pupils: from which school year, whether retired, and which are carried over."""
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        rows = {version: sum(rows_under(con, version).values()) for version in known_keys(con)}
        return {
            "keys": [
                {
                    "version": one.version,
                    "from_school_year": one.since or None,
                    "retired": one.is_retired,
                    "cells": rows[one.version],
                }
                for one in known_keys(con).values()
            ],
            "carried_over": [{"from": a, "to": b} for a, b in carried(con)],
        }


def new_key(home: Home, school_year: str, *, now: datetime) -> dict[str, Any]:
    """Make the next key, for the pupils of a school year and later ones."""
    since, config = plain_year(school_year), load_config(home)
    last = config.key.versions[-1]
    if since <= last.since:
        raise HomeError(f"version {last.version} of the key is for {last.since} and later already")
    version = last.version + 1
    one = YearKey(secrets.token_bytes(KEY_BYTES), version, since)
    wanted = PseudonymKey(
        config.key.secret, config.key.version, config.key.municipality, (*config.key.versions, one)
    )
    with at_work(home, config, now=now) as con:
        require_free_years(con, wanted)
        if version in known_keys(con):
            raise HomeError(f"version {version} of the key was in use: put its file back")
    _make(home.vault / later_name(version, since), one.secret)
    reach("after-key-file")
    with at_work(home, load_config(home), now=now):
        pass  # which takes note of the key, and tells the log
    return {"version": version, "from_school_year": since, "file": later_name(version, since)}


def plain_year(told: str) -> str:
    """`2027` or `2027-28` as settings say it; HomeError where it is neither."""
    found = re.fullmatch(r"(20[0-9]{2})(?:-([0-9]{2}))?", told.strip())
    following = found and f"{(int(found[1]) + 1) % 100:02}"
    if not found or found[2] not in (None, following):
        raise HomeError("--school-year takes the year in which it begins: 2027 or 2027-28")
    return f"{found[1]}-{following}"


def _make(path: Path, secret: bytes) -> None:
    """Whole or not at all: half a key would stop every run."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    fsync(path.parent)


def carry_keys_over(
    home: Home, older: int, newer: int, *, reason: str, now: datetime
) -> dict[str, Any]:
    """Let pupils of an older key be compared with themselves under a newer one, from now on."""
    why, config = _plain_reason(reason), load_config(home)
    here = {one.version for one in config.key.versions}
    if older >= newer or not {older, newer} <= here:
        raise HomeError("--from takes an older version of the key than --to; `key list` has them")
    with at_work(home, config, now=now) as con:
        if (older, newer) in carried(con):
            raise HomeError(f"version {older} was carried over to {newer} already: that is once")
        _require_no_code(con, why)
        codes = carry_over(con, older, newer, reason=why, by=hand(config), now=now)
        renew_same_pupils(con, config.key)
        [(linked,)] = con.execute("select count(*) from core.same_pupil").fetchall()
    return {"from": older, "to": newer, "codes_in_vault": codes, "linked_now": int(linked)}


def _plain_reason(reason: str) -> str:
    plain = " ".join(reason.split())
    if not plain or len(plain) > _MOST_REASON:
        raise HomeError(f"--reason takes a sentence, up to {_MOST_REASON} signs: the log keeps it")
    if find_identifiers(pl.Series([plain])) or re.search(r"[0-9]{6}", plain.replace(" ", "")):
        raise HomeError(_NAMES_SOMEBODY)
    return plain


def _require_no_code(con: duckdb.DuckDBPyConnection, reason: str) -> None:
    """The log keeps its sentences for ever, and no pupil code may be among them."""
    words = re.findall(r"[A-Z0-9-]{3,20}", reason.upper())
    if con.execute(
        "select 1 from vault.code where list_contains($words, pupil_code) limit 1", {"words": words}
    ).fetchall():
        raise HomeError(_NAMES_SOMEBODY)


def retire_key(home: Home, version: int, *, lost_copies: bool, now: datetime) -> dict[str, Any]:
    """Remove the oldest key, once nothing that is kept was made with it.

    Raises KeyNeededError, with what needs it, while something does.
    """
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        known = known_keys(con)
        if version not in known:
            raise HomeError("no such version of the key: `key list` has them")
        if not known[version].is_retired:
            _require_unneeded(con, config, version, lost_copies=lost_copies)
            mark_retired(con, version, by=hand(config), now=now)
    reach("before-key-removed")
    removed = [
        path
        for name, path in key_files(home.vault).items()
        if path.parent == home.vault and _version_of(name, config) == version
    ]
    for path in removed:
        path.unlink()
        fsync(path.parent)
    return {"version": version, "files_removed": len(removed)}


def _version_of(name: str, config: Config) -> int | None:
    for one in config.key.versions:
        if name == (later_name(one.version, one.since) if one.since else "pseudonym.key"):
            return one.version
    return None


def _require_unneeded(
    con: duckdb.DuckDBPyConnection, config: Config, version: int, *, lost_copies: bool
) -> None:
    keys = config.key.versions
    if config.key.version == version:
        raise KeyNeededError(
            "this home is from before a home had a key of its own: its first key also seals the log"
            " and the backups, and knows who was erased. It has to stay"
        )
    if version != keys[0].version or len(keys) == 1:
        raise KeyNeededError("only the oldest key can be retired, and only once there is a newer")
    old = [wave.id for wave in config.settings.waves if wave.school_year < keys[1].since]
    if old:
        raise KeyNeededError(
            f"klassepuls.toml still has {len(old)} wave(s) of its school years ({old[0]}): strike"
            " them, so that their late files wait for a person"
        )
    if rows := rows_under(con, version):
        told = ", ".join(f"{cells} in {table}" for table, cells in sorted(rows.items()))
        raise KeyNeededError(
            f"rows that are kept were made with it ({told}): they go with `erase --expired` when"
            " their time is over"
        )
    _require_copies_without(copies(con), version, lost_copies=lost_copies)


def _require_copies_without(found: Sequence[Copy], version: int, *, lost_copies: bool) -> None:
    """Backups are erased from with the key: while one has such rows, the key must stay."""
    for copy in found:
        place = next((one for one in (copy.path, begun(copy.path)) if one.is_dir()), None)
        if place is None:
            if not lost_copies:
                raise KeyNeededError(
                    "a backup is not where it was made, and may hold rows that were made with the"
                    " key: bring the disk back, or say --lost-copies if it is gone for good"
                )
            continue
        if (place / WAREHOUSE).is_file() and holds_rows_under(place, version):
            raise KeyNeededError(
                f"a backup holds rows that were made with it: delete it, or erase from it first"
                f" ({place})"
            )
