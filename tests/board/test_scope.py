"""Whom the board shows to whom: schools, routes and roles; anything else is as if it were not."""

import json

import pytest

from tests.board.client import board, case_of
from tests.support.state import warehouse_of

PAGES = ("", "/why", "/worksheet", "/print", "/export.json", "/export.pdf")


def test_another_schools_pages_and_ids_are_not_there(home, flags) -> None:
    nurse, other = board(home, "kari", "nurse", "S01"), board(home, "per", "nurse", "S02")
    case_id = case_of(nurse, flags["S01", "unsafe"])
    for path in ("", "/adults", "/cases", "/open", "/ready"):
        assert other.get(f"/at/S01{path}").status_code == 404
    for path in PAGES:
        assert other.get(f"/case/{case_id}{path}").status_code == 404
    assert other.get(f"/flag/{flags['S01', 'bullied_by_pupils']}").status_code == 404
    for path in (
        f"/case/{case_id}/offer",
        f"/case/{case_id}/close",
        f"/flag/{flags['S01', 'bullied_by_pupils']}/accept",
        "/at/S01/open",
        "/at/S01/ready",
    ):
        assert other.send(path, page="/at/S02").status_code == 404
    assert not any(code in other.get("/at/S02").text for code in ("P000", "P001"))
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.case_event").fetchall() == [(2,)]


def test_what_is_not_there_and_what_is_not_theirs_look_the_same(home, flags) -> None:
    other = board(home, "per", "nurse", "S02")
    theirs = other.get(f"/flag/{flags['S01', 'unsafe']}")
    nowhere = other.get("/flag/00000000")
    assert (theirs.status_code, theirs.text) == (nowhere.status_code, nowhere.text)


@pytest.mark.parametrize("role", ["nurse", "resource_group", "owner"])
def test_bullying_by_adults_goes_to_whom_the_municipality_has_decided(home, flags, role) -> None:
    lead = board(home, "leder", "lead", "S01")
    other = board(home, "per", role, "S01")
    flag = flags["S01", "bullied_by_adults"]
    assert "P002" in lead.get("/at/S01/adults").text
    assert "P002" not in lead.get("/at/S01").text
    case_id = case_of(lead, flag)
    assert other.get("/at/S01/adults").status_code == 404
    assert other.get(f"/flag/{flag}").status_code == 404
    assert other.get(f"/case/{case_id}").status_code == 404
    assert other.send(f"/case/{case_id}/close", page="/").status_code == 404
    assert case_id not in other.get("/at/S01/cases").text


def test_the_school_owner_sees_what_is_sent_there_and_nothing_else(home, flags) -> None:
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(
        text.replace('"health_service_lead"', '"school_owner"'), encoding="utf-8"
    )
    owner, lead = board(home, "eier", "owner", "S01"), board(home, "leder", "lead", "S01")
    assert "P002" in owner.get("/at/S01/adults").text
    assert owner.get("/at/S01").status_code == 404
    assert owner.get(f"/flag/{flags['S01', 'unsafe']}").status_code == 404
    assert lead.get("/at/S01/adults").status_code == 404


def test_the_resource_group_comes_in_when_the_pupil_has_said_yes(home, flags) -> None:
    nurse, group = board(home, "kari", "nurse", "S01"), board(home, "rg", "resource_group", "S01")
    page = group.get("/at/S01")
    assert page.status_code == 200
    assert "P000" not in page.text
    assert group.get(f"/flag/{flags['S01', 'unsafe']}").status_code == 404
    assert group.get("/at/S01/open").status_code == 404
    case_id = case_of(nurse, flags["S01", "unsafe"])
    nurse.send(f"/case/{case_id}/offer")
    assert group.get(f"/case/{case_id}").status_code == 404
    nurse.send(f"/case/{case_id}/accepted")
    shown = group.get(f"/case/{case_id}").text
    assert "P000" in shown
    assert "Føler seg utrygg" in nurse.get(f"/case/{case_id}/why").text
    assert "Føler seg utrygg" not in shown  # a case is theirs, what was answered is not
    assert group.get(f"/case/{case_id}/why").status_code == 404
    assert group.get(f"/case/{case_id}/worksheet").status_code == 404
    assert group.send(f"/case/{case_id}/talk").status_code == 200


def test_every_look_and_every_step_is_in_the_log_with_who_it_was(home, flags) -> None:
    kari = board(home, "kari", "nurse", "S01")
    flag = flags["S01", "unsafe"]
    kari.get("/at/S01")
    kari.get(f"/flag/{flag}")
    case_id = case_of(kari, flag)
    kari.get(f"/case/{case_id}/export.json")
    with warehouse_of(home) as con:
        log = con.execute("""
            select action, subject, actor, detail from audit.event where contains(actor, 'kari')
        """).fetchall()
        codes = con.execute("select pupil_code from vault.code").fetchall()
    told = {(action, subject) for action, subject, _, _ in log}
    assert {
        ("board.waiting_shown", "S01"),
        ("board.flag_shown", flag),
        ("case.open", case_id),
        ("case.accept", case_id),
        ("case.shown", case_id),
        ("case.exported", case_id),
    } <= told
    assert all(actor.endswith("asked by board user kari") for _, _, actor, _ in log)
    [shown, *_] = [
        json.loads(detail) for action, _, _, detail in log if action == "board.waiting_shown"
    ]
    assert flags["S01", "bullied_by_pupils"] in shown["flags"]
    assert flags["S01", "bullied_by_adults"] not in shown["flags"]
    assert not [row for row in log if any(code in row[3] for (code,) in codes)]
