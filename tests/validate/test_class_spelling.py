"""One class under several spellings is one class; what may be two stays two."""

import re

import polars as pl
import pytest

from schemas.class_name import class_pattern
from tests.support.home import class_list, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of
from transforms.class_spelling import plain_class

ONE = {
    "7A as mostly written": "7A|7a|7 A|7.A|7. a|7-A|7 - A|7/A|7A.|7.A.|07A|7A klasse|7a-klassen"
    "|7.A klasse|Klasse 7A|klasse 7. a|Klassen 7A|klassa 7A|Class 7A|klass 7-A|Kl. 7A"
    "|luohkká 7A|7A Klasse.",
    "10B": "10B|10.b|10 - B|Klasse 10B",
    "7": "7|7.|07|7. trinn|Trinn 7|7. klasse|Klasse 7|7-klassen|7. kl|7. kl.|Kl. 7|7. årstrinn"
    "|7. klassetrinn|7. steg|Grade 7|year 7",
    "1ST": "1ST|1 ST|1-ST",
    "7A": "7A|7. trinn A|7 trinn A|7. klasse A|7. kl. A|7.-trinn-a|07. årstrinn A",
    "5-6": "5-6|5/6|5\N{EN DASH}6|5 - 6|5 og 6|5. og 6. trinn|5.-6.|5.-6. trinn|5-6 trinn|05-06"
    "|5+6|5&6|5 & 6|5. og 6. klasse|Klasse 5-6|Trinn 5/6|5.- og 6. trinn|5.-6. kl.|5 and 6",
    "9-10": "9-10|9/10|09-10|9. og 10. trinn|9+10",
    "1-4": "1-4|1.-4.|1.-4. trinn|01-04|1\N{EN DASH}4|Trinn 1-4",
    "8-9-10": "8-9-10|8/9/10|8+9+10|8.-9.-10. trinn",
    "5-6A": "5-6A|5/6 A|5.-6. A|5+6a|5 og 6 A",
    "8A/8B": "8A/8B|8A-8B|8A+8B|8a og 8b|8A & 8B|8.a/8.b|8A/8B klasse",
    "5A/6A": "5A/6A|5a-6a|05A + 06A",
}
APART = """
7A|7B|7A2|7A1|7A-2|7-1|71|701|7|8|A|AB|7AB|7A/7B|7A/8B|5-7|5-6|5-6-7|56|5-6A|5-6B|1/4|4-1
7-A-B|1-4|1-1|11|11. trinn|7STA|5|6|5A|6A|5A/6A|GRUPPE7A|MOTTAK|2017|7KL
"""


def plain(names, declared=()):
    frame = pl.DataFrame({"class_group": names}, schema={"class_group": pl.String})
    return frame.select(plain_class(declared))["class_group"].to_list()


@pytest.mark.parametrize("name", ONE)
def test_spellings_of_a_class_are_one(name):
    spellings = ONE[name].split("|")
    assert dict(zip(spellings, plain(spellings), strict=True)) == dict.fromkeys(
        spellings, name.split(" ")[0]
    )


def test_what_may_be_two_classes_stays_two():
    names = [name for line in APART.strip().splitlines() for name in line.split("|")]
    assert len(set(plain(names))) == len(names)


def test_name_that_the_municipality_declares_keeps_its_own_signs():
    assert plain(["7-a", "7.A", "Klasse Sol"], ("7-A", "klasse sol")) == ["7-A", "7A", "KLASSESOL"]


def test_declared_name_has_dots_behind_it_and_the_word_for_a_class_before_it():
    spelt = ["Bjørnene", "bjørnene.", "klasse bjørnene", "Klassen Bjørnene."]
    assert set(plain(spelt, ("Bjørnene",))) == {"BJØRNENE"}
    pattern = class_pattern(("Bjørnene",))
    assert all(re.search(pattern, one) for one in spelt)
    assert not re.search(pattern, "Bjørnene Kari")
    assert not re.search(class_pattern(), "klasse bjørnene")


def test_plain_name_is_its_own_plain_name():
    names = plain(["|".join(ONE.values()), *"|".join(ONE.values()).split("|"), None])
    assert plain(names) == names


BULLIED = {number: {"bullied_by_pupils": "4"} for number in range(6)}
SPELT = ("7A", "7.A", "7-a", "Klasse 7A", "7A klasse", "7a.")
COUNTS = class_list(("S01", "7A", 24), ("S01", "7B", 24))


def forms(*spelt):
    rows = school_class(24, changes=BULLIED)
    for at, row in enumerate(rows):
        row["class_group"] = spelt[at % len(spelt)]
    return csv_bytes([*rows, *school_class(24, prefix="Q", class_group="7B")])


def seen(home):
    with warehouse_of(home) as con:
        classes = con.sql("select class_group, count(*) from core.response group by all order by 1")
        flags = con.sql(
            "select class_group, rule_id, level, count(*) from core.flag where target = 'class'"
            " group by all order by all"
        )
        listed = con.sql("select class_group, enrolled from core.dim_class_group order by all")
        return classes.fetchall(), flags.fetchall(), listed.fetchall()


def delivered(root, *files):
    home = make_home(root)
    for number, content in enumerate(files):
        drop(home, f"{number}.csv", content)
        run(home)
    return home


@pytest.mark.parametrize(
    "files",
    [
        (COUNTS, forms(*SPELT)),
        (forms(*SPELT), COUNTS),
        (COUNTS.replace(b";7A;", b";Klasse 7.A;"), forms(*SPELT)),
    ],
    ids=["list first", "list last", "list in words"],
)
def test_class_that_pupils_spell_in_many_ways_has_its_signal(tmp_path, files):
    home = delivered(tmp_path / "home", *files)
    expected = seen(delivered(tmp_path / "other", COUNTS, forms("7A")))
    assert seen(home) == expected
    assert [name for name, *_ in expected[1]]
    for report in home.health.rglob("*.html"):
        assert "7.A" not in report.read_text(encoding="utf-8")


def test_list_of_pupils_names_the_same_class(tmp_path):
    home = make_home(tmp_path / "home")
    rows = "".join(f"2025-26;S01;{name};7;P00{at}\n" for at, name in enumerate(SPELT))
    drop(home, "l.csv", f"school_year;school;class_group;grade;pupil_code\n{rows}".encode())
    run(home)
    assert seen(home)[2] == [("7A", len(SPELT))]


SEVERAL = ("5-6", "5/6", "5 og 6", "5.-6. trinn")


def test_class_of_two_grades_that_is_spelt_in_many_ways_has_its_signal(tmp_path):
    def answers(*spelt):
        rows = school_class(24, changes=BULLIED)
        for at, row in enumerate(rows):
            row |= {"class_group": spelt[at % len(spelt)], "grade": str(5 + at % 2)}
        return csv_bytes(rows)

    two = b"2025-26;S01;5.-6. trinn;5;12\n2025-26;S01;5.-6. trinn;6;12\n"
    counts = b"school_year;school;class_group;grade;enrolled\n" + two
    found = seen(delivered(tmp_path / "home", counts, answers(*SEVERAL)))
    assert found[0] == [("5-6", 24)]
    assert found[2] == [("5-6", 24)]
    assert found == seen(delivered(tmp_path / "other", counts, answers("5-6")))
    assert [level for _, _, level, _ in found[1]]
