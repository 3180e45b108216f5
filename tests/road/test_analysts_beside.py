"""Analysts read the published file while the road runs beside them."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from tests.support.home import SPRING, csv_bytes, drop, form, make_home, run, school_class

_READ = """
import sys
import duckdb
seen, reads = set(), 0
print("reading", flush=True)
while not select_stop():
    with duckdb.connect(sys.argv[1], read_only=True) as con:
        seen.add(con.execute("select publication_id from mart.publication").fetchall()[0])
        con.execute("select count(*) from mart.indicator").fetchall()
        reads += 1
print(len(seen), reads)
"""
_READ = _READ.replace(
    "import sys\n",
    "import select\nimport sys\n"
    "def select_stop():\n    return bool(select.select([sys.stdin], [], [], 0)[0])\n",
    1,
)


@contextmanager
def analyst_who_reads(path: Path) -> Iterator[list[str]]:
    """Another process that opens the published file over and over; its last words come after."""
    said: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", _READ, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == "reading\n"
        yield said
        out, errors = reader.communicate("stop\n")
        assert (reader.returncode, errors) == (0, "")
        said += out.split()


def at_night(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 5, 15, tzinfo=UTC)


def test_analyst_reads_on_while_new_editions_are_published(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "7A.csv", csv_bytes(school_class(20)))
    run(home, now=at_night(2025, 12, 15))
    with analyst_who_reads(home.published) as said:
        for number in range(4):
            spring = {"wave": SPRING, "submitted_on": "2026-03-10", "prefix": f"S{number}-"}
            drop(home, f"{number}.csv", csv_bytes(school_class(20, **spring)))
            now = at_night(2026, 3, 16) + timedelta(days=7 * number)
            summary = run(home, now=now)
            assert summary.publication
    editions, reads = map(int, said)
    assert editions == 2
    assert reads > 4


def test_reader_that_keeps_the_file_open_keeps_its_edition(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "7A.csv", csv_bytes(school_class(20)))
    run(home, now=at_night(2025, 12, 15))
    with duckdb.connect(str(home.published), read_only=True) as con:
        query = "select waves from mart.publication"
        before = con.execute(query).fetchall()
        drop(home, "8A.csv", csv_bytes([form(wave=SPRING, submitted_on="2026-03-10")] * 1))
        assert run(home).publication.changed
        assert con.execute(query).fetchall() == before
    with duckdb.connect(str(home.published), read_only=True) as con:
        assert con.execute(query).fetchall() != before
    assert home.published.stat().st_mode & 0o777 == 0o440
