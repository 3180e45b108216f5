"""Each promise of the security chapter names a file that keeps it and a test that tries it."""

import re

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "docs/explanation/security-properties.md"
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and not line.startswith(("| promise", "| ---"))
]
PATH = re.compile(r"`([a-z_]+/[\w/.]*)`")


@pytest.mark.parametrize(
    ("promise", "kept_by", "tried_by"), ROWS, ids=[row[0][:40] for row in ROWS]
)
def test_a_promise_names_files_and_tests_that_are_there(promise, kept_by, tried_by):
    keeping = [path for path in PATH.findall(kept_by) if path != "analyst/"]
    trying = PATH.findall(tried_by)
    assert promise
    assert keeping
    assert trying
    assert all((ROOT / path).exists() for path in [*keeping, *trying])
    assert not any(path.startswith("tests/") for path in keeping)
    assert all(path.startswith("tests/") for path in trying)


def test_every_part_of_the_road_has_a_promise():
    assert len(ROWS) > 25
