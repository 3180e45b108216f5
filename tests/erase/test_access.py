"""`klassepuls access --pupil`: all that is held, in words; and the log knows that it was told."""

import json

from flows.cli import main
from flows.erasure.access import access
from flows.erasure.pupil import Asked, erase_pupil
from tests.support.home import NOW, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import warehouse_of

CODE = "KQ7X-WAVY-31"


def filled(tmp_path):
    home = make_home(tmp_path / "home")
    names = [
        {
            "school_year": "2025-26",
            "school": "S01",
            "class_group": "7A",
            "grade": "7",
            "pupil_code": code,
        }
        for code in (CODE, "P002")
    ]
    drop(home, "list.csv", csv_bytes(names))
    rows = school_class(8, changes={1: {"pupil_code": CODE, "safety": "1"}})
    drop(home, "a.csv", csv_bytes(rows))
    drop(home, "b.csv", csv_bytes([form(CODE, safety="1", gender="boy", thriving="2")]))
    run(home)
    return home


def test_everything_that_is_held_is_told_in_words(tmp_path):
    home = filled(tmp_path)
    found = access(home, CODE, school=None, now=NOW)
    assert [form["state"] for form in found["forms"]] == ["waits", "waits"]
    said = {answer["item"]: answer["answer"].get("nb") for answer in found["forms"][0]["answers"]}
    assert said["klassepuls_core_v1.safety"]
    assert len(said) == 13
    assert len(found["waiting"]) == 2
    assert [entry["class_group"] for entry in found["class_lists"]] == ["7A"]
    assert {entry["file"] for entry in found["delivered_files"]} == {"a.csv", "b.csv", "list.csv"}
    assert found["reports"]
    assert found["code_kept_in_vault"]
    assert "90 days" in found["kept"]["flag reports"]


def test_flags_are_told_with_their_evidence(tmp_path):
    home = make_home(tmp_path / "home")
    rows = school_class(8, changes={1: {"pupil_code": CODE, "safety": "1"}})
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    found = access(home, CODE, school=None, now=NOW)
    assert {flag["status"] for flag in found["flags"]} <= {"open", "expired"}
    assert any(one["item_or_scale"].endswith("safety") for one in found["flags"][0]["evidence"])
    assert found["reports"][0]["to"] == "health_service"


def test_command_tells_it_as_text_and_json_and_the_log_knows_no_code(tmp_path, capsys):
    home = filled(tmp_path)
    assert main(["access", "--home", str(home.root), "--pupil", CODE.lower()]) == 0
    text = capsys.readouterr().out
    assert "Forms: 2" in text
    assert "{" not in text
    assert main(["access", "--home", str(home.root), "--pupil", CODE, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pupil_code"] == CODE
    with warehouse_of(home) as con:
        events = con.execute("select detail from audit.event where action = 'access.pupil'")
        details = [detail for (detail,) in events.fetchall()]
    assert len(details) == 2
    assert not any(CODE in detail or "k1-" in detail for detail in details)
    assert json.loads(details[0])["forms"] == 2


def test_nothing_is_held_on_an_erased_pupil(tmp_path):
    home = filled(tmp_path)
    erase_pupil(home, Asked(CODE), now=NOW)
    found = access(home, CODE, school=None, now=NOW)
    kinds = [name for name, rows in found.items() if isinstance(rows, list) and rows]
    assert kinds == []
