"""The command before anything runs: what is wrong is told by its exit code, without Prefect."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from flows import cli
from flows.home import Home, init_home
from flows.serve.place import make_place, only_one
from tests.conftest import ROOT


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home")


def add(home: Home, text: str) -> None:
    with home.settings_file.open("a", encoding="utf-8") as settings:
        settings.write(text)


def serve(home: Home) -> int:
    return cli.main(["serve", "--home", str(home.root)])


def test_wrong_settings_end_with_2(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    add(home, "\n[server]\nport = 80\n")
    assert serve(home) == 2
    assert "server.port" in capsys.readouterr().err


def test_missing_home_ends_with_2(tmp_path: Path) -> None:
    assert cli.main(["serve", "--home", str(tmp_path)]) == 2


def test_second_serve_ends_with_3(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with only_one(make_place(home)):
        assert serve(home) == 3
    assert capsys.readouterr().err.startswith("nothing done: another `klassepuls serve`")


def test_taken_port_ends_with_5(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        add(home, f"\n[server]\nport = {listener.getsockname()[1]}\n")
        assert serve(home) == 5
    assert "is taken" in capsys.readouterr().err


IMPORTS = """
import sys
import flows.serve.serve, flows.cli, flows.watch_inbox
print(sorted(name for name in sys.modules if name == "prefect" or name.startswith("fastapi")))
"""


def test_what_keeps_the_processes_never_imports_prefect() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
