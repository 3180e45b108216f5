"""`klassepuls open` unseals for the right person alone, notes it, and leaves nothing beside."""

import json
import sys
from pathlib import Path

import pytest

from flows.cli import main
from flows.home import Home, HomeError
from flows.sealing.age import seal, unseal
from flows.sealing.identities import new_identity, read_identities
from tests.sealing.sealed import CODES, LEAD, files_below, key_file, nurse_of, sealed_home
from tests.support.home import AUTUMN, NOW, run
from tests.support.state import warehouse_of

NURSE, OTHER = nurse_of("S01"), nurse_of("S02")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = sealed_home(tmp_path_factory.mktemp("open"))
    run(home)
    return home


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("KLASSEPULS_HOME", raising=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))


def report(home: Home, name: str = "S01") -> Path:
    return home.health / name / AUTUMN / "report.nb.html.age"


def opens(tmp_path: Path, place: Path, who, *more: str) -> int:
    return main(["open", str(place), "--identity", str(key_file(tmp_path, who)), *more])


def events(home: Home) -> list[tuple[str, dict[str, str]]]:
    with warehouse_of(home) as con:
        found = con.execute("""
            select action, detail from audit.event where subject = 'report' order by event_no
        """).fetchall()
    return [(action, json.loads(detail)) for action, detail in found]


def test_report_opens_where_the_person_says_and_the_log_tells_of_it(home, tmp_path, capsys):
    before, noted = files_below(home.health), len(events(home))
    out = tmp_path / "report.html"
    assert opens(tmp_path, report(home), NURSE, "--out", str(out)) == 0
    assert CODES["S01"] in out.read_text("utf-8")
    assert out.stat().st_mode & 0o777 == 0o600
    assert files_below(home.health) == before
    [(action, detail)] = events(home)[noted:]
    assert action == "report.opened"
    assert (detail["school"], detail["wave"], detail["route"]) == ("S01", AUTUMN, "health_service")
    assert NURSE.public.startswith(detail["key"])
    assert CODES["S01"] not in json.dumps(detail)
    assert CODES["S01"] not in "".join(capsys.readouterr())
    assert not (tmp_path / "state").exists()


def test_wrong_identity_is_refused_and_the_log_tells_of_that_too(home, tmp_path, capsys):
    noted, out = len(events(home)), tmp_path / "report.html"
    assert opens(tmp_path, report(home), OTHER, "--out", str(out)) == 4
    assert not out.exists()
    assert [action for action, _ in events(home)[noted:]] == ["report.open_refused"]
    said = capsys.readouterr()
    assert "does not open the report" in said.err
    assert OTHER.secret not in said.err + said.out


def test_without_out_it_opens_into_a_folder_of_ones_own_that_is_told(home, tmp_path, capsys):
    adults = home.health / "_adult_route" / AUTUMN / "S01.nb.html.age"
    assert opens(tmp_path, adults, LEAD) == 0
    told = Path(capsys.readouterr().out.splitlines()[0].removeprefix("Opened: "))
    assert told.is_relative_to(tmp_path / "temporary")
    assert told.parent.stat().st_mode & 0o777 == 0o700
    assert told.stat().st_mode & 0o777 == 0o600
    assert CODES["S01"] in told.read_text("utf-8")
    assert events(home)[-1][1]["route"] == "adult_route"


def test_copy_of_a_report_is_known_in_the_home_by_its_bytes(home, tmp_path, capsys):
    copy = tmp_path / "downloaded.age"
    copy.write_bytes(report(home).read_bytes())
    place = ["--home", str(home.root), "--out", str(tmp_path / "out.html")]
    assert opens(tmp_path, copy, NURSE, *place) == 0
    assert events(home)[-1][1]["school"] == "S01"


def test_on_a_machine_without_a_home_a_note_of_ones_own_is_kept(home, tmp_path, capsys):
    copy = tmp_path / "klassepuls-1.html.age"
    copy.write_bytes(report(home).read_bytes())
    noted = len(events(home))
    assert opens(tmp_path, copy, OTHER, "--out", str(tmp_path / "no.html")) == 4
    assert opens(tmp_path, copy, NURSE, "--out", str(tmp_path / "out.html")) == 0
    notes = tmp_path / "state" / "klassepuls" / "opened.jsonl"
    assert str(notes) in capsys.readouterr().err
    [line] = notes.read_text("utf-8").splitlines()
    assert json.loads(line)["file"] == "klassepuls-1.html.age"
    assert CODES["S01"] not in line
    assert notes.stat().st_mode & 0o777 == 0o600
    assert len(events(home)) == noted


def test_to_standard_output_comes_the_page_and_nothing_else(home, tmp_path, capfdbinary):
    assert opens(tmp_path, report(home), NURSE, "--out", "-") == 0
    sys.stdout.flush()
    said = capfdbinary.readouterr()
    assert said.err == b""
    assert said.out.startswith(b"<!doctype html>")
    assert said.out.rstrip().endswith(b"</html>")
    assert CODES["S01"].encode() in said.out


BAD = {
    "no report": (lambda _h, tmp: tmp / "none.age", "report.html", 2, "cannot be read"),
    "not sealed": (lambda h, _tmp: h.settings_file, "report.html", 2, "no sealed report"),
    "a file is there": (lambda h, _tmp: report(h), "there.html", 2, "a file at --out already"),
    "in the home": (lambda h, _tmp: report(h), None, 2, "in a pipeline's home"),
    "no folder": (lambda h, _tmp: report(h), "no/such.html", 2, "not there"),
}


@pytest.mark.parametrize(("place", "out", "code", "said"), BAD.values(), ids=BAD)
def test_what_cannot_be_opened_or_written_is_said(home, tmp_path, capsys, place, out, code, said):
    (tmp_path / "there.html").write_text("kept", "utf-8")
    before, noted = files_below(home.health), len(events(home))
    to = report(home).with_suffix("") if out is None else tmp_path / out
    assert opens(tmp_path, place(home, tmp_path), NURSE, "--out", str(to)) == code
    assert said in capsys.readouterr().err
    assert (tmp_path / "there.html").read_text("utf-8") == "kept"
    assert files_below(home.health) == before
    # Nothing is said to be opened that nobody was given.
    assert len(events(home)) == noted


@pytest.mark.parametrize("cut", [1, 40, 2000])
def test_changed_or_cut_report_is_refused(home, tmp_path, cut):
    sealed = report(home).read_bytes()
    copy = tmp_path / "cut.age"
    for content in (sealed[:-cut], sealed[:-cut] + bytes(cut)):
        copy.write_bytes(content)
        assert opens(tmp_path, copy, NURSE, "--out", str(tmp_path / "x.html")) == 4
    assert not (tmp_path / "x.html").exists()


# --- identities ---


def test_new_identity_is_for_its_owner_alone_and_opens_what_is_sealed_to_its_key(tmp_path, capsys):
    folder = tmp_path / "mine"
    assert main(["recipients", "new", str(folder)]) == 0
    said = capsys.readouterr().out
    [path] = folder.iterdir()
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o400)
    key = next(word.strip('"') for word in said.split() if word.startswith('"age1'))
    assert "AGE-SECRET-KEY" not in said
    secrets = read_identities(path, ask=lambda _: pytest.fail("it has no passphrase"))
    assert unseal(seal(b"a report", [key]), secrets) == (b"a report", key)
    first = path.read_bytes()
    assert main(["recipients", "new", str(folder)]) == 2
    assert path.read_bytes() == first


def test_identity_is_not_made_in_a_home(home, capsys):
    assert main(["recipients", "new", str(home.root / "surveys")]) == 2
    assert "in a pipeline's home" in capsys.readouterr().err
    assert not list(home.root.rglob("klassepuls-identity.txt"))


def test_identity_with_a_passphrase_opens_with_that_one_alone(tmp_path):
    path, key = new_identity(tmp_path, now=NOW, passphrase="riktig hest")  # noqa: S106
    assert b"AGE-SECRET-KEY" not in path.read_bytes()
    sealed = seal(b"a report", [key])
    assert unseal(sealed, read_identities(path, ask=lambda _: "riktig hest"))[0] == b"a report"
    with pytest.raises(HomeError, match="not the passphrase"):
        read_identities(path, ask=lambda _: "feil")


@pytest.mark.parametrize("content", [b"", b"age1abc\n", b"AGE-SECRET-KEY-1QQQQ\n"])
def test_file_that_is_no_identity_is_refused_unquoted(home, tmp_path, capsys, content):
    path = tmp_path / "wrong.txt"
    path.write_bytes(content)
    assert main(["open", str(report(home)), "--identity", str(path)]) == 2
    assert "QQQQ" not in capsys.readouterr().err


def test_list_of_recipients_says_whose_key_opens_what(home, capsys):
    assert main(["recipients", "list", "--home", str(home.root), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {(row["opens"], row["name"]) for row in rows} == {
        *((school, nurse_of(school).name) for school in ("S01", "S02", "S03")),
        ("about adults", "leder"),
        ("all", "kommuneadvokat"),
    }
