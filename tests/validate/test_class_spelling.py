"""One class under several spellings is one class; what may be two stays two."""

import polars as pl
import pytest

from tests.support.home import class_list, csv_bytes, drop, make_home, run, school_class
from tests.support.state import warehouse_of
from transforms.class_spelling import plain_class

ONE = {
    "7A": "7A|7a|7 A|7.A|7. a|7-A|7 - A|7/A|7A.|7.A.|07A|7A klasse|7a-klassen|7.A klasse|Klasse 7A"
    "|klasse 7. a|Klassen 7A|klassa 7A|Class 7A|klass 7-A|Kl. 7A|luohkká 7A|7A Klasse.",
    "10B": "10B|10.b|10 - B|Klasse 10B",
    "7": "7|7.|07|7. trinn|Trinn 7|7. klasse|Klasse 7|7-klassen|7. kl|7. kl.|Kl. 7|7. årstrinn"
    "|7. klassetrinn|7. steg|Grade 7|year 7",
    "1ST": "1ST|1 ST|1-ST",
}
APART = """
7A|7B|7A2|7A1|7A-2|7-1|71|701|7|8|A|AB|7AB|7A/7B|7A+7B|5-7|7-A-B|1-4|1-1|11|11. trinn|7STA
GRUPPE7A|TRINN5-7|MOTTAK|2017|7KL
"""


def plain(names, declared=()):
    frame = pl.DataFrame({"class_group": names}, schema={"class_group": pl.String})
    return frame.select(plain_class(declared))["class_group"].to_list()


@pytest.mark.parametrize("name", ONE)
def test_spellings_of_a_class_are_one(name):
    spellings = ONE[name].split("|")
    assert dict(zip(spellings, plain(spellings), strict=True)) == dict.fromkeys(spellings, name)


def test_what_may_be_two_classes_stays_two():
    names = [name for line in APART.strip().splitlines() for name in line.split("|")]
    assert len(set(plain(names))) == len(names)


def test_name_that_the_municipality_declares_keeps_its_own_signs():
    assert plain(["7-a", "7.A", "Klasse Sol"], ("7-A", "klasse sol")) == ["7-A", "7A", "KLASSESOL"]


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
