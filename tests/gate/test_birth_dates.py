"""Birth dates as pupil codes are told by the file; serial numbers are left alone."""

import random

import polars as pl
import pytest

from tests.support.home import csv_bytes, drop, form, make_home, run
from tests.support.state import note_of, words_on
from transforms.bare_codes import bare_codes
from transforms.birth_dates import LOOKED_AT, _first_of, are_birth_dates

WRITTEN = {
    "day first": "{d:02}{m:02}{s:02}",
    "a zero lost": "{d}{m:02}{s:02}",
    "year first": "{s:02}{m:02}{d:02}",
    "eight digits": "{d:02}{m:02}{y}",
    "eight digits, year first": "{y}{m:02}{d:02}",
    "as ISO has it": "{y}-{m:02}-{d:02}",
    "with hyphens": "{d:02}-{m:02}-{y}",
    "behind the school": "FJELL-{d:02}{m:02}{s:02}",
    "before initials": "{d:02}{m:02}{s:02}KN",
    "behind the class": "7A{d:02}{m:02}{s:02}",
    "behind the class, with a hyphen": "7A-{d:02}{m:02}{s:02}",
    "behind school and class": "FJELL-7A-{d:02}{m:02}{y}",
    "month first": "{m}-{d}-{y}",
    "year apart": "{y}-{d:02}{m:02}",
    "year apart, month first": "E{y}-{m:02}{d:02}",
    "day and year apart": "{d:02}{m:02}-{y}",
    "with a running number": "{d:02}{m:02}{s:02}-{n}",
    "in full, with a running number": "{d:02}{m:02}{y}-{n:02}",
    "as ISO has it, with a running number": "{y}-{m:02}-{d:02}-{n}",
    "a running number before": "{n:02}-{d:02}{m:02}{s:02}",
    "a running number glued": "{d:02}{m:02}{s:02}{n:02}",
    "a running number glued, not filled up": "{d:02}{m:02}{s:02}{n}",
    "a running number glued, in full": "{y}{m:02}{d:02}{n:02}",
    "a running number glued before": "{n:02}{d:02}{m:02}{s:02}",
}
AS_CLASS = {
    "as a date cell has it": "{y}-{m:02}-{d:02}",
    "with a clock": "{y}-{m:02}-{d:02}T00:00:00",
    "with dots": "{d}.{m}.{y}",
    "with dots, short": "{d:02}.{m:02}.{s:02}",
    "with slashes": "{d:02}/{m:02}/{y}",
    "month first": "{m}/{d}/{y}",
    "digits": "{d:02}{m:02}{s:02}",
    "behind a class": "7A {d:02}.{m:02}.{y}",
}


def codes_of(codes, grade=7, year=2026, file_no=0):
    told = {"file_no": file_no, "code": codes, "year": year, "grade": grade}
    return pl.DataFrame(told, schema_overrides={"code": pl.String})


def births(way, count=20, born=2014, seed=1):
    draw = random.Random(seed)  # noqa: S311 - no secret
    days = {(draw.randint(1, 12), draw.randint(1, 28)) for _ in range(count)}
    return [
        way.format(d=day, m=month, y=born, s=born % 100, n=at)
        for at, (month, day) in enumerate(sorted(days), start=1)
    ]


@pytest.mark.parametrize("way", WRITTEN.values(), ids=WRITTEN)
def test_codes_that_are_birth_dates_are_found_in_each_way_of_writing(way):
    assert are_birth_dates(codes_of(births(way))).all()


@pytest.mark.parametrize("way", WRITTEN.values(), ids=WRITTEN)
def test_dates_in_which_no_pupil_of_the_grade_was_born_are_codes(way):
    assert not are_birth_dates(codes_of(births(way), grade=2)).any()


FRONTS = ("S01-", "S01", "FJELL2-", "S01-7A-", "974000001-", "7A1-", "SK1", "100-", "SK-2012-")


def judged(frame, school="S01"):
    told = frame.with_columns(school=pl.lit(school), class_group=pl.lit("7A"))
    return are_birth_dates(frame.with_columns(bare_codes(told).select(LOOKED_AT)))


@pytest.mark.parametrize("front", FRONTS)
@pytest.mark.parametrize(
    "way", ["day first", "year first", "eight digits", "as ISO has it", "with a running number"]
)
def test_what_all_codes_begin_with_hides_no_birth_date(front, way):
    codes = [front + code for code in births(WRITTEN[way])]
    assert judged(codes_of(codes)).all()
    assert not judged(codes_of(codes, grade=2)).any()


OWN_GRADE = ("{g:02}-", "{g}-", "{g}", "S01-{g:02}-", "S01-{g}-", "S01{g}", "{g}S01")


@pytest.mark.parametrize("front", OWN_GRADE)
@pytest.mark.parametrize("way", ["day first", "eight digits", "with a running number"])
def test_the_grade_before_them_hides_no_birth_date_of_a_whole_school(front, way):
    pupils = [
        (front.format(g=grade) + day, grade)
        for grade in (5, 6, 10)
        for day in births(WRITTEN[way], born=2021 - grade, seed=grade)
    ]
    codes, grades = zip(*pupils, strict=True)
    told = codes_of(codes).with_columns(grade=pl.Series(grades))
    assert judged(told).all()


def test_what_all_codes_end_with_hides_no_birth_date():
    assert judged(codes_of([f"{code}-7A" for code in births(WRITTEN["day first"])])).all()


def test_one_date_among_serial_numbers_is_a_serial_number():
    codes = [f"{number}" for number in range(150300, 150330)]
    assert not are_birth_dates(codes_of([*codes, "150314"])).any()


def test_files_are_judged_each_by_itself():
    both = pl.concat(
        [
            codes_of(births(WRITTEN["day first"])),
            codes_of([f"KX{at}" for at in range(30)], file_no=1),
        ]
    )
    found = pl.Series(are_birth_dates(both))
    assert found.sum() == both.filter(pl.col("file_no") == 0).height
    assert not found.filter(both["file_no"] == 1).any()


@pytest.mark.parametrize("others", [2, 6])
def test_codes_that_are_no_days_may_all_stand_first(others):
    days = births(WRITTEN["day first"], count=500)
    days = days[:: len(days) // (9 * others)][: 9 * others]
    codes = [*(f"KX{at}" for at in range(others)), *days]
    assert are_birth_dates(codes_of(codes)).sum() == len(days)


def test_a_fifth_of_a_file_is_looked_at_and_200_codes_at_most():
    sizes = [1, 10, 1000, 50_000]
    files = pl.concat([codes_of(["K1"] * size, file_no=at) for at, size in enumerate(sizes)])
    looked_at = _first_of(files.with_row_index("row").sample(fraction=1, shuffle=True, seed=1))
    counts = looked_at["file_no"].value_counts(sort=False).sort("file_no")["count"]
    assert counts.to_list() == [1, 2, 200, 200]


def serial_lists(seed):
    """Codes as municipalities give them out: run on, with gaps, at random, by class and number."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    count, grade = draw.randint(3, 200), draw.randint(1, 10)
    digits = draw.choice([5, 6, 7, 8])
    start = draw.randrange(10 ** (digits - 1), 10**digits - 40 * count)
    step = draw.choice([1, 1, 2, 7, 10, 13])
    every = range(count)
    ways = (
        lambda: [f"{start + at * step}" for at in every],
        lambda: [f"{draw.randrange(10**digits):0{digits}}" for _ in every],
        lambda: [f"{grade:02}{room:02}{at:02}" for room in (1, 2, 3, 4) for at in range(1, 26)],
        lambda: [f"2026-{room:02}-{at:02}" for room in range(1, 8) for at in range(1, 26)],
        lambda: [f"{grade}{'ABC'[at % 3]}{start + at * step}" for at in every],
        lambda: [f"{grade}A-{draw.randrange(10**6):06}" for _ in every],
        lambda: [f"S{draw.randint(1, 99):02}-{start + at * step}" for at in every],
        lambda: [f"{draw.randrange(10**6):06}-{at % 30}" for at in every],
        lambda: [f"{start + at * step}-{at % 10}" for at in every],
        lambda: [f"{draw.randrange(10**9):09}" for _ in every],
        lambda: [f"{grade:02}-{2020 - grade}-{at:04}" for at in every],
        lambda: [f"{grade}{start * 100 + at * step}" for at in every],
    )
    codes = ways[seed % len(ways)]()
    return codes_of(codes, grade=grade, year=draw.choice([2025, 2026, 2027]))


def thousand_lists(*fronts):
    lists = [
        serial_lists(seed).with_columns(
            code=pl.lit(fronts[seed % len(fronts)]) + pl.col("code"), file_no=pl.lit(seed)
        )
        for seed in range(1000)
    ]
    return pl.concat(lists, how="vertical_relaxed")


@pytest.mark.parametrize("fronts", [[""], ["S01-", "S01", "2013-", "12"]], ids=["plain", "behind"])
def test_no_list_of_serial_numbers_is_taken_for_birth_dates(fronts):
    told = thousand_lists(*fronts)
    for way in (are_birth_dates, judged):
        assert told.filter(pl.Series(way(told)))["file_no"].unique().to_list() == []


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


@pytest.mark.parametrize("front", ["", "S01-", "S01"])
def test_file_whose_codes_are_birth_dates_is_refused_with_its_rows(home, front):
    codes = [front + day for day in births(WRITTEN["day first"], count=12, born=2013)]
    drop(home, "a.csv", csv_bytes([form(code) for code in codes]))
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("rejected", "PERSONAL_DATA")
    rows = note_of(home, "a.csv")["rows"]
    assert len(rows) == len(codes)
    assert rows[0] == {"row": 2, "reasons": ["birth_date"], "columns": ["pupil_code"]}
    assert "fødselsdato" in words_on(home, "a.csv")
    assert codes[0] not in words_on(home, "a.csv")


@pytest.mark.parametrize("way", AS_CLASS.values(), ids=AS_CLASS)
def test_file_whose_classes_are_birth_dates_is_refused_with_its_rows(home, way):
    days = births(way, count=12, born=2013)
    rows = [form(f"KX{at}") | {"class_group": day} for at, day in enumerate(days)]
    drop(home, "a.csv", csv_bytes(rows))
    [(_, outcome)] = run(home).files
    assert (outcome.outcome, outcome.reason) == ("rejected", "PERSONAL_DATA")
    told = note_of(home, "a.csv")["rows"]
    assert [row["columns"] for row in told] == [["class_group"]] * len(days)
    assert days[0] not in words_on(home, "a.csv")
    assert not list(home.health.rglob("*.html"))


@pytest.mark.parametrize("way", ["{d:02}.{m:02}.{y}", "{y}-{m:02}-{d:02}"])
def test_class_lists_whose_classes_are_birth_dates_are_refused(home, way):
    days = births(way, born=2013)
    pupils = [f"2025-26;S01;{day};7;KX{at}" for at, day in enumerate(days)]
    counts = [f"2025-26;S01;{day};7;1" for day in days]
    for name, last, rows in (("p.csv", "pupil_code", pupils), ("c.csv", "enrolled", counts)):
        text = "\n".join([f"school_year;school;class_group;grade;{last}", *rows, ""])
        drop(home, name, text.encode())
    assert [outcome.reason for _, outcome in run(home).files] == ["PERSONAL_DATA"] * 2


@pytest.mark.parametrize("front", ["", "S01-"])
def test_list_of_pupils_by_birth_date_is_refused(home, front):
    days = births(WRITTEN["as ISO has it"], born=2013)
    rows = [f"2025-26;S01;7A;7;{front}{code}" for code in days]
    text = "\n".join(["school_year;school;class_group;grade;pupil_code", *rows, ""])
    drop(home, "list.csv", text.encode())
    [(_, outcome)] = run(home).files
    assert (outcome.reason, outcome.delivered) == ("PERSONAL_DATA", len(rows))
