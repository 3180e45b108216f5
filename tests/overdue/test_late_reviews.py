"""Flags and cases past their day, as tables that can be counted on a calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from schemas.case_life import case_life
from schemas.instrument import shipped_instruments
from schemas.settings import Settings
from tests.cases.desk import _SETTINGS, Desk
from tests.support.ready import memory_with
from transforms.case_life import deadline
from warehouse.cases import facts_of
from warehouse.overdue import find_overdue

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 1, 14, 9, tzinfo=OSLO)  # a Wednesday

# level, review_due, review, route, status, has an open case -> (kind, school, days late), or not.
FLAGS = [
    ("flag", "2026-01-13", None, "health_service", "open", False, ("review", "S01", 1)),
    ("flag", "2026-01-14", None, "health_service", "open", False, None),
    ("alert", "2026-01-07", None, "health_service", "open", False, ("review", "S01", 7)),
    ("flag", "2026-01-13", "accepted", "health_service", "open", False, None),
    ("flag", "2026-01-13", "dismissed", "health_service", "open", False, None),
    ("flag", "2026-01-13", None, "health_service", "expired", False, None),
    ("flag", "2026-01-13", None, "health_service", "withdrawn", False, None),
    ("flag", "2026-01-13", None, "health_service", "open", True, None),
    ("flag", "2026-01-13", None, "adult_route", "open", False, ("review", None, 1)),
    ("watch", None, None, "health_service", "open", False, None),
    ("prompt", "2026-01-13", None, "health_service", "open", False, ("prompt", "S01", 1)),
    ("prompt", "2026-01-14", None, "health_service", "open", False, ("prompt", "S01", 0)),
    ("prompt", "2026-01-15", None, "health_service", "open", False, None),
    ("prompt", "2026-01-13", "accepted", "health_service", "open", False, None),
    ("prompt", "2026-01-13", None, "adult_route", "open", False, ("prompt", None, 1)),
]


@pytest.mark.parametrize(("level", "due", "review", "route", "status", "taken_up", "late"), FLAGS)
def test_flag_is_late_when_nobody_has_decided_by_its_day(
    level, due, review, route, status, taken_up, late
) -> None:
    settings = Settings.from_toml(_SETTINGS, name="klassepuls.toml")
    with memory_with(shipped_instruments(), settings, now=NOW) as con:
        con.execute(
            """
            insert into core.flag by name
            select 'f' as flag_id, '2025H' as wave_id, 'klassepuls' as survey_id,
                'pupil' as target, 'S01' as school_id, '7A' as class_group, 7 as grade,
                'p' as pupil, $level as level, 'bullying' as situation, 'r' as rule_id,
                1 as rule_version, $route as route, 1 as evidence_count,
                $raised::timestamptz as raised_at, $due::date as review_due,
                '2026-06-01'::date as expires_on, $status as status, $review as review
            """,
            {
                "level": level,
                "route": route,
                "raised": datetime(2026, 1, 5, 4, 15, tzinfo=UTC),  # 05:15 in Oslo
                "due": due,
                "status": status,
                "review": review,
            },
        )
        if taken_up:
            con.execute("""
                insert into core.support_case by name
                select 'c' as case_id, 'p' as pupil, 'S01' as school_id, '7A' as class_group,
                    'health_service' as route, '2026-01-12'::date as opened_on,
                    'bullying' as situation, 'flag' as origin, ['f'] as linked_flag_ids,
                    'none' as status
            """)
        found = find_overdue(con, waves=[], life=case_life(), now=NOW)
    assert [(one.kind, one.school_id, one.days_late) for one in found] == ([late] if late else [])


def test_case_is_late_the_day_after_its_next_step_was_due() -> None:
    desk = Desk()

    def late(day: str) -> list[tuple[str, str | None, int]]:
        now = datetime.fromisoformat(f"{day}T09:00").replace(tzinfo=OSLO)
        found = find_overdue(desk.con, waves=[], life=case_life(), now=now)
        return [(one.kind, one.school_id, one.days_late) for one in found if one.kind == "case"]

    [due] = {
        clock.due_on
        for clock in [deadline(case_life(), facts_of(desk.con, desk.case))]
        if clock is not None
    }
    assert late(due.isoformat()) == []
    assert late((due + timedelta(days=1)).isoformat()) == [("case", "S01", 1)]
    assert due > date(2026, 1, 5)
