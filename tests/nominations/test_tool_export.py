"""Choices in a tool's own export: drafted, decided on by a person, and loaded."""

import tomllib

from tests.road.test_survey_draft import ANSWERS, decided, drafted, google_form
from tests.support.home import drop, make_home, outcomes, run
from tests.support.state import warehouse_of

QUESTION = "Hvem liker du å være sammen med i friminuttene?"
CHOSEN = {
    "P-001": "P-002, P-003",
    "P-002": "P-001",
    "P-003": "P-001;P-004",
    "P-004": "",
    "P-005": "p-003",
}


def with_choices() -> bytes:
    heading, *rows = google_form(ANSWERS).decode().splitlines()
    cells = [f'"{QUESTION}"', *(f'"{CHOSEN[code]}"' for code in ANSWERS)]
    lines = [f"{line},{cell}" for line, cell in zip([heading, *rows], cells, strict=True)]
    return "".join(f"{line}\r\n" for line in lines).encode()


def test_draft_tells_of_columns_in_which_pupils_name_each_other(tmp_path):
    draft = drafted(tmp_path, with_choices())
    assert f'# columns = ["{QUESTION}"]' in draft
    assert all(code not in draft for code in ANSWERS)
    (tmp_path / "none").mkdir()
    assert "[[nominations]]" not in drafted(tmp_path / "none", google_form(ANSWERS))


def test_export_of_a_tool_is_loaded_with_its_choices(tmp_path):
    draft = decided(drafted(tmp_path, with_choices()))
    for line in ("[[nominations]]", 'situation = ""', f'columns = ["{QUESTION}"]'):
        draft = draft.replace(f"# {line}", line.replace('""', '"breaks"'))
    # A draft's choices stand above [columns]; what is no table has to stay above them.
    assert tomllib.loads(draft)["nominations"][0]["columns"] == [QUESTION]
    home = make_home(tmp_path / "home")
    (home.surveys / "klassepuls.toml").write_text(draft, encoding="utf-8")
    drop(home, "export.csv", with_choices())
    outcome = outcomes(run(home))["export.csv"]
    assert (outcome.outcome, outcome.accepted) == ("loaded", len(ANSWERS))
    with warehouse_of(home) as con:
        chosen = con.execute("""
            select situation, count(*), count(distinct chosen) from core.nomination group by all
        """).fetchall()
    assert chosen == [("breaks", 6, 4)]
