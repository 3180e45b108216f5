"""Databases as the first opening of a home leaves them: made once a test process, then copied.

A migrated warehouse that knows every shipped instrument takes a quarter of a second to make, and
the tests need two thousand of them. That homes come to be without this is tested in
tests/warehouse/test_store.py, tests/road/test_home.py and by every home of `init_home` alone.
"""

import hashlib
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from flows.home import Home
from schemas.instrument import Instrument, shipped_instruments
from schemas.settings import Settings
from warehouse.instruments import definition_sha256, register
from warehouse.store import migrate, open_warehouse

_SETTINGS = """
[municipality]
number = "9901"
name = "Lyngvær kommune (oppdiktet)"
[[school]]
id = "S01"
name = "Skole S01"
[[wave]]
id = "2025H"
name = "Runde 2025H"
school_year = "2025-26"
opens = 2025-11-03
closes = 2025-11-21
"""
_MADE_AT = datetime(2025, 8, 1, tzinfo=UTC)
_FILES = ("warehouse.duckdb", "vault/vault.duckdb")


def put_databases(home: Home) -> None:
    """Give a new home its databases, without a form, a code, a school or a wave in them."""
    made = _made(shipped_instruments())
    for file in _FILES:
        shutil.copyfile(made / file, home.restricted / file)
        (home.restricted / file).chmod(0o640)


def memory_with(
    instruments: Mapping[str, Instrument], settings: Settings, *, now: datetime
) -> duckdb.DuckDBPyConnection:
    """A migrated warehouse that knows the settings and instruments, with its vault, in memory."""
    con = duckdb.connect()
    con.execute("attach ':memory:' as vault").fetchall()
    con.execute("set timezone = 'UTC'").fetchall()
    con.execute(f"attach '{_made(instruments) / _FILES[0]}' as made (read_only)").fetchall()
    con.execute("copy from database made to memory").fetchall()
    con.execute("detach made").fetchall()
    migrate(con, now=now)
    register(con, instruments, settings)
    return con


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="klassepuls-ready-")  # removed when the process ends


def _made(instruments: Mapping[str, Instrument]) -> Path:
    """The restricted folder of a home that knows these instruments and nothing else."""
    digests = [definition_sha256(instrument) for instrument in instruments.values()]
    home = Path(_folder().name) / hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()
    if not home.exists():
        _make(home, instruments)
    return home / "restricted"


def _make(home: Path, instruments: Mapping[str, Instrument]) -> None:
    restricted, analyst = home / "restricted", home / "analyst"
    for folder in (restricted / "vault", restricted / "spill", analyst):
        folder.mkdir(parents=True)
    settings = Settings.from_toml(_SETTINGS, name="klassepuls.toml")
    with open_warehouse(restricted, analyst=analyst, now=_MADE_AT) as con:
        register(con, instruments, settings)
        for table in ("core.dim_school", "core.dim_wave"):
            con.execute(f"truncate {table}").fetchall()
