"""A file of names or birth dates that is no survey is refused, and told of until it is deleted."""

import pytest

from tests.quarantine.home import asked, command
from tests.readers.small_xlsx import workbook
from tests.support.home import drop, make_home, run
from tests.support.state import note_of, words_on

__all__ = ["asked", "command"]

NAMES = ["Kari Nordmann", "Ola Nordmann", "Per Hansen", "Anne Berg"]
YEARS = "school_year;school;class_group;grade"
LISTS = {
    "a key": ("Elevkode;Navn", "FJ7A0{n};{name}"),
    "a key with more": ("Nr;Kode;Navn;Klasse;Kontaktlærer", "{n};FJ7A0{n};{name};7A;NN"),
    "names and birth dates": ("Etternavn;Fornavn;Klasse;Fødselsdato", "{name};x;7A;01.02.2013"),
    "birth dates alone": ("Kode;Fødselsdato", "FJ7A0{n};01.02.2013"),
    "a class list with names": (f"{YEARS};pupil_code;navn", "2025-26;S01;7A;7;AB{n};{name}"),
    "a class list with birth dates": (
        f"{YEARS};pupil_code;fødselsdato",
        "2025-26;S01;7A;7;AB{n};01.02.2013",
    ),
    "a class list with names for codes": (f"{YEARS};Elevens navn", "2025-26;S01;7A;7;{name}"),
    "a key by pupil": ("Elev;Kode", "{name};FJ7A0{n}"),
    "names alone": ("Navn", "{name}"),
    "telephones": ("Klasse;Foresatt;Telefon", "7A;{name};22 22 22 2{n}"),
}


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def rows_of(name):
    heading, row = LISTS[name]
    return [heading, *(row.format(n=n, name=one) for n, one in enumerate(NAMES))]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize("name", LISTS)
def test_list_of_persons_is_refused_and_is_to_be_deleted(home, asked, name, suffix):
    lines = rows_of(name)
    table = workbook([line.split(";") for line in lines])
    drop(home, f"a.{suffix}", table if suffix == "xlsx" else "\n".join(lines).encode())
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("rejected", "PERSONAL_DATA")
    assert [one["reason"]["code"] for one in asked(home, "quarantine", "list")["to_delete"]]
    assert len(note_of(home, f"a.{suffix}")["rows"]) == len(NAMES)
    assert not any(part in words_on(home, f"a.{suffix}") for part in NAMES)


NO_LISTS = {
    "no persons": ("Elevkode;Klasse;Trinn", "FJ7A0{n};7A;7"),
    "codes by pupil": ("Elev;Klasse", "FJ7A0{n};7A"),
    "codes alone": ("Elevkode", "FJ7A0{n}"),
    "names left blank": ("Elevkode;Navn", "FJ7A0{n};"),
    "classes by name": ("Klassenavn;Skolenavn;Trinn", "7A;Fjell;7"),
}


@pytest.mark.parametrize("name", NO_LISTS)
def test_list_without_persons_is_told_as_what_it_is(home, name):
    heading, row = NO_LISTS[name]
    lines = [heading, *(row.format(n=n) for n in range(4))]
    drop(home, "a.csv", "\n".join(lines).encode())
    [(_, outcome)] = run(home).files
    assert outcome.reason == "NOT_RECOGNISED"


def test_survey_of_nobody_yet_waits_for_its_file_and_its_names_are_told(home):
    questions = ";".join(f"Hvordan er det i time {n}?" for n in range(6))
    rows = [f"{name};7A;{';'.join('123456')}" for name in NAMES]
    drop(home, "a.csv", "\n".join([f"Navn;Klasse;{questions}", *rows]).encode())
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("quarantined", "NOT_RECOGNISED")
    told = note_of(home, "a.csv")["rows"]
    assert [(row["reasons"], row["columns"]) for row in told] == [(["name"], ["1"])] * 4


def test_class_list_with_a_note_too_many_is_told_as_before(home):
    lines = [f"{YEARS};enrolled;merknad", "2025-26;S01;7A;7;22;x"]
    drop(home, "a.csv", "\n".join(lines).encode())
    [(_, outcome)] = run(home).files
    assert outcome.reason == "CLASS_LIST_COLUMNS"
