"""Every kind of broken file ends in the right folder with a reason, and stops nobody else."""

from pathlib import Path

import pytest

from flows.home import Home
from schemas.reason import Reason, reason_texts
from tests.road.bad_files import CASES
from tests.support.home import (
    AUTUMN,
    NOW,
    csv_bytes,
    drop,
    form,
    make_home,
    outcomes,
    run,
    school_class,
    write_settings,
)
from tests.support.state import filed, ledger_of, note_of, warehouse_of, words_on


def file_name(name: str) -> str:
    return name.replace("'", "") + CASES[name].ending


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One run over all of them."""
    home = make_home(tmp_path_factory.mktemp("bad") / "home")
    for name, case in CASES.items():
        drop(home, file_name(name), case.make(name))
    summary = run(home)
    assert len(summary.files) == len(CASES)
    assert summary.needs_a_person
    return home


@pytest.mark.parametrize("name", CASES)
def test_file_ends_where_it_must_with_its_reason_and_counts(home, name):
    case = CASES[name]
    assert filed(home)[file_name(name)] == case.outcome
    note = note_of(home, file_name(name))
    assert note["reason"] == case.reason
    assert tuple(note[count] for count in COUNTS) == case.counts
    assert note["reasons"] == case.rows
    assert ledger_of(home)[note["delivery_id"]] == (case.outcome, case.reason, *case.counts)


COUNTS = ("delivered", "accepted", "quarantined", "dropped")


@pytest.mark.parametrize("name", CASES)
def test_person_is_told_in_both_languages_what_to_do(home, name):
    case = CASES[name]
    words = words_on(home, file_name(name))
    for code in (case.reason, *map(Reason, case.rows)):
        if code:
            assert reason_texts()[code].nb in words
            assert reason_texts()[code].en in words


def test_counts_add_up_over_the_ledger_the_notes_and_the_tables(home):
    notes = [note_of(home, name) for name in filed(home)]
    with warehouse_of(home) as con:
        totals = con.execute("""
            select sum(delivered), sum(accepted), sum(quarantined), sum(dropped)
            from core.delivery
        """).fetchall()
        [(forms,)] = con.execute("select count(*) from core.response").fetchall()
        [(classes,)] = con.execute("select count(*) from core.dim_class_group").fetchall()
        [(rows,)] = con.execute("select count(*) from quarantine.row").fetchall()
    assert totals == [tuple(sum(note[count] for note in notes) for count in COUNTS)]
    delivered, accepted, quarantined, dropped = totals[0]
    assert accepted + quarantined + dropped == delivered
    assert forms + classes == accepted
    whole_files = sum(note["quarantined"] for note in notes if note["reason"])
    assert rows == quarantined - whole_files


def test_refused_file_may_come_again_and_succeed_when_the_settings_allow_it(tmp_path):
    home = make_home(tmp_path / "home", waves=(AUTUMN,))
    drop(home, "7A.csv", csv_bytes([form() | {"humør": "x"}]))
    assert outcomes(run(home))["7A.csv"].reason == "HEADER_MISMATCH"
    survey = home.surveys / "klassepuls.toml"
    survey.write_text(
        survey.read_text(encoding="utf-8") + '\ndropped = ["humør"]\n', encoding="utf-8"
    )
    (home.outcome / "quarantined" / "7A.csv").rename(home.inbox / "7A.csv")
    assert outcomes(run(home))["7A.csv"].accepted == 1
    assert [entry[0] for entry in ledger_of(home).values()] == ["loaded"]


def test_file_with_held_rows_is_read_again_only_when_the_settings_were_mended(tmp_path):
    home = make_home(tmp_path / "home", schools=("S01",))
    text = csv_bytes([form("P001"), form("P002", school="S02")])
    for expected in ("loaded", "duplicate"):
        drop(home, "7A.csv", text)
        assert outcomes(run(home))["7A.csv"].outcome == expected
    write_settings(home, schools=("S01", "S02"))
    for expected in ("loaded", "duplicate"):
        drop(home, "7A.csv", text)
        assert outcomes(run(home))["7A.csv"].outcome == expected
    assert list(ledger_of(home).values()) == [("loaded", None, 2, 2, 0, 0)]
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.response").fetchall() == [(2,)]
        assert con.execute("select count(*) from quarantine.row").fetchall() == [(0,)]


def test_half_an_upload_and_then_the_whole_loads_every_pupil_once(tmp_path):
    home = make_home(tmp_path / "home")
    text = csv_bytes(school_class(10))
    for share in (0.1, 0.5, 0.9, 1):
        drop(home, "7A.csv", text[: int(len(text) * share)])
        run(home, now=NOW)
    with warehouse_of(home) as con:
        [(pupils,)] = con.execute("select count(distinct pupil) from core.response").fetchall()
        [(forms,)] = con.execute("select count(*) from core.response").fetchall()
        waits = con.execute("select distinct reason_codes from quarantine.row").fetchall()
    assert (pupils, forms) == (10, 10)
    assert waits == [(["FIELD_COUNT"],)]


CORPUS = ("badinput", "samples")


def test_no_file_of_the_corpora_stops_a_run_or_loads_a_row(tmp_path, shared: Path):
    home = make_home(tmp_path / "home")
    paths = [path for folder in CORPUS for path in sorted((shared / folder).rglob("*"))]
    names = {}
    for number, path in enumerate(path for path in paths if path.is_file()):
        names[drop(home, f"{number:04} {path.name}", path.read_bytes()).name] = path
    drop(home, "zebra.csv", csv_bytes(school_class(3)))
    found = outcomes(run(home))
    assert set(found) == {*names, "zebra.csv"}
    assert {name for name, outcome in found.items() if outcome.accepted} == {"zebra.csv"}
    assert all(found[name].reason for name in names)
