"""A file whose pupil codes look like names waits until somebody has said that they are none."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gate.clean_codes import thousand_files
from tests.quarantine.home import asked, command
from tests.support.home import csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import note_of, warehouse_of, words_on
from transforms.bare_codes import bare_codes
from transforms.code_names import codes_to_tell, files_of_names

__all__ = ["asked", "command"]

NAMES = ["KARI-NORDMANN", "OLA-NORDMANN", "PER-HANSEN", "ANNE-BERG", "IDA-LI", "NORA-DAHL-MOE"]
LIST = "school_year;school;class_group;grade;pupil_code\n"


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def named(*codes):
    return csv_bytes([form(code, bullied_by_pupils="5") for code in codes])


def listed(*codes):
    return (LIST + "".join(f"2025-26;S01;7A;7;{code}\n" for code in codes)).encode()


def say_that_they_are_codes(home):
    text = home.settings_file.read_text(encoding="utf-8")
    said = '\n[pupil_codes]\nof_letters = "rektor på Fjell, 20. april 2026"\n'
    home.settings_file.write_text(text + said, encoding="utf-8")


def in_vault(home):
    with warehouse_of(home) as con:
        return con.execute("select count(*) from vault.code").fetchall()[0][0]


@pytest.mark.parametrize("content", [named(*NAMES), listed(*NAMES)], ids=["answers", "list"])
def test_names_for_codes_wait_and_are_kept_nowhere(home, asked, content):
    drop(home, "a.csv", content)
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("quarantined", "CODES_MAY_BE_NAMES")
    assert (outcome.delivered, outcome.quarantined) == (6, 6)
    assert in_vault(home) == 0
    [waits] = asked(home, "quarantine", "list")["deliveries"]
    assert waits["rows"] == 6
    words = words_on(home, "a.csv")
    assert "[pupil_codes]" in words
    assert "KARI" not in words
    say_that_they_are_codes(home)
    drop(home, "again.csv", content)
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.accepted) == ("loaded", 6)
    assert asked(home, "quarantine", "list")["deliveries"] == []


def test_names_of_two_words_and_of_one_wait_as_well(home):
    drop(home, "a.csv", named("Kari Nordmann", "Ola Nordmann", "Per A. Hansen", "Bjørn"))
    drop(home, "b.csv", named("KARI", "OLA", "Jakob"))
    assert [outcome.reason for _, outcome in run(home).files] == ["CODES_MAY_BE_NAMES"] * 2


def test_file_of_names_stops_no_other_file_of_the_run(home):
    drop(home, "a.csv", named(*NAMES))
    drop(home, "b.csv", csv_bytes(school_class(8)))
    found = {name: outcome.outcome for name, outcome in run(home).files}
    assert found == {"a.csv": "quarantined", "b.csv": "loaded"}


CODES = {
    "one odd code in a class": [*[f"P{n:03}" for n in range(8)], "KARI-NORDMANN"],
    "half of them": ["KARI-NORDMANN", "OLA-N", "P01", "P02"],
    "letters of one length": ["QXWZP", "KDJEA", "PLMOK", "BVCXZ"],
    "letters of two lengths": ["FJ-A", "FJ-Z", "FJ-AA", "FJ-AB"],
    "two codes": ["KARI-NORDMANN", "OLA"],
    "names with digits": ["KARI1", "OLA22", "JAKOB3", "ANNEMARIE4"],
}
SHARED = (
    "S01-{}",
    "S01{}",
    "7A-{}",
    "{}7A",
    "{}-7A",
    "{}1",
    "{}13",
    "P0{}",
    "S01-7A-{}",
    "FJELL-{}",
)


@pytest.mark.parametrize("shared", SHARED)
def test_a_school_or_a_class_before_names_or_behind_makes_no_codes_of_them(home, shared):
    codes = [shared.format(name.replace("-", "")) for name in (*NAMES, "ÅSE", "BJØRN")]
    [file_no] = files_of_names(judged(codes))
    assert file_no == 0
    sound = [one for one in codes if one.isascii()]
    drop(home, "a.csv", named(*sound))
    drop(home, "l.csv", listed(*sound))
    assert [outcome.reason for _, outcome in run(home).files] == ["CODES_MAY_BE_NAMES"] * 2
    assert in_vault(home) == 0


@pytest.mark.parametrize("name", CODES)
def test_codes_are_loaded(home, name):
    drop(home, "a.csv", named(*CODES[name]))
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.accepted) == ("loaded", len(CODES[name]))


def test_check_says_that_the_codes_may_be_names(home, command, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(named(*NAMES))
    code, said = command(home, "check", str(path))
    assert code != 0
    assert "may be names" in said


FEW = 10  # of a thousand files

LETTERS = st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
DIGITS = st.sampled_from("0123456789")


def judged(codes):
    told = {"file_no": 0, "code": codes, "school": "S01", "class_group": "7A"}
    return bare_codes(pl.DataFrame(told, schema_overrides={"code": pl.String}))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(LETTERS | DIGITS, min_size=6, max_size=6), min_size=20, max_size=30))
def test_codes_that_are_dealt_out_never_stop_a_file(codes):
    assert files_of_names(judged(codes)) == []


def test_a_thousand_files_of_sound_codes_wait_for_nobody_and_next_to_none_tells_of_names():
    every = bare_codes(thousand_files())
    assert files_of_names(every) == []
    assert codes_to_tell(every)["file_no"].n_unique() <= FEW


# words, the other codes of the file, and how many of them are told
TOLD = {
    "four among numbers": ("KARI-NORDMANN OLA MOHAMMED INGRID-LI", "0412 0413 0414 0415 0416", 4),
    "half of them": ("KARI OLA MOHAMMED", "P001 P002 P003", 3),
    "one among numbers": ("KARI", "P001 P002 P003", 1),
    "behind the school": ("S01-KARI S01-OLA", "S01-0412 S01-0413 S01-0414", 2),
    "of two lengths, and nothing else": ("KARI LISE NORA EMMA JAKOB ELIAS AKSEL", "", 7),
    "two names, and nothing else": ("KARI OLA", "", 2),
    "among codes by lot": ("INGRID OLA", "7XQKP KD4EA PLM9K BVCXZ 2ZRTW", 2),
    "drawn by lot themselves": ("QXWZP KDJEA", "7XQKP KD4EA PLM9K 2ZRTW", 0),
    "letters by lot": ("QXWZP KDJEA PLMOK BVCXZ", "", 0),
}


@pytest.mark.parametrize("name", TOLD)
def test_words_among_codes_are_told(name):
    words, codes, expected = TOLD[name]
    told = codes_to_tell(judged([*words.split(), *codes.split()]))
    assert told.height == expected
    assert set(told["code"]) <= set(words.split())


def test_no_word_is_told_where_somebody_says_that_they_are_codes(home):
    say_that_they_are_codes(home)
    drop(home, "a.csv", named("BLUE-BEAR", "RED-FOX", "P001"))
    drop(home, "l.csv", listed("BLUE-BEAR", "RED-FOX", "P001"))
    assert [outcome.outcome for _, outcome in run(home).files] == ["loaded"] * 2
    assert note_of(home, "a.csv")["reasons"] == note_of(home, "l.csv")["reasons"] == {}


def test_list_of_pupils_tells_of_words_among_its_codes(home):
    drop(home, "l.csv", listed("KARI-NORDMANN", "P001", "P002", "P003"))
    run(home)
    assert note_of(home, "l.csv")["reasons"] == {"CODE_OF_LETTERS": 1}
