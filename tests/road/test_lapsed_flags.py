"""Flags that have lapsed: the report says so as the warehouse does, and calls for nothing."""

import re
from datetime import timedelta

import pytest

from tests.road.test_held_requests import report_of
from tests.support.home import (
    AUTUMN,
    NOW,
    SPRING,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
    school_class,
)
from tests.support.state import warehouse_of

IN_AUTUMN = NOW.replace(year=2025, month=11, day=24)
IN_SPRING = NOW.replace(month=3, day=16)
LOW = {"bullied_by_pupils": "4", "safety": "1"}


def spring(**changes):
    return {"wave": SPRING, "submitted_on": "2026-03-10", **changes}


def lapsed_in(page: str) -> str:
    found = re.search(r'<section class="page" aria-labelledby="lapsed">.*?</section>', page, re.S)
    return found[0] if found else ""


@pytest.fixture
def late_home(tmp_path):
    """A prompt of autumn, all well in spring, and then a late form of autumn."""
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([*school_class(6), form("P100", **LOW)]))
    run(home, now=IN_AUTUMN)
    drop(home, "b.csv", csv_bytes([form("P100", **spring())]))
    run(home, now=IN_SPRING)
    return home


def test_a_flag_that_a_newer_answer_ended_has_no_deadline_in_a_late_report(late_home):
    drop(late_home, "c.csv", csv_bytes([form("P101")]))
    summary = run(late_home, now=IN_SPRING)
    assert {wave.wave_id: sum(wave.raised.values()) for wave in summary.waves} == {
        AUTUMN: 0,
        SPRING: 0,
    }
    page = report_of(late_home)
    section = lapsed_in(page)
    assert re.findall(r'<span class="code">([^<]+)</span>', section) == ["P100"]
    assert section.index("Blir mobbet") < section.index("Føler seg utrygg"), "the prompt first"
    assert "Det nyere svaret gjelder" in section
    rest = page.replace(section, "")
    assert "P100" not in rest
    assert "Ingen flagg fra denne runden gjelder lenger." in rest
    assert "denne uka" not in rest
    assert "Flaggene gjelder til og med" not in rest
    assert "skal vurderes innen" not in rest


def test_a_report_is_written_anew_when_a_flag_of_it_lapses(late_home):
    assert lapsed_in(report_of(late_home)), "by the newer answer, without a late form"
    assert run(late_home, now=IN_SPRING).reports == 0


def test_a_flag_whose_last_day_has_passed_is_told_as_such(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([*school_class(6), form("P100", **LOW)]))
    run(home, now=IN_AUTUMN)
    assert not lapsed_in(report_of(home))
    summary = run(home, now=IN_AUTUMN + timedelta(days=121))
    assert "Flaggets siste dag er forbi." in lapsed_in(report_of(home))
    with warehouse_of(home) as con:
        stored = con.execute("select distinct status from core.flag").fetchall()
    assert (stored, summary.reports > 0) == ([("expired",)], True)


def test_only_open_flags_count_beside_lapsed_ones(late_home):
    drop(late_home, "c.csv", csv_bytes([form("P101", **LOW)]))
    run(late_home, now=IN_SPRING)
    page = report_of(late_home)
    assert "Én elev kan trenge at noen snakker med eleven denne uka." in page
    assert "Det som ble reist for én elev eller klasse i denne runden, er utløpt." in page
    assert re.findall(r"Vurdering av (\w+):", page) == ["P101"]


def test_a_lapsed_flag_about_adults_stays_in_its_own_report(tmp_path):
    home = make_home(tmp_path)
    drop(home, "a.csv", csv_bytes([*school_class(6), form("P100", bullied_by_adults="4")]))
    run(home, now=IN_AUTUMN)
    drop(home, "b.csv", csv_bytes([form("P100", **spring())]))
    run(home, now=IN_SPRING)
    assert "P100" not in report_of(home)
    page = report_of(home, route="adult_route")
    assert "P100" in lapsed_in(page)
    assert "Ingen flagg fra denne runden gjelder lenger." in page
    assert "Snakk med" not in page.split("Tegnene")[0]


def test_a_blank_form_ends_no_flag_of_a_new_pupil_and_ends_a_welcome(tmp_path):
    home = make_home(tmp_path)
    new = {"enrolled_on": "2025-10-20"}
    alone = form("P100", company_in_breaks="3", **new)
    drop(home, "a.csv", csv_bytes([*school_class(6), alone, form("P101", **new)]))
    run(home, now=IN_AUTUMN)
    blank = {name: "" for name in alone if name.startswith(("klassepuls", "who5"))}
    rows = [form(code, **spring()) | blank for code in ("P100", "P101")]
    drop(home, "b.csv", csv_bytes(rows))
    run(home, now=IN_SPRING)
    assert new_pupils(home) == [("flag", "open"), ("watch", "expired")]
    drop(home, "c.csv", csv_bytes([form("P102", **spring())]))
    run(home, now=IN_SPRING)
    assert new_pupils(home) == [("flag", "open"), ("watch", "expired")]


def test_an_answer_to_what_it_rests_on_ends_the_flag_of_a_new_pupil(tmp_path):
    home = make_home(tmp_path)
    alone = form("P100", company_in_breaks="3", enrolled_on="2025-10-20")
    drop(home, "a.csv", csv_bytes([*school_class(6), alone]))
    run(home, now=IN_AUTUMN)
    drop(home, "b.csv", csv_bytes([form("P100", **spring())]))
    run(home, now=IN_SPRING)
    assert new_pupils(home) == [("flag", "expired")]


def new_pupils(home):
    """Level and status of the flags of new pupils."""
    with warehouse_of(home) as con:
        return con.execute(
            "select level, status from core.flag where rule_id = 'rule.new_pupil' order by all"
        ).fetchall()
