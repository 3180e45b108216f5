"""How a published file is put in place: whole, read-only, and beside its readers."""

import hashlib
import json
import os
import stat
import subprocess
import sys
from datetime import datetime

import duckdb
import pytest

from schemas.mart import mart_tables
from tests.publish.build import deliver, warehouse
from tests.publish.publishing import (
    AFTER_AUTUMN,
    AFTER_SPRING,
    classes,
    ledger_of,
    publish_to,
    read,
    snapshot,
)
from warehouse.mart import MartError


def test_file_and_manifest_are_read_only_and_agree(con, target):
    publication = publish_to(target, con)
    assert [stat.S_IMODE(path.stat().st_mode) for path in target.parent.iterdir()] == [0o440] * 2
    manifest = json.loads(target.with_name("manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert manifest["size_bytes"] == target.stat().st_size
    assert manifest["publication_id"] == publication.publication_id
    assert datetime.fromisoformat(manifest["published_at"]) == AFTER_SPRING
    counted = {table.name: len(read(target, f"from mart.{table.name}")) for table in mart_tables()}
    assert manifest["tables"] == counted == publication.rows


def test_reader_keeps_the_old_file_while_the_new_one_takes_its_place(con, target):
    publish_to(target, con)
    query = "select waves from mart.publication"
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    with duckdb.connect(str(target), read_only=True) as reader:
        assert reader.execute(query).fetchall() == [(["2026-spring"],)]
        publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)
        assert reader.execute(query).fetchall() == [(["2026-spring"],)]
        assert reader.execute("select count(*) from mart.indicator").fetchall()[0][0] > 0
    assert read(target, query) == [(["2026-autumn", "2026-spring"],)]


ANALYST = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as reader:
    print(reader.execute("select count(*) from mart.indicator").fetchall()[0][0])
"""


def test_analyst_reads_while_the_warehouse_is_written(tmp_path, target):
    con = warehouse(tmp_path / "warehouse.duckdb")
    deliver(con, [form for school in "ABCDE" for form in classes(school)])
    rows = publish_to(target, con).rows["indicator"]
    con.begin()
    con.execute("update core.response set grade = 7").fetchall()
    seen = subprocess.run(
        [sys.executable, "-c", ANALYST, str(target)], capture_output=True, text=True, check=True
    )
    con.commit()
    con.close()
    assert int(seen.stdout) == rows


def test_file_can_be_read_by_older_clients(con, target):
    publish_to(target, con)
    header = target.read_bytes()[:64]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64  # the storage version of DuckDB 1.0


@pytest.mark.parametrize("fault", ["table gone", "warehouse closed", "place taken"])
def test_failure_leaves_the_old_file_and_the_next_run_clears_up(con, target, fault):
    publish_to(target, con)
    before = snapshot(target.parent)
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    taken = target.with_name(target.name + ".new")
    broken = con
    if fault == "table gone":
        con.execute("alter table core.flag rename to flag_gone").fetchall()
    elif fault == "warehouse closed":
        broken = warehouse()
        broken.close()
    else:
        taken.mkdir()
    with pytest.raises((duckdb.Error, OSError)):
        publish_to(target, broken, "2026-autumn", at=AFTER_AUTUMN)
    if fault == "table gone":
        con.execute("alter table core.flag_gone rename to flag").fetchall()
    elif fault == "place taken":
        taken.rmdir()
    assert snapshot(target.parent) == before
    assert publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN).changed
    assert len(list(target.parent.iterdir())) == 2


def test_what_an_interrupted_run_left_is_cleared(con, target):
    target.parent.mkdir()
    for name in ("klassepuls.duckdb.new", "klassepuls.duckdb.new.wal", "manifest.json.new"):
        target.with_name(name).write_bytes(b"half a file")
    assert publish_to(target, con).changed
    names = {path.name for path in target.parent.iterdir()}
    assert names == {"klassepuls.duckdb", "manifest.json"}


def test_manifest_that_a_stop_left_behind_is_mended(con, target):
    publish_to(target, con)
    manifest = target.with_name("manifest.json")
    right = manifest.read_bytes()
    manifest.unlink()
    manifest.write_text("{}")
    before = snapshot(target.parent)[target.name]
    assert publish_to(target, con).changed is False
    assert manifest.read_bytes() == right
    assert snapshot(target.parent)[target.name] == before


def spoil(target, damage):
    target.unlink() if damage != "another figure" else target.chmod(0o600)
    if damage == "not a database":
        target.write_bytes(os.urandom(5000))
    elif damage != "gone":
        with duckdb.connect(str(target)) as other:
            change = "update mart.indicator set value = 0.5 where level = 'grade'"
            other.execute(
                change if damage == "another figure" else "create table t (a int)"
            ).fetchall()


@pytest.mark.parametrize("damage", ["gone", "not a database", "another figure", "not ours"])
def test_damaged_file_is_put_back_as_it_came_out_whatever_has_come_late(con, target, damage):
    publish_to(target, con)
    right = snapshot(target.parent)[target.name][2]
    spoil(target, damage)
    con.execute("delete from core.response where school_id = 'A'").fetchall()
    deliver(con, classes("B", bullied=40, grades=(7,)))
    again = publish_to(target, con, at=AFTER_AUTUMN)
    assert again.changed
    assert again.published_at == AFTER_SPRING
    assert snapshot(target.parent)[target.name][2] == right
    assert publish_to(target, con, at=AFTER_AUTUMN).changed is False


@pytest.mark.parametrize("damage", ["not a database", "another figure", "not ours"])
@pytest.mark.parametrize("where", ["file without a ledger", "ledger"])
def test_file_that_we_did_not_publish_is_never_built_upon(con, target, where, damage):
    publish_to(target, con)
    if where == "ledger":
        spoil(ledger_of(target), damage)
    else:
        ledger_of(target).unlink()
        spoil(target, damage)
    before = snapshot(target.parent)
    with pytest.raises(MartError):
        publish_to(target, con)
    assert snapshot(target.parent) == before


def test_home_that_was_restored_from_before_a_wave_came_out_keeps_that_wave(con, target):
    """Its ledger is as old as the backup: what analysts have is out all the same."""
    publish_to(target, con)
    old = ledger_of(target).read_bytes()
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)
    out = snapshot(target.parent)
    ledger_of(target).unlink()
    ledger_of(target).write_bytes(old)
    con.execute("delete from core.response where wave_id = '2026-autumn' and school_id = 'A'")
    again = publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)
    assert again.waves == ("2026-autumn", "2026-spring")
    assert rows_by_table(target) == rows_by_table(ledger_of(target))
    assert read(target, "from mart.publication") == read(ledger_of(target), "from mart.publication")
    assert {name: state[2] for name, state in snapshot(target.parent).items()} == {
        name: state[2] for name, state in out.items()
    }


def test_two_files_with_waves_of_their_own_are_for_a_person(con, target):
    publish_to(target, con)
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    ledger_of(target).unlink()
    target.rename(target.with_name("spring"))
    publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)
    target.unlink()
    target.with_name("spring").rename(target)
    with pytest.raises(MartError, match="each published waves"):
        publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)


def rows_by_table(path) -> dict[str, list[tuple]]:
    return {
        table.name: read(path, f"from mart.{table.name} order by all") for table in mart_tables()
    }


def test_warehouse_is_only_read(con, target):
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() order by all"
    ).fetchall()
    publish_to(target, con)
    assert (
        con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        == tables
    )
    databases = con.execute(
        "select database_name from duckdb_databases() where not internal"
    ).fetchall()
    assert databases == [("memory",)]
