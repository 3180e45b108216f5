"""What is read for a report: this school, this wave, this route, and no more than that."""

from itertools import product
from typing import Any

import duckdb
import pytest

from schemas.instrument import SKIPPED, shipped_instruments
from schemas.settings import Settings
from tests.reports.school import NO_MARKS, insert
from warehouse.instruments import register
from warehouse.report_data import ReportDataError, read_schools
from warehouse.school_data import SchoolData
from warehouse.store import migrations

CORE = "klassepuls_core_v1"
PUPIL = "psn-FJV-7B-00"
UNSAFE = ((f"{CORE}.safety", 2, 2),)


def only_flag(data: SchoolData) -> Any:
    (flag,) = data.pupil_flags
    return flag


def test_an_unknown_school_or_wave_is_said_plainly(warehouse: Any) -> None:
    for wave, school in (("2026-H", "NOPE"), ("1999-H", "FJV")):
        with pytest.raises(ReportDataError, match="load the settings first"):
            read_schools(
                warehouse.con,
                wave_id=wave,
                school_ids=[school],
                routes=["health_service"],
                marks=NO_MARKS,
            )


def test_only_open_flags_of_this_wave_and_route_are_read(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    warehouse.add_flag("rule.not_thriving", "flag", "7B", PUPIL, status="withdrawn")
    warehouse.add_flag("rule.nobody_in_breaks", "flag", "7B", PUPIL, wave="2026-V")
    warehouse.add_flag("rule.bullied_by_adults", "prompt", "7B", PUPIL)
    assert only_flag(warehouse.read()).rule_id == "rule.unsafe"
    assert only_flag(warehouse.read("adult_route")).rule_id == "rule.bullied_by_adults"


def test_the_adult_route_gets_no_class_indicators(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_indicator("rule.class_bullied", "7B", answered=20, observed=4, p=0.02)
    assert len(warehouse.read().indicators) == 1
    assert warehouse.read("adult_route").indicators == ()


def test_another_schools_flags_and_answers_are_not_read(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    warehouse.add_answer("2026-V", PUPIL, "safety", 5, school="ELSE")
    warehouse.school = "ELSE"
    warehouse.add_flag("rule.unsafe", "flag", "7B", "psn-ELSE-7B-00", evidence=UNSAFE)
    warehouse.school = "FJV"
    (evidence,) = only_flag(warehouse.read()).evidence
    assert evidence.earlier == ()


def test_earlier_answers_come_in_the_order_of_the_waves(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    warehouse.add_answer("2026-H", PUPIL, "safety", 2)
    warehouse.add_answer("2026-V", PUPIL, "safety", None, missing="skipped")
    warehouse.add_answer("2025-H", PUPIL, "safety", 4)
    (evidence,) = only_flag(warehouse.read()).evidence
    found = [(past.wave_id, past.value, past.missing) for past in evidence.earlier]
    assert found == [("2025-H", 4, None), ("2026-V", None, "skipped")]


def test_a_question_that_was_not_asked_is_no_earlier_answer(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    warehouse.add_answer("2026-V", PUPIL, "safety", None, missing="not_asked")
    assert only_flag(warehouse.read()).evidence[0].earlier == ()


def test_an_answer_in_one_survey_outweighs_a_skip_in_another(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    warehouse.add_answer("2026-V", PUPIL, "safety", 3)
    warehouse.add_answer("2026-V", PUPIL, "safety", None, missing="skipped")
    (past,) = only_flag(warehouse.read()).evidence[0].earlier
    assert (past.value, past.missing) == (3, None)


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")], ids="-".join)
def test_of_two_surveys_of_an_earlier_wave_the_last_by_name_counts(
    warehouse: Any, order: tuple[str, ...]
) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    for survey in order:
        warehouse.add_answer("2026-V", PUPIL, "safety", {"a": 3, "b": 5}[survey])
        warehouse.con.execute(
            "update core.answer set survey_id = $survey where survey_id = 'pulse'",
            {"survey": survey},
        ).fetchall()
    (past,) = only_flag(warehouse.read()).evidence[0].earlier
    assert past.value == 5


def test_a_pupil_whose_surveys_name_two_classes_is_counted_in_one(warehouse: Any) -> None:
    warehouse.add_class("5A", answered=4, enrolled=4)
    warehouse.add_class("5B", answered=2, enrolled=2)
    warehouse.con.execute("""
        insert into core.response
        select * replace ('other' as survey_id, response_id + 100 as response_id,
            if(pupil like '%-00', '5B', class_group) as class_group)
        from core.response where class_group = '5A'
    """).fetchall()
    found = {c.class_group: (c.answered, c.enrolled) for c in warehouse.read().classes}
    assert found == {"5A": (4, 4), "5B": (2, 2)}, "'pulse' is the last by name"
    warehouse.con.execute("""
        update core.response set survey_id = 'zz' where survey_id = 'other'
    """).fetchall()
    found = {c.class_group: (c.answered, c.enrolled) for c in warehouse.read().classes}
    assert found == {"5A": (3, 4), "5B": (3, 2)}


def test_answers_to_other_questions_are_never_read(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    warehouse.add_answer("2026-V", PUPIL, "bullied_by_adults", 5)
    warehouse.add_answer("2026-V", "psn-FJV-7B-01", "safety", 1)
    assert only_flag(warehouse.read()).evidence[0].earlier == ()


def test_a_flag_is_known_when_the_same_rule_flagged_before(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, wave="2025-H")
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, wave="2026-V", status="withdrawn")
    warehouse.add_flag("rule.not_thriving", "flag", "7B", PUPIL, wave="2026-V")
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    assert only_flag(warehouse.read()).known_in == ("2025-H",)


def test_a_class_is_listed_whether_it_answered_or_only_stands_on_the_list(warehouse: Any) -> None:
    warehouse.add_class("5A", answered=0, enrolled=22)
    warehouse.add_class("6A", answered=3, enrolled=None)
    found = [(c.class_group, c.grade, c.answered, c.enrolled) for c in warehouse.read().classes]
    assert found == [("5A", 5, 0, 22), ("6A", 6, 3, None)]


def test_a_pupil_in_two_surveys_counts_once(warehouse: Any) -> None:
    warehouse.add_class("5A", answered=4, enrolled=22)
    warehouse.con.execute("""
        insert into core.response
        select * replace ('other' as survey_id, response_id + 100 as response_id)
        from core.response
    """).fetchall()
    assert warehouse.read().classes[0].answered == 4


def test_forms_without_codes_are_counted_and_mark_the_wave_as_unlinked(warehouse: Any) -> None:
    for _ in range(6):
        warehouse.add_response("5A", None)
    data = warehouse.read()
    assert data.classes[0].answered == 6
    assert not data.is_linked


def test_held_rows_are_counted_for_the_school_only_where_that_is_certain(warehouse: Any) -> None:
    warehouse.add_response("5A", "a", delivery_no=1)
    warehouse.hold_rows(1, 2)
    assert (warehouse.read().held, warehouse.read().held_shared) == (2, 0)
    warehouse.school = "ELSE"
    warehouse.add_response("5A", "b", delivery_no=1)
    warehouse.school = "FJV"
    assert (warehouse.read().held, warehouse.read().held_shared) == (0, 2)


def test_rows_of_a_delivery_that_is_not_ours_are_not_counted(warehouse: Any) -> None:
    warehouse.add_response("5A", "a", delivery_no=1)
    warehouse.hold_rows(2, 5)
    assert (warehouse.read().held, warehouse.read().held_shared) == (0, 0)


def test_contradicting_forms_are_held_once_with_their_own_school(warehouse: Any) -> None:
    warehouse.add_response("5A", "a", delivery_no=1)
    warehouse.hold_rows(1, 2)
    warehouse.con.execute("""
        insert into quarantine.response
        select * replace (row_no + 9_999 as row_no) from core.response
    """).fetchall()
    assert warehouse.read().held == 2


def test_what_was_read_does_not_print_a_pseudonym(warehouse: Any) -> None:
    warehouse.add_class("7B", answered=20, enrolled=24)
    warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
    assert "psn" not in repr(warehouse.read())


def test_the_real_view_of_answers_is_read_like_the_stand_in(settings: Settings) -> None:
    con = duckdb.connect()
    for text in ("create schema audit", *migrations().values()):
        con.execute(text).fetchall()
    register(con, shipped_instruments(), settings)
    rows = f"""
        insert into core.response (response_id, delivery_no, row_no, survey_id, wave_id, school_id,
            class_group, grade, pupil)
        values (1, 1, 1, 'pulse', '2026-V', 'FJV', '7B', 7, '{PUPIL}'),
            (2, 2, 1, 'pulse', '2026-H', 'FJV', '7B', 7, '{PUPIL}');
        insert into core.answer_{CORE} (response_id, safety, thriving)
        values (1, {SKIPPED}, 4), (2, 2, 4);
        insert into core.flag (flag_id, wave_id, survey_id, target, school_id, class_group, grade,
            pupil, level, situation, rule_id, rule_version, route, evidence_count, raised_at,
            review_due, expires_on, status)
        values ('f1', '2026-H', 'pulse', 'pupil', 'FJV', '7B', 7, '{PUPIL}', 'flag', 'unsafe',
            'rule.unsafe', 1, 'health_service', 1, '2026-11-23 05:00:00+01', '2026-11-30',
            '2027-03-23', 'open');
        insert into core.flag_evidence
        values ('f1', '{CORE}.safety', 2, 2, null, null, '2026-H', null);
    """  # noqa: S608
    con.execute(rows).fetchall()
    data = read_schools(
        con, wave_id="2026-H", school_ids=["FJV"], routes=["health_service"], marks=NO_MARKS
    )
    (past,) = only_flag(data["health_service", "FJV"]).evidence[0].earlier
    assert (past.wave_id, past.value, past.missing) == ("2026-V", None, "skipped")


def test_schools_read_together_say_what_each_says_alone(warehouse: Any) -> None:
    schools = ("FJV", "ELSE", "TOM")
    insert(warehouse.con, "core.dim_school", school_id="ELSE", name="Elset skole")
    insert(warehouse.con, "core.dim_school", school_id="TOM", name="Tomvik skole")
    for school, observed in (("FJV", 3), ("ELSE", 5)):
        warehouse.school = school
        warehouse.add_class("7B", answered=20, enrolled=24)
        warehouse.add_class("6A", answered=4 + observed, enrolled=None)
        warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, wave="2026-V")
        warehouse.add_flag("rule.unsafe", "flag", "7B", PUPIL, evidence=UNSAFE)
        warehouse.add_flag("rule.bullied_by_adults", "prompt", "7B", PUPIL)
        warehouse.add_flag("rule.class_bullied", "watch", "7B", None)
        warehouse.add_indicator("rule.class_bullied", "7B", answered=20, observed=observed, p=0.02)
        warehouse.add_answer("2026-V", PUPIL, "safety", observed, school=school)
        warehouse.add_response("6A", f"{school}-held", delivery_no=observed)
        warehouse.hold_rows(observed, observed)
    routes = ("health_service", "adult_route")
    read = {"con": warehouse.con, "wave_id": "2026-H", "marks": NO_MARKS}
    together = read_schools(**read, routes=routes, school_ids=schools)
    for route, school in product(routes, schools):
        alone = read_schools(**read, routes=[route], school_ids=[school])
        assert together[route, school] == alone[route, school]
    assert [len(data.pupil_flags) for data in together.values()] == [1, 1, 0, 1, 1, 0]
    assert [data.held for data in together.values()] == [3, 5, 0, 3, 5, 0]
