"""The locked requirements satisfy what pyproject.toml asks for, and name no host."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = PROJECT["project"]["dependencies"]
DEV = PROJECT["dependency-groups"]["dev"]
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ ;\\]+)(?:\s*;[^\\]*)?\s*\\$")


def locked(name: str) -> tuple[dict[str, str], dict[str, int]]:
    """Version and number of hashes of each package in a lock."""
    versions: dict[str, str] = {}
    hashes: dict[str, int] = {}
    package = ""
    for line in (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines():
        pin = PIN.match(line)
        if pin:
            package = canonicalize_name(pin[1])
            versions[package], hashes[package] = pin[2], 0
        else:
            hashes[package] += line.strip().startswith("--hash=sha256:")
    return versions, hashes


@pytest.mark.parametrize(
    ("name", "wanted"), [("runtime.txt", RUNTIME), ("dev.txt", [*RUNTIME, *DEV])]
)
def test_lock_satisfies_the_project(name, wanted):
    versions, _ = locked(name)
    for text in wanted:
        requirement = Requirement(text)
        version = versions.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in {name}: run `make lock`"
        assert requirement.specifier.contains(version), f"{text}, locked {version}"


@pytest.mark.parametrize("name", ["runtime.txt", "dev.txt"])
def test_every_locked_package_has_its_hashes_and_no_host(name):
    _, hashes = locked(name)
    assert hashes
    assert min(hashes.values()) >= 1
    assert "://" not in (ROOT / "requirements" / name).read_text(encoding="utf-8")


def test_both_locks_agree_on_what_runs():
    runtime, dev = locked("runtime.txt")[0], locked("dev.txt")[0]
    assert {name: dev[name] for name in runtime} == runtime


def test_pandas_is_not_locked():
    assert "pandas" not in locked("dev.txt")[0]
