"""The vault gives a school's report the codes of that school's flagged pupils, and no others."""

import duckdb
import pyarrow as pa

from tests.reports.school import insert
from tests.support.loading import KEY, memory_warehouse, tiny_config
from transforms.pseudonym import pseudonym
from warehouse.vault import codes_of_flagged, remember_codes

WAVE = "2025H"


def flag(con: duckdb.DuckDBPyConnection, school: str, code: str, status: str = "open") -> None:
    insert(
        con, "core.flag", flag_id=f"{school}-{code}", wave_id=WAVE, target="pupil",
        school_id=school, class_group="7A", grade=7, pupil=pseudonym(code, key=KEY, domain="pupil"),
        level="flag", situation="unsafe", rule_id="unsafe", rule_version=1, survey_id="pulse",
        route="health_service", evidence_count=1, raised_at="2025-11-20 05:00:00+01",
        expires_on="2026-03-20", status=status,
    )  # fmt: skip


def test_each_school_gets_the_codes_of_its_own_flagged_pupils() -> None:
    con = memory_warehouse(tiny_config())
    codes = [("A1", "S01"), ("A2", "S01"), ("A3", "S01"), ("A1", "S02"), ("B1", "S02")]
    remember_codes(
        con, pa.table({"pupil_code": [c for c, _ in codes], "school_id": [s for _, s in codes]})
    )
    for school, code in (("S01", "A1"), ("S02", "B1"), ("S01", "B1")):
        flag(con, school, code)
    flag(con, "S01", "A2", status="withdrawn")
    found = codes_of_flagged(con, WAVE, ["S01", "S02", "S03"], key=KEY)
    assert {school: sorted(codes.values()) for school, codes in found.items()} == {
        "S01": ["A1"],
        "S02": ["B1"],
        "S03": [],
    }
    assert found["S01"] == {pseudonym("A1", key=KEY, domain="pupil"): "A1"}
