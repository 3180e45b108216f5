"""What may be a person stands in no draft and no decision; a form's own words do."""

import pytest

from schemas.instrument import shipped_instruments
from tests.support.home import CORE, csv_bytes, drop, form, make_home, run, school_class
from transforms.drift import columns_decision, options_decision
from transforms.own_words import own_words
from transforms.revealing import revealing

PERSONS = [
    "Kari Nordmann",
    "PER HANSEN",
    "per hansen",
    "kari nordmann",
    "anne-lise dahl moe",
    "ÅSE BJØRNØY",
    "Hvem er du sammen med? [Kari Nordmann]",
    "Hvem er du sammen med? [Ola]",
    "Kven leikar du med? [Anne-Lise]",
    "Venn: Per Hansen (7A)",
    "Venn: Ola",
    "Hvor ofte er du sammen med Ola Berg i friminuttet?",
    "lærer hansen",
]
PLAIN = [
    "Hvem snakker du med? [Mor]",
    "Hvem snakker du med? [Lærer]",
    "Hvor trygg er du? [Friminutt]",
    "Hvor trygg er du? [SFO]",
    "q1[SQ001]",
    "G01Q02[SQ003]",
    "Duration (in seconds)",
    "submission_id",
    "answer_time_ms",
    "_submission_time",
    "Elevkode (står på lappen)",
    "KLASSE",
    "klasse",
    "MIN KLASSE",
    "din skole",
    "Date submitted",
    "Last page",
    "Helt enig",
    "Svært fornøyd",
]


def test_what_may_be_a_person_is_hidden():
    assert [text for text in PERSONS if text not in revealing(PERSONS)] == []


def test_words_of_a_form_are_told():
    assert revealing(PLAIN) == set()


def test_no_question_and_no_option_of_ours_is_hidden():
    texts = []
    for instrument in shipped_instruments().values():
        texts += [text for item in instrument.items for text in item.text.values()]
        for options in instrument.option_sets.values():
            texts += [label for option in options for label in option.label.values()]
    assert revealing(texts) == set()


def test_no_name_is_among_our_words():
    assert {"kari", "nordmann", "ola", "hansen", "anne", "berg"} & own_words() == set()


def test_decision_tells_neither_a_heading_nor_an_answer_that_may_be_a_person():
    columns = columns_decision("s", missing={}, added=["Et nytt spørsmål?", *PERSONS])
    options = {f"{CORE}.safety": dict.fromkeys(["Nesten hele tida", *PERSONS], 9)}
    answers = options_decision("s", options)
    for person in PERSONS:
        assert person not in columns + answers
    assert '"Et nytt spørsmål?" = ""' in columns
    assert '"Nesten hele tida" = ""  # 9 pupils' in answers
    assert f"# {len(PERSONS)} more that may be a person" in answers


@pytest.mark.parametrize("change", ["heading", "answer"])
def test_decision_file_of_a_delivery_names_nobody(tmp_path, change):
    home = make_home(tmp_path / "home")
    rows = school_class(10)
    if change == "heading":
        rows = [row | dict.fromkeys(PERSONS, "x") for row in rows]
    else:
        rows = [row | form(row["pupil_code"], safety="Kari Nordmann") for row in rows]
    drop(home, "a.csv", csv_bytes(rows))
    run(home)
    [decision] = home.outcome.rglob("*.decision.toml")
    text = decision.read_text(encoding="utf-8")
    assert not any(person in text for person in PERSONS)
