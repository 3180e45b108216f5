"""Going back to an older version: it refuses the newer home, and goes on from the backup."""

import duckdb

from flows.backups.make import backup
from flows.backups.restore import Asked, restore
from tests.faults.machine import files, home_with, run_here
from tests.support.home import NOW
from tests.support.state import contents


def test_older_version_refuses_a_newer_home_and_goes_on_from_the_backup(tmp_path) -> None:
    home = home_with(tmp_path / "home", files(rows=10, count=2))
    assert run_here(home) == (0, "")
    made = backup(home, tmp_path / "backups", with_key=False, now=NOW)
    before = contents(home)
    # What an upgrade leaves: a migration that this version does not have.
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("insert into audit.migration values ('9999_later.sql', 'x', now())")
    code, words = run_here(home)
    assert code == 4
    assert "a newer Klassepuls has been here (1 migration(s)" in words
    assert "restore the backup from before the upgrade" in words
    restore(home.root, made.path, Asked(replace=True), now=NOW)
    assert run_here(home) == (0, "")
    assert contents(home) == before
