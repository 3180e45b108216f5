"""Whatever a pupil may be known by under a home, looked for in ways of the test's own."""

import io
import zipfile
from pathlib import Path

import duckdb
import polars as pl

from flows.home import Home, load_config
from transforms.pseudonym import names_of_pupil


def tokens_of(home: Home, code: str) -> list[bytes]:
    """The code and its pseudonyms."""
    names = names_of_pupil(code, key=load_config(home).key)
    return [code.encode(), *(name.encode() for name in names)]


def files_with(home: Home, code: str) -> list[str]:
    """Files under the home with a token in their bytes, unpacked, or in a table."""
    return places_of(home.root, tokens_of(home, code))


def contents_below(root: Path) -> dict[str, bytes]:
    """Every file by its path, packages unpacked and tables read: what a search looks through."""
    return {
        str(path.relative_to(root)): b"\n".join(_contents(path))
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def places_of(root: Path, tokens: list[bytes]) -> list[str]:
    """The same for any folder, such as a backup."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            unpacked = b"\n".join(_contents(path))
            found += [str(path.relative_to(root)) for token in tokens if token in unpacked]
    return found


def _contents(path: Path) -> list[bytes]:
    content = path.read_bytes()
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as package:
                return [package.read(name) for name in package.namelist()]
        except zipfile.BadZipFile:
            return [content]
    if content.startswith(b"PAR1"):
        return [content, pl.read_parquet(io.BytesIO(content)).write_csv().encode()]
    if path.suffix == ".duckdb":
        return [content, _tables(path)]
    return [content]


def _tables(path: Path) -> bytes:
    with duckdb.connect(str(path), read_only=True) as con:
        names = con.execute("""
            select '"' || schema_name || '"."' || table_name || '"' from duckdb_tables()
        """).fetchall()
        return "\n".join(repr(con.execute(f"from {name}").fetchall()) for (name,) in names).encode()
