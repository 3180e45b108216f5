"""A form that has changed stops its files, and a signed decision lets them through."""

import pytest

from flows.cli import main
from flows.home import Home
from schemas.reason import Reason
from tests.support.home import CORE, csv_bytes, drop, make_home, run, school_class
from tests.support.state import filed, note_of, warehouse_of

SAFETY, THRIVING = f"{CORE}.safety", f"{CORE}.thriving"


def with_columns(rows, *, renamed=None, without=(), added=None):
    names = dict((renamed or {}).items())
    return [
        {names.get(key, key): cell for key, cell in row.items() if key not in without}
        | dict(added or {})
        for row in rows
    ]


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def delivered(home, rows, name="klasse.csv"):
    drop(home, name, csv_bytes(rows))
    run(home)
    return filed(home)[name]


def decision_of(home: Home, name="klasse.csv") -> str:
    return (home.outcome / "quarantined" / f"{name}.decision.toml").read_text(encoding="utf-8")


def sign(home: Home, text: str) -> None:
    signed = text.replace('# signed_by = ""', 'signed_by = "Rektor"')
    signed = signed.replace("# signed_on", "signed_on")
    (home.surveys / "decisions" / "one.toml").write_text(signed, encoding="utf-8")


def put_back(home: Home, name="klasse.csv") -> str:
    (home.outcome / "quarantined" / name).rename(home.inbox / name)
    run(home)
    return "loaded" if (home.outcome / "loaded" / name).exists() else "not loaded"


def stored(home, column):
    with warehouse_of(home) as con:
        found = con.execute(f"select {column} from core.answer_{CORE} order by 1")  # noqa: S608
        return [value for (value,) in found.fetchall()]


def test_renamed_item_stops_the_file_and_a_signed_decision_takes_it_in(home):
    rows = with_columns(school_class(12), renamed={SAFETY: "hvor trygg"})

    assert delivered(home, rows) == "quarantined"
    note = note_of(home, "klasse.csv")
    assert (note["reason"], note["column"]) == (Reason.HEADER_MISMATCH, SAFETY)
    text = decision_of(home)
    assert f'"{SAFETY}" = ""' in text
    assert '"hvor trygg" = ""' in text

    decided = text.replace(f'"{SAFETY}" = ""', f'"{SAFETY}" = "hvor trygg"')
    sign(home, decided.replace('"hvor trygg" = ""', '"hvor trygg" = "dropped"'))
    assert put_back(home) == "loaded"
    assert stored(home, "safety") == [5] * 12


def test_exports_from_before_the_change_still_load(home):
    delivered(home, with_columns(school_class(12), renamed={SAFETY: "hvor trygg"}))
    text = decision_of(home).replace(f'"{SAFETY}" = ""', f'"{SAFETY}" = "hvor trygg"')
    sign(home, text.replace('"hvor trygg" = ""', '"hvor trygg" = "dropped"'))

    assert delivered(home, school_class(12, prefix="Q"), "before.csv") == "loaded"
    assert put_back(home) == "loaded"
    assert len(stored(home, "safety")) == 24


def test_added_column_is_dropped_only_when_somebody_has_said_so(home):
    rows = with_columns(school_class(12), added={"helse": "god"})

    assert delivered(home, rows) == "quarantined"
    sign(home, decision_of(home).replace('"helse" = ""', '"helse" = "dropped"'))
    assert put_back(home) == "loaded"


def test_removed_item_is_not_asked_once_that_is_decided(home):
    assert delivered(home, with_columns(school_class(12), without=[SAFETY])) == "quarantined"
    sign(home, decision_of(home).replace(f'"{SAFETY}" = ""', f'"{SAFETY}" = "not asked"'))

    assert put_back(home) == "loaded"
    assert stored(home, "safety") == [None] * 12


def test_new_option_that_many_chose_stops_the_file(home):
    changes = {number: {"thriving": "vet ikke"} for number in range(6)}

    assert delivered(home, school_class(20, changes=changes)) == "quarantined"
    assert note_of(home, "klasse.csv")["reason"] == Reason.OPTIONS_CHANGED
    text = decision_of(home)
    assert '"vet ikke" = ""  # 6 pupils' in text

    sign(home, text.replace('"vet ikke" = ""', '"vet ikke" = "dont_know"'))
    assert put_back(home) == "loaded"
    with warehouse_of(home) as con:
        missing = con.execute("""
            select missing, count(*) from core.answer
            where item_id = 'thriving' group by all order by all
        """).fetchall()
    assert missing == [("dont_know", 6), (None, 14)]


def test_answers_that_few_gave_are_slips_and_wait_row_by_row(home):
    changes = {number: {"thriving": "6"} for number in range(4)}

    assert delivered(home, school_class(20, changes=changes)) == "loaded"
    assert note_of(home, "klasse.csv")["reasons"] == {"ANSWER_NOT_AN_OPTION": 4}


def test_changed_scale_tells_each_new_answer_that_five_gave_and_only_counts_the_others(home):
    changes = {number: {"thriving": "10" if number < 7 else f"0{number}"} for number in range(20)}

    assert delivered(home, school_class(20, changes=changes)) == "quarantined"
    text = decision_of(home)
    assert '"10" = ""  # 7 pupils' in text
    assert '"013"' not in text
    assert "# 13 more that fewer than 5 pupils gave" in text


def test_one_changed_file_stops_no_other(home):
    changes = {number: {"thriving": "vet ikke"} for number in range(6)}
    drop(home, "a.csv", csv_bytes(school_class(20, changes=changes)))
    drop(home, "b.csv", csv_bytes(school_class(20, prefix="Q")))
    run(home)

    assert filed(home)["a.csv"] == "quarantined"
    assert filed(home)["b.csv"] == "loaded"


@pytest.mark.parametrize("what", ["unsigned", "undecided", "unknown survey", "no option of ours"])
def test_a_decision_that_says_too_little_stops_the_run_with_its_name(home, what, capsys):
    changes = {number: {"thriving": "vet ikke"} for number in range(6)}
    delivered(home, school_class(20, changes=changes))
    text = decision_of(home).replace('"vet ikke" = ""', '"vet ikke" = "dont_know"')
    if what == "unsigned":
        (home.surveys / "decisions" / "one.toml").write_text(text, encoding="utf-8")
    elif what == "undecided":
        sign(home, text + '\n[added]\n"x" = ""\n')
    elif what == "unknown survey":
        sign(home, text.replace('survey = "klassepuls"', 'survey = "another"'))
    else:
        sign(home, text.replace('"dont_know"', '"9"'))

    assert main(["run", "--home", str(home.root)]) == 2
    assert "one.toml" in capsys.readouterr().err


OPEN = {
    "a column that is gone": ("", f'[missing]\n"{CORE}.thriving" = "ny"\n"{SAFETY}" = ""\n', 2),
    "a new column": ("added", '[added]\n"helse" = "dropped"\n"Kari Nordmann" = ""\n', 2),
    "a new answer": ("options", f'[options."{THRIVING}"]\n"Kari Nordmann" = ""\n', 1),
    "a code without quotes": ("options", f'[options."{THRIVING}"]\n"x" = "1"\n"Kari" = 3\n', 2),
    "a column without quotes": ("added", '[added]\n"Kari Nordmann" = 3\n', 1),
}


@pytest.mark.parametrize(("table", "text", "number"), OPEN.values(), ids=OPEN)
def test_open_decision_is_told_by_its_file_and_number_and_never_in_the_exports_words(
    home, table, text, number, capsys
):
    sign(home, 'survey = "klassepuls"\n# signed_by = ""\n# signed_on = 2026-01-31\n' + text)

    assert main(["run", "--home", str(home.root)]) == 2
    told = capsys.readouterr().err
    assert "one.toml" in told
    assert table in told
    assert f"number {number}" in told
    assert "Kari" not in told


def test_heading_with_a_persons_number_is_not_told(home):
    rows = with_columns(school_class(12), added={"ola@example.no": "x"})

    assert delivered(home, rows) == "quarantined"
    assert "example" not in decision_of(home)
    assert "1 more" in decision_of(home)
