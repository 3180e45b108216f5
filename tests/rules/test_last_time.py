"""The last time that a pupil answered a question, against a reader who looks through all forms."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instrument import SKIPPED
from schemas.rule import shipped_rules
from tests.rules.build import AUTUMN, CORE, INSTRUMENTS, SPRING, WINTER, open_town
from tests.support.examples import examples
from transforms.flag_inputs import inputs_of, wave_form_sql
from warehouse.instruments import answer_table

OLD = "2025V"
OPENS = {
    OLD: date(2026, 3, 7),  # 366 days before the winter's
    SPRING: date(2026, 4, 13),
    AUTUMN: date(2026, 11, 9),
    WINTER: date(2027, 3, 8),
}
ASKED = ("thriving", "safety")
INPUTS = inputs_of([rule for rule in shipped_rules() if rule.target == "pupil"], INSTRUMENTS)

answers = st.sampled_from([None, SKIPPED, 1, 3, 5])
forms = st.lists(
    st.fixed_dictionaries(
        {
            "wave": st.sampled_from(list(OPENS)),
            "survey": st.sampled_from(["a", "b"]),
            "school": st.sampled_from(["S01", "S02"]),
            "pupil": st.sampled_from(["x", "y", None]),
            "thriving": answers,
            "safety": answers,
        }
    ),
    max_size=12,
    unique_by=lambda form: (*(form[name] for name in ("wave", "survey", "school", "pupil")),),
)


@pytest.fixture(scope="module")
def town():
    with open_town() as opened:
        opened.insert(
            "core.dim_wave",
            wave_id=OLD, name=OLD, school_year="2025-26", opens=OPENS[OLD], closes=OPENS[OLD],
        )  # fmt: skip
        yield opened


def last_time(told, now, question):
    """Answer and wave, by going through the forms from the newest to the oldest."""
    order = sorted(told, key=lambda form: (OPENS[form["wave"]], form["survey"]), reverse=True)
    for form in order:
        is_same = (form["pupil"], form["school"]) == (now["pupil"], now["school"])
        age = (OPENS[WINTER] - OPENS[form["wave"]]).days
        if is_same and now["pupil"] and 0 < age <= 366 and form[question] not in (None, SKIPPED):
            return form[question], form["wave"]
    return None, None


@given(forms)
@settings(deadline=None, max_examples=examples(30, deep=500))
def test_the_last_time_is_what_a_reader_finds(town, told):
    for table in ("core.response", answer_table(CORE)):
        town.con.execute(f"delete from {table}").fetchall()  # noqa: S608
    for form in told:
        place = {name: form[name] for name in ("wave", "survey", "school")}
        town.add_form(form["pupil"], {name: form[name] for name in ASKED}, **place)
    for statement in wave_form_sql(INPUTS, INSTRUMENTS):
        town.con.execute(statement, {"wave": WINTER}).fetchall()

    columns = [
        column
        for name in (f"{CORE}.{question}" for question in ASKED)
        for column in (INPUTS.before(name), INPUTS.wave_before(name))
    ]
    found = town.con.table("wave_form").select("survey_id", "school_id", "pupil", *columns)
    expected = [
        (
            *(now[name] for name in ("survey", "school", "pupil")),
            *(part for question in ASKED for part in last_time(told, now, question)),
        )
        for now in told
        if now["wave"] == WINTER
    ]
    assert sorted(found.fetchall(), key=str) == sorted(expected, key=str)
