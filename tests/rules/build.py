"""A warehouse in memory with the shipped instruments, and forms for it, one line each."""

from contextlib import contextmanager
from datetime import UTC, date, datetime

import duckdb

from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules
from schemas.settings import Settings
from transforms.flag_inputs import inputs_of, wave_form_sql
from transforms.pupil_flags import evidence_sql, hit_sql
from warehouse.instruments import answer_table, register
from warehouse.store import migrate

CORE, WHO5 = "klassepuls_core_v1", "who5_v1"
INSTRUMENTS = shipped_instruments()
PUPIL_RULES = [rule for rule in shipped_rules() if rule.target == "pupil"]

# Waves of two school years. The new one opens on 9 November 2026.
SPRING, AUTUMN, WINTER = "2026V", "2026H", "2027V"
SETTINGS = Settings.model_validate(
    {
        "municipality": {"number": "0000", "name": "Fjordvik"},
        "school": [{"id": "S01", "name": "Nes"}, {"id": "S02", "name": "Vik"}],
        "wave": [
            {
                "id": wave,
                "name": wave,
                "school_year": year,
                "opens": opens,
                "closes": opens.replace(day=opens.day + 11),
            }
            for wave, year, opens in (
                (SPRING, "2025-26", date(2026, 4, 13)),
                (AUTUMN, "2026-27", date(2026, 11, 9)),
                (WINTER, "2026-27", date(2027, 3, 8)),
            )
        ],
    }
)

# Answers that no rule looks twice at.
HAPPY = {
    "thriving": 5,
    "safety": 5,
    "company_in_breaks": 5,
    "bullied_by_pupils": 1,
    "bullied_digitally": 1,
    "bullied_by_adults": 1,
    "witnessed_bullying": 1,
    "wants_talk": 0,
}
LONG_AGO = date(2020, 8, 17)


class Town:
    """The warehouse, and how many forms it holds."""

    def __init__(self, con):
        self.con = con
        self.forms = 0

    def insert(self, table, **row):
        self.con.execute(
            f"insert into {table} ({', '.join(row)}) values ({', '.join('?' for _ in row)})",  # noqa: S608 - our own names
            list(row.values()),
        ).fetchall()

    def add_class(self, enrolled, *, school="S01", name="7A", year="2026-27"):
        self.insert(
            "core.dim_class_group",
            school_id=school,
            class_group=name,
            school_year=year,
            grade=7,
            enrolled=enrolled,
        )

    def add_form(self, pupil, answers=None, *, wave=AUTUMN, enrolled_on=LONG_AGO, **place):
        """One form; `answers` are those that differ from happy ones."""
        self.forms += 1
        self.insert(
            "core.response",
            response_id=self.forms,
            delivery_no=1,
            row_no=self.forms,
            survey_id=place.get("survey", "klassepuls"),
            wave_id=wave,
            school_id=place.get("school", "S01"),
            class_group=place.get("name", "7A"),
            grade=7,
            pupil=pupil,
            enrolled_on=enrolled_on,
        )
        given = HAPPY | (answers or {})
        core = {name: code for name, code in given.items() if not name.startswith("who5")}
        self.insert(answer_table(CORE), response_id=self.forms, **core)
        self.insert(
            answer_table(WHO5),
            response_id=self.forms,
            **{item.id: given.get(item.id) for item in INSTRUMENTS[WHO5].items},
        )

    def flags(self, rules=PUPIL_RULES, *, wave=AUTUMN):
        """{pupil: {rule without its prefix: level}} for every pupil with a flag."""
        found = {}
        self._find(rules, wave)
        for i, rule in enumerate(rules):
            query = f"select pupil, step_{i} from hit where step_{i} is not null"  # noqa: S608
            for pupil, step in self.con.execute(query).fetchall():
                flags = found.setdefault(pupil, {})
                flags[rule.id.removeprefix("rule.")] = rule.steps[step].level
        return found

    def step(self, name, pupil, *, wave=AUTUMN):
        """The number of the step that the pupil is flagged at."""
        self._find([rule for rule in PUPIL_RULES if rule.id == f"rule.{name}"], wave)
        found = self.con.execute("select step_0 from hit where pupil = $pupil", {"pupil": pupil})
        [(step,)] = found.fetchall()
        return step

    def evidence(self, rule, pupil, *, wave=AUTUMN):
        """{(step, input): threshold} of what holds at the step that the pupil is flagged at."""
        inputs = self._find([rule], wave)
        held = {}
        for at, condition, holds in evidence_sql(rule, inputs):
            found = self.con.execute(
                f"select evidence_0 from hit where pupil = $pupil and step_0 = $step and {holds}",  # noqa: S608
                {"pupil": pupil, "step": at},
            ).fetchall()
            if found:
                held[at, condition.input.split(".")[1]] = condition.threshold
                [(counted,)] = found
        assert not held or counted == len(held)
        return held

    def _find(self, rules, wave):
        inputs = inputs_of(rules, INSTRUMENTS)
        for statement in wave_form_sql(inputs, INSTRUMENTS):
            self.con.execute(statement, {"wave": wave}).fetchall()
        self.con.execute(f"create or replace temp table hit as {hit_sql(rules, inputs)}").fetchall()
        return inputs


def rule_of(name):
    """The shipped pupil rule of this name."""
    return next(rule for rule in PUPIL_RULES if rule.id == f"rule.{name}")


@contextmanager
def open_town():
    con = duckdb.connect()
    con.execute("attach ':memory:' as vault").fetchall()
    migrate(con, now=datetime(2026, 11, 30, tzinfo=UTC))
    register(con, INSTRUMENTS, SETTINGS)
    yield Town(con)
    con.close()
