"""A class is called by what marks a class, or by what the municipality has declared."""

import re

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.class_name import class_pattern
from tests.support.home import class_list, csv_bytes, drop, form, make_home, run, school_class
from tests.support.state import words_on

CLASSES = """
7A|7a|7 A|10 B|8Å|7.A|7. trinn|1. kl|7-1|7A1|81|701|A|AB|ABC|1ST|1STA|2STB|1ST-2|VG1 ST|vg2|1HOA
3IDA|Innføring A|INNFØRING A|Introduksjonsklasse|Innføringsklassen|Gruppe Blå|Rød gruppe|Blå 7|8 blå
8A/8B|8A + 8B|Mottak|5-7|5.-7.|1 - 4|Trinn 5-7|Klasse 7A|Velkomstklasse B|Base 2|Kull 2019
Mottaksklassen|Forsterka avdeling|7. trinn gruppe gul|Klasse 7A og 7B|8A–8B|Gruppe 12
klassa 5b|luohkká 3|Rosa gruppe|Kl. Rosa|Rosa 7|7 rosa|Rosa1
Spes|Spes 2|Alternativ|Alternativ gruppe
"""
PERSONS = """
Kari|kari|KARI|kari nordmann|Kari N|Kari Nordmann|7A kari|7A Kari Nordmann|Kari7|Nordmann. kari
7KARI|Ola Kari Nordmann 7|Kari-Anne|Gruppe Kari|7A-kari|kari.nordmann|Klasse 7A Kari|Åse|7Kari
Mottak Ali|Rosa|rosa|ROSA|Rosa.|Blå|Alternativ Rosa Kari|Bjørnene|Nils 2|15.03.12|7A;8B
"""


def names_of(text):
    return [name for line in text.strip().splitlines() for name in line.split("|") if name]


def taken(names, declared=()):
    """By each engine that the pattern is used in: they must not differ."""
    pattern = class_pattern(declared)
    by_engine = [
        [bool(re.search(pattern, name)) for name in names],
        pl.Series(names, dtype=pl.String).str.contains(pattern).to_list(),
        pc.match_substring_regex(pa.array(names, pa.string()), pattern).to_pylist(),
    ]
    assert by_engine[0] == by_engine[1] == by_engine[2]
    return dict(zip(names, by_engine[0], strict=True))


def test_what_marks_a_class_is_one():
    assert [name for name, is_one in taken(names_of(CLASSES)).items() if not is_one] == []


def test_what_may_be_a_child_is_none():
    persons = names_of(PERSONS)
    assert [name for name, is_one in taken(persons).items() if is_one] == []


def test_declared_name_is_a_class_however_it_is_spelt():
    names = ["Bjørnene", "bjørnene", "Åsgård 2", "ÅSGÅRD2", "Bjørnene B", "a.b", "axb"]
    found = taken(names, ("Bjørnene", "Åsgård 2", "a.b"))
    assert [name for name in names if found[name]] == [*names[:4], "a.b"]


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def declare(home):
    settings = home.settings_file.read_text(encoding="utf-8")
    settings += '\n[classes]\nnames = ["Bjørnene"]\n'
    home.settings_file.write_text(settings, encoding="utf-8")


def test_undeclared_class_waits_with_the_way_out_and_loads_when_it_is_declared(home):
    rows = [row | {"class_group": "Bjørnene"} for row in school_class(4)]
    drop(home, "a.csv", csv_bytes([*rows, form("P900")]))
    [(_, first)] = run(home).files
    assert (first.accepted, first.quarantined) == (1, 4)
    assert "[classes]" in words_on(home, "a.csv")
    declare(home)
    drop(home, "a.csv", csv_bytes([*rows, form("P900")]))
    [(_, second)] = run(home).files
    assert (second.accepted, second.quarantined) == (5, 0)


def test_class_list_takes_declared_names_only(home):
    listed = class_list(("S01", "7Z", 20)).replace(b"7Z", "Bjørnene".encode())
    drop(home, "list.csv", listed)
    assert [outcome.quarantined for _, outcome in run(home).files] == [1]
    declare(home)
    drop(home, "list.csv", listed)
    assert [outcome.accepted for _, outcome in run(home).files] == [1]


@pytest.mark.parametrize("name", ["8A/8B", "Gruppe Blå", "8A + 8B"])
def test_report_names_a_class_of_several_words(home, name):
    rows = [row | {"class_group": name} for row in school_class(8)]
    drop(home, "a.csv", csv_bytes(rows))
    [(_, outcome)] = run(home).files
    assert outcome.accepted == 8
    assert list(home.health.rglob("*.html"))
