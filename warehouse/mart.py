"""The analysts' tables: made, commented, filled, read back and written to a file of their own.

The workbench is a database in memory that never meets the restricted one: only tables that have
passed the disclosure gate are handed to it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from schemas.indicator import Figure
from schemas.mart import MartColumn, MartTable, mart_tables
from schemas.outcome import Measure, outcome_plan
from schemas.speakable import SpeakableError
from warehouse.store import quoted_path, transaction

# Older clients (R, DBeaver, DuckDB 1.x) read this format; the newest one only reads in 2.x.
STORAGE_VERSION = "v1.0.0"
WORKBENCH = "memory"
# What says which edition this is stays out of the content that the edition is named by.
_EDITION_TABLE = "publication"


class MartError(SpeakableError):
    """The file that stands at the analysts' place is not one that we published."""


@dataclass(frozen=True, slots=True)
class Edition:
    """Which edition a file is: its id, when it came out (UTC), and its waves."""

    publication_id: str
    published_at: datetime
    waves: tuple[str, ...]


@contextmanager
def workbench() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty mart in memory that never spills to disk."""
    settings = {"temp_directory": "", "autoinstall_known_extensions": "false"}
    with duckdb.connect(f":{WORKBENCH}:", config=settings) as mart:
        create_tables(mart, WORKBENCH)
        yield mart


def create_tables(mart: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Make every table of the mart, with a comment on each table and column (bokmål).

    In one transaction: a hundred comments would otherwise be a hundred commits.
    """
    with transaction(mart):
        mart.execute(f"create schema {catalog}.mart").fetchall()
        for table in mart_tables():
            name = f"{catalog}.mart.{table.name}"
            columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
            mart.execute(f"create table {name} ({columns})").fetchall()
            mart.execute(f"comment on table {name} is {_quoted(table.nb)}").fetchall()
            for column in table.columns:
                comment = f"comment on column {name}.{column.name} is {_quoted(column.nb)}"
                mart.execute(comment).fetchall()


def insert_rows(mart: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Add rows to a table of the workbench; columns that the table does not have are left out."""
    [declared] = [entry for entry in mart_tables() if entry.name == table]
    columns = ", ".join(column.name for column in declared.columns)
    mart.register("incoming", rows)
    mart.execute(f"insert into mart.{table} by name select {columns} from incoming").fetchall()
    mart.unregister("incoming")


def fill_dictionary(mart: duckdb.DuckDBPyConnection, figures: Sequence[Figure]) -> None:
    """Describe every table, column and figure.

    A figure of an older wave that is defined no longer keeps the entry that it came out with.
    """
    rows = [row for table in mart_tables() for row in _table_entries(table)]
    rows += [_figure_entry(figure) for figure in figures]
    rows += [_measure_entry(one) for one in outcome_plan().measures if one.in_outcome]
    names = ", ".join(_quoted(figure.id) for figure in figures) or "''"
    mart.execute(
        f"delete from mart.dictionary where entry <> 'indicator' or name in ({names})"
    ).fetchall()
    insert_rows(mart, "dictionary", pa.Table.from_pylist(rows))


def content_id(mart: duckdb.DuckDBPyConnection, catalog: str) -> str:
    """SHA-256 over the rows of every table but the edition's own, in an order of their own."""
    tables = mart.execute(
        "select table_name from duckdb_tables()"
        " where database_name = ? and schema_name = 'mart' and table_name <> ? order by all",
        [catalog, _EDITION_TABLE],
    ).fetchall()
    digest = hashlib.sha256()
    for (table,) in tables:
        [(rows,)] = mart.execute(f"""
            select sha256(coalesce(string_agg(line, chr(10) order by line), ''))
            from (select to_json(t)::varchar as line from {catalog}.mart.{table} as t)
        """).fetchall()
        digest.update(f"{table} {rows}\n".encode())
    return digest.hexdigest()


def edition_of(mart: duckdb.DuckDBPyConnection, path: Path) -> Edition:
    """Which edition the file at `path` says that it is; MartError where it cannot be read."""
    with _ours(mart, path):
        return _edition(mart)


def verified_edition(path: Path) -> Edition:
    """Which edition the file at `path` is, its content held against its id; MartError if not so."""
    with (
        duckdb.connect(config={"autoinstall_known_extensions": "false"}) as mart,
        _ours(mart, path),
    ):
        return _whole_edition(mart, path)


def _whole_edition(mart: duckdb.DuckDBPyConnection, path: Path) -> Edition:
    edition = _edition(mart)
    if content_id(mart, "before") != edition.publication_id:
        raise MartError(
            f"{path.name}: its content does not match its publication id;"
            " put the published file back from the backup"
        )
    return edition


def carry_over(mart: duckdb.DuckDBPyConnection, target: Path) -> Edition | None:
    """Copy what is out already into the workbench, row for row; None where nothing is out.

    A column that an older edition had and this version publishes no longer is left behind; one
    that it did not have yet is null in its rows.

    MartError where the file cannot be read, or its content is not what its id was made from.
    """
    if not target.exists():
        return None
    with _ours(mart, target):
        edition = _whole_edition(mart, target)
        _copy_tables(mart, "before", WORKBENCH)
    mart.execute(f"delete from mart.{_EDITION_TABLE}").fetchall()
    return edition


def write_file(mart: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the workbench to a new file at `path`, and read it back: it must hold the same rows."""
    with _attached(mart, path, "fresh", f"storage_version '{STORAGE_VERSION}'"):
        create_tables(mart, "fresh")
        _copy_tables(mart, WORKBENCH, "fresh")
        mart.execute("checkpoint fresh").fetchall()
    with _attached(mart, path, "written", "read_only"):
        if _content_sums(mart, "written") != _content_sums(mart, WORKBENCH):
            raise MartError(f"{path.name}: reads back differently from what was written")


def _content_sums(mart: duckdb.DuckDBPyConnection, catalog: str) -> list[tuple[object, ...]]:
    """Rows of every table and the sum of their hashes: equal content has equal sums.

    Quicker than a second `content_id`, and enough to tell a spoilt copy; the hash is this DuckDB's
    own and may be another one in the next version.
    """
    return [
        mart.execute(
            f"select count(*), sum(hash(t)::hugeint) from {catalog}.mart.{table.name} as t"
        ).fetchall()[0]
        for table in mart_tables()
    ]


def row_counts(mart: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Rows of every table of the workbench."""
    counts = {}
    for table in mart_tables():
        [(rows,)] = mart.execute(f"select count(*) from mart.{table.name}").fetchall()
        counts[table.name] = int(rows)
    return counts


def _edition(mart: duckdb.DuckDBPyConnection) -> Edition:
    [(publication_id, published_at, waves)] = mart.execute(
        "select publication_id, published_at, waves from before.mart.publication"
    ).fetchall()
    return Edition(publication_id, published_at.replace(tzinfo=UTC), tuple(waves))


def _copy_tables(mart: duckdb.DuckDBPyConnection, source: str, goal: str) -> None:
    there = _columns_of(mart, source)
    for table in mart_tables():
        columns = ", ".join(
            column.name for column in table.columns if (table.name, column.name) in there
        )
        if not columns:  # an older edition that did not have the table yet
            continue
        mart.execute(
            f"insert into {goal}.mart.{table.name} by name"
            f" select {columns} from {source}.mart.{table.name} order by all"
        ).fetchall()


def _columns_of(mart: duckdb.DuckDBPyConnection, catalog: str) -> set[tuple[str, str]]:
    """Every table and column that a file has."""
    query = "select table_name, column_name from duckdb_columns() where database_name = ?"
    return set(mart.execute(query, [catalog]).fetchall())


@contextmanager
def _ours(mart: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    """The published file at `path`, attached as `before`; MartError where it is none."""
    try:
        with _attached(mart, path, "before", "read_only"):
            yield
    except duckdb.Error:
        raise MartError(
            f"{path.name}: not a file that we published, or damaged;"
            " put the published file back from the backup"
        ) from None


@contextmanager
def _attached(
    mart: duckdb.DuckDBPyConnection, path: Path, name: str, option: str
) -> Iterator[None]:
    mart.execute(f"attach {quoted_path(path)} as {name} ({option})").fetchall()
    try:
        yield
    finally:
        mart.execute(f"detach {name}").fetchall()


def _table_entries(table: MartTable) -> Iterator[dict[str, str]]:
    yield _entry("table", table.name, table)
    for column in table.columns:
        yield _entry("column", table.name, column)


def _entry(entry: str, table: str, described: MartTable | MartColumn) -> dict[str, str]:
    return {
        "entry": entry,
        "table_name": table,
        "name": described.name,
        "label_nb": described.name,
        "label_nn": described.name,
        "label_en": described.name,
        "description_nb": described.nb,
        "description_nn": described.nn,
        "description_en": described.en,
    }


def _figure_entry(figure: Figure) -> dict[str, str]:
    return {
        "entry": "indicator",
        "table_name": "indicator",
        "name": figure.id,
        "label_nb": figure.label["nb"],
        "label_nn": figure.label["nn"],
        "label_en": figure.label["en"],
        "description_nb": figure.definition["nb"],
        "description_nn": figure.definition["nn"],
        "description_en": figure.definition["en"],
    }


def _measure_entry(measure: Measure) -> dict[str, str]:
    label, of = measure.label, measure.of
    return {
        "entry": "outcome",
        "table_name": "outcome",
        "name": measure.id,
        "label_nb": label.nb,
        "label_nn": label.nn,
        "label_en": label.en,
        "description_nb": f"Av {of.nb}.",
        "description_nn": f"Av {of.nn}.",
        "description_en": f"Of {of.en}.",
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
