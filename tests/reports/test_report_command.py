"""`klassepuls report`: written anew for one who asks, readable for them only, and logged."""

import shutil
import stat
from pathlib import Path

import pytest

from flows.cli import DONE, USAGE, main
from flows.home import Home, load_config, open_home
from flows.road import at_work
from tests.reports.pdf import Pdf
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, form, make_home, run
from tests.support.state import bytes_below

BY_ADULT = {"bullied_by_adults": "4"}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = make_home(tmp_path_factory.mktemp("once"))
    drop(made, "a.csv", csv_bytes([form("P100", safety="1"), form("P101", **BY_ADULT)]))
    run(made)
    return made


@pytest.fixture
def home(once: Home, tmp_path: Path) -> Home:
    return open_home(shutil.copytree(once.root, tmp_path / "home"))


def report(home: Home, folder: Path, *more: str) -> int:
    return main(["report", "--home", str(home.root), "--out", str(folder), *more])


def told(home: Home) -> list[tuple[str, str]]:
    with at_work(home, load_config(home), now=NOW) as con:
        return con.execute("""
            select subject, detail from audit.event where action = 'report.written'
            order by event_no
        """).fetchall()


def test_a_pdf_and_a_page_of_one_school_are_written_and_told(home, tmp_path):
    out = tmp_path / "out"
    assert report(home, out, "--school", "S01", "--lang", "nb", "--format", "pdf") == DONE
    assert report(home, out, "--school", "S01", "--lang", "nb") == DONE
    assert sorted(path.name for path in out.iterdir()) == [
        f"S01.{AUTUMN}.nb.html", f"S01.{AUTUMN}.nb.pdf",
    ]  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    pages = Pdf((out / f"S01.{AUTUMN}.nb.pdf").read_bytes()).pages
    assert "P100" in "".join(pages)
    assert "P101" not in "".join(pages)
    assert told(home) == [
        (f"{AUTUMN}/S01", f'{{"format": "{one}", "languages": ["nb"], "route": "health_service"}}')
        for one in ("pdf", "html")
    ]


def test_the_log_names_no_code_and_the_page_ends_with_its_head(home, tmp_path):
    assert report(home, tmp_path / "one", "--lang", "en") == DONE
    with at_work(home, load_config(home), now=NOW) as con:
        [(head,)] = con.execute("select max_by(sha256, event_no) from audit.event").fetchall()
    assert report(home, tmp_path / "two", "--lang", "en") == DONE
    page = (tmp_path / "two" / f"S01.{AUTUMN}.en.html").read_text("utf-8")
    assert f"Head of the log of decisions when the report was made: {head}" in page
    assert not [code for code in ("P100", "P101") if code in str(told(home))]


def test_the_adults_route_is_asked_for_by_itself(home, tmp_path):
    out = tmp_path / "out"
    assert report(home, out, "--adults", "--lang", "nb") == DONE
    [path] = out.iterdir()
    assert path.name == f"S01.{AUTUMN}.adults.nb.html"
    assert "P101" in path.read_text("utf-8")
    assert "P100" not in path.read_text("utf-8")


@pytest.mark.parametrize("more", [("--school", "S99"), ("--wave", "1999-V")])
def test_a_report_that_there_is_not_is_refused_and_nothing_is_told(home, tmp_path, more):
    assert report(home, tmp_path / "out", *more) == USAGE
    assert not (tmp_path / "out").exists()
    assert told(home) == []


def test_a_file_that_lies_there_stays(home, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    kept = out / f"S01.{AUTUMN}.nb.html"
    kept.write_text("mine")
    assert report(home, out, "--lang", "nb") == USAGE
    assert kept.read_text() == "mine"
    assert told(home) == []


def test_nothing_is_written_within_the_home(home):
    before = bytes_below(home.health)
    assert report(home, home.health / "S01", "--lang", "nb") == USAGE
    assert bytes_below(home.health) == before
    assert told(home) == []
