"""A class is called by what marks a class, or by what the municipality has declared."""

import re
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from schemas.class_date import is_date
from schemas.class_name import class_pattern
from schemas.settings import ClassNames
from tests.readers.small_xlsx import workbook
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


DATES = """
2026-06-05|05.06.2026|5.jun|05.jun|5. juni|jun.26|5-Jun-26|5/6/2013|5/6/13|05-06-13|2014-01-03
2014.1.3|2014/1/3|3 1 2014|14. mai 2014|2026-06-05T00:00:00|05.06.2013 kl. 12.30|05.2013|2013-05
7A 05.05.2013|5 June 2026|June 5, 2026|1.2.10|5. 6. 2013|10/12/2013|2014-01-03 09:15:00|3. 1.14
46178|140513|20130514
"""
NO_DATES = """
5-6|5.-6. trinn|2026|8-9-10|5-6-7|5-7 2026|2013|7A 2026|10-2026|2026-2027|1-4|11-12|8/9/10|5.6
8-10|1.-4. trinn|Gruppe 5-6-7|10-11|3 2014|05-06
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


def is_a_class(names):
    """What the row model says, of answers and of class lists alike."""
    frame = pl.DataFrame({"class_group": names})
    return frame.filter(
        ~is_date("class_group") & pl.col("class_group").str.contains(class_pattern())
    )["class_group"].to_list()


def test_date_of_any_writing_is_no_class():
    assert is_a_class(names_of(DATES)) == []


def test_class_of_a_school_is_no_date():
    for names in (names_of(CLASSES), names_of(NO_DATES)):
        assert is_a_class(names) == names


def test_a_date_cannot_be_declared_a_class():
    ClassNames(names=("Mars", "Klasse 5-7-10"))
    with pytest.raises(ValueError, match="date"):
        ClassNames(names=("Bjørnene", "05.06.2026"))


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def test_class_that_excel_made_a_date_waits_with_a_word_on_excel(home):
    rows = [row | {"class_group": date(2026, 6, 5)} for row in school_class(4)]
    drop(home, "a.xlsx", workbook([list(rows[0]), *(list(row.values()) for row in rows)]))
    [(_, outcome)] = run(home).files
    assert (outcome.accepted, outcome.quarantined, outcome.reason) == (0, 4, None)
    assert "Excel" in words_on(home, "a.xlsx")
    assert not list(home.health.rglob("*.html"))


@pytest.mark.parametrize("day", ["2026-06-05", "05.06.2026", "5.jun"])
def test_date_waits_in_lists_as_well(home, day):
    drop(home, "counts.csv", class_list(("S01", "7Z", 20)).replace(b"7Z", day.encode()))
    text = f"school_year;school;class_group;grade;pupil_code\n2025-26;S01;{day};7;KX41\n"
    drop(home, "pupils.csv", text.encode())
    assert [(told.accepted, told.quarantined) for _, told in run(home).files] == [(0, 1)] * 2


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
