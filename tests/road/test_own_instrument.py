"""A form that Klassepuls does not know goes the road with two files and no code: those of the page.

The page is docs/how-to/add-an-instrument.md: words in the cells, as the Global School-based Student
Health Survey has them.
"""

import re

import pytest

from flows.check import check_file
from flows.home import load_config
from schemas.declared import DeclarationError
from tests.conftest import ROOT
from tests.support.home import AUTUMN, CORE, class_list, csv_bytes, drop, make_home, outcomes, run
from tests.support.state import warehouse_of

PAGE = (ROOT / "docs" / "how-to" / "add-an-instrument.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INSTRUMENT, SURVEY, EXPORT = (text for _, text in BLOCK.findall(PAGE))
KEY = "our_health_v1"


@pytest.fixture
def home(tmp_path):
    made = make_home(tmp_path / "home")
    (made.instruments / "our_health.toml").write_text(INSTRUMENT, encoding="utf-8")
    (made.surveys / "our_health.toml").write_text(SURVEY, encoding="utf-8")
    return made


def fetch(home, query):
    with warehouse_of(home) as con:
        return con.execute(query).fetchall()


def test_words_of_the_export_become_answers_and_an_unknown_one_waits(home):
    file = drop(home, "export.csv", EXPORT.encode())
    checked = check_file(home, file)
    assert (checked["rows"], checked["sound"], checked["held"]) == (5, 4, 1)

    told = outcomes(run(home))["export.csv"]

    assert (told.survey_id, told.accepted, told.quarantined) == ("our_health", 4, 1)
    assert told.reasons == {"ANSWER_NOT_AN_OPTION": 1}
    assert "export.csv" in {path.name for path in (home.outcome / "quarantined").iterdir()} | {
        path.name for path in (home.outcome / "loaded").iterdir()
    }
    answers = fetch(
        home,
        f"select row_no, item_id, coalesce(value::varchar, missing)"  # noqa: S608 - our own
        f" from core.answer join core.response using (delivery_no, pupil)"
        f" where instrument_key = '{KEY}' order by all",
    )
    assert [(item, said) for row, item, said in answers if row == 3] == [
        ("has_friend", "0"),
        ("lonely", "5"),
        ("others_are_kind", "1"),
        ("worried", "4"),
    ]
    assert (4, "worried", "skipped") in answers
    genders = fetch(home, "select gender from core.response order by row_no")
    assert genders == [("girl",), ("boy",), ("girl",), ("boy",)]


def test_scores_are_as_the_page_says_and_nobody_below_the_grade_has_one(home):
    drop(home, "export.csv", EXPORT.encode())
    run(home)

    scores = fetch(
        home,
        f"""
        select row_no, scale_id, score, n_answered
        from core.score s join core.response r using (response_id)
        where instrument_key = '{KEY}' order by all
        """,  # noqa: S608 - our own
    )
    assert scores == [
        (2, "often_strained", 0, 2),
        (2, "strain", 1.3, 3),
        (3, "often_strained", 1, 2),
        (3, "strain", 4.7, 3),
        (4, "often_strained", None, 1),
        (4, "strain", 2.5, 2),
    ]
    assert fetch(home, "select grade from core.response where row_no = 5") == [(4,)]


SUPPLIED_SURVEY = f"""
id = "klassepuls"
name = "Klassepuls"
tool = "canonical"
linkage = "pseudonymous"
instruments = ["{CORE}", "sdq_v1", "kidscreen10_v1"]
not_asked = ["sdq_v1.peer", "sdq_v1.conduct", "sdq_v1.hyperactivity", "sdq_v1.emotional"]

[items]
"sdq_v1.total" = "SDQ_TOTAL"
"kidscreen10_v1.t_score" = "KS10"

[codes]
"sdq_v1.total" = {{ "99" = "skipped" }}

[switched_on]
sdq_v1 = "kommuneoverlegen, 2026-05-04, agreement of 2026-04-02"
kidscreen10_v1 = "kommuneoverlegen, 2026-05-04, agreement of 2026-04-02"
"""
PROSOCIAL = "sdq_v1.prosocial"


def supplied(code, total, t_score, *, prosocial="10", grade="7"):
    core = {
        "thriving": "5",
        "safety": "5",
        "company_in_breaks": "5",
        "bullied_by_pupils": "1",
        "bullied_digitally": "1",
        "bullied_by_adults": "1",
        "witnessed_bullying": "1",
        "wants_talk": "0",
    }
    return {
        "wave": AUTUMN,
        "school": "S01",
        "class_group": f"{grade}A",
        "grade": grade,
        "pupil_code": code,
        **{f"{CORE}.{item}": said for item, said in core.items()},
        "SDQ_TOTAL": total,
        PROSOCIAL: prosocial,
        "KS10": t_score,
    }


ROWS = [
    supplied("P001", "16", "47.234"),
    supplied("P002", "40", "47,235"),
    supplied("P003", "", "-3.54"),
    supplied("P004", "99", "83.81", prosocial="dont_know"),
    supplied("P005", "15", "50", grade="5"),  # SDQ is from grade 6
    supplied("P006", "41", "50"),
    supplied("P007", "-1", "50"),
    supplied("P008", "many", "50"),
    supplied("P009", "1", "83.82"),
    supplied("P010", "1e1", "50"),
]


@pytest.fixture
def clinic(tmp_path):
    return make_home(tmp_path / "clinic", survey=SUPPLIED_SURVEY)


def test_supplied_scores_are_rounded_banded_and_stored_and_held_outside_their_range(clinic):
    drop(clinic, "export.csv", csv_bytes(ROWS))

    told = outcomes(run(clinic))["export.csv"]

    assert (told.accepted, told.quarantined) == (5, 5)
    assert told.reasons == {"ANSWER_NOT_AN_OPTION": 5}
    scores = fetch(
        clinic,
        """
        select row_no, instrument_key || '.' || scale_id, score, n_answered, band
        from core.score join core.response using (response_id)
        where score is not null and instrument_key <> 'who5_v1' order by all
        """,
    )
    kidscreen, total, prosocial = "kidscreen10_v1.t_score", "sdq_v1.total", PROSOCIAL
    assert scores == [
        (2, kidscreen, 47.23, None, None),
        (2, prosocial, 10, None, "usual"),
        (2, total, 16, None, "borderline"),
        (3, kidscreen, 47.24, None, None),
        (3, prosocial, 10, None, "usual"),
        (3, total, 40, None, "outermost"),
        (4, kidscreen, -3.54, None, None),
        (4, prosocial, 10, None, "usual"),
        (5, kidscreen, 83.81, None, None),
        (6, kidscreen, 50, None, None),
    ]


def test_the_same_supplied_scores_again_change_nothing_and_another_score_is_another_form(clinic):
    drop(clinic, "export.csv", csv_bytes(ROWS[:4]))
    run(clinic)
    written_otherwise = [{**row, "KS10": row["KS10"].replace(",", ".")} for row in ROWS[:4]]
    drop(clinic, "again.csv", csv_bytes(written_otherwise))
    drop(clinic, "other.csv", csv_bytes([supplied("P001", "17", "47.234")]))

    told = outcomes(run(clinic))

    assert (told["again.csv"].accepted, told["again.csv"].dropped) == (0, 4)
    assert told["other.csv"].reasons == {"CONFLICTING_ANSWERS": 1}


def test_a_held_row_that_comes_again_with_a_score_in_range_waits_no_longer(clinic):
    drop(clinic, "export.csv", csv_bytes([supplied("P006", "41", "50"), ROWS[0]]))
    run(clinic)
    drop(clinic, "mended.csv", csv_bytes([supplied("P006", "14", "50.0")]))

    run(clinic)

    assert fetch(clinic, "select count(*) from quarantine.row") == [(0,)]
    assert fetch(clinic, "select why from quarantine.decided") == [("came_mended",)]


def test_what_is_off_by_default_stays_off_until_somebody_has_switched_it_on(tmp_path):
    for said in ("", 'sdq_v1 = " "\n'):
        survey = SUPPLIED_SURVEY[: SUPPLIED_SURVEY.index("sdq_v1 = ")] + said
        home = make_home(tmp_path / f"home{len(said)}", survey=survey)
        with pytest.raises(DeclarationError, match="off by default"):
            load_config(home)


def test_classes_with_unknown_instruments_are_reported_like_any_other(home):
    drop(home, "list.csv", class_list(("S01", "7A", 20)))
    drop(home, "export.csv", EXPORT.encode())
    summary = run(home)
    assert summary.reports > 0
