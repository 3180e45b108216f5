"""What a form says beside its answers, from the export to the warehouse and the note."""

import re
from pathlib import Path

import pytest

from flows.home import Home
from tests.support.home import csv_bytes, drop, form, make_home, run, school_class, survey_toml
from tests.support.state import note_of, warehouse_of, words_on

SURVEY = survey_toml(more='free_text = ["in_your_words"]')
TEXT = "Zzyzx-jeg-er-alene"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home", survey=SURVEY)


def marks(home: Home) -> list[tuple[int | None, bool | None]]:
    with warehouse_of(home) as con:
        found = con.execute(
            "select answer_time_ms, had_text from core.response order by row_no"
        ).fetchall()
    return [(time, text) for time, text in found]


def test_time_and_text_are_kept_and_the_words_are_not(home):
    rows = [
        form("P01") | {"answer_time_ms": "61000", "in_your_words": TEXT},
        form("P02") | {"answer_time_ms": "", "in_your_words": "  "},
        form("P03") | {"answer_time_ms": "n/a", "in_your_words": ""},
    ]
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    assert marks(home) == [(61_000, True), (None, False), (None, False)]
    assert note_of(home, "a.csv")["with_text"] == 1
    assert "I 1 rad(er) har elever skrevet fritt" in words_on(home, "a.csv")
    kept = [path for path in home.root.rglob("*") if path.is_file()]
    holding = [path for path in kept if TEXT.encode() in path.read_bytes()]
    assert holding == [home.outcome / "loaded" / "a.csv"]  # the delivered file itself


def test_a_time_in_seconds_is_the_same_time(home):
    drop(home, "a.csv", csv_bytes([form("P01") | {"answer_time_s": "61.5"}]))
    run(home)
    assert marks(home) == [(61_500, None)]


def test_copies_complete_each_other_whichever_came_first(tmp_path):
    whole = csv_bytes([form("P01") | {"answer_time_ms": "61000", "in_your_words": TEXT}])
    bare = csv_bytes([form("P01")])
    for name, order in (("a", (whole, bare)), ("b", (bare, whole))):
        home = make_home(tmp_path / name, survey=SURVEY)
        for at, text in enumerate(order):
            drop(home, f"{at}.csv", text)
            run(home)
        assert marks(home) == [(61_000, True)]


def test_a_person_in_the_place_of_a_time_stops_the_file(home):
    rows = [form("P01") | {"answer_time_ms": "ola.nordmann@example.no"}, form("P02")]
    drop(home, "a.csv", csv_bytes(rows))
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"]


def test_the_note_tells_how_many_the_file_points_out(home):
    rows = [*school_class(6), form("Q01", gender="boy"), form("Q02", gender="other")]
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    note = note_of(home, "a.csv")
    assert (note["alone"], note["fewest_alike"]) == (2, 1)
    assert re.search(r"2 rad\(er\) er alene i fila", words_on(home, "a.csv"))


def test_a_file_in_which_nobody_is_alone_is_not_warned_about(home):
    drop(home, "a.csv", csv_bytes(school_class(6)))
    run(home)
    note = note_of(home, "a.csv")
    assert (note["alone"], note["fewest_alike"]) == (0, 6)
    assert "alene" not in words_on(home, "a.csv")


# Forms that look filled in without reading


def report(home: Home) -> str:
    [page] = home.health.glob("S01/*/report.nb.html")
    return page.read_text(encoding="utf-8")


FAST, SAME = "Sendt inn på under to sekunder per svar", "har svart det samme på alt"


def flagged_class(**first: str) -> list[dict[str, str]]:
    """Eight pupils who differ, the first of them unsafe."""
    forms = [
        form(f"P{at:02}", thriving=str(1 + at % 4), witnessed_bullying=str(1 + at // 4))
        for at in range(8)
    ]
    return [forms[0] | {"klassepuls_core_v1.safety": "1"} | first, *forms[1:]]


def test_a_form_sent_in_too_fast_is_flagged_and_marked(home):
    drop(home, "a.csv", csv_bytes(flagged_class(answer_time_ms="9000")))
    run(home)
    assert report(home).count(FAST) == 1
    assert report(home).count("ett skjema er sendt inn svært fort") == 1


def test_a_form_that_took_its_time_is_not_marked(home):
    drop(home, "a.csv", csv_bytes(flagged_class(answer_time_ms="90000")))
    run(home)
    assert FAST not in report(home)
    assert "sendt inn svært fort" not in report(home)


def test_a_class_mate_who_answered_the_same_marks_it_also_when_coming_late(home):
    rows = flagged_class()
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    assert SAME not in report(home)
    drop(home, "b.csv", csv_bytes([rows[0] | {"pupil_code": "P99"}]))
    run(home)
    assert report(home).count(SAME) == 2


def test_a_time_that_only_a_later_copy_tells_renews_the_report(home):
    rows = flagged_class()
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    drop(home, "b.csv", csv_bytes([row | {"answer_time_ms": "9000"} for row in rows]))
    run(home)
    assert report(home).count(FAST) >= 1
