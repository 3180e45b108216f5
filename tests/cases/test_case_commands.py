"""`klassepuls case ...` from a flag to the closing, as the health service gives the commands."""

import json
import shutil
from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from flows.cases.listing import due, due_counts
from flows.cases.work import act_on
from flows.cli import main
from flows.home import Home
from flows.verify_audit import verify_audit
from tests.support.home import NOW, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of
from transforms.case_life import Asked

TEAM = ["P005", "P006", "P007", "P008", "P009"]
PLAN = """
problem = "=HYPERLINK(1) <script>alert(1)</script> ../../etc"
measures = "[bold]støttegruppe[/bold]"
carried_out_when = "uke 4-8"
carried_out_by = "helsesykepleier"
evaluated_when = "uke 9"
"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory) -> Home:
    home = make_home(tmp_path_factory.mktemp("cases") / "home")
    changes = {
        0: {"safety": "1", "wants_talk": "1"},
        1: {"bullied_by_pupils": "4"},
        2: {"bullied_by_adults": "4"},
    }
    drop(home, "a.csv", csv_bytes(school_class(12, changes=changes)))
    run(home)
    return home


@pytest.fixture
def home(filled, tmp_path) -> Home:
    shutil.copytree(filled.root, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def case(home, capsys):
    """A function that gives a command as a nurse and returns exit code, output and complaint."""

    def give(step: str, *arguments: str, role: str = "nurse"):
        is_reading = step in ("list", "show", "due")
        given = ["case", step, *arguments, "--home", str(home.root)]
        code = main(given if is_reading else [*given, "--as", role])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return give


def flag_of(home: Home, rule: str) -> str:
    with warehouse_of(home) as con:
        [(flag_id,)] = con.execute(
            "select flag_id from core.flag where rule_id = $rule", {"rule": f"rule.{rule}"}
        ).fetchall()
    return str(flag_id)[:8]


def test_a_flag_is_followed_up_to_the_end(home, case, tmp_path) -> None:
    code, told, _ = case("accept", flag_of(home, "unsafe"), "--json")
    assert code == 0
    case_id = json.loads(told)["case"]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    members = [part for code in TEAM for part in ("--member", code)]
    for step in (
        ["talk", case_id],
        ["offer", case_id],
        ["accepted", case_id, "--guardian", "not_required", "--informed"],
        ["plan", case_id, "--file", str(plan)],
        ["group", case_id, *members, "--picked-by", "pupil", "--friends", "2", "--around", "3"],
        ["join", case_id, "--member", "P010"],
        ["leave", case_id, "--member", "P005", "--why", "too_hard"],
        ["meeting", case_id, "--attended", "5", "--agreed", "3"],
        ["rate", case_id, "--school", "4", "--safe", "6"],
        ["meeting", case_id, "--individual"],
        ["review", case_id],
        ["review", case_id, "--safe"],
    ):
        code, _, complaint = case(*step)
        assert code == 0, complaint
    code, _, complaint = case("followup", case_id)
    assert code == 4
    assert "nothing done: the three-month check is held from" in complaint

    later = datetime.now(UTC) + timedelta(90)
    act_on(home, case_id, lambda today: Asked("followup", today, "nurse"), now=later)
    told = {"why": "safe", "outcome": "resolved_at_first_review"}
    ended = act_on(home, case_id, lambda day: Asked("close", day, "nurse", told), now=later)
    assert ended["state"] == "closed"
    with warehouse_of(home) as con:
        assert con.execute("""
            select status, close_reason, outcome_level, consent_pupil, consent_guardian
            from core.support_case
        """).fetchall() == [("closed", "safe", "resolved_at_first_review", "yes", "not_required")]
        assert con.execute("select kind, attended from core.meeting order by step").fetchall() == [
            ("first", 5),
            ("individual", None),
        ]
        assert con.execute("""
            select count(*), count(left_on), any_value(left_reason) from core.group_member
        """).fetchall() == [(6, 1, "too_hard")]
    assert verify_audit(home, anchor=None, now=later)["is_whole"]


def test_history_shows_planted_texts_as_text_and_codes_to_the_health_service(
    home, case, tmp_path
) -> None:
    case_id = json.loads(case("accept", flag_of(home, "unsafe"), "--json")[1])["case"]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN, encoding="utf-8")
    case("plan", case_id, "--file", str(plan))
    _, words, _ = case("show", case_id)
    assert "=HYPERLINK(1) <script>alert(1)</script> ../../etc" in words
    assert "[bold]støttegruppe[/bold]" in words
    assert "pupil P000, S01 7A" in words
    _, told, _ = case("show", case_id, "--json")
    assert json.loads(told)["plans"][0]["measures"] == "[bold]støttegruppe[/bold]"
    assert json.loads(told)["pupil_code"] == "P000"


@pytest.mark.parametrize("planted", [r"\u001b[2J", r"\u202e", r"\u0000"])
def test_plan_with_signs_that_lead_a_terminal_astray_is_refused(
    home, case, tmp_path, planted
) -> None:
    case_id = json.loads(case("accept", flag_of(home, "unsafe"), "--json")[1])["case"]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace("uke 9", planted), encoding="utf-8")
    code, _, complaint = case("plan", case_id, "--file", str(plan))
    assert code == 2
    assert "evaluated_when: Value error, plain text" in complaint


@pytest.mark.parametrize(
    ("planted", "kind"),
    [("Ring 93 44 55 66", "phone"), ("kari@skole.no", "email"), ("med p007 og p008", "pupil_code")],
)
def test_plan_that_points_at_a_person_is_refused_without_saying_whom(
    home, case, tmp_path, planted, kind
) -> None:
    case_id = json.loads(case("accept", flag_of(home, "unsafe"), "--json")[1])["case"]
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace("uke 9", planted), encoding="utf-8")
    code, _, complaint = case("plan", case_id, "--file", str(plan))
    assert (code, f"a person ({kind})" in complaint, planted in complaint) == (4, True, False)


def test_decision_stands_on_every_flag_of_the_pupil_and_each_step_in_the_log(home, case) -> None:
    code, told, _ = case("dismiss", flag_of(home, "wants_talk"), "--why", "pupil_says_fine")
    assert (code, "not followed up" in told) == (0, True)
    with warehouse_of(home) as con:
        reviews = con.execute("""
            select rule_id, review, review_why from core.flag order by rule_id
        """).fetchall()
        events = con.execute("""
            select action, subject, detail from audit.event where starts_with(action, 'case.')
        """).fetchall()
    assert reviews == [
        ("rule.bullied_by_adults", None, None),
        ("rule.bullied_by_pupils", None, None),
        ("rule.unsafe", "dismissed", "pupil_says_fine"),
        ("rule.wants_talk", "dismissed", "pupil_says_fine"),
    ]
    assert [action for action, *_ in events] == ["case.open", "case.dismiss"]
    assert not any("P0" in detail or "k1-" in detail for *_, detail in events)


@pytest.mark.parametrize(("was", "stays"), [("flag", False), ("prompt", True)])
def test_decision_on_less_than_the_answers_say_now_is_taken_again(home, case, was, stays) -> None:
    case("dismiss", flag_of(home, "bullied_by_pupils"), "--why", "pupil_says_fine")
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        named = {"was": was}
        con.execute("update core.flag set level = $was where rule_id = 'rule.bullied_by_pupils'",
                    named)  # fmt: skip
        con.execute("delete from core.stage where stage = 'flagged'")
    later = NOW + timedelta(days=14)
    run(home, now=later)
    with warehouse_of(home) as con:
        [(level, review, due_on)] = con.execute("""
            select level, review, review_due from core.flag
            where rule_id = 'rule.bullied_by_pupils'
        """).fetchall()
    assert (level, review) == ("prompt", "dismissed" if stays else None)
    # 4 May is a Monday: a prompt is due the day after.
    assert due_on == (date(2026, 4, 21) if stays else date(2026, 5, 5))
    assert any(row["clock"] == "review" and row["due_on"] == "2026-05-05"
               for row in due(home, now=later)) is not stays  # fmt: skip


def test_reopening_takes_the_decision_back(home, case) -> None:
    told = case("dismiss", flag_of(home, "unsafe"), "--why", "other", "--json")[1]
    code, words, _ = case("reopen", json.loads(told)["case"])
    assert (code, "waits for a review" in words) == (0, True)
    with warehouse_of(home) as con:
        assert con.execute("select count(review) from core.flag").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("step", "code", "said"),
    [
        (["dismiss", "FLAG"], 4, "a dismissal needs a reason: --why pupil_says_fine|"),
        (["accept", "FLAG", "--on", "2099-01-01"], 4, "a day that has not come yet"),
        (["accept", "0000"], 2, "no case and no flag has that id"),
        (["accept", "K-NOBODY"], 2, "there is no case with that id"),
        (["offer", "K-NOBODY"], 2, "there is no case with that id"),
        (["show", "K-NOBODY"], 2, "there is no case with that id"),
        (["open"], 2, "open takes --flag, or --pupil with"),
        (["open", "--pupil", "P011"], 2, "open takes --flag, or --pupil with"),
        (["consent", "K-NOBODY"], 2, "consent takes --pupil, --guardian or --informed"),
    ],
)
def test_refusal_says_what_to_do(home, case, step, code, said) -> None:
    given = [flag_of(home, "unsafe") if part == "FLAG" else part for part in step]
    got, _, complaint = case(*given)
    assert (got, said in complaint) == (code, True), complaint
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.support_case").fetchall() == [(0,)]


def test_pupil_who_asks_gets_a_case_with_a_short_clock_and_only_one(home, case) -> None:
    whose = ["--school", "S01", "--class", "7A", "--situation", "exclusion"]
    asks = ["--pupil", "P011", *whose, "--origin", "self_request"]
    assert case("open", *asks)[0] == 0
    code, _, complaint = case("open", *asks)
    assert (code, "the pupil has an open case, K-" in complaint) == (4, True)
    code, _, complaint = case("open", "--pupil", "P0NONE", *whose, "--origin", "adult")
    assert (code, "1 of the pupil codes are not known" in complaint) == (2, True)
    assert "P0NONE" not in complaint
    assert case("open", "--pupil", "P0NONE", *whose, "--origin", "adult", "--unlisted")[0] == 0
    rows = {row["pupil_code"]: row for row in json.loads(case("list", "--json")[1])}
    assert {code: row["origin"] for code, row in rows.items()} == {
        "P011": "self_request",
        "P0NONE": "adult",
    }


def test_helper_that_the_school_does_not_know_is_a_slip_of_the_pen(home, case) -> None:
    case_id = json.loads(case("accept", flag_of(home, "unsafe"), "--json")[1])["case"]
    case("offer", case_id)
    case("accepted", case_id)
    members = [part for code in [*TEAM[1:], "P0O5"] for part in ("--member", code)]
    code, _, complaint = case("group", case_id, *members, "--picked-by", "both")
    assert (code, "1 of the pupil codes" in complaint, "P0O5" in complaint) == (2, True, False)
    own = [part for code in [*TEAM[1:], "P000"] for part in ("--member", code)]
    code, _, complaint = case("group", case_id, *own, "--picked-by", "both")
    assert (code, "is not one of its helpers" in complaint) == (4, True)


def test_new_flag_belongs_to_the_open_case_of_the_same_pupil_alone(home, case) -> None:
    whose = ["--school", "S01", "--class", "7A", "--situation", "bullying", "--origin", "guardian"]
    case_id = json.loads(case("open", "--pupil", "P001", *whose, "--json")[1])["case"]
    case("accept", case_id)
    code, _, complaint = case("accept", flag_of(home, "bullied_by_pupils"))
    assert (code, f"open case, {case_id}" in complaint) == (4, True)
    code, _, complaint = case("link", case_id, flag_of(home, "unsafe"))
    assert (code, "not about the same pupil" in complaint) == (4, True)
    assert case("link", case_id, flag_of(home, "bullied_by_pupils"))[0] == 0
    with warehouse_of(home) as con:
        assert con.execute("select len(linked_flag_ids) from core.support_case").fetchall() == [
            (1,)
        ]
        assert con.execute(
            "select rule_id from core.flag where review = 'accepted'"
        ).fetchall() == [("rule.bullied_by_pupils",)]


def test_what_is_said_of_adults_is_listed_apart(home, case) -> None:
    flag = flag_of(home, "bullied_by_adults")
    code, _, complaint = case("accept", flag)
    assert (code, "done by: health_service_lead, school_owner" in complaint) == (4, True)
    told = case("accept", flag, "--json", role="school_owner")[1]
    case_id = json.loads(told)["case"]
    assert json.loads(case("list", "--json")[1]) == []
    assert case("show", case_id)[0] == 2
    assert [row["case_id"] for row in json.loads(case("list", "--adults", "--json")[1])] == [
        case_id
    ]
    assert case("show", case_id, "--adults")[0] == 0


def test_due_is_told_with_codes_and_the_summary_without(home, case) -> None:
    found = due(home, now=NOW, days=10)
    assert sorted((row["pupil_code"], row["due_on"], row["is_overdue"]) for row in found) == [
        ("P000", "2026-04-21", False),
        ("P000", "2026-04-27", False),
        ("P001", "2026-04-21", False),
    ]
    counts = due_counts(home, now=NOW + timedelta(2), days=10)
    assert counts == [
        {"school_id": "S01", "clock": "review", "is_overdue": False, "rows": 1},
        {"school_id": "S01", "clock": "review", "is_overdue": True, "rows": 2},
    ]
    code, words, _ = case("due", "--summary")
    assert (code, "P00" in words) == (1, False)
    case("accept", flag_of(home, "unsafe"))
    case("dismiss", flag_of(home, "bullied_by_pupils"), "--why", "other")
    code, words, _ = case("due", "--days", "30")
    assert (code, "first meeting" in words, "review" in words) == (0, True, False)


def test_flag_of_a_class_gets_its_decision_and_no_case(home, case) -> None:
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("""
            insert into core.flag by name
            select * replace ('CLA55CLA55000000' as flag_id, 'class' as target, null as pupil)
            from core.flag where rule_id = 'rule.unsafe'
        """)
    code, _, complaint = case("accept", "CLA55CLA", role="contact_teacher")
    assert (code, "that is done by: nurse" in complaint) == (4, True)
    code, _, complaint = case("dismiss", "CLA55CLA")
    assert (code, "a dismissal needs a reason" in complaint) == (4, True)
    assert case("accept", "CLA55CLA")[0] == 0
    with warehouse_of(home) as con:
        assert con.execute("""
            select review, reviewed_on is not null from core.flag where target = 'class'
        """).fetchall() == [("accepted", True)]
        assert con.execute("select count(*) from core.support_case").fetchall() == [(0,)]
    assert case("open", "--flag", "CLA55CLA")[0] == 4


@pytest.mark.parametrize("planted", ["<b>7A</b>", "=1+1", "../7A", "Kari Nordmann"])
def test_class_is_a_class_and_nothing_else(home, case, planted) -> None:
    whose = ["--school", "S01", "--class", planted, "--situation", "unsafe", "--origin", "adult"]
    code, _, complaint = case("open", "--pupil", "P011", *whose)
    assert (code, "--class is a class" in complaint, planted in complaint) == (2, True, False)


def test_nothing_of_a_case_is_published_and_no_message_names_the_pupil(home, case) -> None:
    case_id = json.loads(case("accept", flag_of(home, "unsafe"), "--json")[1])["case"]
    run(home, now=datetime.now(UTC))
    published = b"".join(
        path.read_bytes() for path in sorted(home.analyst.rglob("*")) if path.is_file()
    )
    assert published
    for secret in (case_id.encode(), b"support_case", b"group_member", b"case_event"):
        assert secret not in published
