"""From a flag to the archive on the board: what is typed is noted, or comes back with a reason."""

import json
from datetime import timedelta
from threading import Thread

import pytest
from markupsafe import escape

from flows.home import load_config
from flows.road import at_work
from flows.verify_audit import verify_audit
from tests.board.client import board, case_of, csrf_in, problem_in
from tests.support.home import NOW
from tests.support.state import warehouse_of
from warehouse.store import only_writer

TEAM = "P005, P006 P007\nP008;p009"
PLAN = {
    "problem": '<script>alert(1)</script> & "alene"',
    "measures": "<img src=x onerror=alert(1)>",
    "carried_out_when": "uke 4",
    "carried_out_by": "{{ 7*7 }} helsesykepleier",
    "evaluated_when": "uke 9",
}


@pytest.fixture
def kari(home):
    return board(home, "kari", "nurse", "S01")


def test_a_flag_is_followed_up_to_the_archive(kari, flags, home) -> None:
    case_id = case_of(kari, flags["S01", "unsafe"])
    steps = [
        ("talk", {}),
        ("offer", {}),
        ("accepted", {"guardian": "not_required", "informed": "yes"}),
        ("plan", PLAN),
        ("group", {"members": TEAM, "picked_by": "pupil", "friends": "2", "around": "3"}),
        ("meeting", {"attended": "5", "agreed": "3"}),
        ("join", {"member": "P010"}),
        ("leave", {"member": "P005", "why": "too_hard"}),
        ("rate", {"school_now": "4", "safety": "6"}),
        ("review", {}),
        ("individual", {}),
        ("safe", {}),
    ]
    for action, typed in steps:
        answer = kari.send(f"/case/{case_id}/{action}", **typed)
        assert answer.status_code == 200, (action, problem_in(answer.text))
    early = kari.send(f"/case/{case_id}/followup")
    assert early.status_code == 409
    assert "for tidlig" in problem_in(early.text)
    kari.desk.now.now += timedelta(days=90)
    kari.enter_anew()
    assert kari.send(f"/case/{case_id}/followup").status_code == 200
    close = {"why": "safe", "outcome": "resolved_later"}
    assert kari.send(f"/case/{case_id}/close", **close).status_code == 200
    told = kari.get(f"/case/{case_id}/export.json").json()
    assert (told["status"], told["outcome_level"]) == ("closed", "resolved_later")
    assert [event["action"] for event in told["history"]][-2:] == ["followup", "close"]
    assert told["plans"][0]["problem"] == PLAN["problem"]
    assert told["groups"][0]["size"] == 5
    assert not any(f"P00{n}" in json.dumps(told) for n in range(5, 10))
    assert verify_audit(home, anchor=None, now=kari.desk.now())["is_whole"]


def test_what_was_typed_as_markup_comes_out_as_text(kari, flags) -> None:
    case_id = case_of(kari, flags["S01", "unsafe"])
    kari.send(f"/case/{case_id}/plan", **PLAN)
    for path in ("", "/print"):
        page = kari.get(f"/case/{case_id}{path}").text
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert "{{ 7*7 }} helsesykepleier" in page
    refused = kari.send(f"/case/{case_id}/plan", **PLAN | {"measures": '"><b>P005</b>'})
    assert refused.status_code == 409
    assert "<b>P005" not in refused.text
    assert "&#34;&gt;&lt;b&gt;P005&lt;/b&gt;" in refused.text
    assert kari.get("/case/%3Cscript%3E").status_code == 404
    assert "<script>x" not in kari.get("/at/S01?done=<script>x</script>").text


REFUSED = [
    ("group", {"members": TEAM, "picked_by": "pupil"}, "sagt ja"),
    ("dismiss", {"why": "other"}, "ikke er vurdert"),
    ("offer", {"on": "2031-01-01"}, "framtiden"),
    ("offer", {"on": "tomorrow"}, "feltene"),
    ("close", {"why": "safe"}, "feltene"),
    ("rate", {"safety": "11"}, "feltene"),
    ("rate", {}, "0 til 10"),
    ("plan", PLAN | {"carried_out_by": "kari@skole.no"}, "person"),
    ("plan", {"problem": "alene ute"}, "feltene"),
]


def test_what_cannot_be_noted_comes_back_with_what_was_typed(kari, flags, home) -> None:
    case_id = case_of(kari, flags["S01", "unsafe"])
    told = {"csrf": csrf_in(kari.last.text), "seen": "2", "on": str(NOW.date())}
    for action, typed, says in REFUSED:
        answer = kari.http.post(f"/case/{case_id}/{action}", data=told | typed)
        assert answer.status_code == 409
        assert says in problem_in(answer.text)
        kept = [typed[name] for name in ("carried_out_by", "problem") if name in typed]
        assert all(escape(value) in answer.text for value in kept)
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.case_event").fetchall() == [(2,)]


def test_codes_of_nobody_and_the_pupil_are_no_helpers(kari, flags) -> None:
    case_id = case_of(kari, flags["S01", "unsafe"])
    kari.send(f"/case/{case_id}/offer")
    kari.send(f"/case/{case_id}/accepted")
    for members, says in (
        ("P005 P006 P007 P008 P999", "ikke kjent"),
        ("P000 P006 P007 P008 P009", "ikke være hjelper"),
        ("P005 P006", "5 til 8"),
    ):
        answer = kari.send(f"/case/{case_id}/group", members=members, picked_by="pupil")
        assert says in problem_in(answer.text)
        assert f'value="{members}"' in answer.text


def test_a_page_that_is_older_than_the_case_does_nothing_twice(kari, flags, home) -> None:
    case_id = case_of(kari, flags["S01", "unsafe"])
    assert kari.send(f"/case/{case_id}/talk").status_code == 200
    again = kari.send(f"/case/{case_id}/talk", seen="2")
    assert again.status_code == 409
    assert "etter at du åpnet siden" in problem_in(again.text)
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.case_event").fetchall() == [(3,)]


def test_a_flag_is_reviewed_once_and_a_new_one_goes_to_the_open_case(kari, flags) -> None:
    flag = flags["S01", "unsafe"]
    answer = kari.send(f"/flag/{flag}/dismiss")
    assert (answer.status_code, problem_in(answer.text)[:8]) == (409, "Se på fe")
    token = kari.send(f"/flag/{flag}/dismiss", why="pupil_says_fine")
    assert str(token.url).endswith("/at/S01?done=dismiss")
    assert "P000" not in kari.get("/at/S01").text
    assert kari.send(f"/flag/{flag}/accept", page="/at/S01").status_code == 409


def test_a_case_that_no_flag_begins(kari, home) -> None:
    typed = {"code": "P007", "class_group": "7A", "situation": "exclusion"}
    refused = kari.send("/at/S01/open", page="/at/S01/open", **typed)
    assert refused.status_code == 409
    assert 'value="P007"' in refused.text
    typed["origin"] = "self_request"
    answer = kari.send("/at/S01/open", page="/at/S01/open", **typed)
    assert answer.status_code == 200
    assert "/case/K-" in str(answer.url)
    twice = kari.send("/at/S01/open", page="/at/S01/open", **typed)
    assert "åpen sak" in problem_in(twice.text)
    nobody = kari.send("/at/S01/open", page="/at/S01/open", **typed | {"code": "P999"})
    assert "ikke kjent" in problem_in(nobody.text)
    named = kari.send("/at/S01/open", page="/at/S01/open", **typed | {"class_group": "Kari Nord"})
    assert named.status_code == 409


def test_while_a_run_is_at_work_nothing_typed_is_lost(kari, flags, home) -> None:
    case_id = case_of(kari, flags["S01", "unsafe"])
    assert kari.get("/busy").text == "free"
    page = kari.get(f"/case/{case_id}").text
    typed = {"csrf": csrf_in(page), "seen": "2", "on": str(NOW.date()), **PLAN}
    with only_writer(home.restricted):
        assert kari.get("/busy").text == "busy"
        waits = kari.http.post(f"/case/{case_id}/plan", data=typed)
        looks = kari.get("/at/S01")
    assert (waits.status_code, looks.status_code) == (503, 503)
    assert waits.headers["retry-after"] == "5"
    assert f'action="/case/{case_id}/plan"' in waits.text
    for value in ("&lt;script&gt;alert(1)", "uke 4", 'name="seen" value="2"'):
        assert value in waits.text
    assert kari.http.post(f"/case/{case_id}/plan", data=typed).status_code == 200


def test_an_action_waits_a_little_for_its_turn(home, flags) -> None:
    kari = board(home, "kari", "nurse", "S01", patience=30)
    config = load_config(home)
    with at_work(home, config, now=NOW):
        answers: list[int] = []
        looks = Thread(target=lambda: answers.append(kari.get("/at/S01").status_code))
        looks.start()
        looks.join(timeout=0.3)
        assert looks.is_alive()
    looks.join()
    assert answers == [200]


def test_a_school_is_ready_when_somebody_has_registered_it(kari, home) -> None:
    assert "mangler noe" in kari.get("/at/S01").text
    page = "/at/S01/ready"
    for item in ("agreement", "health_service", "management"):
        assert kari.send(page, page=page, item=item, in_place="yes").status_code == 200
    told = kari.send(page, page=page, item="training", in_place="yes", people="6")
    assert "6 deltok" in told.text
    assert "mangler noe" not in kari.get("/at/S01").text
    kari.send(page, page=page, item="agreement", in_place="no")
    assert "mangler noe" in kari.get("/at/S01").text
    assert kari.send(page, page=page, item="agreement").status_code == 409
    future = kari.send(page, page=page, item="agreement", in_place="yes", on="2031-01-01")
    assert future.status_code == 409
    assert verify_audit(home, anchor=None, now=NOW)["is_whole"]


def test_own_wish_goes_first_and_words_are_those_of_the_report(kari) -> None:
    page = kari.get("/at/S01").text
    assert page.index("P000") < page.index("P001")
    assert "Har bedt om en samtale" in page
    assert "Føler seg utrygg" in page
    assert "Svaret viser elevens egen opplevelse" in page
