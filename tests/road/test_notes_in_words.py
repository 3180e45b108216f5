"""What a secretary reads is in words, of both languages; codes stand in the note for a program."""

import pytest

from schemas.personal import Personal, personal_texts
from schemas.reason import Reason, reason_names
from tests.quarantine.home import asked, command
from tests.support.home import csv_bytes, drop, form, make_home, outcomes, run, school_class
from tests.support.state import note_of, words_on

__all__ = ["asked", "command"]


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


@pytest.mark.parametrize(
    ("texts", "codes"), [(personal_texts, Personal), (reason_names, Reason)], ids=["kinds", "names"]
)
def test_every_code_has_a_short_name_of_its_own_in_three_languages(texts, codes):
    assert set(texts()) == set(codes)
    for language in ("nb", "nn", "en"):
        names = [getattr(text, language) for text in texts().values()]
        assert all(name.strip() and len(name) < 60 for name in names)
        assert len(set(names)) == len(names)


def test_person_in_a_file_is_told_in_words_with_row_and_column(home):
    drop(home, "a.csv", csv_bytes([form("P001"), form("P002", safety="ola@example.no")]))
    run(home)
    words, note = words_on(home, "a.csv"), note_of(home, "a.csv")
    assert "  3: e-postadresse / e-mail address (klassepuls_core_v1.safety)" in words
    assert "email" not in words
    assert note["rows"][0]["reasons"] == ["email"]


def test_held_row_is_told_by_the_name_of_its_reason(home):
    drop(home, "a.csv", csv_bytes([form("P001"), form("P002", school="S99", grade="sju")]))
    run(home)
    words = words_on(home, "a.csv")
    assert "  3: ugyldig trinn / unsound grade; ukjent skole / unknown school (" in words
    assert set(note_of(home, "a.csv")["rows"][0]["reasons"]) == {"SCHOOL_UNKNOWN", "GRADE_INVALID"}


def test_note_and_list_name_the_delivery_alike(home, command, asked):
    drop(home, "a.csv", csv_bytes([form("P001"), form("P002", school="S99")]))
    run(home)
    [entry] = asked(home, "quarantine", "list")["deliveries"]
    assert f"Levering / delivery: {entry['delivery']}\n" in words_on(home, "a.csv")
    assert entry["delivery"] in command(home, "quarantine", "list")[1]


def test_list_is_cut_nowhere_without_a_terminal(home, command, asked, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    held = [form("P002", school="S99", grade="sju", gender="x", safety="77", class_group="?")]
    drop(
        home, "a.csv", csv_bytes([*school_class(2), *held, form("P001"), form("P001", safety="1")])
    )
    run(home)
    waiting = asked(home, "quarantine", "list")
    said = command(home, "quarantine", "list")[1]
    assert "…" not in said
    for word in ("Delivery", "Contradiction", "Survey", "Versions", "Since", "Expires on"):
        assert word in said
    for entry in (*waiting["deliveries"], *waiting["contradictions"]):
        assert entry["expires_on"] in said
        assert entry["since"] in said
        assert entry["survey"] in said


def test_refused_file_still_has_its_sentence(home):
    drop(home, "a.csv", csv_bytes([form("13100462944")]))
    assert outcomes(run(home))["a.csv"].reason == "PERSONAL_DATA"
    assert "fødselsnummer eller D-nummer / national identity number" in words_on(home, "a.csv")
    assert "national_id" not in words_on(home, "a.csv")
