"""Where `serve` keeps its things, and what its processes are told."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from flows.home import Home, HomeError, init_home, load_config
from flows.serve.environment import FIXED, environment, variables
from flows.serve.place import (
    AlreadyServedError,
    Place,
    make_place,
    only_one,
    password,
    write_environment,
)
from flows.serve.processes import prepare, processes
from schemas.settings import Settings
from schemas.settings_server import Server


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home's")


@pytest.fixture
def place(home: Home) -> Place:
    return make_place(home)


@pytest.fixture
def settings(home: Home) -> Settings:
    return load_config(home).settings


def with_server(settings: Settings, **server: object) -> Settings:
    return settings.model_copy(update={"server": Server.model_validate(server)})


def test_everything_is_for_the_pipelines_user_alone(place: Place, settings: Settings) -> None:
    mask = os.umask(0)
    try:
        write_environment(place, variables(place, settings))
    finally:
        os.umask(mask)
    assert stat.S_IMODE(place.store.stat().st_mode) == 0o700
    files = list(place.store.iterdir())
    assert {path.name for path in files} == {"password", "environment"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_password_is_drawn_once_for_each_home(place: Place, tmp_path: Path) -> None:
    assert password(make_place(place.home)) == password(place)
    assert password(make_place(init_home(tmp_path / "other"))) != password(place)
    assert len(password(place)) > 40


def test_password_that_others_may_read_is_not_used(place: Place) -> None:
    place.password_file.chmod(0o640)
    with pytest.raises(HomeError, match="read by others"):
        password(place)


def test_no_command_line_holds_a_secret(place: Place, settings: Settings) -> None:
    word = password(place).partition(":")[2]
    commands = [part for kept in processes(place.home, settings) for part in kept.command]
    assert commands
    assert not any(word in part for part in [*commands, *prepare("--deploy")])


def test_server_is_on_loopback_closed_and_tells_nobody(place: Place, settings: Settings) -> None:
    told = environment(place, settings, {"PREFECT_SERVER_ANALYTICS_ENABLED": "true", "HOME": "/h"})
    assert told["HOME"] == "/h"
    assert told["PREFECT_HOME"] == str(place.home.restricted / "prefect")
    assert told["PREFECT_API_URL"] == "http://127.0.0.1:4200/api"
    assert told["PREFECT_SERVER_API_AUTH_STRING"] == password(place)
    assert {name: told[name] for name in FIXED} == FIXED
    [server] = [kept for kept in processes(place.home, settings) if kept.name == "server"]
    assert server.command[server.command.index("--host") + 1] == "127.0.0.1"


def test_what_a_shell_says_of_prefect_has_no_part_in_it(place: Place, settings: Settings) -> None:
    told = environment(place, settings, {"PREFECT_API_URL": "https://elsewhere", "PREFECT_X": "1"})
    assert told["PREFECT_API_URL"].startswith("http://127.0.0.1:")
    assert "PREFECT_X" not in told


def test_environment_file_gives_a_shell_the_same(place: Place, settings: Settings) -> None:
    """The home's name has a quote in it."""
    told = variables(place, settings)
    write_environment(place, told)
    script = f'set -a; . "{place.environment_file}"; env -0'
    said = subprocess.run(["sh", "-c", script], env={}, capture_output=True, check=True).stdout
    seen = dict(line.split("=", 1) for line in said.decode().split("\0") if line)
    assert {name: seen[name] for name in told} == told


def test_password_of_postgresql_comes_from_its_file(place: Place, settings: Settings) -> None:
    file = place.home.restricted / "word"
    file.write_text("på/rot@7\n", encoding="utf-8")
    file.chmod(0o600)
    url = "postgresql+asyncpg://prefect@127.0.0.1:5432/prefect"
    relative = str(file.relative_to(place.home.root))
    told = variables(place, with_server(settings, database=url, password_file=relative))
    assert told["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == (
        "postgresql+asyncpg://prefect:p%C3%A5%2Frot%407@127.0.0.1:5432/prefect"
    )
    file.chmod(0o644)
    with pytest.raises(HomeError, match="chmod 600"):
        variables(place, with_server(settings, database=url, password_file=str(file)))
    file.unlink()
    with pytest.raises(HomeError, match="cannot be read"):
        variables(place, with_server(settings, database=url, password_file=str(file)))


def test_a_home_has_one_serve(place: Place) -> None:
    with only_one(place), pytest.raises(AlreadyServedError), only_one(place):
        pass
    with only_one(place):
        pass  # the first has ended
