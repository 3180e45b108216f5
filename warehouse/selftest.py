"""Whether the installed DuckDB can write an encrypted database without an extension from outside.

Tried, not looked up: a random word is written, and looked for in the bytes. A build that can only
write with `force_mbedtls_unsafe` cannot: its random numbers are weak. Klassepuls never says
"encrypted" because a setting does.
"""

import secrets
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from warehouse.store import quoted_path

_NO_EXTENSIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


def can_write_encrypted(spill: Path) -> bool:
    """Whether AES-GCM hides a word in database and log that a plain database shows."""
    word = secrets.token_hex(32)
    with TemporaryDirectory(dir=spill if spill.is_dir() else None) as folder:
        plain = _written(Path(folder) / "plain.duckdb", word, "")
        if word.encode() not in plain:
            return False  # a test that cannot fail proves nothing
        key = secrets.token_hex(32)
        options = f"(encryption_key '{key}', encryption_cipher 'GCM')"
        try:
            hidden = _written(Path(folder) / "hidden.duckdb", word, options)
        except duckdb.Error:
            return False
    return word.encode() not in hidden


def _written(path: Path, word: str, options: str) -> bytes:
    with duckdb.connect(config=_NO_EXTENSIONS) as con:
        con.execute("set temp_file_encryption = true").fetchall()
        con.execute(f"attach {quoted_path(path)} as made {options}").fetchall()
        con.execute("create table made.t as select $word as word", {"word": word}).fetchall()
        log = path.with_name(f"{path.name}.wal")
        unsaved = log.read_bytes() if log.exists() else b""
        con.execute("checkpoint made").fetchall()
        con.execute("detach made").fetchall()
    return unsaved + path.read_bytes()
