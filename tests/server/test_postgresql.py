"""`klassepuls serve` with Prefect's runs in PostgreSQL, a real one with a password."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest

from flows.home import Home
from tests.server.conftest import eventually, served
from tests.support.home import csv_bytes, drop, form, make_home
from tests.support.ports import free_port
from tests.support.programs import missing

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(600),
]
WORD = f"på/rot@{token_hex(8)}"


@pytest.fixture
def port() -> Iterator[int]:
    """A cluster of its own on loopback, whose user `prefect` needs the password."""
    if not PROGRAMS:
        missing("postgresql")
    folder, number = Path(tempfile.mkdtemp()), free_port()
    # Its programs refuse to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres", "postgres")
    data, word = folder / "data", folder / "word"
    word.write_text(WORD, encoding="utf-8")
    word.chmod(0o644)

    def run(program: str, *arguments: str) -> None:
        command = [*user, str(PROGRAMS[-1] / program), *arguments]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    run("initdb", "-D", str(data), "-U", "prefect", "-A", "scram-sha-256", f"--pwfile={word}")
    options = f"-p {number} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    # With a log of its own: it would hold on to our pipes.
    run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield number
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path / "home")
    file = home.restricted / "postgresql-password"
    file.write_text(WORD, encoding="utf-8")
    file.chmod(0o600)
    return home


def test_file_is_taken_in_with_prefects_runs_in_postgresql(home: Home, port: int) -> None:
    database = (
        f'database = "postgresql+asyncpg://prefect@127.0.0.1:{port}/postgres"\n'
        'password_file = "restricted/postgresql-password"\n'
    )
    with served(home, more=database) as prefect:
        drop(home, "svar.csv", csv_bytes([form()]))
        filed = home.outcome / "loaded" / "svar.csv"
        eventually("the file to be taken in", filed.is_file)
        eventually("the run to end", lambda: prefect.runs_of("ingest-inbox/on-drop", "COMPLETED"))
        assert not list(prefect.store.glob("*.db"))
        assert WORD not in prefect.place.log_file.read_text(encoding="utf-8")
