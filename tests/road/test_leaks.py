"""Planted codes, cells and names are searched for wherever a run leaves something.

Every search has a positive control: what must be found somewhere is found there by the same search.
"""

import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from flows.home import Home
from tests.erase.tokens import contents_below
from tests.support.home import (
    AUTUMN,
    SPRING,
    make_home,
)
from tests.support.loading import deliver, full_config, memory_warehouse
from tests.support.planted import CODES, OF_PUPILS, fill, found_in, planted_rows
from tests.support.state import bytes_below, filed, warehouse_of

ROOT = Path(__file__).resolve().parents[2]

# The road as a program runs it: with every logger talking, and failures on the way. One of them is
# that what reads the files is killed while it is at it.
_RUN = """
import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from threading import Thread
from flows.reading import room as reading_room
killed = []
def kill():
    while not killed:
        pid = reading_room._ROOM.pid
        # It has let go of all files by the time that it reads the first of ours.
        limits = Path(f"/proc/{pid}/limits").read_text() if pid else ""
        if "Max open files            0 " in limits:
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)
Thread(target=kill, daemon=True).start()
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("positive.control").debug("logging works")
warnings.simplefilter("always")
from flows.cli import main
for _ in range(2):
    main(["run", "--home", sys.argv[1]])
    main(["flags", "--home", sys.argv[1]])
    for path in sorted(Path(sys.argv[1]).glob("outcome/*/*")):
        main(["check", "--home", sys.argv[1], str(path)])
print("readers killed:", len(killed))
"""


@dataclass(frozen=True)
class Planted:
    """A home after its runs, all that the processes said, and where else they could write."""

    home: Home
    said: str
    temporary: Path


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    home = make_home(tmp_path_factory.mktemp("leaks") / "home", waves=(AUTUMN, SPRING))
    fill(home)
    temporary = tmp_path_factory.mktemp("temporary")
    environment = os.environ | {"TMPDIR": str(temporary)}
    # Killed with all of it in hand; whatever it left lies there still when the next run comes.
    killed = _process(
        "-m", "flows.cli", "run", "--home", home.root,
        env=environment | {"KLASSEPULS_FAILPOINT": "before-load-commit"},
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    done = _process("-c", _RUN, home.root, env=environment)
    assert done.returncode == 0, "the run itself failed"
    said = "".join((killed.stdout, killed.stderr, done.stdout, done.stderr))
    return Planted(home, said, temporary)


def _process(*arguments: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_everything_planted_has_gone_its_way(planted):
    """The planted files have been loaded, held and refused: there was something to leak."""
    with warehouse_of(planted.home) as con:
        outcomes = dict(
            con.execute("""
            select outcome, count(*) from core.delivery group by all
        """).fetchall()
        )
        reasons = {
            reason
            for (reason,) in con.execute("""
                select distinct unnest(reason_codes) from quarantine.row
            """).fetchall()
        }
        [(flags,)] = con.execute("select count(*) from core.flag").fetchall()
    assert set(outcomes) == {"loaded", "duplicate", "quarantined", "rejected"}
    assert {"PUPIL_CODE_INVALID", "ANSWER_NOT_AN_OPTION", "CONFLICTING_ANSWERS"} <= reasons
    assert {"FIELD_COUNT", "QUOTE_MISPLACED"} <= reasons
    assert flags > 0


def test_nothing_planted_is_in_output_logs_or_exceptions(planted):
    said = planted.said.encode()
    assert found_in(said) == []
    assert b"DEBUG:positive.control:logging works" in said
    assert b"ANSWER_NOT_AN_OPTION" in said
    assert b"readers killed: 1" in said
    assert b"Traceback" not in said
    assert found_in(said + CODES[3].encode()) == [3]


@pytest.mark.parametrize(
    "table",
    ["core.answer_klassepuls_core_v1", "quarantine.row", "quarantine.response", "core.delivery"],
)
def test_error_in_the_middle_of_a_load_quotes_nothing_planted(table):
    config = full_config()
    schema, _, name = table.partition(".")
    with memory_warehouse(config) as con:
        con.execute("drop view core.answer").fetchall()
        con.execute(f"alter table {schema}.{name} rename to {name}_away").fetchall()
        with pytest.raises(duckdb.Error) as failed:
            deliver(con, config, planted_rows() + planted_rows()[: len(CODES)])
    told = "".join(traceback.format_exception(failed.value, chain=True))
    assert found_in(told.encode()) == []
    assert name in told


def test_nothing_planted_is_in_a_note(planted):
    for name, outcome in filed(planted.home).items():
        for ending in (".json", ".txt"):
            note = (planted.home.outcome / outcome / f"{name}{ending}").read_bytes()
            assert found_in(note) == []
            assert b"outcome" in note or b" / " in note
    files = [
        (planted.home.outcome / outcome / name).read_bytes()
        for name, outcome in filed(planted.home).items()
        if outcome != "rejected"
    ]
    assert set(range(len(CODES))) <= {number for content in files for number in found_in(content)}


def test_codes_and_cells_never_reach_the_warehouse_file(planted):
    below = bytes_below(planted.home.restricted)
    for name, content in below.items():
        if not name.startswith("vault/"):
            assert found_in(content) == [], name
    # The vault is where the codes of sound rows are, and nothing else of what was planted.
    vault = found_in(below["vault/vault.duckdb"])
    assert vault == OF_PUPILS
    assert b"ANSWER_NOT_AN_OPTION" in below["warehouse.duckdb"]


def test_nothing_planted_and_no_pseudonym_reaches_the_analysts(planted):
    with warehouse_of(planted.home) as con:
        pupils = [
            pupil.encode()
            for (pupil,) in con.execute("select distinct pupil from core.response").fetchall()
        ]
    restricted = bytes_below(planted.home.restricted)["warehouse.duckdb"]
    assert any(pupil in restricted for pupil in pupils)
    published = bytes_below(planted.home.analyst)
    assert "klassepuls.duckdb" in published
    for content in published.values():
        assert found_in(content) == []
        assert not any(pupil in content for pupil in pupils)


def test_reports_show_codes_of_the_flagged_and_no_cell_name_or_pseudonym(planted):
    with warehouse_of(planted.home) as con:
        pupils = [
            pupil.encode()
            for (pupil,) in con.execute("select distinct pupil from core.response").fetchall()
        ]
    shown: dict[str, set[int]] = {}
    for name, content in bytes_below(planted.home.health).items():
        shown.setdefault(_school_of(name), set()).update(found_in(content))
        assert not any(pupil in content for pupil in pupils)
    ours, theirs = set(OF_PUPILS[: len(CODES)]), set(OF_PUPILS[len(CODES) :])
    assert shown["S01"]
    assert shown["S01"] <= ours
    assert shown["S02"] == theirs


def _school_of(report: str) -> str:
    """The health service's reports lie in a school's folder; those of the other route are named."""
    return next(part for part in report.replace(".", "/").split("/") if part in ("S01", "S02"))


def test_nothing_planted_is_left_in_temporary_or_spill_folders(planted):
    for folder in (planted.temporary, planted.home.restricted / "spill"):
        for content in contents_below(folder).values():
            assert found_in(content) == []


def test_nothing_planted_is_in_the_published_tables_or_packages(planted):
    """Unpacked and read as tables: a byte search misses what a database packs."""
    published = contents_below(planted.home.analyst)
    assert any(b"mart" in content or b"S01" in content for content in published.values())
    assert [found_in(content) for content in published.values()] == [[]] * len(published)
    # The same search finds them where they are.
    assert found_in(contents_below(planted.home.restricted)["vault/vault.duckdb"]) == OF_PUPILS
    workbook = contents_below(planted.home.outcome)
    assert any(name.endswith(".xlsx") and found_in(content) for name, content in workbook.items())


def test_restricted_folders_are_for_the_pipelines_user_alone(planted):
    home = planted.home
    for folder in (home.restricted, home.restricted / "vault", home.restricted / "spill"):
        assert folder.stat().st_mode & 0o077 == 0
    assert home.key_file.stat().st_mode & 0o777 == 0o400
    for path in (*home.health.rglob("*"), *home.outcome.iterdir()):
        assert path.stat().st_mode & 0o007 == 0, "others may read it"
    assert list((home.restricted / "spill").iterdir()) == []
