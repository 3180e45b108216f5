"""Cases in a warehouse in memory, with a clock of the test's own: enough for the rules."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import count

import duckdb

from schemas.case_life import case_life
from schemas.case_plan import CasePlan
from schemas.instrument import shipped_instruments
from schemas.settings import Settings
from tests.support.ready import memory_with
from transforms.case_life import Asked, GroupSize
from transforms.pseudonym import PseudonymKey
from warehouse.audit import Hand
from warehouse.case_groups import (
    form_group,
    hold_meeting,
    join_group,
    leave_group,
    rate_scales,
    write_plan,
)
from warehouse.cases import Office, Opening, act, facts_of, open_case
from warehouse.store import transaction

KEY = PseudonymKey(b"k" * 32, 1, "9901")
MONDAY = date(2026, 1, 5)
_SETTINGS = """
[municipality]
number = "9901"
name = "Lyngvær kommune (oppdiktet)"
[[school]]
id = "S01"
name = "Skole S01"
[[wave]]
id = "2025H"
name = "Runde 2025H"
school_year = "2025-26"
opens = 2025-11-03
closes = 2025-11-21
"""
PLAN = CasePlan(
    problem="alene i friminuttene",
    measures="supportgruppe",
    carried_out_when="uke 4-8",
    carried_out_by="helsesykepleier",
    evaluated_when="uke 9",
)
_number = count()


@cache
def memory() -> duckdb.DuckDBPyConnection:
    settings = Settings.from_toml(_SETTINGS, name="klassepuls.toml")
    return memory_with(shipped_instruments(), settings, now=datetime(2026, 1, 1, tzinfo=UTC))


class Desk:
    """One case, and the days that go by on it. Every action is done as the command line does it."""

    def __init__(self, *, origin: str = "adult", route: str = "health_service") -> None:
        self.con, self.today, self.role = memory(), MONDAY, "nurse"
        self.helpers = [f"helper{number}" for number in range(5)]
        pupil = f"pupil{next(_number)}"
        if route == "adult_route":
            self.role = "school_owner"
        opening = Opening(pupil, "S01", "7A", route, "exclusion", origin)
        with transaction(self.con):
            self.case = open_case(
                self.con, self.office, opening, Asked("open", self.today, self.role)
            )

    @property
    def office(self) -> Office:
        now = datetime.combine(self.today, time(9), UTC)
        return Office(case_life(), GroupSize(5, 8), Hand("test", KEY), self.today, now)

    def wait(self, days: int) -> None:
        self.today += timedelta(days)

    def do(self, action: str, *, role: str | None = None, on: date | None = None, **detail) -> str:
        """Do an action as its command does; returns the state that follows."""
        helpers = detail.pop("helpers", self.helpers)
        helper = detail.pop("helper", None)
        if action == "group":
            detail = {"picked_by": "pupil", "size": len(helpers), **detail}
        asked = Asked(action, on or self.today, role or self.role, detail)
        con = self.con
        beside = {
            "group": lambda case, _: form_group(con, case, asked, helpers),
            "join": lambda case, _: join_group(con, case, asked, helper, largest=8),
            "leave": lambda case, _: leave_group(con, case, asked, [helper]),
            "meeting": lambda case, step: hold_meeting(con, case, step, asked, "review"),
            "individual": lambda case, step: hold_meeting(con, case, step, asked, "individual"),
            "rate": lambda case, step: rate_scales(con, case, step, asked.on, detail),
            "plan": lambda case, step: write_plan(con, case, step, asked.on, PLAN),
        }.get(action)
        return act(con, self.office, self.case, asked, beside=beside)

    @property
    def facts(self):
        return facts_of(self.con, self.case)
