"""`klassepuls erase --pupil`: nothing of the pupil is left, and nothing of anybody else is lost."""

import json

import polars as pl
import pytest

from flows.cli import main
from flows.erasure.pupil import Asked, erase_pupil
from flows.verify_audit import verify_audit
from tests.erase.tokens import files_with
from tests.faults.compare import same_key
from tests.support.home import (
    NOW,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    outcomes,
    run,
    school_class,
)
from tests.support.state import bytes_below, contents, filed, ledger_of, note_of, warehouse_of
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx

CODE = "KQ7X-WAVY-31"
ME = {"pupil_code": CODE, "safety": "1"}
BAD = {"safety": "9"}


def seen(home):
    """What there is of pupils, without what counts files and rows."""
    return contents(home, without=["core.delivery", "core.erased", "core.stage", "vault.code"])


@pytest.fixture
def home(tmp_path):
    """A pupil who is flagged, in four formats, on a list, and with a row that waits."""
    home = make_home(tmp_path / "home")
    names = [
        {
            "school_year": "2025-26",
            "school": "S01",
            "class_group": "7A",
            "grade": "7",
            "pupil_code": code,
        }
        for code in [*(f"P{at:03}" for at in range(12)), CODE]
    ]
    drop(home, "list.csv", csv_bytes(names))
    rows = school_class(12, changes={1: ME, 2: {"safety": "1"}, 3: BAD})
    drop(home, "a.csv", csv_bytes(rows))
    drop(home, "b.xlsx", to_xlsx(pl.DataFrame(rows)))
    drop(home, "c.ndjson", to_ndjson(pl.DataFrame(rows)))
    drop(home, "d.parquet", to_parquet(pl.DataFrame([form(CODE, safety="1")])))
    drop(home, "e.csv", csv_bytes([form(CODE, wave=SPRING, submitted_on="2026-03-10", **BAD)]))
    (home.restricted / "logs" / "note.log").write_text(f"kept\nsaw {CODE} here\n")
    (home.restricted / "spill" / "left.tmp").write_text(CODE)
    run(home)
    return home


def test_no_byte_of_the_pupil_is_left_and_what_is_published_stays_as_it_is(home):
    assert {path.split("/")[0] for path in files_with(home, CODE)} == {
        "outcome", "restricted", "health"
    }  # fmt: skip
    figures = bytes_below(home.analyst)
    done = erase_pupil(home, Asked(CODE.lower()), now=NOW)
    assert files_with(home, CODE) == []
    assert (done["proof"]["found"], done["left"]) == (0, [])
    assert bytes_below(home.analyst) == figures
    assert (home.restricted / "logs" / "note.log").read_text() == "kept\n"


def test_erased_home_is_as_if_the_pupil_had_never_been_in_the_files(home, tmp_path):
    other = make_home(tmp_path / "other")
    names = [
        {
            "school_year": "2025-26",
            "school": "S01",
            "class_group": "7A",
            "grade": "7",
            "pupil_code": f"P{at:03}",
        }
        for at in range(12)
    ]
    same_key(home, other)
    drop(other, "list.csv", csv_bytes(names))
    rows = school_class(12, changes={2: {"safety": "1"}, 3: BAD})
    drop(other, "a.csv", csv_bytes(rows[:1] + rows[2:]))
    run(other)
    erase_pupil(home, Asked(CODE), now=NOW)
    ours, theirs = seen(home), seen(other)
    for table in ("core.answer", "core.score", "core.enrolment", "core.class_indicator"):
        assert ours[table] == theirs[table], table
    assert len(ours["core.flag"]) == len(theirs["core.flag"]) == 1
    assert len(ours["quarantine.row"]) == len(theirs["quarantine.row"]) == 1


def test_rows_still_add_up_and_the_log_is_whole(home):
    erase_pupil(home, Asked(CODE), now=NOW)
    for *_, delivered, accepted, quarantined, dropped in ledger_of(home).values():
        assert accepted + quarantined + dropped == delivered
    assert verify_audit(home, anchor=None, now=NOW)["is_whole"]
    with warehouse_of(home) as con:
        actions = con.execute("select action from audit.event order by event_no").fetchall()
        due = con.execute("from audit.erasure where proven_at is null").fetchall()
    assert [action for (action,) in actions][-2:] == ["erase.pupil", "erase.proven"]
    assert due == []


def test_note_and_ledger_know_the_rewritten_copy(home):
    erase_pupil(home, Asked(CODE), now=NOW)
    note = note_of(home, "a.csv")
    assert note["delivery_id"] in ledger_of(home)
    assert note["reasons"]["ERASED"] == 1
    assert run(home).changed == 0


def test_rows_of_others_that_wait_are_found_in_the_rewritten_copy(home):
    erase_pupil(home, Asked(CODE), now=NOW)
    before = seen(home)["quarantine.row"]
    drop(home, "again.csv", (home.outcome / filed(home)["a.csv"] / "a.csv").read_bytes())
    assert {outcome.outcome for outcome in outcomes(run(home)).values()} == {"duplicate"}
    assert seen(home)["quarantine.row"] == before


def test_same_files_dropped_again_do_not_bring_the_pupil_back(home):
    rows = school_class(12, changes={1: ME, 2: {"safety": "1"}, 3: BAD})
    erase_pupil(home, Asked(CODE), now=NOW)
    before = seen(home)
    drop(home, "again.csv", csv_bytes(rows))
    drop(home, "again.parquet", to_parquet(pl.DataFrame([form(CODE, safety="1")])))
    drop(home, "waits.csv", csv_bytes([form(CODE, wave=SPRING, submitted_on="2026-03-10", **BAD)]))
    found = outcomes(run(home))
    assert found["again.csv"].reasons["ERASED"] == 1
    assert {outcome.outcome for outcome in found.values()} == {"duplicate"}
    assert files_with(home, CODE) == []
    drop(home, "third.csv", csv_bytes(rows))
    run(home)
    assert files_with(home, CODE) == []
    assert seen(home) == before


def test_class_list_that_comes_again_does_not_bring_the_pupil_back(home):
    erase_pupil(home, Asked(CODE), now=NOW)
    names = [
        {
            "school_year": "2025-26",
            "school": "S01",
            "class_group": "7A",
            "grade": "7",
            "pupil_code": code,
        }
        for code in (CODE, "P000", "P077")
    ]
    drop(home, "list2.csv", csv_bytes(names))
    assert outcomes(run(home))["list2.csv"].reasons["ERASED"] == 1
    assert files_with(home, CODE) == []
    with warehouse_of(home) as con:
        listed = con.execute("select count(*) from core.enrolment where unlisted_by is null")
        assert listed.fetchall() == [(2,)]


@pytest.mark.parametrize(("for_good", "accepted"), [(False, 3), (True, 2)])
def test_later_wave_counts_unless_the_pupil_is_erased_for_good(tmp_path, for_good, accepted):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes([form(CODE), form("P002")]))
    early = NOW.replace(month=1)
    run(home, now=early)
    erase_pupil(home, Asked(CODE, for_good=for_good), now=early)
    later = [form(code, wave=SPRING, submitted_on="2026-03-10") for code in (CODE, "P002")]
    drop(home, "spring.csv", csv_bytes(later))
    run(home)
    assert sum(entry[3] for entry in ledger_of(home).values()) == accepted
    assert (files_with(home, CODE) == []) is for_good


def test_code_at_two_schools_is_not_erased_by_guessing(tmp_path, capsys):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes(school_class(5, changes={1: ME})))
    drop(
        home,
        "b.csv",
        csv_bytes(
            school_class(
                5,
                prefix="Q",
                school="S02",
                changes={1: {**ME, "wave": SPRING, "submitted_on": "2026-03-10"}},
            )
        ),
    )
    run(home)
    assert main(["erase", "--home", str(home.root), "--pupil", CODE]) == 2
    assert CODE not in capsys.readouterr().err
    done = erase_pupil(home, Asked(CODE, school="S01"), now=NOW)
    assert (done["proof"]["found"], done["other_schools"]) == (0, ["S02"])
    with warehouse_of(home) as con:
        left = con.execute("select school_id, count(*) from core.response group by all order by 1")
        assert left.fetchall() == [("S01", 4), ("S02", 5)]
        assert con.execute("select school_id from vault.code where pupil_code = $code",
                           {"code": CODE}).fetchall() == [("S02",)]  # fmt: skip


def test_file_that_cannot_be_rewritten_stays_while_others_wait_in_it_and_that_is_told(
    tmp_path, capsys
):
    home = make_home(tmp_path / "home")
    rows = [form(CODE), form("P002", safety="9"), form("P003")]
    drop(home, "a.parquet", to_parquet(pl.DataFrame(rows)))
    run(home)
    command = ["erase", "--home", str(home.root), "--pupil", CODE]
    assert main(command) == 1
    assert "Decide on those rows" in capsys.readouterr().out
    assert filed(home) == {"a.parquet": "loaded"}
    delivery = note_of(home, "a.parquet")["delivery_id"]
    assert main(["quarantine", "reject", delivery, "--why", "other", "--home", str(home.root)]) == 0
    assert main(command) == 0
    assert files_with(home, CODE) == []


def test_code_in_a_choice_goes_and_the_form_stays(tmp_path):
    survey = (
        'id = "klassepuls"\nname = "K"\ntool = "canonical"\nlinkage = "pseudonymous"\n'
        'instruments = ["klassepuls_core_v1", "who5_v1"]\n'
        '[[nominations]]\nsituation = "breaks"\ncolumns = ["friend"]\n'
    )
    home = make_home(tmp_path / "home", survey=survey)
    rows = [{**row, "friend": CODE} for row in school_class(5)] + [{**form(CODE), "friend": "P001"}]
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    assert files_with(home, CODE)
    erase_pupil(home, Asked(CODE), now=NOW)
    assert files_with(home, CODE) == []
    drop(home, "b.csv", csv_bytes(rows))
    run(home)
    assert files_with(home, CODE) == []
    assert sum(entry[3] for entry in ledger_of(home).values()) == 5


def test_code_in_the_name_of_a_file_goes_too(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, f"svar {CODE}.csv", csv_bytes([form(CODE), form("P002", safety="9")]))
    run(home)
    done = erase_pupil(home, Asked(CODE), now=NOW)
    assert done["proof"]["found"] == 0
    assert filed(home) == {"svar erased.csv": "loaded"}
    assert note_of(home, "svar erased.csv")["delivery_id"] in ledger_of(home)
    assert [path for path in home.root.rglob("*") if CODE in path.name] == []


def test_code_that_nobody_knows_changes_nothing(tmp_path, capsys):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes(school_class(3)))
    drop(home, "l.csv", class_list(("S01", "7A", 3)))
    run(home)
    before, files = contents(home), bytes_below(home.outcome)
    command = ["erase", "--home", str(home.root), "--pupil", "UNKNOWN-1", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["proof"]["found"] == 0
    assert (contents(home), bytes_below(home.outcome)) == (before, files)
    assert main(["erase", "--home", str(home.root), "--pupil", "ola nordmann"]) == 2
