"""With recipients the health folder holds sealed files alone, and only the right identity opens."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest

from flows.doctor.checks import diagnose
from flows.erasure.expired import erase_expired
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home
from flows.issuing.anew import Wanted, write_anew
from flows.sealing.age import WrongIdentityError, unseal
from tests.conftest import ROOT
from tests.sealing.sealed import (
    CODES,
    ESCROW,
    LEAD,
    SCHOOLS,
    STRANGER,
    files_below,
    nurse_of,
    person,
    seal_settings,
    sealed_home,
)
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, form, run, write_settings
from tests.support.state import bytes_below
from warehouse.failpoint import VARIABLE

EVERYBODY = (*map(nurse_of, SCHOOLS), LEAD, ESCROW, STRANGER)
LATER = NOW + timedelta(days=1)


def sealed_names(schools=SCHOOLS) -> list[str]:
    return sorted(
        f"{place}.{language}.html.age"
        for language in ("nb", "en")
        for school in schools
        for place in (f"{school}/{AUTUMN}/report", f"_adult_route/{AUTUMN}/{school}")
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = sealed_home(tmp_path_factory.mktemp("sealed"))
    run(home)
    return home


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    subprocess.run(["cp", "-a", made.root, tmp_path / "home"], check=True)
    return Home((tmp_path / "home").resolve())


def text_of(home: Home, name: str, who) -> str:
    return unseal((home.health / name).read_bytes(), [who.secret])[0].decode()


def test_health_folder_holds_sealed_files_and_no_code_or_word_of_a_report(made):
    assert files_below(made.health) == sealed_names()
    for content in bytes_below(made.health).values():
        assert not any(code.encode() in content for code in CODES.values())
        assert b"<html" not in content
        assert b"Skole S0" not in content
    assert all(path.stat().st_mode & 0o777 == 0o640 for path in made.health.rglob("*.age"))


@pytest.mark.parametrize(("name", "who"), [*product(sealed_names(), EVERYBODY)])
def test_every_report_opens_with_the_right_identity_and_with_no_other(made, name, who):
    school = next(one for one in SCHOOLS if one in name)
    may_open = {LEAD, ESCROW} if name.startswith("_adult") else {nurse_of(school), ESCROW}
    sealed = (made.health / name).read_bytes()
    if who not in may_open:
        with pytest.raises(WrongIdentityError):
            unseal(sealed, [who.secret])
        return
    page, key = unseal(sealed, [who.secret])
    assert key == who.public
    assert {code for code in CODES.values() if code.encode() in page} == {CODES[school]}


def test_length_of_a_sealed_report_does_not_tell_how_many_are_flagged(made):
    lengths = {(made.health / name).stat().st_size // 1024 for name in sealed_names()}
    assert len(lengths) == 1


def test_unchanged_reports_are_not_written_anew(home):
    before = bytes_below(home.health)
    assert run(home, now=LATER).reports == 0
    assert bytes_below(home.health) == before


def test_report_that_is_due_again_and_says_the_same_keeps_its_bytes(home):
    """As after a restore, which makes every report due."""
    before = bytes_below(home.health)
    statement = "delete from core.stage where stage = 'reported'"
    subprocess.run(
        [sys.executable, "-c",
         "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()",
         home.restricted / "warehouse.duckdb", statement],
        check=True,
    )  # fmt: skip
    assert run(home).reports == 0
    assert bytes_below(home.health) == before
    name = sealed_names()[0]
    (home.health / name).write_bytes(b"age-encryption.org/v1\nsomething else")
    subprocess.run(
        [sys.executable, "-c",
         "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall()",
         home.restricted / "warehouse.duckdb", statement],
        check=True,
    )  # fmt: skip
    assert run(home).reports == 1
    assert CODES["S01"] in text_of(home, name, ESCROW)


def test_other_recipients_of_one_school_reseal_its_reports_alone(home):
    before = bytes_below(home.health)
    successor = person("etterfølger S02")
    nurses = {school: [nurse_of(school)] for school in SCHOOLS} | {"S02": [successor]}
    seal_settings(home, nurses=nurses)
    assert run(home).reports == 2
    after = bytes_below(home.health)
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {f"S02/{AUTUMN}/report.{language}.html.age" for language in ("nb", "en")}
    for name in changed:
        assert CODES["S02"] in text_of(home, name, successor)
        with pytest.raises(WrongIdentityError):
            text_of(home, name, nurse_of("S02"))


def test_home_that_begins_to_seal_keeps_nothing_open_and_one_that_stops_nothing_sealed(home):
    write_settings(home, schools=SCHOOLS)
    run(home)
    plain = files_below(home.health)
    assert [f"{name}.age" for name in plain] == sealed_names()
    cut_off = home.health / "S01" / AUTUMN / ".report.nb.html.partial"
    cut_off.write_text(CODES["S01"], "utf-8")
    seal_settings(home)
    summary = run(home)
    assert (summary.sealed, summary.reports) == (True, len(plain))
    assert files_below(home.health) == sealed_names()


def test_school_that_left_the_settings_has_no_report_in_the_open(home):
    write_settings(home, schools=SCHOOLS)
    run(home)
    seal_settings(home, schools=SCHOOLS[:2])
    text = home.settings_file.read_text("utf-8")
    home.settings_file.write_text(text.replace(ESCROW.toml("delivery.escrow"), ""), "utf-8")
    run(home)
    left = [name for name in files_below(home.health) if "S03" in name]
    # Those about adults have a reader still.
    assert left == [name for name in sealed_names(["S03"]) if name.startswith("_adult")] or not left
    assert not any(name.endswith(".html") for name in files_below(home.health))


@pytest.mark.parametrize("point", ["mid-report", "after-report"])
def test_killed_run_leaves_no_page_in_the_clear(tmp_path, point):
    home = sealed_home(tmp_path)
    killed = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", "--home", home.root],
        cwd=ROOT, env=os.environ | {VARIABLE: f"{point}:2"}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert files_below(home.health)
    codes = [code.encode() for code in CODES.values()]
    for content in bytes_below(home.health).values():
        assert not any(code in content for code in codes)
    run(home)
    assert files_below(home.health) == sealed_names()


def test_erased_pupil_stands_in_no_report_that_anybody_could_open(home):
    drop(home, "more.csv", csv_bytes([form("KODE-MER-1", safety="1")]))
    run(home)
    name = f"S01/{AUTUMN}/report.nb.html.age"
    assert CODES["S01"] in text_of(home, name, ESCROW)
    done = erase_pupil(home, Asked(CODES["S01"]), now=LATER)
    assert done["proof"]["found"] == 0
    for name in files_below(home.health):
        assert CODES["S01"] not in text_of(home, name, ESCROW), name
    assert "KODE-MER-1" in text_of(home, f"S01/{AUTUMN}/report.nb.html.age", ESCROW)
    # Nobody tells of adults any more at that school.
    assert files_below(home.health) == [
        name for name in sealed_names() if not (name.startswith("_adult") and "S01" in name)
    ]


def test_reports_that_were_kept_long_enough_go_sealed_or_not(home):
    old = erase_expired(home, allow_many=True, now=NOW + timedelta(days=91))
    assert old["reports_removed"] == len(sealed_names())
    assert files_below(home.health) == []
    assert run(home, now=NOW + timedelta(days=92)).reports == 0


def test_doctor_says_for_whom_reports_are_sealed_and_finds_one_that_lies_open(home):
    told = [one for one in diagnose(home.root, now=NOW) if one.check == "sealing"]
    assert [(one.verdict, "3 school(s)" in one.told) for one in told] == [("fine", True)]
    (home.health / "S01" / AUTUMN / "report.nb.html").write_text("open", "utf-8")
    told = [one for one in diagnose(home.root, now=NOW) if one.check == "sealing"]
    assert [one.verdict for one in told] == ["mend"]
    write_settings(home, schools=SCHOOLS)
    told = [one for one in diagnose(home.root, now=NOW) if one.check == "sealing"]
    assert [(one.verdict, one.told.startswith("not sealed")) for one in told] == [("note", True)]


@pytest.mark.parametrize(("form_of", "begins"), [("html", b"<!doctype html>"), ("pdf", b"%PDF")])
def test_report_that_is_asked_for_is_sealed_as_the_filed_ones_are(home, tmp_path, form_of, begins):
    wanted = Wanted("S01", None, "nb", form_of, "health_service")
    [place] = write_anew(home, wanted, tmp_path / "paper", now=LATER)
    assert place.name == f"S01.{AUTUMN}.nb.{form_of}.age"
    sealed = place.read_bytes()
    assert CODES["S01"].encode() not in sealed
    with pytest.raises(WrongIdentityError):
        unseal(sealed, [nurse_of("S02").secret])
    assert unseal(sealed, [nurse_of("S01").secret])[0].startswith(begins)
