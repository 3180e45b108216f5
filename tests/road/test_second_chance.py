"""A file with held rows that comes again after the settings were mended, and recoded answers."""

import json

import pytest

from flows.cli import main
from tests.support.home import (
    AUTUMN,
    CORE,
    SPRING,
    csv_bytes,
    drop,
    form,
    make_home,
    outcomes,
    run,
    school_class,
    survey_toml,
    write_settings,
)
from tests.support.state import contents, ledger_of, warehouse_of, words_on

NO_DATES = ("core.stage", "audit.migration")


def test_rows_held_for_an_unknown_school_count_once_the_school_is_in_the_settings(tmp_path):
    home = make_home(tmp_path, schools=("S01",))
    content = csv_bytes([*school_class(9), form("Q001", school="S02", safety="1")])
    drop(home, "7A.csv", content)
    assert outcomes(run(home))["7A.csv"].quarantined == 1
    write_settings(home, schools=("S01", "S02"))
    drop(home, "7A.csv", content)
    again = outcomes(run(home))["7A.csv"]
    assert (again.outcome, again.delivered, again.accepted, again.quarantined) == (
        "loaded", 10, 10, 0,
    )  # fmt: skip
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.response").fetchall() == [(10,)]
        assert con.execute("select count(*) from quarantine.row").fetchall() == [(0,)]
        flags = con.execute("select school_id, rule_id, status from core.flag").fetchall()
    assert flags == [("S02", "rule.unsafe", "open")]
    assert (home.health / "S02" / AUTUMN / "report.nb.html").is_file()


def test_scores_follow_forms_that_are_loaded_again(tmp_path):
    home = make_home(tmp_path, schools=("S01",))
    content = csv_bytes([*school_class(3), form("Q001", school="S02"), form("Q002", school="S03")])
    drop(home, "a.csv", content)
    run(home)
    write_settings(home, schools=("S01", "S02"))
    drop(home, "a.csv", content)
    run(home)
    with warehouse_of(home) as con:
        scored = con.execute("select count(score) from core.score").fetchall()
    assert scored == [(4,)]


def test_a_file_with_held_rows_changes_nothing_while_the_settings_are_the_same(tmp_path):
    home = make_home(tmp_path, schools=("S01",))
    content = csv_bytes([*school_class(9), form("Q001", school="S02")])
    drop(home, "7A.csv", content)
    run(home)
    before = contents(home, without=NO_DATES)
    drop(home, "again.csv", content)
    assert outcomes(run(home))["again.csv"].outcome == "duplicate"
    assert contents(home, without=NO_DATES) == before


def test_loading_again_keeps_a_contradiction_with_another_file(tmp_path):
    home = make_home(tmp_path, schools=("S01",))
    content = csv_bytes([form("P001"), form("P002"), form("Q001", school="S02")])
    drop(home, "a.csv", content)
    drop(home, "b.csv", csv_bytes([form("P001", safety="1")]))
    run(home)
    write_settings(home, schools=("S01", "S02"))
    drop(home, "a.csv", content)
    run(home)
    counts = {entry[:4] for entry in ledger_of(home).values()}
    with warehouse_of(home) as con:
        waiting = con.execute("select count(*) from quarantine.response").fetchall()
        whole = con.execute(
            "select bool_and(accepted + quarantined + dropped = delivered) from core.delivery"
        ).fetchall()
    assert waiting == [(2,)]
    assert whole == [(True,)]
    assert len(counts) == 2


def test_a_flag_lapses_when_the_pupil_has_answered_a_later_wave(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("P001", safety="1"), form("P002", safety="1")]))
    drop(home, "b.csv", csv_bytes([form("P001", wave=SPRING, submitted_on="2026-03-10")]))
    run(home)
    with warehouse_of(home) as con:
        found = con.execute("select status, count(*) from core.flag group by all order by all")
        assert found.fetchall() == [("expired", 1), ("open", 1)]
    report = (home.health / "S01" / AUTUMN / "report.nb.html").read_text(encoding="utf-8")
    assert "P001" in report
    assert "P002" in report


def test_an_answer_that_means_dont_know_is_missing_and_flags_nobody(tmp_path):
    codes = f'[codes]\n"{CORE}.safety" = {{ "vet ikke" = "dont_know" }}\n'
    home = make_home(tmp_path, survey=survey_toml(more=codes))
    drop(home, "a.csv", csv_bytes([form("P001", safety="vet ikke")]))
    assert outcomes(run(home))["a.csv"].accepted == 1
    with warehouse_of(home) as con:
        answer = con.execute(
            "select value, missing from core.answer where item_id = 'safety'"
        ).fetchall()
        assert con.execute("select count(*) from core.flag").fetchall() == [(0,)]
    assert answer == [(None, "dont_know")]


def test_an_export_that_codes_gender_in_its_own_way_is_understood(tmp_path):
    home = make_home(tmp_path, survey=survey_toml(more='[codes]\ngender = { "1" = "girl" }\n'))
    drop(home, "a.csv", csv_bytes([form("P001", gender="1"), form("P002", gender="2")]))
    assert outcomes(run(home))["a.csv"].accepted == 2
    assert "1 av 2 rader har kjønn som ikke ble forstått" in words_on(home, "a.csv")


def test_flags_about_adults_are_in_no_count_of_the_others(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("P001", bullied_by_adults="4"), form("P002", safety="1")]))
    run(home)
    assert main(["flags", "--home", str(home.root), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [row["situation"] for row in listed] == ["unsafe"]


def test_a_run_for_a_program_prints_json_and_nothing_else(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(3)))
    assert main(["run", "--home", str(home.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["accepted"] == 3


@pytest.mark.parametrize("damage", [b"", b"no database"])
def test_a_damaged_warehouse_is_a_fault_without_a_trace(tmp_path, capsys, damage):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(3)))
    run(home)
    (home.restricted / "warehouse.duckdb").write_bytes(b"x" * 5000 + damage)
    assert main(["run", "--home", str(home.root)]) == 5
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("change", ["key", "number"])
def test_another_key_or_municipality_number_stops_the_run_before_every_pupil_is_doubled(
    tmp_path, capsys, change
):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(3)))
    run(home)
    if change == "key":
        home.key_file.chmod(0o600)
        home.key_file.write_bytes(b"k" * 32)
        home.key_file.chmod(0o400)
    else:
        text = home.settings_file.read_text(encoding="utf-8")
        home.settings_file.write_text(text.replace("9901", "9902"), encoding="utf-8")
    drop(home, "b.csv", csv_bytes([form("P100")]))
    assert main(["run", "--home", str(home.root)]) == 4
    assert "put the old one back" in capsys.readouterr().err
    assert (home.inbox / "b.csv").is_file()


def test_a_copy_of_a_file_with_held_rows_says_that_they_still_wait(tmp_path):
    home = make_home(tmp_path)
    content = csv_bytes([*school_class(3), form("Q001", school="S99")])
    drop(home, "a.csv", content)
    run(home)
    drop(home, "again.csv", content)
    summary = run(home)
    assert outcomes(summary)["again.csv"].still_waiting == 1
    assert summary.needs_a_person
    assert "still wait" in words_on(home, "again.csv")


def test_a_placeholder_is_no_pupil_code(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([form("---"), form("P001")]))
    assert outcomes(run(home))["a.csv"].reasons == {"PUPIL_CODE_INVALID": 1}


def test_a_damaged_published_file_comes_back_as_it_was(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(3)))
    run(home)
    right = home.published.read_bytes()
    home.published.chmod(0o640)
    home.published.write_bytes(b"no database")
    drop(home, "b.csv", csv_bytes([form("P100")]))
    assert main(["run", "--home", str(home.root)]) == 0
    assert home.published.read_bytes() == right


def test_a_damaged_publication_ledger_is_told_with_what_to_do(tmp_path, capsys):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes(school_class(3)))
    run(home)
    home.publication_ledger.chmod(0o640)
    home.publication_ledger.write_bytes(b"no database")
    drop(home, "b.csv", csv_bytes([form("P100")]))
    assert main(["run", "--home", str(home.root)]) == 5
    assert "put the published file back" in capsys.readouterr().err


def test_check_of_a_folder_is_wrong_usage(tmp_path, capsys):
    home = make_home(tmp_path)
    assert main(["check", "--home", str(home.root), str(home.inbox)]) == 2
    assert "one file" in capsys.readouterr().err
