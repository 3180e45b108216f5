"""The real Nettskjema export goes the road in three encodings and says the same each time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from flows.home import Home, load_config
from schemas.declared import DeclarationError
from tests.faults.compare import same_key
from tests.support.home import drop, make_home, outcomes, run
from tests.support.state import LEDGER, contents, ledger_of, warehouse_of
from transforms.codebooks.nettskjema_elements import read_elements

CSV = "data-123823-2025-08-20-1940.csv"
XLSX = "data-123823-2025-08-19-2249.xlsx"
LINES = "answers-long-123823.ndjson"
CODEBOOK = "form-123823-definition.json"

# The form's coded questions: (item, the export's column, codes).
BOXES = [
    *(f"checkbox.{box}" for box in ("questionnaires", "events", "logs")),
    *(
        f"checkbox_matrix.{row}.{box}"
        for row in ("1", "2")
        for box in ("IT", "colleague", "admin", "union", "internet")
    ),
]
QUESTIONS: dict[str, tuple[int, ...]] = {
    "radio": (1, -1),
    "dropdown": (4, 9),
    **{f"radio_matrix.{row}": (1, 2, 3) for row in ("grants", "lecture", "email")},
    **dict.fromkeys(BOXES, (0, 1)),
    "slider": tuple(range(1, 11)),
}
# Columns that are known and never stored.
DROPPED = (
    *("freetext", "date", "time", "datetime", "number_decimal", "number_integer"),
    *("attachment_1", "attachment_2", "answer_time_ms"),
)


def item_id(column: str) -> str:
    return column.lower().replace(".", "_")


def instrument_toml() -> str:
    """The municipality's own instrument, with one option set for each set of codes."""
    names = {codes: f"codes_{at}" for at, codes in enumerate(dict.fromkeys(QUESTIONS.values()))}
    lines = [
        'id = "api_form"\nversion = 1\nuse_for = "both"\nmin_grade = 1',
        'name = { nb = "Prøveskjema" }',
        'licence = { name = "eget", source = "Nettskjema" }',
    ]
    for codes, name in names.items():
        for code in codes:
            lines.append(f"[[option_sets.{name}]]\ncode = {code}")
            lines.append(f'label = {{ nb = "svar {code}" }}')
    for column, codes in QUESTIONS.items():
        lines.append(f'[[items]]\nid = "{item_id(column)}"\noptions = "{names[codes]}"')
    return "\n".join(lines)


def survey_toml(codebook: str = CODEBOOK, more: str = "") -> str:
    items = "\n".join(f'"api_form_v1.{item_id(column)}" = "{column}"' for column in QUESTIONS)
    return f"""
id = "api_form"
name = "API-skjema"
tool = "nettskjema"
linkage = "none"
instruments = ["api_form_v1"]
codebook = "{codebook}"
dropped = [{", ".join(f'"{name}"' for name in DROPPED)}]
{more}
[columns]
submission = "submission_id"
submitted_on = "created"
[constants]
wave = "2025H"
school = "S01"
class_group = "7A"
grade = "7"
[items]
{items}
"""


@pytest.fixture
def samples(shared: Path) -> Path:
    return shared / "samples" / "nettskjema"


@pytest.fixture
def make(samples: Path, tmp_path: Path) -> Callable[[str], Home]:
    """Makes a home for the form, with the form's elements beside its survey file."""

    def made(name: str) -> Home:
        home = make_home(tmp_path / name)
        (home.instruments / "api_form.toml").write_text(instrument_toml(), encoding="utf-8")
        (home.surveys / "api_form.toml").write_text(survey_toml(), encoding="utf-8")
        (home.surveys / CODEBOOK).write_bytes((samples / CODEBOOK).read_bytes())
        return home

    return made


def answers(home: Home) -> dict[str, list[object]]:
    """The answers to each question, in the order of the answers themselves."""
    with warehouse_of(home) as con:
        found = con.execute("""
            select item_id, list(said order by said)
            from (select item_id, coalesce(value::varchar, missing) as said from core.answer
                where instrument_key = 'api_form_v1')
            group by item_id order by item_id
        """).fetchall()
    return dict(found)


@pytest.mark.parametrize("name", [CSV, XLSX, LINES])
def test_every_answer_of_the_export_is_stored_as_it_was_given(make, samples, name):
    home = make("home")
    drop(home, name, (samples / name).read_bytes())
    told = outcomes(run(home))[name]
    assert (told.outcome, told.delivered, told.accepted) == ("loaded", 3, 3)
    found = answers(home)
    assert set(found) == {item_id(column) for column in QUESTIONS}
    assert found["radio"] == ["-1", "-1", "1"]
    assert found["dropdown"] == ["4", "4", "9"]
    assert found["radio_matrix_lecture"] == ["1", "2", "3"]
    assert found["checkbox_events"] == ["0", "1", "1"]
    assert found["checkbox_matrix_1_it"] == ["0", "0", "1"]
    assert found["checkbox_matrix_2_union"] == ["0", "1", "1"]
    assert found["slider"] == ["1", "3", "9"]


def test_the_three_encodings_give_the_same_rows(make, samples):
    tables = []
    for number, name in enumerate((CSV, XLSX, LINES)):
        home = make(f"home{number}")
        # The submission number is kept as a keyed digest: compare it under one key.
        if number:
            same_key(Home(home.root.parent / "home0"), home)
        drop(home, name, (samples / name).read_bytes())
        run(home)
        tables.append(contents(home, without=[*LEDGER, "core.stage"]))
    assert tables[0] == tables[1]
    assert tables[0] == tables[2]
    assert len(tables[0]["core.response"]) == 3


def test_minus_one_is_an_answer_and_the_codebook_says_what_it_means(make, samples):
    home = make("home")
    drop(home, CSV, (samples / CSV).read_bytes())
    run(home)
    with warehouse_of(home) as con:
        found = con.execute("""
            select value, missing, count(*) from core.answer where item_id = 'radio' group by all
        """).fetchall()
    assert set(found) == {(-1, None, 2), (1, None, 1)}
    codebook = read_elements((home.surveys / CODEBOOK).read_bytes()).codebook
    assert codebook["radio"].options["-1"] == "Very unhappy!"


@pytest.mark.parametrize(
    ("first", "second"),
    [(CSV, XLSX), (XLSX, LINES), (LINES, CSV)],
)
def test_second_encoding_after_the_first_changes_nothing(make, samples, first, second):
    home = make("home")
    drop(home, first, (samples / first).read_bytes())
    run(home)
    before = contents(home, without=LEDGER)
    drop(home, second, (samples / second).read_bytes())
    told = outcomes(run(home))[second]
    assert (told.outcome, told.dropped, told.reason) == ("duplicate", 3, "ALREADY_DELIVERED")
    assert contents(home, without=LEDGER) == before


def test_all_encodings_in_one_run_count_once(make, samples):
    home = make("home")
    for name in (CSV, XLSX, LINES):
        drop(home, name, (samples / name).read_bytes())
    found = outcomes(run(home))
    assert sorted(outcome.outcome for outcome in found.values()) == [
        *("duplicate", "duplicate", "loaded")
    ]
    assert sum(entry[3] for entry in ledger_of(home).values()) == 3


def test_lines_without_the_codebook_wait_for_it(make, samples):
    home = make("home")
    survey = home.surveys / "api_form.toml"
    with_codebook = survey.read_text(encoding="utf-8")
    survey.write_text(with_codebook.replace(f'codebook = "{CODEBOOK}"\n', ""), encoding="utf-8")
    drop(home, LINES, (samples / LINES).read_bytes())
    assert outcomes(run(home))[LINES].reason == "CODEBOOK_MISSING"
    survey.write_text(with_codebook, encoding="utf-8")
    (home.outcome / "quarantined" / LINES).rename(home.inbox / LINES)
    assert outcomes(run(home))[LINES].accepted == 3


# A second form of the same municipality, whose codebook comes first by name.
OTHER = b"""[{
    "elementId": 7, "elementType": "RADIO", "externalElementId": "mood", "text": "Mood?",
    "answerOptions": [
        {"answerOptionId": 71, "externalAnswerOptionId": "1", "text": "good"},
        {"answerOptionId": 72, "externalAnswerOptionId": "2", "text": "bad"}
    ]
}]"""
OTHER_SURVEY = """
id = "a_form"
name = "Et annet skjema"
tool = "nettskjema"
linkage = "none"
instruments = ["a_form_v1"]
codebook = "a_form.json"
dropped = ["answer_time_ms"]
columns = { submission = "submission_id", submitted_on = "created" }
constants = { school = "S01", class_group = "7A", grade = "7" }
items = { "a_form_v1.mood" = "mood" }
"""
OTHER_INSTRUMENT = """
id = "a_form"
version = 1
use_for = "both"
min_grade = 1
name = { nb = "Et annet" }
licence = { name = "eget", source = "Nettskjema" }
option_sets.mood = [{ code = 1, label = { nb = "bra" } }, { code = 2, label = { nb = "ille" } }]
items = [{ id = "mood", options = "mood" }]
"""


def add_other_form(home: Home) -> None:
    (home.surveys / "a_form.json").write_bytes(OTHER)
    (home.surveys / "a_form.toml").write_text(OTHER_SURVEY, encoding="utf-8")
    (home.instruments / "a_form.toml").write_text(OTHER_INSTRUMENT, encoding="utf-8")


@pytest.mark.parametrize("name", [CSV, XLSX, LINES])
def test_two_forms_of_one_municipality_are_told_apart(make, samples, name):
    home = make("home")
    add_other_form(home)
    drop(home, name, (samples / name).read_bytes())
    drop(
        home,
        "mood.csv",
        b'"$submission_id";"$created";"mood"\n"1";"2025-11-05T10:00:00+01:00";"2"\n',
    )
    found = outcomes(run(home))
    assert (found[name].survey_id, found[name].accepted) == ("api_form", 3)
    assert (found["mood.csv"].survey_id, found["mood.csv"].accepted) == ("a_form", 1)


def test_codebook_that_is_broken_is_a_matter_of_the_settings(make):
    home = make("home")
    codebook = home.surveys / CODEBOOK
    codebook.write_bytes(b'[{"elementType": "RADIO", "elementId": 1, "text": "x"}]')
    with pytest.raises(DeclarationError, match="not a usable codebook"):
        load_config(home)
