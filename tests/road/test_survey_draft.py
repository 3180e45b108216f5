"""`klassepuls survey draft`: a form in our words needs a few decisions, then its answers load."""

import re
import tomllib

import pytest

from flows.cli import main
from schemas.instrument import shipped_instruments
from schemas.survey import Survey
from tests.support.home import CORE, drop, make_home, run
from tests.support.state import filed, warehouse_of

INSTRUMENT = shipped_instruments()[CORE]
QUESTIONS = [item.text["nb"] for item in INSTRUMENT.items]


def words(item, code, *, capital):
    label = INSTRUMENT.label(item.id, code, "nb")
    return label[:1].upper() + label[1:] if capital else label


def google_form(answers, *, capital=True):
    """One row a pupil: code, then an option code an item."""
    lines = [["Tidsmerke", "Skole", "Klasse", "Trinn", "Elevkode", *QUESTIONS, "Noe mer?"]]
    for code, given in answers.items():
        told = [
            words(item, one, capital=capital)
            for item, one in zip(INSTRUMENT.items, given, strict=True)
        ]
        lines.append(["2025.11.05 10:12:33", "S01", "7A", "7", code, *told, "hei på deg"])
    return "".join(",".join(f'"{cell}"' for cell in line) + "\r\n" for line in lines).encode()


HAPPY = [5, 5, 5, 1, 1, 1, 1, 0]
ANSWERS = {
    "P-001": HAPPY,
    "P-002": [2, 1, 3, 4, 1, 2, 5, 1],
    "P-003": [1, 2, 4, 5, 3, 1, 2, 2],
    "P-004": [3, 4, 1, 2, 2, 3, 3, 0],
    "P-005": [4, 3, 2, 3, 4, 4, 4, 0],
}


def drafted(tmp_path, content, *more):
    export = tmp_path / "Elevpuls høst.csv"
    export.write_bytes(content)
    out = tmp_path / "draft.toml"
    assert main(["survey", "draft", str(export), "--out", str(out), *more]) == 0
    return out.read_text(encoding="utf-8")


def decided(text):
    """What a person does with a draft of a form in our words."""
    text = text.replace('name = ""', 'name = "Elevpuls"')
    text = text.replace('# linkage = "pseudonymous"', 'linkage = "pseudonymous"')
    return re.sub(r'^    # ("Noe mer\?",)', r"    \1", text, flags=re.MULTILINE)


@pytest.mark.parametrize("capital", [True, False])
def test_a_form_in_our_words_loads_after_its_decisions(tmp_path, capital):
    content = google_form(ANSWERS, capital=capital)
    text = drafted(tmp_path, content)

    home = make_home(tmp_path / "home", survey=decided(text))
    drop(home, "svar.csv", content)
    run(home)

    assert filed(home) == {"svar.csv": "loaded"}
    with warehouse_of(home) as con:
        stored = con.execute("""
            select a.* exclude (response_id) from core.answer_klassepuls_core_v1 a
            join core.response using (response_id) order by row_no
        """).fetchall()
    assert stored == [tuple(given) for given in ANSWERS.values()]


def test_a_draft_is_valid_toml_and_no_survey_until_somebody_decides(tmp_path):
    draft = tomllib.loads(drafted(tmp_path, google_form(ANSWERS)))

    assert draft["id"] == "elevpuls_h_st"
    assert draft["tool"] == "google_forms"
    assert "linkage" not in draft
    with pytest.raises(ValueError, match="linkage"):
        Survey.model_validate(draft)


def test_a_question_that_is_not_ours_is_left_to_decide_on_and_its_answers_are_not_told(tmp_path):
    content = google_form(ANSWERS).replace(QUESTIONS[1].encode(), b"Er du rolig?")

    text = drafted(tmp_path, content)

    assert '    # "Er du rolig?",' in text
    assert f'# "{CORE}.safety" = ""' in text
    assert "hei på deg" not in text
    assert "P-001" not in text


def test_answers_in_other_words_are_counted_and_not_told(tmp_path):
    item = INSTRUMENT.items[0]
    label = words(item, 5, capital=True)
    content = google_form(ANSWERS).replace(f'"{label}"'.encode(), b'"Superbra, sier Kari"')

    text = drafted(tmp_path, content)

    assert "Kari" not in text
    assert f"# {CORE}.{item.id}: 1 different answers in the file are none of ours" in text


def test_a_draft_never_replaces_a_file(tmp_path, capsys):
    export, out = tmp_path / "e.csv", tmp_path / "e.toml"
    export.write_bytes(google_form(ANSWERS))
    out.write_text("mine", encoding="utf-8")

    assert main(["survey", "draft", str(export), "--out", str(out)]) == 2
    assert out.read_text(encoding="utf-8") == "mine"
    assert "--out" in capsys.readouterr().err


def test_codebook_of_the_real_form_gives_every_question_its_label(tmp_path, shared, capsys):
    samples = shared / "samples" / "nettskjema"
    export = samples / "data-123823-2025-08-20-1940.csv"
    book = samples / "form-123823-definition.json"

    assert main(["survey", "draft", str(export), "--codebook", str(book)]) == 0

    draft = tomllib.loads(capsys.readouterr().out)
    assert draft["tool"] == "nettskjema"
    assert draft["columns"] == {
        "submission": "submission_id",
        "submitted_on": "created",
        "answer_time_ms": "answer_time_ms",
    }


def test_spss_syntax_gives_the_real_form_the_same_labels(tmp_path, shared, capsys):
    samples = shared / "samples" / "nettskjema"
    export = samples / "data-123823-2025-08-20-1940.csv"
    book = samples / "data-123823-2025-08-19-2249.sps"

    assert main(["survey", "draft", str(export), "--codebook", str(book)]) == 0

    out = capsys.readouterr().out
    assert '    # "radio",  # How happy are we with Nettskjema?' in out
    assert tomllib.loads(out)["codebook"] == book.name


def test_spss_syntax_gives_questions_and_options_in_our_words(tmp_path):
    item = INSTRUMENT.items[0]
    codes = INSTRUMENT.codes(item.id)
    book = tmp_path / "form.sps"
    options = "\n".join(f"  {9 - code} '{INSTRUMENT.label(item.id, code, 'nb')}'" for code in codes)
    book.write_text(
        f"VARIABLE LABELS q1 '{item.text['nb']}'.\nVALUE LABELS q1\n{options}.\n", encoding="utf-8"
    )
    content = b'"$submission_id";"$created";"q1"\n"1";"2025-11-05T10:00:00+01:00";"4"\n'

    draft = tomllib.loads(drafted(tmp_path, content, "--codebook", str(book)))

    assert draft["items"] == {f"{CORE}.{item.id}": "q1"}
    assert draft["codes"][f"{CORE}.{item.id}"] == {str(9 - code): str(code) for code in codes}
