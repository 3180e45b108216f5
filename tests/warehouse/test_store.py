"""The warehouse's file: migrations once and whole, one writer, and no way out of its folders."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from flows.validation import validated_blocks
from schemas.reason import Reason
from tests.support.loading import (
    deliver,
    load_blocks,
    memory_warehouse,
    recognised,
    snapshot,
    tiny,
    tiny_config,
)
from transforms.readers.reading import FileProblem
from transforms.validate import Validated
from warehouse import store
from warehouse.store import WarehouseBusyError, migrate, migrations, only_writer, transaction

NOW = datetime(2026, 4, 20, 5, 15, tzinfo=UTC)


@contextmanager
def opened(root: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    for name in ("restricted/vault", "restricted/spill", "analyst"):
        (root / name).mkdir(parents=True, exist_ok=True)
    with store.open_warehouse(root / "restricted", analyst=root / "analyst", now=NOW) as con:
        yield con


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("attach ':memory:' as vault").fetchall()
        yield made


def applied(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.execute("select name from audit.migration order by rowid").fetchall()
    return [name for (name,) in found]


# Migrations


def test_migrations_are_applied_once_and_in_order(con):
    assert migrate(con, now=NOW) == sorted(migrations())
    assert migrate(con, now=NOW) == []
    assert applied(con) == sorted(migrations())


def test_new_migration_is_applied_to_a_file_that_has_the_old_ones(con, monkeypatch):
    migrate(con, now=NOW)
    later = migrations() | {"9999_later.sql": "create table core.later (x int);\n"}
    monkeypatch.setattr(store, "migrations", lambda: later)
    assert migrate(con, now=NOW) == ["9999_later.sql"]
    assert applied(con)[-1] == "9999_later.sql"


def test_migration_that_stops_halfway_leaves_the_old_state(con, monkeypatch):
    migrate(con, now=NOW)
    before = snapshot(con)
    torn = "create table core.later (x int);\nalter table core.no_such_table add y int;\n"
    monkeypatch.setattr(store, "migrations", lambda: migrations() | {"9999_torn.sql": torn})
    with pytest.raises(duckdb.CatalogException):
        migrate(con, now=NOW)
    assert snapshot(con) == before


def test_migration_survives_closing_and_opening_again(tmp_path):
    with opened(tmp_path) as con:
        first = applied(con)
    with opened(tmp_path) as con:
        assert applied(con) == first


# One writer

_HOLD = """
import sys
from pathlib import Path
from warehouse.store import only_writer
with only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_that_writes(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-c", _HOLD, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        yield
        other.communicate()


def test_second_writer_is_told_at_once_that_another_run_holds_the_warehouse(tmp_path):
    with (
        another_process_that_writes(tmp_path),
        pytest.raises(WarehouseBusyError, match="another run holds the warehouse"),
        only_writer(tmp_path),
    ):
        pytest.fail("two writers at once")
    with only_writer(tmp_path):
        pass


def test_lock_is_free_again_when_its_holder_was_killed(tmp_path):
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        other.kill()
    with only_writer(tmp_path):
        pass


# No way out


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "names.csv").write_text("code;name\n1;a\n")
    duckdb.connect(str(folder / "other.duckdb")).close()
    return folder


@pytest.mark.parametrize(
    "statement",
    [
        "from read_csv('{outside}/names.csv')",
        "from read_text('{outside}/names.csv')",
        "from glob('{outside}/*')",
        "attach '{outside}/other.duckdb'",
        "attach '{outside}/new.duckdb'",
        "copy (select 1) to '{outside}/out.csv'",
        "copy (select 1) to '{outside}/out.parquet' (format parquet)",
        "export database '{outside}/dump'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "set temp_directory = '{outside}'",
        "set allowed_directories = ['/']",
    ],
)
def test_connection_cannot_leave_its_folders_nor_be_allowed_to(tmp_path, outside, statement):
    before = sorted(outside.iterdir())
    with opened(tmp_path / "home") as con, pytest.raises(duckdb.Error):
        con.execute(statement.format(outside=outside)).fetchall()
    assert sorted(outside.iterdir()) == before


def test_connection_cannot_leave_its_folders_by_a_path_that_climbs(tmp_path, outside):
    climbing = tmp_path / "home" / "analyst" / ".." / ".." / "outside" / "names.csv"
    with opened(tmp_path / "home") as con, pytest.raises(duckdb.Error):
        con.execute("from read_csv($path)", {"path": str(climbing)}).fetchall()


def test_connection_reaches_its_own_folders(tmp_path, outside):
    with opened(tmp_path / "home") as con:
        inside = tmp_path / "home" / "analyst" / "out.csv"
        con.execute(f"copy (select 1 as one) to '{inside}'").fetchall()
    assert inside.read_text() == "one\n1\n"


def test_what_does_not_fit_in_memory_is_spilled_inside_the_restricted_folder(tmp_path):
    with opened(tmp_path) as con:
        [(where,)] = con.execute("select current_setting('temp_directory')").fetchall()
    assert where == str(tmp_path / "restricted" / "spill")


def test_folder_with_a_quote_in_its_name_is_no_obstacle(tmp_path):
    with opened(tmp_path / "Kari's kommune") as con:
        assert con.execute("select count(*) from vault.code").fetchall() == [(0,)]


# All or nothing


def test_error_in_a_transaction_takes_everything_back(con):
    con.execute("create table kept (x int)").fetchall()

    def stop_halfway() -> None:
        with transaction(con):
            con.execute("insert into kept values (1)").fetchall()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop_halfway()
    assert con.execute("from kept").fetchall() == []


@pytest.mark.parametrize(
    "missing",
    ["core.answer_tiny_v1", "quarantine.row", "quarantine.response", "core.delivery"],
)
def test_load_that_fails_at_any_table_leaves_no_row_and_no_ledger_entry(missing):
    config = tiny_config()
    with memory_warehouse(config) as con:
        deliver(con, config, [tiny("P001")])
        con.execute("drop view core.answer").fetchall()
        schema, _, name = missing.partition(".")
        con.execute(f"alter table {schema}.{name} rename to {name}_away").fetchall()
        before = {table: rows for table, rows in snapshot(con).items() if ".code" not in table}
        # Something for every step: a new form, a contradiction, a copy and a bad row.
        rows = [tiny("P002"), tiny("P001", first="2"), tiny("P002"), tiny("P003", first="9")]
        with pytest.raises(duckdb.Error):
            deliver(con, config, rows)
        after = {table: rows for table, rows in snapshot(con).items() if ".code" not in table}
        assert after == before
        con.execute(f"alter table {schema}.{name}_away rename to {name}").fetchall()
        deliver(con, config, rows)
        assert [tuple(row) for row in con.execute(_COUNTS).fetchall()] == [
            (1, 0, 1, 0),
            (4, 1, 2, 1),
        ]


_COUNTS = """
    select delivered, accepted, quarantined, dropped from core.delivery order by delivery_no
"""


def test_reader_that_breaks_in_the_middle_leaves_no_row_and_no_code():
    config = tiny_config()
    deliveries = recognised(config, [tiny("P001")])

    def blocks_that_break() -> Iterator[Validated]:
        yield from validated_blocks(deliveries, config)
        raise FileProblem(Reason.COUNTS_DO_NOT_ADD_UP)

    with memory_warehouse(config) as con:
        before = snapshot(con)
        with pytest.raises(FileProblem):
            load_blocks(con, config, deliveries, blocks_that_break())
        assert snapshot(con) == before


def test_disk_that_is_full_leaves_no_row_and_the_next_run_loads_everything():
    config = tiny_config()
    rows = [tiny(f"P{number:05}", first=str(number % 3 + 1)) for number in range(60_000)]
    with memory_warehouse(config) as con:
        con.execute("set max_temp_directory_size = '0B'").fetchall()
        con.execute("set memory_limit = '9MB'").fetchall()
        with pytest.raises(duckdb.OutOfMemoryException):
            deliver(con, config, rows)
        assert con.execute("select count(*) from core.response").fetchall() == [(0,)]
        assert con.execute("select count(*) from core.delivery").fetchall() == [(0,)]
        con.execute("set memory_limit = '1GB'").fetchall()
        deliver(con, config, rows)
        assert con.execute(_COUNTS).fetchall() == [(60_000, 60_000, 0, 0)]
