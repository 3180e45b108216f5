"""A small restricted warehouse to publish from: the migration, and answers as loads leave them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from schemas.settings import Settings
from warehouse.store import migrations

ANSWERS = (
    "thriving",
    "safety",
    "company_in_breaks",
    "bullied_by_pupils",
    "bullied_digitally",
    "bullied_by_adults",
    "witnessed_bullying",
    "wants_talk",
)


@dataclass(frozen=True)
class Form:
    """One completed form, as a test says it: what is left out is an ordinary, happy answer."""

    wave: str = "2026-spring"
    school: str = "A"
    class_group: str = "5A"
    grade: int = 5
    gender: str | None = "girl"
    pupil: str | None = None
    bullied: int | None = 1
    digital: int | None = 1
    safety: int | None = 5
    who5: float | None = None
    delivery: str = "d1"


def warehouse(path: Path | str = ":memory:") -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(str(path))
    for text in ("create schema audit", *migrations().values()):
        con.execute(text).fetchall()
    columns = ", ".join(f"{item} tinyint" for item in ANSWERS)
    con.execute(
        f"create table core.answer_klassepuls_core_v1 (response_id bigint, {columns})"
    ).fetchall()
    who5 = ", ".join(f"who5_{number} tinyint" for number in range(1, 6))
    con.execute(f"create table core.answer_who5_v1 (response_id bigint, {who5})").fetchall()
    con.execute(
        "create table core.score_who5_v1 (response_id bigint, wave_id varchar,"
        " wellbeing double, wellbeing_n tinyint, wellbeing_band varchar)"
    ).fetchall()
    con.execute(
        "create view core.given_score_who5_v1 as"
        " select *, 1 as from_grade, 13 as to_grade from core.score_who5_v1"
    ).fetchall()
    con.execute(
        "insert into core.dim_instrument values"
        " ('klassepuls_core_v1', 'klassepuls_core', 1, ''), ('who5_v1', 'who5', 1, '')"
    ).fetchall()
    for wave in settings().waves:
        row = [wave.id, wave.name, wave.school_year, wave.opens, wave.closes]
        con.execute("insert into core.dim_wave values (?, ?, ?, ?, ?)", row).fetchall()
    return con


def settings(*, min_n: int = 5, schools: Sequence[str] = ("A", "B", "C", "D", "E")) -> Settings:
    waves = [
        ("2025-autumn", date(2025, 9, 1), date(2025, 9, 30)),
        ("2026-spring", date(2026, 2, 1), date(2026, 2, 28)),
        ("2026-autumn", date(2026, 9, 1), date(2026, 9, 30)),
    ]
    return Settings.model_validate(
        {
            "municipality": {"number": "9999", "name": "Prøve"},
            "school": [{"id": school, "name": f"Skole {school}"} for school in schools],
            "wave": [
                {
                    "id": name,
                    "name": name,
                    "school_year": "2025-26",
                    "opens": opens,
                    "closes": closes,
                }
                for name, opens, closes in waves
            ],
            "suppression": {"min_n": min_n, "grades_of_schools": True},
        }
    )


def deliver(con: duckdb.DuckDBPyConnection, forms: Sequence[Form]) -> None:
    """Store the forms, one delivery for each delivery id named."""
    known = dict(con.execute("select delivery_id, delivery_no from core.delivery").fetchall())
    for delivery in sorted({form.delivery for form in forms} - set(known)):
        known[delivery] = len(known) + 1
        received = datetime(2026, 3, 1, tzinfo=UTC)
        con.execute(
            "insert into core.delivery by name select ? as delivery_id, ? as delivery_no,"
            " 'answers' as kind, 'loaded' as outcome, 1 as size_bytes, 0 as delivered,"
            " 0 as accepted, 0 as quarantined, 0 as dropped, ?::timestamptz as received_at",
            [delivery, known[delivery], received],
        ).fetchall()
    [(first,)] = con.execute("select coalesce(max(response_id), 0) from core.response").fetchall()
    stored = pa.Table.from_pylist(
        [
            {
                **asdict(form),
                "response_id": number,
                "delivery_no": known[form.delivery],
                "pupil": form.pupil or f"pupil-{number}",
            }
            for number, form in enumerate(forms, first + 1)
        ],
        schema=_FORMS,
    )
    con.register("stored", stored)
    for statement in _STORE:
        con.execute(statement).fetchall()
    con.unregister("stored")


_FORMS = pa.schema(
    [
        *((name, pa.int64()) for name in ("response_id", "delivery_no")),
        *((name, pa.string()) for name in ("wave", "school", "class_group", "gender", "pupil")),
        *((name, pa.int8()) for name in ("grade", "bullied", "digital", "safety")),
        ("who5", pa.float64()),
    ]
)
_STORE = (
    """
    insert into core.response by name
    select response_id, delivery_no, response_id as row_no, 's' as survey_id, wave as wave_id,
        school as school_id, class_group, grade, gender, pupil
    from stored
    """,
    """
    insert into core.answer_klassepuls_core_v1
    select response_id, 5, safety, 5, bullied, digital, 1, 1, 0 from stored
    """,
    """
    insert into core.answer_who5_v1 by name
    select response_id from stored where who5 is not null
    """,
    """
    insert into core.score_who5_v1
    select response_id, wave, who5, 5, case when who5 <= 50 then 'low' else 'not_low' end
    from stored where who5 is not null
    """,
)
