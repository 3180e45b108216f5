"""A small invented school in a real warehouse, built through the shipped migration."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb

from reports.school_report import render_school_report, report_context
from schemas.instrument import shipped_instruments
from schemas.rule import PupilRule, shipped_rules
from schemas.settings import Settings
from schemas.survey import Survey
from warehouse.careless import Marks
from warehouse.report_data import read_schools
from warehouse.school_data import SchoolData
from warehouse.store import migrations

NO_MARKS = Marks({}, {})
ISSUED = date(2026, 11, 23)
CORE = "klassepuls_core_v1"
WAVES = {
    "2025-H": ("Høst 2025", "2025-26", date(2025, 11, 10), date(2025, 11, 21)),
    "2026-V": ("Vår 2026", "2025-26", date(2026, 4, 13), date(2026, 4, 24)),
    "2026-H": ("Høst 2026", "2026-27", date(2026, 11, 9), date(2026, 11, 20)),
}
DUE = {"prompt": date(2026, 11, 24), "flag": date(2026, 11, 30), "alert": date(2026, 11, 30)}
RULES = {rule.id: rule for rule in shipped_rules()}
SETTINGS = """
[municipality]
number = "4601"
name = "Fjordkommunen"
[[school]]
id = "FJV"
name = "Fjordvik skole"
[[wave]]
id = "2026-V"
name = "Vår 2026"
school_year = "2025-26"
opens = 2026-04-13
closes = 2026-04-24
[[wave]]
id = "2026-H"
name = "Høst 2026"
school_year = "2026-27"
opens = 2026-11-09
closes = 2026-11-20
[routing]
decided_by = "kommunedirektøren"
decided_on = 2026-08-17
pupil_flags_to = "health_service"
bullied_by_adults_to = "health_service_lead"
"""

_ANSWER_TABLE = """
    create table core.answer (
        response_id bigint, delivery_no int, survey_id varchar, wave_id varchar,
        school_id varchar, class_group varchar, grade tinyint, pupil varchar,
        instrument_key varchar, item_id varchar, value tinyint, missing varchar
    )
"""


def insert(con: duckdb.DuckDBPyConnection, table: str, **row: Any) -> None:
    names, marks = ", ".join(row), ", ".join("?" for _ in row)
    query = f"insert into {table} ({names}) values ({marks})"  # noqa: S608
    con.execute(query, list(row.values())).fetchall()


@dataclass
class Warehouse:
    """Puts a school's rows into the restricted tables, a line at a time."""

    con: duckdb.DuckDBPyConnection
    school: str = "FJV"
    wave: str = "2026-H"
    responses: int = 0
    flags: int = 0
    grades: dict[str, int] = field(default_factory=dict)

    def add_class(self, name: str, *, answered: int, enrolled: int | None) -> None:
        self.grades[name] = int(name[0])
        if enrolled is not None:
            insert(
                self.con, "core.dim_class_group", school_id=self.school, class_group=name,
                school_year=WAVES[self.wave][1], grade=self.grades[name], enrolled=enrolled,
            )  # fmt: skip
        for i in range(answered):
            self.add_response(name, f"psn-{self.school}-{name}-{i:02d}")

    def add_response(self, name: str, pupil: str | None, *, delivery_no: int = 1) -> None:
        self.responses += 1
        insert(
            self.con, "core.response", response_id=self.responses, delivery_no=delivery_no,
            row_no=self.responses, survey_id="pulse", wave_id=self.wave, school_id=self.school,
            class_group=name, grade=int(name[0]), pupil=pupil,
        )  # fmt: skip

    def add_answer(
        self, wave: str, pupil: str, item: str, value: int | None, *, missing: str | None = None,
        school: str = "FJV",
    ) -> None:  # fmt: skip
        self.responses += 1
        insert(
            self.con, "core.answer", response_id=self.responses, delivery_no=1, survey_id="pulse",
            wave_id=wave, school_id=school, class_group="7B", grade=7, pupil=pupil,
            instrument_key=CORE, item_id=item, value=value, missing=missing,
        )  # fmt: skip

    def add_flag(
        self, rule_id: str, level: str, name: str, pupil: str | None = None, *,
        wave: str | None = None, status: str = "open",
        evidence: tuple[tuple[str, float, float], ...] = (),
    ) -> None:  # fmt: skip
        self.flags += 1
        flag_id, rule = f"{self.flags:04x}c0de{self.flags:08x}", RULES[rule_id]
        insert(
            self.con, "core.flag", flag_id=flag_id, wave_id=wave or self.wave, survey_id="pulse",
            target="pupil" if pupil else "class", school_id=self.school, class_group=name,
            grade=int(name[0]), pupil=pupil, level=level, situation=rule.situation,
            rule_id=rule_id, rule_version=rule.version,
            route=rule.route if isinstance(rule, PupilRule) else "health_service",
            evidence_count=len(evidence), raised_at=datetime(2026, 11, 23, 4, 15, tzinfo=UTC),
            review_due=DUE.get(level), expires_on=date(2027, 3, 23), status=status,
        )  # fmt: skip
        for source, observed, threshold in evidence:
            insert(
                self.con, "core.flag_evidence", flag_id=flag_id, item_or_scale=source,
                observed=observed, threshold=threshold, wave_id=wave or self.wave,
            )  # fmt: skip

    def add_indicator(
        self, rule_id: str, name: str, *, answered: int, observed: int, gate: str = "tested",
        p: float | None = None, enrolled: int | None = 24, baseline: float = 0.08,
        baseline_from: str = "grade_band",
    ) -> None:  # fmt: skip
        insert(
            self.con, "core.class_indicator", wave_id=self.wave, survey_id="pulse",
            school_id=self.school, class_group=name, grade=int(name[0]), rule_id=rule_id,
            rule_version=RULES[rule_id].version, answered=answered, observed=observed,
            enrolled=enrolled, baseline=baseline, baseline_from=baseline_from, p_exact=p, gate=gate,
        )  # fmt: skip

    def hold_rows(self, delivery_no: int, count: int) -> None:
        for i in range(count):
            insert(
                self.con, "quarantine.row", quarantine_id=i, delivery_no=delivery_no,
                row_no=10_000 + i, reason_codes=["GRADE_INVALID"], column_names=["grade"],
                digest=f"d{i}", occurrence=1, held_at=datetime(2026, 11, 20, tzinfo=UTC),
            )  # fmt: skip

    def read(self, route: str = "health_service") -> SchoolData:
        read = read_schools(
            self.con, wave_id=self.wave, school_ids=[self.school], routes=[route], marks=NO_MARKS
        )
        return read[route, self.school]


def open_warehouse() -> Warehouse:
    con = duckdb.connect()
    for text in ("create schema audit", *migrations().values()):
        con.execute(text).fetchall()
    con.execute(_ANSWER_TABLE).fetchall()
    insert(con, "core.dim_school", school_id="FJV", name="Fjordvik skole")
    for wave_id, (name, school_year, opens, closes) in WAVES.items():
        insert(
            con, "core.dim_wave", wave_id=wave_id, name=name, school_year=school_year,
            opens=opens, closes=closes,
        )  # fmt: skip
    return Warehouse(con)


def fill_fjordvik(warehouse: Warehouse) -> dict[str, str]:
    """Two flagged classes, one without a list, one with few answers; gives the nurse's codes."""
    warehouse.add_class("5A", answered=12, enrolled=22)
    warehouse.add_class("6A", answered=19, enrolled=None)
    warehouse.add_class("7B", answered=21, enrolled=24)
    asks, alone, new, unlisted = (f"psn-FJV-7B-{i:02d}" for i in range(4))
    history = [("2025-H", asks, 2), ("2026-V", asks, 3), ("2025-H", alone, 1)]
    for wave, pupil, value in history[:2]:
        warehouse.add_answer(wave, pupil, "bullied_by_pupils", value)
    warehouse.add_answer("2025-H", alone, "company_in_breaks", 3)
    warehouse.add_answer("2026-V", alone, "company_in_breaks", None, missing="skipped")
    warehouse.add_flag(
        "rule.wants_talk", "prompt", "7B", asks, evidence=((f"{CORE}.wants_talk", 2, 1),)
    )
    warehouse.add_flag(
        "rule.bullied_by_pupils", "flag", "7B", asks, wave="2026-V",
        evidence=((f"{CORE}.bullied_by_pupils", 3, 3),),
    )  # fmt: skip
    warehouse.add_flag(
        "rule.bullied_by_pupils", "prompt", "7B", asks,
        evidence=((f"{CORE}.bullied_by_pupils", 5, 4),),
    )  # fmt: skip
    warehouse.add_flag(
        "rule.nobody_in_breaks", "flag", "7B", alone,
        evidence=((f"{CORE}.company_in_breaks", 2, 2),),
    )  # fmt: skip
    warehouse.add_flag(
        "rule.new_pupil", "watch", "7B", new, evidence=(("register.new_pupil", 1, 1),)
    )
    warehouse.add_flag("rule.unsafe", "flag", "5A", unlisted, evidence=((f"{CORE}.safety", 1, 2),))
    warehouse.add_flag(
        "rule.bullied_by_adults", "prompt", "7B", alone,
        evidence=((f"{CORE}.bullied_by_adults", 3, 3),),
    )  # fmt: skip
    warehouse.add_flag("rule.class_bullied", "alert", "7B")
    warehouse.add_indicator("rule.class_bullied", "7B", answered=21, observed=7, p=0.0004)
    warehouse.add_indicator(
        "rule.class_unsafe", "7B", answered=21, observed=1, gate="few_cases", baseline=0.04,
        baseline_from="published",
    )  # fmt: skip
    warehouse.add_indicator(
        "rule.class_bullied", "5A", answered=12, observed=4, gate="low_response", enrolled=22
    )
    warehouse.add_indicator(
        "rule.class_unsafe", "5A", answered=6, observed=1, gate="few_answers", enrolled=22
    )
    return {asks: "K7M2", alone: "T4QX", new: "B9HD"}


PULSE = Survey.from_toml(
    """
    id = "pulse"
    name = "Klassepuls"
    tool = "canonical"
    linkage = "pseudonymous"
    instruments = ["klassepuls_core_v1", "who5_v1"]
    """,
    name="pulse.toml",
)


def render(data: SchoolData, codes: dict[str, str], **changes: Any) -> str:
    given: dict[str, Any] = {
        "settings": Settings.from_toml(SETTINGS, name="klassepuls.toml"),
        "instruments": shipped_instruments(),
        "rules": shipped_rules(),
        "language": "nb",
        "issued_on": ISSUED,
        "surveys": {"pulse": PULSE},
    }
    return render_school_report(data, codes=codes, context=report_context(**{**given, **changes}))
