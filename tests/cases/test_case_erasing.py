"""Cases when a pupil is erased, asks what is held, or has left; helpers once a case is closed."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from flows.cases.listing import list_cases
from flows.cases.work import PupilAsked, act_on, decide, form, meet, open_for_pupil, rate
from flows.erasure.access import access
from flows.erasure.expired import erase_expired
from flows.erasure.pupil import Asked as Erased
from flows.erasure.pupil import erase_pupil
from flows.erasure.words import in_words
from flows.home import Home
from flows.verify_audit import verify_audit
from tests.erase.tokens import files_with
from tests.support.home import NOW, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of
from transforms.case_life import Asked

PUPIL, HELPER = "KQ7X-WAVY-31", "HW3B-MOSS-77"
TEAM = [HELPER, "P005", "P006", "P007", "P008"]
TABLES = ("support_case", "case_event", "support_group", "group_member", "meeting", "scale_rating")


def asking(action: str, **detail):
    return lambda today: Asked(action, today, "nurse", detail)


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Home:
    """A home with a closed case of a flagged pupil, who had five helpers."""
    home = make_home(tmp_path_factory.mktemp("cases") / "home")
    changes = {0: {"pupil_code": PUPIL, "safety": "1"}, 1: {"pupil_code": HELPER}}
    drop(home, "a.csv", csv_bytes(school_class(12, changes=changes)))
    run(home)
    with warehouse_of(home) as con:
        [(flag,)] = con.execute("select flag_id from core.flag").fetchall()
    case = decide(home, flag, asking("accept"), now=NOW)["case"]
    act_on(home, case, asking("offer"), now=NOW)
    act_on(home, case, asking("accepted"), now=NOW)
    form(home, case, TEAM, asking("group", picked_by="pupil"), is_unlisted=False, now=NOW)
    meet(home, case, asking("meeting", attended=5), now=NOW)
    rate(home, case, asking("rate", safety=4), now=NOW)
    told = {"why": "moved", "outcome": "stopped_early"}
    act_on(home, case, asking("close", **told), now=NOW)
    return home


@pytest.fixture
def home(filled, tmp_path) -> Home:
    shutil.copytree(filled.root, tmp_path / "home")
    return Home(tmp_path / "home")


def rows_of(home: Home) -> dict[str, int]:
    with warehouse_of(home) as con:
        return {
            table: con.execute(f"select count(*) from core.{table}").fetchall()[0][0]  # noqa: S608
            for table in TABLES
        }


def test_erased_pupil_leaves_no_byte_and_no_case_and_the_log_is_whole(home) -> None:
    assert rows_of(home) == {
        "support_case": 1, "case_event": 8, "support_group": 1, "group_member": 5, "meeting": 1,
        "scale_rating": 1,
    }  # fmt: skip
    done = erase_pupil(home, Erased(PUPIL), now=NOW)
    assert done["proof"]["found"] == 0
    assert files_with(home, PUPIL) == []
    assert rows_of(home) == dict.fromkeys(TABLES, 0)
    assert verify_audit(home, anchor=None, now=NOW)["is_whole"]


def test_erased_helper_leaves_the_other_pupils_case_as_it_was(home) -> None:
    before = rows_of(home)
    done = erase_pupil(home, Erased(HELPER), now=NOW)
    assert (done["proof"]["found"], done["rows"]["core.group_member"]) == (0, 1)
    assert files_with(home, HELPER) == []
    assert rows_of(home) == before | {"group_member": 4}
    assert verify_audit(home, anchor=None, now=NOW)["is_whole"]


@pytest.mark.parametrize(("days", "left"), [(29, 5), (30, 0)])
def test_who_helped_is_let_go_of_thirty_days_after_the_closing(home, days, left) -> None:
    done = erase_expired(home, allow_many=False, now=NOW + timedelta(days))
    assert (done["helpers"], rows_of(home)["group_member"]) == (5 - left, left)
    assert rows_of(home)["support_group"] == 1
    with warehouse_of(home) as con:
        [(size, let_go)] = con.execute("""
            select size, let_go_at is not null from core.support_group join core.support_case
            using (case_id)
        """).fetchall()
    assert (size, let_go) == (5, left == 0)
    assert verify_audit(home, anchor=None, now=NOW + timedelta(days))["is_whole"]


def test_pupil_who_has_a_case_and_no_form_is_let_go_of_too(home) -> None:
    about = PupilAsked("NEW-PUPIL-1", "S01", "7A", "new_pupil", "adult", is_unlisted=True)
    open_for_pupil(home, about, role="nurse", on=None, now=NOW)
    erase_expired(home, allow_many=True, now=datetime(2027, 7, 31, 12, tzinfo=UTC))
    assert [case["pupil_code"] for case in list_cases(home, now=NOW)] == ["NEW-PUPIL-1"]
    erase_expired(home, allow_many=True, now=datetime(2027, 8, 1, 12, tzinfo=UTC))
    assert rows_of(home) == dict.fromkeys(TABLES, 0)
    assert files_with(home, "NEW-PUPIL-1") == files_with(home, PUPIL) == []


def test_pupil_is_told_of_the_own_case_and_not_who_helped(home) -> None:
    found = access(home, PUPIL, school=None, now=NOW)
    [case] = found["cases"]
    assert [event["event"] for event in case["events"]][:3] == [
        "opened", "flag_reviewed", "talk_offered"
    ]  # fmt: skip
    assert (case["groups"][0]["size"], case["ratings"][0]["value"]) == (5, 4)
    assert found["flags"][0]["review"] == "accepted"
    words = in_words(found)
    assert "safety 4 of 10" in words
    assert not any(code in f"{found} {words}" for code in TEAM)


def test_helper_is_told_of_the_membership_and_not_for_whom(home) -> None:
    found = access(home, HELPER, school=None, now=NOW)
    assert found["cases"] == []
    assert [row["joined_on"] for row in found["helped"]] == ["2026-04-20"]
    words = in_words(found)
    assert "joined a group on 2026-04-20" in words
    with warehouse_of(home) as con:
        [(case_id,)] = con.execute("select case_id from core.support_case").fetchall()
    assert not any(told in f"{found} {words}" for told in (PUPIL, case_id))
