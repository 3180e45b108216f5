"""Looks at a warehouse without changing it: does it open, does it fit its witness."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb

from transforms.pseudonym import PseudonymKey
from warehouse.audit import Chain, verify_chain
from warehouse.backup import Copy, copies
from warehouse.damage import DAMAGED, WarehouseDamagedError, told_in_words
from warehouse.keys import KnownKey, OtherKeyError, known_keys, require_right_keys
from warehouse.manifest import VAULT, WAREHOUSE, key_check
from warehouse.store import migrations, quoted_path
from warehouse.witness import is_behind


@dataclass(frozen=True, slots=True)
class Look:
    """What a warehouse says of itself; `due` and `unknown` count migrations."""

    due: int
    unknown: int
    newest: datetime | None
    key_fits: bool
    chain: Chain | None = None
    copies: list[Copy] = field(default_factory=list)
    contents: set[str] = field(default_factory=set)
    keys: list[KnownKey] = field(default_factory=list)


@contextmanager
def reading(restricted: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """The warehouse and its vault, to be read only; None where there is none, or an older one.

    WarehouseBusyError while a run holds it.
    """
    main, vault = restricted / "warehouse.duckdb", restricted / "vault" / "vault.duckdb"
    if not (main.exists() and vault.exists()):
        yield None
        return
    with told_in_words(), duckdb.connect(str(main), read_only=True) as con:
        con.execute(f"attach {quoted_path(vault)} as vault (read_only)").fetchall()
        seen = {name for (name,) in con.execute("select name from audit.migration").fetchall()}
        yield None if set(migrations()) - seen else con


def look_at(root: Path, *, key: PseudonymKey | None) -> Look | None:
    """None where the home has no warehouse yet; WarehouseDamagedError where it has lost it."""
    restricted = root / "restricted"
    there = [path for path in (WAREHOUSE, VAULT) if (root / path).exists()]
    if not there and not (restricted / "witness.json").exists():
        return None
    if len(there) < len((WAREHOUSE, VAULT)):
        raise WarehouseDamagedError(DAMAGED)
    with told_in_words(), duckdb.connect(str(root / WAREHOUSE), read_only=True) as con:
        con.execute("set timezone = 'UTC'").fetchall()
        con.execute(f"attach {quoted_path(root / VAULT)} as vault (read_only)").fetchall()
        if is_behind(con, restricted):
            raise WarehouseDamagedError(DAMAGED)
        return _look(con, key)


def _look(con: duckdb.DuckDBPyConnection, key: PseudonymKey | None) -> Look:
    seen = {name for (name,) in con.execute("select name from audit.migration").fetchall()}
    names = set(migrations())
    digests = con.execute("select digest from vault.key_check").fetchall()
    look = Look(
        due=len(names - seen),
        unknown=len(seen - names),
        newest=_newest(con),
        key_fits=key is None or not digests or digests == [(key_check(key),)],
    )
    if look.due:
        return look  # tables may be missing that the rest asks
    known = known_keys(con)
    return replace(
        look,
        key_fits=look.key_fits and (key is None or _are_right(known, key)),
        keys=list(known.values()),
        chain=verify_chain(con, key=key) if key and look.key_fits else None,
        copies=copies(con),
        contents={
            one for (one,) in con.execute("select delivery_id from core.delivery").fetchall()
        },
    )


def _are_right(known: Mapping[int, KnownKey], key: PseudonymKey) -> bool:
    try:
        require_right_keys(known, key)
    except OtherKeyError:
        return False
    return True


def _newest(con: duckdb.DuckDBPyConnection) -> datetime | None:
    """The latest time that anything was written down."""
    [(newest,)] = con.execute("""
        select max(moment) from (
            select max(received_at) as moment from core.delivery
            union all select max(done_at) from core.stage
            union all select max(happened_at) from audit.event
            union all select max(applied_at) from audit.migration
        )
    """).fetchall()
    return newest  # type: ignore[no-any-return]
