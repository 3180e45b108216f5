"""What changed since the last round: who is new, who again, who is gone, and who did not answer."""

from dataclasses import replace

import pytest

from tests.reports.page import Page, Render
from tests.reports.school import CORE, Warehouse, insert
from warehouse.since import Since
from warehouse.stages import school_inputs

LOW = ((f"{CORE}.safety", 1, 2),)


def answers(warehouse: Warehouse, wave: str, *pupils: str, school: str = "FJV") -> None:
    for pupil in pupils:
        warehouse.responses += 1
        insert(
            warehouse.con, "core.response", response_id=warehouse.responses, delivery_no=1,
            row_no=warehouse.responses, survey_id="pulse", wave_id=wave, school_id=school,
            class_group="7B", grade=7, pupil=pupil,
        )  # fmt: skip


def flags(warehouse: Warehouse, wave: str, *pupils: str, **changes: str) -> None:
    for pupil in pupils:
        warehouse.add_flag(
            "rule.unsafe", changes.get("level", "flag"), "7B", pupil, wave=wave,
            status=changes.get("status", "open"), evidence=LOW,
        )  # fmt: skip


@pytest.fixture
def two_rounds(warehouse: Warehouse) -> Warehouse:
    """Spring: a, b, c are flagged. Autumn: a again, b no longer, c did not answer, d is new."""
    answers(warehouse, "2026-V", "psn-a", "psn-b", "psn-c", "psn-d")
    answers(warehouse, "2026-H", "psn-a", "psn-b", "psn-d", "psn-e")
    flags(warehouse, "2026-V", "psn-a", "psn-b", "psn-c", status="expired")
    flags(warehouse, "2026-H", "psn-a", "psn-d")
    return warehouse


def test_each_pupil_stands_in_one_count(two_rounds: Warehouse) -> None:
    assert two_rounds.read().since == Since("2026-V", new=1, again=1, gone=1, silent=1)


def test_only_flags_for_a_talk_that_stood_are_compared(two_rounds: Warehouse) -> None:
    flags(two_rounds, "2026-V", "psn-e", status="withdrawn")
    flags(two_rounds, "2026-H", "psn-e", level="watch")
    assert two_rounds.read().since == Since("2026-V", new=1, again=1, gone=1, silent=1)


def test_a_flag_that_has_lapsed_since_was_raised_all_the_same(two_rounds: Warehouse) -> None:
    two_rounds.con.execute("update core.flag set status = 'expired'").fetchall()
    assert two_rounds.read().since == Since("2026-V", new=1, again=1, gone=1, silent=1)


def test_it_is_the_last_round_that_the_school_answered(warehouse: Warehouse) -> None:
    answers(warehouse, "2025-H", "psn-a")
    answers(warehouse, "2026-V", "psn-z", school="OTH")
    answers(warehouse, "2026-H", "psn-a")
    flags(warehouse, "2025-H", "psn-a")
    assert warehouse.read().since == Since("2025-H", new=0, again=0, gone=1, silent=0)


def test_a_first_round_is_compared_with_nothing(warehouse: Warehouse) -> None:
    answers(warehouse, "2026-H", "psn-a")
    flags(warehouse, "2026-H", "psn-a")
    assert warehouse.read().since is None


def test_classes_are_compared_within_a_school_year_only(warehouse: Warehouse) -> None:
    warehouse.wave = "2026-V"
    for wave in ("2025-H", "2026-V", "2026-H"):
        answers(warehouse, wave, "psn-a")
    for wave, name in (("2025-H", "7A"), ("2025-H", "7B"), ("2026-V", "7B"), ("2026-V", "7C")):
        warehouse.add_flag("rule.class_bullied", "alert", name, wave=wave)
    since = warehouse.read().since
    assert since is not None
    assert (since.signals_new, since.signals_again, since.signals_gone) == (
        ("7C",), ("7B",), ("7A",),
    )  # fmt: skip
    warehouse.wave = "2026-H"  # a new school year: 7B is another class
    warehouse.add_flag("rule.class_bullied", "alert", "7B")
    since = warehouse.read().since
    assert since is not None
    assert [*since.signals_new, *since.signals_again, *since.signals_gone] == []


def test_the_report_tells_it_in_sentences(two_rounds: Warehouse, render_report: Render) -> None:
    page = Page(render_report(two_rounds.read(), {"psn-a": "A1"}))
    assert "Siden forrige runde" in page.text
    assert "Én elev er flagget for en samtale, og var det ikke i Vår 2026." in page.text
    assert "Én elev er flagget for en samtale, som i Vår 2026." in page.text
    assert "har svart nå og er det ikke lenger" in page.text
    assert "har ikke svart her i denne runden. Spør hvordan eleven har det." in page.text


def test_the_adults_report_does_not_tell_of_other_flags(two_rounds: Warehouse) -> None:
    assert two_rounds.read("adult_route").since is None


def test_a_report_is_due_when_somebody_of_the_last_round_has_answered(
    two_rounds: Warehouse,
) -> None:
    """psn-c answers instead of psn-e: as many forms as before, and another thing to say."""
    before = school_inputs(two_rounds.con, "2026-H")
    swap = "update core.response set pupil = 'psn-c' where wave_id = '2026-H' and pupil = 'psn-e'"
    two_rounds.con.execute(swap).fetchall()
    assert two_rounds.read().since == Since("2026-V", new=1, again=1, gone=2, silent=0)
    assert school_inputs(two_rounds.con, "2026-H") != before


def test_under_a_new_key_pupils_are_not_compared(
    two_rounds: Warehouse, render_report: Render
) -> None:
    data = replace(two_rounds.read(), is_first_of_key=True)
    assert "flagget for en samtale, og var det ikke" not in Page(render_report(data, {})).text
