"""Our own list with a row a pupil: from the inbox to the classes and the response rates."""

import io

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from schemas.reason import Reason
from tests.class_lists.packages import (
    APRIL,
    AUGUST,
    JANUARY,
    csv_list,
    listed,
    listed_in,
    published_rates,
    pupil_list,
    pupils,
    two_schools_answer,
)
from tests.support.home import (
    AUTUMN,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    outcomes,
    run,
    school_class,
    write_settings,
)
from tests.support.state import bytes_below, hashes, ledger_of, note_of, warehouse_of, words_on
from transforms.synthetic.formats import to_ndjson, to_xlsx
from warehouse.store import migrations


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def deliver(home, content, *, now=AUGUST, name=None):
    """What becomes of one file of the inbox."""
    name = name or f"list {len(list(home.outcome.rglob('*')))}"
    drop(home, name, content)
    return outcomes(run(home, now=now))[name]


def parquet(frame):
    buffer = io.BytesIO()
    pq.write_table(frame.to_arrow(), buffer)
    return buffer.getvalue()


def reasons(outcome):
    return dict(outcome.reasons)


def test_list_of_pupils_makes_the_classes(home):
    outcome = deliver(home, csv_list(*pupils("7A", 3), *pupils("7 b", 2, prefix="Q")))

    assert (outcome.outcome, outcome.delivered, outcome.accepted) == ("loaded", 5, 5)
    assert listed(home) == {("S01", "7A"): 3, ("S01", "7B"): 2}


def test_dates_may_be_left_out(home):
    content = csv_bytes(pupil_list(*pupils("7A", 3), dates=False))
    assert deliver(home, content).outcome == "loaded"
    assert listed(home) == {("S01", "7A"): 3}


@pytest.mark.parametrize("write", [to_xlsx, to_ndjson, parquet], ids=["xlsx", "ndjson", "parquet"])
def test_same_list_in_another_format_is_a_duplicate(home, write):
    rows = pupil_list(*pupils("7A", 3), ("S01", "7B", "Q01", "2025-10-01", "2026-01-31"))
    deliver(home, csv_bytes(rows))
    before = hashes(home)
    outcome = deliver(home, write(pl.DataFrame(rows[::-1])))

    assert (outcome.outcome, outcome.reason) == ("duplicate", Reason.ALREADY_DELIVERED)
    assert (outcome.accepted, outcome.dropped) == (0, 4)
    after = hashes(home)
    assert {table for table in before if before[table] != after[table]} <= {
        "warehouse.core.delivery",
        "warehouse.core.stage",
    }


def test_same_count_list_in_another_format_is_a_duplicate(home):
    counts = class_list(("S01", "7A", 20), ("S02", "7A", 18))
    deliver(home, counts)
    again = pl.read_csv(io.BytesIO(counts), separator=";", infer_schema=False)
    assert deliver(home, to_xlsx(again)).outcome == "duplicate"
    assert listed(home) == {("S01", "7A"): 20, ("S02", "7A"): 18}


def test_same_bytes_under_another_name_are_a_duplicate(home):
    deliver(home, csv_list(*pupils("7A", 3)), name="a.csv")
    assert deliver(home, csv_list(*pupils("7A", 3)), name="b.txt").outcome == "duplicate"


def test_list_that_goes_back_to_what_it_was_is_news(home):
    rows = pupil_list(*pupils("7A", 3))
    deliver(home, csv_bytes(rows))
    deliver(home, csv_list(*pupils("7A", 2)))
    assert deliver(home, to_xlsx(pl.DataFrame(rows))).outcome == "loaded"
    assert listed(home) == {("S01", "7A"): 3}


def test_pupil_who_is_missing_from_a_later_list_is_not_counted(home):
    deliver(home, csv_list(*pupils("7A", 3), *pupils("7B", 2, prefix="Q")))
    deliver(home, csv_list(*pupils("7A", 2)))
    assert listed(home) == {("S01", "7A"): 2}


def test_list_says_nothing_of_other_schools_and_years(home):
    deliver(home, csv_list(*pupils("7A", 3), *pupils("7A", 2, prefix="Q", school="S02")))
    deliver(home, csv_list(*pupils("6A", 4), year="2024-25"))
    deliver(home, csv_list(*pupils("7A", 1)))
    assert listed(home) == {("S01", "7A"): 1, ("S02", "7A"): 2, ("S01", "6A"): 4}


def test_leaver_counts_up_to_the_last_day(home):
    left = ("S01", "7A", "Q01", "2025-08-18", "2026-01-31")
    deliver(home, csv_list(*pupils("7A", 3), left))
    assert listed_in(home, AUTUMN) == {("S01", "7A"): 4}
    assert listed_in(home, SPRING) == {("S01", "7A"): 3}


def test_move_ends_one_enrolment_and_begins_another(home):
    old, new = ("S01", "7A", "Q01", "", "2026-01-31"), ("S01", "7B", "Q01", "2026-01-31", "")
    deliver(home, csv_list(*pupils("7A", 3), *pupils("7B", 2, prefix="R"), old, new))
    assert listed_in(home, AUTUMN) == {("S01", "7A"): 4, ("S01", "7B"): 2}
    assert listed_in(home, SPRING) == {("S01", "7A"): 3, ("S01", "7B"): 3}


def test_wave_keeps_the_list_that_it_was_held_by(home):
    deliver(home, csv_list(*pupils("7A", 3)), now=AUGUST)
    deliver(home, csv_list(*pupils("7A", 2), *pupils("7B", 5, prefix="Q")), now=JANUARY)
    assert listed_in(home, AUTUMN) == {("S01", "7A"): 3}
    assert listed_in(home, SPRING) == {("S01", "7A"): 2, ("S01", "7B"): 5}


def test_list_that_came_too_late_for_every_wave_can_still_be_mended(home):
    deliver(home, csv_list(*pupils("7A", 3)), now=APRIL)
    deliver(home, csv_list(*pupils("7A", 4)), now=APRIL)
    assert listed_in(home, AUTUMN) == {("S01", "7A"): 4}


def test_count_given_by_hand_wins_until_a_list_names_the_class_again(home):
    deliver(home, csv_list(*pupils("7A", 3), *pupils("7B", 2, prefix="Q")))
    deliver(home, class_list(("S01", "7A", 25)))
    assert listed(home) == {("S01", "7A"): 25, ("S01", "7B"): 2}
    deliver(home, csv_list(*pupils("7A", 4), *pupils("7B", 2, prefix="Q")))
    assert listed(home) == {("S01", "7A"): 4, ("S01", "7B"): 2}


def test_count_given_by_hand_stays_where_a_list_names_the_class_and_cannot_tell(home):
    deliver(home, class_list(("S01", "7A", 25)))
    bad = [row | {"grade": "x"} for row in pupil_list(*pupils("7A", 2))]
    outcome = deliver(home, csv_bytes([*bad, *pupil_list(*pupils("7B", 2, prefix="Q"))]))
    assert (outcome.accepted, outcome.quarantined) == (2, 2)
    assert listed(home) == {("S01", "7A"): 25, ("S01", "7B"): 2}


BAD = [
    ({"pupil_code": "Ola N."}, Reason.PUPIL_CODE_INVALID),
    ({"pupil_code": ""}, Reason.PUPIL_CODE_MISSING),
    ({"school": "S99"}, Reason.SCHOOL_UNKNOWN),
    ({"school": ""}, Reason.SCHOOL_UNKNOWN),
    ({"class_group": "?"}, Reason.CLASS_INVALID),
    ({"class_group": "01017012345"}, Reason.CLASS_INVALID),
    ({"grade": "14"}, Reason.GRADE_INVALID),
    ({"school_year": "2025"}, Reason.ENROLLED_INVALID),
    ({"school_year": "2025-27"}, Reason.ENROLLED_INVALID),
    ({"enrolled_on": "2099-01-01"}, Reason.ENROLLED_INVALID),
    ({"enrolled_on": "1999-12-31"}, Reason.ENROLLED_INVALID),
    ({"enrolled_on": "31.08.2025"}, Reason.ENROLLED_INVALID),
    ({"left_on": "2026-02-30"}, Reason.ENROLLED_INVALID),
    ({"enrolled_on": "2026-01-10", "left_on": "2026-01-09"}, Reason.ENROLLED_INVALID),
]


@pytest.mark.parametrize(("change", "reason"), BAD, ids=[str(at) for at in range(len(BAD))])
def test_row_that_cannot_be_used_waits_and_the_others_go_on(home, change, reason):
    good, bad = pupil_list(("S01", "7A", "P01"), ("S01", "7A", "P02"))
    outcome = deliver(home, csv_bytes([good, bad | change]), name="list.csv")

    assert (outcome.accepted, outcome.quarantined) == (1, 1)
    assert reasons(outcome) == {reason.value: 1}
    assert [row["row"] for row in note_of(home, "list.csv")["rows"]] == [3]
    assert listed(home) == {("S01", "7A"): 1}


@pytest.mark.parametrize("code", ["01017012345", "010170-12345", "93481267", "41234567"])
def test_number_of_a_person_stops_the_list(home, code):
    outcome = deliver(home, csv_list(("S01", "7A", "P01"), ("S01", "7A", code)), name="list.csv")
    assert (outcome.outcome, outcome.reason) == ("rejected", Reason.PERSONAL_DATA)
    assert listed(home) == {}


@pytest.mark.parametrize("day", ["2000-08-01", "2027-07-31", "2025-08-18T07:30:00"])
def test_date_near_the_school_year_is_taken(home, day):
    assert deliver(home, csv_list(("S01", "7A", "P01", day))).accepted == 1


def test_form_with_a_start_far_away_counts_without_it_and_the_note_says_so(home):
    rows = [form("P01", enrolled_on="2099-01-01"), form("P02", enrolled_on="2025-08-18")]
    outcome = deliver(home, csv_bytes(rows), name="answers.csv")
    assert (outcome.accepted, reasons(outcome)) == (2, {})
    assert ["enrolled_on", 1, 2] in note_of(home, "answers.csv")["left_blank"]


def test_pupil_in_two_classes_at_once_waits_in_both(home):
    rows = [("S01", "7A", "P01"), ("S02", "7B", "p01"), ("S01", "7A", "P02")]
    outcome = deliver(home, csv_list(*rows))
    assert reasons(outcome) == {"PUPIL_LISTED_TWICE": 2}
    assert listed(home) == {("S01", "7A"): 1}


def test_row_that_stands_twice_counts_once(home):
    outcome = deliver(home, csv_list(("S01", "7A", "P01"), ("S01", "7 a", "p01")))
    assert (outcome.delivered, outcome.accepted, outcome.dropped) == (2, 1, 1)
    assert listed(home) == {("S01", "7A"): 1}


def test_held_row_waits_once_however_many_lists_have_it(home):
    bad = pupil_list(("S01", "7A", "Ola N."))
    deliver(home, csv_bytes([*bad, *pupil_list(("S01", "7A", "P01"))]))
    outcome = deliver(home, csv_bytes([*bad, *pupil_list(("S01", "7A", "P02"))]))
    assert (outcome.accepted, outcome.quarantined, outcome.dropped) == (1, 0, 1)


def test_grade_that_the_class_name_contradicts_is_loaded_and_told(home):
    rows = [row | {"grade": "10"} for row in pupil_list(("S01", "7B", "P01"))]
    outcome = deliver(home, csv_bytes(rows), name="list.csv")
    assert (outcome.outcome, outcome.quarantined) == ("loaded", 0)
    assert note_of(home, "list.csv")["reasons"] == {"GRADE_NOT_AS_CLASS": 1}
    assert "GRADE_NOT_AS_CLASS: 1" in words_on(home, "list.csv")


@pytest.mark.parametrize(("name", "grade"), [("1STA", "11"), ("5-6", "6"), ("Gruppe Blå", "7")])
def test_grade_that_the_class_name_does_not_contradict_needs_no_word(home, name, grade):
    [row] = pupil_list(("S01", "7B", "P01"))
    content = csv_bytes([row | {"class_group": name, "grade": grade}])
    assert reasons(deliver(home, content)) == {}


def test_class_of_several_grades_is_one_class_of_its_most_common_grade(home):
    rows = [
        row | {"class_group": "5-7"} for row in pupil_list(*pupils("6A", 3), ("S01", "5A", "X01"))
    ]
    deliver(home, csv_bytes(rows))
    with warehouse_of(home) as con:
        found = con.execute(
            "select class_group, grade, grades, enrolled from core.class_in_wave where wave_id = ?",
            [AUTUMN],
        ).fetchall()
    assert found == [("5-7", 6, [5, 6], 4)]


def test_list_of_a_school_that_is_added_later_is_read_again(home):
    content = csv_list(*pupils("7A", 2, prefix="Q", school="S03"), *pupils("7A", 3))
    assert reasons(deliver(home, content)) == {"SCHOOL_UNKNOWN": 2}
    write_settings(home, schools=("S01", "S02", "S03"))
    assert deliver(home, content).accepted == 5
    assert listed(home) == {("S03", "7A"): 2, ("S01", "7A"): 3}
    with warehouse_of(home) as con:
        assert con.execute("select count(*) from quarantine.row").fetchall() == [(0,)]


def test_counts_of_every_list_add_up(home):
    rows = pupil_list(*pupils("7A", 3), ("S99", "7A", "Q01"), ("S01", "7A", "P000"))
    deliver(home, csv_bytes(rows))
    [(_, _, delivered, accepted, quarantined, dropped)] = ledger_of(home).values()
    assert (delivered, accepted, quarantined, dropped) == (5, 3, 1, 1)


def test_response_rate_in_the_report_and_the_published_file_follows_the_list(home):
    rows = [
        row
        for at, (school, group) in enumerate(
            (school, group) for school in ("S01", "S02") for group in ("7A", "7B")
        )
        for row in pupils(group, 25 if school == "S01" else 40, prefix=f"C{at}", school=school)
    ]
    left = [("S01", "7A", f"L0{number}", "", "2025-10-01") for number in range(6)]
    deliver(home, csv_list(*rows, *left))
    deliver(home, two_schools_answer(20), now=APRIL)

    [report] = home.health.rglob("S01/**/*.en.html")
    assert "20 of 25" in report.read_text(encoding="utf-8")
    rates = published_rates(home)
    assert rates["S01"] == pytest.approx(0.8, abs=0.011)
    assert rates["S02"] == pytest.approx(0.5, abs=0.011)


def test_gate_of_a_class_rule_follows_the_list(home):
    deliver(home, csv_list(*pupils("7A", 41)))
    deliver(home, csv_bytes(school_class(20)))
    with warehouse_of(home) as con:
        gates = con.execute("select distinct enrolled, gate from core.class_indicator").fetchall()
    assert gates == [(41, "low_response")]


def new_pupils(home, wave):
    with warehouse_of(home) as con:
        found = con.execute(
            "select pupil from core.flag where wave_id = ? and situation = 'new_pupil'", [wave]
        ).fetchall()
    return len(set(found))


NEW_AND_ALONE = {"company_in_breaks": "1"}


def spring_forms(*codes):
    place = {"wave": SPRING, "submitted_on": "2026-03-10"}
    return csv_bytes([form(code, **NEW_AND_ALONE, **place) for code in codes])


def test_pupil_is_new_by_the_date_on_the_list_where_the_form_has_none(home):
    dated = [(*row, "2025-08-18") for row in pupils("7A", 8)]
    deliver(home, csv_list(*dated, ("S01", "7A", "N01", "2026-02-16")))
    deliver(home, spring_forms("P001", "N01"), now=APRIL)
    assert new_pupils(home, SPRING) == 1


def test_first_day_that_half_of_a_class_shares_makes_nobody_new(home):
    deliver(home, csv_list(*[(*row, "2026-02-16") for row in pupils("7A", 8)]))
    deliver(home, spring_forms("P001", "P002"), now=APRIL)
    assert new_pupils(home, SPRING) == 0


def test_pupil_who_changed_class_at_the_same_school_is_not_new(home):
    deliver(home, csv_list(*pupils("7A", 8), *pupils("7B", 8, prefix="Q")))
    moved = ("S01", "7B", "P007", "2026-02-16")
    content = csv_list(*pupils("7A", 7), *pupils("7B", 8, prefix="Q"), moved)
    deliver(home, content, now=datetime_in_february())
    deliver(home, spring_forms("P007"), now=APRIL)
    assert new_pupils(home, SPRING) == 0


def datetime_in_february():
    return APRIL.replace(month=2)


def test_date_of_the_form_wins(home):
    dated = [(*row, "2025-08-18") for row in pupils("7A", 8)]
    deliver(home, csv_list(*dated, ("S01", "7A", "N01", "2026-02-16")))
    place = {"wave": SPRING, "submitted_on": "2026-03-10", "enrolled_on": "2019-08-19"}
    deliver(home, csv_bytes([form("N01", **NEW_AND_ALONE, **place)]), now=APRIL)
    assert new_pupils(home, SPRING) == 0


CODES = ("QX7-81KZPD", "WV3-55MTLB", "ZJ9-20HRCG")


def test_pupil_codes_of_a_list_are_in_its_file_and_nowhere_else(home):
    content = csv_list(*(("S01", "7A", code) for code in CODES), ("S01", "7A", "Ola N."))
    deliver(home, content, name="secret.csv")
    deliver(home, to_xlsx(pl.DataFrame(pupil_list(("S01", "7B", CODES[0])))), now=JANUARY)
    for path, found in bytes_below(home.root).items():
        if not path.startswith("outcome/"):
            for code in (*CODES, "Ola N."):
                assert code.encode() not in found, path
    assert all(code.encode() in bytes_below(home.outcome)["loaded/secret.csv"] for code in CODES)


def test_counts_from_before_class_lists_were_kept_go_on_counting():
    con = duckdb.connect()
    texts = migrations()
    con.execute(texts["0001_core.sql"]).fetchall()
    con.execute(
        "insert into core.dim_class_group values ('S01', '7A', '2025-26', 7, 20)"
    ).fetchall()
    con.execute(
        "insert into core.dim_wave values ('W', 'W', '2025-26', '2025-11-03', '2025-11-21')"
    )
    con.execute(texts["0003_class_lists.sql"]).fetchall()
    found = con.execute("select class_group, enrolled from core.class_in_wave").fetchall()
    assert found == [("7A", 20)]
    con.close()
