"""OneRoster packages through the inbox: whole, in changes, against a naive register."""

import zipfile
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.check import check_file
from flows.class_lists import ClassList, load
from flows.erasure.pupil import Asked, erase_pupil
from schemas.reason import Reason
from schemas.settings import ClassLists, Settings
from tests.class_lists.packages import (
    APRIL,
    AUGUST,
    JANUARY,
    a_class,
    csv_list,
    goes,
    listed,
    listed_in,
    package,
    published_rates,
    pupils,
    register_home,
    two_schools_answer,
    user,
)
from tests.erase.tokens import files_with
from tests.support.examples import examples
from tests.support.home import (
    AUTUMN,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    outcomes,
    run,
)
from tests.support.loading import SETTINGS, full_config, memory_warehouse, pseudonym_of
from tests.support.state import bytes_below, contents, note_of, warehouse_of
from transforms.oneroster import read_rosters
from transforms.pseudonym import PseudonymKey, pseudonym
from warehouse.entries import Incoming

A, B = a_class("c1", "7A"), a_class("c2", "7B")
USERS = [user(f"u{number}") for number in range(8)]


@pytest.fixture
def home(tmp_path):
    return register_home(tmp_path / "home")


def deliver(home, content, *, now=AUGUST, name=None):
    name = name or f"package {len(list(home.outcome.rglob('*')))}"
    drop(home, name, content)
    return outcomes(run(home, now=now))[name]


def whole(*enrolments, classes=(A, B)):
    return package(classes=classes, enrollments=enrolments, users=USERS)


def changes(*enrolments, **more):
    return package("delta", enrollments=enrolments, **more)


THREE = (goes("e1", "u1", "c1"), goes("e2", "u2", "c1"), goes("e3", "u3", "c2"))


def test_whole_package_makes_the_classes_of_schools_by_their_number_in_the_register(home):
    outcome = deliver(home, whole(*THREE))
    assert (outcome.outcome, outcome.format) == ("loaded", "oneroster")
    assert (outcome.delivered, outcome.accepted) == (5, 5)
    assert listed(home) == {("S01", "7A"): 2, ("S01", "7B"): 1}


def test_move_in_a_package_of_changes_ends_one_enrolment_and_begins_another(home):
    deliver(home, whole(*THREE), now=AUGUST)
    moved = changes(goes("e2", "u2", "c1", status="tobedeleted"), goes("e9", "u2", "c2"))
    assert deliver(home, moved, now=JANUARY).outcome == "loaded"
    assert listed(home) == listed_in(home, SPRING) == {("S01", "7A"): 1, ("S01", "7B"): 2}
    assert listed_in(home, AUTUMN) == {("S01", "7A"): 2, ("S01", "7B"): 1}


def test_same_changes_count_once_though_others_have_come_since(home):
    away = [goes("e2", "u2", "c1", status="tobedeleted")]
    deliver(home, whole(*THREE))
    deliver(home, changes(*away))
    deliver(home, changes(goes("e2", "u2", "c1", status="active")))
    packed_anew = changes(*[f"{line} " for line in away])
    assert deliver(home, packed_anew).outcome == "duplicate"
    assert listed(home)[("S01", "7A")] == 2


def test_user_who_is_removed_is_counted_nowhere(home):
    deliver(home, whole(*THREE))
    deliver(home, package("delta", users=[user("u2", status="tobedeleted")]))
    assert listed(home) == {("S01", "7A"): 1, ("S01", "7B"): 1}


def test_class_that_is_removed_is_not_listed(home):
    deliver(home, whole(*THREE))
    deliver(home, package("delta", classes=[a_class("c2", "7B", status="tobedeleted")]))
    assert listed(home) == {("S01", "7A"): 2}


def test_enrolment_that_has_ended_counts_up_to_its_last_day(home):
    deliver(home, whole(*THREE, goes("e4", "u4", "c1", begin="2025-08-18", end="2026-01-31")))
    assert listed_in(home, AUTUMN)[("S01", "7A")] == 3
    assert listed_in(home, SPRING)[("S01", "7A")] == 2


def test_whole_package_of_one_school_leaves_the_others_alone(home):
    dal = a_class("d1", "7A", org="o2")
    deliver(home, package(classes=[dal], enrollments=[goes("f1", "v1", "d1", org="o2")]))
    deliver(home, whole(*THREE))
    deliver(home, whole(THREE[0]))
    assert listed(home) == {("S02", "7A"): 1, ("S01", "7A"): 1}


def test_same_package_packed_anew_is_a_duplicate(home):
    deliver(home, whole(*THREE))
    outcome = deliver(home, whole(*THREE[::-1], classes=(B, A)))
    assert (outcome.outcome, outcome.dropped) == ("duplicate", 5)


def test_changes_after_another_kind_of_list_put_the_register_in_force(home):
    deliver(home, whole(*THREE))
    deliver(
        home,
        csv_list(*[(s, g, f"{c}X") for s, g, c in pupils("7A", 20)]).replace(b"S01", b"974000001"),
    )
    assert listed(home) == {("S01", "7A"): 20}
    deliver(home, changes(goes("e9", "u9", "c2")))
    assert listed(home) == {("S01", "7A"): 2, ("S01", "7B"): 2}


def test_class_of_several_grades_is_listed(home):
    outcome = deliver(home, whole(goes("e1", "u1", "c1"), classes=[a_class("c1", "5-6", "5,6")]))
    assert (outcome.quarantined, dict(outcome.reasons)) == (0, {})
    with warehouse_of(home) as con:
        found = con.execute("select grade, grades from core.class_in_wave").fetchall()
    assert found == [(5, [5, 6])] * 2


def two_schools(each, *, names=("7A", "7B"), grades="7"):
    """Two classes a school, with so many pupils each."""
    places = {
        "c1": ("o1", names[0]),
        "c2": ("o1", names[1]),
        "d1": ("o2", "7A"),
        "d2": ("o2", "7B"),
    }
    classes = [
        a_class(number, name, grades if org == "o1" else "7", org=org)
        for number, (org, name) in places.items()
    ]
    enrolments = [
        goes(f"{number}-{at}", f"u{number}-{at}", number, org=org)
        for number, (org, _) in places.items()
        for at in range(each)
    ]
    return package(classes=classes, enrollments=enrolments)


def test_no_response_rate_is_told_where_the_register_cannot_tell_who_was_asked(home):
    names = ("5-6A", "5-6B")
    deliver(home, two_schools(30, names=names, grades="5,6"))
    deliver(home, two_schools_answer(20, names=names, grade="6"), now=APRIL)
    assert published_rates(home)["S01"] is None


def test_response_rate_counts_a_class_of_several_grades_when_all_of_them_were_asked(home):
    names = ("5-6A", "5-6B")
    deliver(home, two_schools(30, names=names, grades="6,7"))
    deliver(home, two_schools_answer(20, names=names, grade="6"), now=APRIL)
    assert published_rates(home)["S01"] == pytest.approx(0.67, abs=0.011)


def test_response_rate_in_report_and_published_file_follows_the_register(home):
    deliver(home, two_schools(40))
    left = [goes(f"c1-{at}", f"uc1-{at}", "c1", status="tobedeleted") for at in range(15)]
    left += [goes(f"c2-{at}", f"uc2-{at}", "c2", status="tobedeleted") for at in range(15)]
    deliver(home, changes(*left))
    deliver(home, two_schools_answer(20), now=APRIL)
    [report] = home.health.rglob("S01/**/*.en.html")
    assert "20 of 25" in report.read_text(encoding="utf-8")
    rates = published_rates(home)
    assert rates["S01"] == pytest.approx(0.8, abs=0.011)
    assert rates["S02"] == pytest.approx(0.5, abs=0.011)


def test_school_that_no_setting_knows_waits_and_the_others_go_on(home):
    stranger = a_class("x1", "7A", org="o7")
    content = package(
        classes=[A, stranger], enrollments=[THREE[0], goes("f1", "v1", "x1", org="o7")]
    )
    outcome = deliver(home, content, name="all.zip")
    assert (outcome.accepted, outcome.quarantined) == (2, 2)
    assert {row["columns"][0] for row in note_of(home, "all.zip")["rows"]} == {
        "classes.csv",
        "enrollments.csv",
    }
    assert listed(home) == {("S01", "7A"): 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (goes("e4", "u4", "c9"), Reason.CLASS_INVALID),
        (goes("e4", "u4", "c1", begin="2099-01-01"), Reason.ENROLLED_INVALID),
        (goes("e4", "u4", "c1", begin="2026-01-02", end="2026-01-01"), Reason.ENROLLED_INVALID),
        ("e4,,c1", Reason.FIELD_COUNT),
    ],
    ids=["class", "far", "order", "line"],
)
def test_enrolment_that_cannot_be_used_waits(home, line, reason):
    outcome = deliver(home, whole(*THREE, line))
    assert dict(outcome.reasons) == {reason.value: 1}
    assert (outcome.accepted, outcome.quarantined) == (5, 1)
    assert listed(home) == {("S01", "7A"): 2, ("S01", "7B"): 1}


def test_class_that_comes_after_its_pupils_has_them(home):
    deliver(home, whole(*THREE))
    deliver(home, changes(goes("e5", "u5", "c5")))
    deliver(home, package("delta", classes=[a_class("c5", "7C")]))
    assert listed(home)[("S01", "7C")] == 1


def test_count_given_by_hand_stays_for_a_class_that_the_register_cannot_tell(home):
    deliver(home, class_list(("974000001", "7C", 21)))
    deliver(home, whole(*THREE, classes=(A, B, a_class("c3", "7C", "KG"))))
    assert listed(home) == {("S01", "7A"): 2, ("S01", "7B"): 1, ("S01", "7C"): 21}


def test_whole_package_without_pupils_is_refused_and_empties_nothing(home):
    deliver(home, whole(*THREE))
    outcome = deliver(home, whole())
    assert (outcome.outcome, outcome.reason) == ("rejected", Reason.NO_ROWS)
    assert listed(home) == {("S01", "7A"): 2, ("S01", "7B"): 1}


def test_cut_off_package_is_refused(home):
    assert deliver(home, whole(*THREE)[:-40]).reason == Reason.INCOMPLETE_UPLOAD


def test_check_says_what_a_package_would_do(home):
    path = home.root / "package"
    path.write_bytes(whole(*THREE))
    found = check_file(home, path)
    assert (found["tool"], found["rows"], found["sound"], found["held"]) == ("class list", 5, 5, 0)


# Who is who


def linked(home):
    with warehouse_of(home) as con:
        found = con.execute("""
            select count(*) from core.enrolment semi join core.response using (pupil)
            where unlisted_by is null
        """).fetchall()
    return found[0][0]


@pytest.mark.parametrize(("pupil_code", "same"), [("sourcedId", 1), ("identifier", 1), ("none", 0)])
def test_pupil_code_is_what_the_setting_says(tmp_path, pupil_code, same):
    home = register_home(tmp_path / "home", pupil_code=pupil_code)
    [number, identifier] = ("abc1", "x") if pupil_code == "sourcedId" else ("x9", "abc1")
    content = package(
        classes=[A],
        enrollments=[goes("e1", number, "c1"), goes("e2", "other-1", "c1")],
        users=[user(number, identifier=identifier), user("other-1", identifier="other-2")],
    )
    deliver(home, content)
    deliver(home, csv_bytes([form("ABC1", school="S01")]), now=APRIL)
    assert linked(home) == same
    assert listed(home) == {("S01", "7A"): 2}


def test_code_of_a_pupil_is_known_in_later_changes(tmp_path):
    home = register_home(tmp_path / "home", pupil_code="identifier")
    users = [user("x1", identifier="abc1")]
    deliver(home, package(classes=[A, B], enrollments=[goes("e1", "x1", "c1")], users=users))
    moved = changes(goes("e1", "x1", "c1", status="tobedeleted"), goes("e2", "x1", "c2"))
    deliver(home, moved)
    deliver(home, csv_bytes([form("ABC1", class_group="7B")]), now=APRIL)
    assert linked(home) == 1


def test_identity_number_in_the_register_is_no_pupil_code_and_the_pupil_counts(tmp_path):
    home = register_home(tmp_path / "home", pupil_code="identifier")
    users = [user("x1", identifier="01017012345"), user("x2", identifier="93481267")]
    content = package(
        classes=[A], enrollments=[goes("e1", "x1", "c1"), goes("e2", "x2", "c1")], users=users
    )
    outcome = deliver(home, content)
    assert (outcome.quarantined, dict(outcome.reasons)) == (0, {"PUPIL_CODE_INVALID": 2})
    with warehouse_of(home) as con:
        pupils_named = con.execute("select count(pupil), count(*) from core.enrolment").fetchall()
    assert pupils_named == [(0, 2)]


def test_begin_date_in_the_register_makes_a_pupil_new(tmp_path):
    home = register_home(tmp_path / "home", pupil_code="sourcedId")
    old = [goes(f"e{n}", f"OLD{n}", "c1", begin="2025-08-18") for n in range(8)]
    deliver(home, whole(*old, goes("n1", "NEW1", "c1", begin="2026-02-16")), now=JANUARY)
    place = {"wave": SPRING, "submitted_on": "2026-03-10"}
    deliver(home, csv_bytes([form("NEW1", **place), form("OLD1", **place)]), now=APRIL)
    key = PseudonymKey(home.key_file.read_bytes(), version=1, municipality="9901")
    with warehouse_of(home) as con:
        found = con.execute("select pupil from core.flag where situation = 'new_pupil'").fetchall()
    assert found == [(pseudonym("NEW1", key=key, domain="pupil"),)]


SECRETS = ("QX7-81KZPD", "WV3-55MTLB", "ZJ9-20HRCG", "KF6-47YNSE", "Torvald Qvigstad", "NY2-76EGZO")
NO_CLASS = "01017012345"


@pytest.mark.parametrize("pupil_code", ["sourcedId", "identifier", "none"])
def test_nothing_of_a_package_but_pseudonyms_leaves_its_file(tmp_path, pupil_code):
    home = register_home(tmp_path / "home", pupil_code=pupil_code)
    pupil, enrolment, group, identifier, name, removed = SECRETS
    users = [
        f"{pupil},,{name},{name},post@x.no,hemmelig,{identifier}",
        user(removed, status="tobedeleted"),
    ]
    rows = [goes(enrolment, pupil, group), goes(f"{enrolment}2", removed, "unknown-class")]
    subject = f"s1,,Norsk hos {name},7,,scheduled,o1,y1"
    classes = [a_class(group, "7A"), subject, a_class("c9", NO_CLASS)]
    content = package(classes=classes, enrollments=rows, users=users)
    deliver(home, content, name="roster.zip")
    assert pupil.encode() in zipfile.ZipFile(home.outcome / "loaded/roster.zip").read("users.csv")
    for path, found in bytes_below(home.root).items():
        for secret in (*SECRETS, NO_CLASS):
            assert secret.encode() not in found, path
    assert not any(secret in repr(contents(home)) for secret in SECRETS)


# Changes, one after another, against a register kept by hand


@dataclass
class Naive:
    """A register as a person would keep it: every enrolment in a book, and closed classes."""

    book: dict[str, tuple[str, str]] = field(default_factory=dict)  # enrolment -> pupil, class
    classes: dict[str, str] = field(default_factory=dict)  # class -> name

    def counts(self):
        found: dict[str, set[str]] = {}
        for pupil, group in self.book.values():
            if group in self.classes:
                found.setdefault(self.classes[group], set()).add(pupil)
        return {("S01", name): len(pupils_in) for name, pupils_in in found.items()}

    def tell(self, change):
        kind, enrolment, pupil, group = change
        if kind == "enrol":
            self.book[enrolment] = (pupil, group)
        elif kind == "leave":
            self.book.pop(enrolment, None)
        elif kind == "remove":
            self.book = {key: row for key, row in self.book.items() if row[0] != pupil}
        elif kind == "close":
            self.classes.pop(group, None)
            self.book = {key: row for key, row in self.book.items() if row[1] != group}
        elif kind == "open":
            self.classes[group] = NAMES[group]


NAMES = {"c1": "7A", "c2": "7B", "c3": "7C"}
CHANGE = st.tuples(
    st.sampled_from(["enrol", "enrol", "enrol", "leave", "remove", "close", "open"]),
    st.sampled_from(["e1", "e2", "e3", "e4", "e5"]),
    st.sampled_from(["u01", "u02", "u03"]),
    st.sampled_from(sorted(NAMES)),
)


def lines_of(change):
    kind, enrolment, pupil, group = change
    lines = {
        "enrol": {"enrollments": [goes(enrolment, pupil, group, status="active")]},
        "leave": {"enrollments": [goes(enrolment, "", "", org="", status="tobedeleted")]},
        "remove": {"users": [user(pupil, status="tobedeleted")]},
        "close": {"classes": [f"{group},tobedeleted,,,,,,"]},
        "open": {"classes": [a_class(group, NAMES[group], status="active")]},
    }
    return lines[kind]


TOWN = Settings.model_validate(
    {
        **SETTINGS.model_dump(by_alias=True),
        "school": [{"id": "S01", "name": "Fjell", "register_id": "974000001"}],
        "class_lists": ClassLists(pupil_code="sourcedId").model_dump(),
    }
)


@settings(
    max_examples=examples(10, deep=150), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    first=st.lists(st.sampled_from(sorted(NAMES)), min_size=1, max_size=4),
    later=st.lists(CHANGE, max_size=7),
)
def test_any_changes_end_as_a_register_kept_by_hand(first, later):
    config = replace(full_config(), settings=TOWN)
    con = memory_warehouse(config)
    naive = Naive(classes=dict(NAMES))
    enrolled = [(f"e{at}", f"u0{at}", group) for at, group in enumerate(first, start=1)]
    for row in enrolled:
        naive.tell(("enrol", *row))
    told = [
        {
            "classes": [a_class(group, name) for group, name in NAMES.items()],
            "enrollments": [goes(*row) for row in enrolled],
        }
    ]
    hear(con, config, package(**told[0]), naive)
    for change in later:
        lines = lines_of(change)
        if lines not in told:  # the same changes count once
            naive.tell(change)
        told.append(lines)
        hear(con, config, package("delta", **lines), naive)
    con.close()


def hear(con, config, content, naive):
    """Load a package, and see that the warehouse says what the book does."""
    number = con.execute("select count(*) from core.delivery").fetchall()[0][0]
    roster = ClassList(read_rosters(content, pupil_code="sourcedId"))
    load(con, roster, config, incoming=Incoming(str(number), "oneroster", 1), now=AUGUST)

    found = con.execute("select school_id, class_group, enrolled from core.dim_class_group")
    assert {(school, name): n for school, name, n in found.fetchall()} == naive.counts()
    pupils_in = con.execute(
        "select pupil, class_group from core.enrolment where unlisted_by is null"
    ).fetchall()
    assert set(pupils_in) == {
        (pseudonym_of(pupil.upper()), naive.classes[group])
        for pupil, group in naive.book.values()
        if group in naive.classes
    }
    assert con.execute(
        "select count(*) from core.delivery where accepted + quarantined + dropped <> delivered"
    ).fetchall() == [(0,)]


def test_erased_pupil_is_left_out_of_a_register_that_comes_again(tmp_path):
    home = register_home(tmp_path / "home", pupil_code="sourcedId")
    pupils = [goes(f"e{number}", f"PUP{number}", "c1") for number in range(3)]
    deliver(home, whole(*pupils), name="first")
    erase_pupil(home, Asked("PUP1"), now=AUGUST)
    outcome = deliver(home, whole(*pupils, goes("e9", "PUP9", "c1")), name="again")
    assert (outcome.outcome, outcome.erased) == ("loaded", 1)
    assert listed(home) == {("S01", "7A"): 3}  # PUP0, PUP2 and PUP9
    moved = deliver(home, changes(goes("e1", "PUP1", "c2")), name="changes")
    assert moved.erased == 1
    assert listed(home) == {("S01", "7A"): 3}
    assert files_with(home, "PUP1") == []


def test_erased_pupil_is_left_out_where_the_code_is_another_column_of_the_register(tmp_path):
    home = register_home(tmp_path / "home", pupil_code="identifier")
    people = [user(f"u{number}", identifier=f"KODE{number}") for number in range(3)]
    pupils = [goes(f"e{number}", f"u{number}", "c1") for number in range(3)]
    told = package(classes=[A], enrollments=pupils, users=people)
    deliver(home, told, name="first")
    erase_pupil(home, Asked("KODE1"), now=AUGUST)
    more = [*pupils, goes("e9", "u2", "c1")]
    outcome = deliver(home, package(classes=[A], enrollments=more, users=people), name="again")
    assert outcome.erased == 1
    assert listed(home) == {("S01", "7A"): 2}
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from core.roster_user").fetchall() == [(2,)]
    assert files_with(home, "KODE1") == []
