"""The units and the container file: they start commands that there are, shut in as they say."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from flows import cli
from tests.conftest import ROOT

UNITS = sorted((ROOT / "deploy" / "systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def said(unit: Path, key: str) -> list[str]:
    """Every value of a key."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(f"{key}=")]


def name_of(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("unit", SERVICES, ids=name_of)
def test_unit_starts_a_command_that_there_is_as_the_pipelines_user(unit: Path) -> None:
    [line] = said(unit, "ExecStart")
    program, *arguments = shlex.split(line)
    assert program == "/srv/klassepuls/src/.venv/bin/klassepuls"
    parsed = cli.command_line().parse_args(arguments)
    assert callable(parsed.command)
    assert said(unit, "User") == ["klassepuls"]
    assert said(unit, "Environment") == ["KLASSEPULS_HOME=/srv/klassepuls/home"]


@pytest.mark.parametrize("unit", SERVICES, ids=name_of)
def test_unit_may_write_to_its_home_and_reaches_nothing_outside(unit: Path) -> None:
    for key in ("ProtectSystem", "ProtectHome", "NoNewPrivileges", "PrivateTmp"):
        assert said(unit, key) in (["yes"], ["strict"]), key
    assert said(unit, "CapabilityBoundingSet") == [""]
    [places] = said(unit, "ReadWritePaths")
    assert set(places.split()) <= {"/srv/klassepuls/home", "/srv/klassepuls/backup"}
    is_alone = said(unit, "PrivateNetwork") == ["yes"]
    on_loopback = (said(unit, "IPAddressDeny"), said(unit, "IPAddressAllow"))
    assert is_alone or on_loopback == (["any"], ["localhost"])


def test_serve_is_not_started_again_where_a_person_has_to_come_first() -> None:
    [service] = [path for path in SERVICES if path.stem == "klassepuls"]
    [codes] = said(service, "RestartPreventExitStatus")
    assert set(map(int, codes.split())) == {cli.USAGE, cli.BUSY, cli.REFUSED}


def test_each_timer_has_its_service() -> None:
    timers = {path.stem for path in UNITS if path.suffix == ".timer"}
    assert timers == {"klassepuls-backup", "klassepuls-doctor"}
    assert timers <= {path.stem for path in SERVICES}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=name_of)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    """It would also ask whether the program is there, so a copy names one that is."""
    for path in UNITS:
        text = path.read_text(encoding="utf-8")
        (tmp_path / path.name).write_text(
            re.sub(r"(?m)^(ExecStart=)\S+", r"\1/bin/true", text), encoding="utf-8"
        )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--recursive-errors=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if "klassepuls" in line]
    assert (done.returncode, ours) == (0, [])


def test_container_copies_what_there_is_and_all_that_runs() -> None:
    copied = [line.split()[1:-1] for line in CONTAINER.splitlines() if line.startswith("COPY ")]
    sources = {name for names in copied for name in names}
    assert all((ROOT / name).exists() for name in sources)
    packages = {"flows", "reports", "warehouse", "transforms", "schemas"}
    assert packages | {"prefect.yaml", "requirements/runtime.txt"} <= sources


def test_container_runs_serve_as_nobody_special() -> None:
    lines = dict(line.split(" ", 1) for line in CONTAINER.splitlines() if " " in line)
    assert json.loads(lines["ENTRYPOINT"]) == ["python", "-m", "flows.cli"]
    assert callable(cli.command_line().parse_args(json.loads(lines["CMD"])).command)
    assert lines["USER"] == "klassepuls"
    assert "EXPOSE" not in lines
    assert "--require-hashes" in lines["RUN"] or "--require-hashes" in CONTAINER
