"""What all codes of a file, or of one school in it, begin or end with is no part of a code."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.bare_codes import FEWEST, bare_codes

#                school, class, codes                                  without what is common
WORDS = {
    "a school's id": ("S01", "7A", "S01-KARI S01-OLA S01-PER", "KARI OLA PER"),
    "a school's id, glued": ("S01", "7A", "S01KARI S01OLA S01PER", "KARI OLA PER"),
    "school and class": ("S01", "7A", "S01-7A-KARI S01-7A-OLA S01-7A-PER", "KARI OLA PER"),
    "a class behind": ("S01", "7A", "KARI-7A OLA-7A PER-7A", "KARI OLA PER"),
    "a class behind, glued": ("S01", "7A", "NORA7A OLA7A PER7A", "NORA OLA PER"),
    "a year behind": ("S01", "7A", "KARI13 OLA13 PER13", "KARI OLA PER"),
    "what nobody knows": ("S01", "7A", "K9-KARI K9-OLA K9-PER", "KARI OLA PER"),
    "letters of their own": ("S01", "7A", "KARI KARL KARSTEN", "KARI KARL KARSTEN"),
    "nothing": ("S01", "7A", "KX41 LM42 NO77", "KX41 LM42 NO77"),
    "a code or two": ("S02", "7A", "K9-KARI K9-OLA", "K9-KARI K9-OLA"),
}
NUMBERS = {
    "a school's id": ("S01", "7A", "S01-150312 S01-010212 S01-241212", "150312 010212 241212"),
    "the municipality": ("S01", "7A", "4601-0412 4601-1413 4601-2414", "0412 1413 2414"),
    "digits of their own": ("S01", "7A", "0412 0413 0414", "0412 0413 0414"),
    "a class behind": ("S01", "7A", "0412-7A 0413-7A 0414-7A", "0412 0413 0414"),
}
GLUED = {
    "a known school": ("S01", "7A", "S01150312 S01010212 S01241212", "150312 010212 241212"),
    "another": ("S01", "7A", "SK1150312 SK1010212 SK1241212", "150312 010212 241212"),
    "nothing is common": ("S01", "7A", "X150312 Y010212 Z241212", "- - -"),
}


# In 2026-27 pupils of grades 5, 7 and 10 were born in 2016, 2014 and 2011.
OF_THREE_GRADES = {
    "before, with a hyphen": ("5-KARI 7-OLA 10-PER", "KARI OLA PER"),
    "before, filled up": ("05-KARI 07-OLA 10-PER", "KARI OLA PER"),
    "before, glued": ("5KARI 07OLA 10PER", "KARI OLA PER"),
    "behind": ("KARI-5 OLA7 PER-10", "KARI OLA PER"),
    "behind the school": ("S01-05-KARI S01-07-OLA S01-10-PER", "KARI OLA PER"),
    "before the school": ("05-S01-KARI 07-S01-OLA 10-S01-PER", "KARI OLA PER"),
    "year of birth": ("KARI-2016 OLA-2014 PER-2011", "KARI OLA PER"),
    "year of birth, short": ("KARI16 OLA14 PER11", "KARI OLA PER"),
    "a year early, a year late": ("KARI17 OLA13 PER11", "KARI OLA PER"),
    "year of birth, before": ("16-KARI 14-OLA 2011-PER", "KARI OLA PER"),
    "another's grade": ("KARI-7 OLA-10 PER-5", "KARI-7 OLA-10 PER-5"),
    "another's year": ("KARI14 OLA11 PER16", "KARI14 OLA11 PER16"),
    "digits that go on": ("512 734 1056", "512 734 1056"),
    "a number that goes on": ("KARI15 OLA27 PER310", "KARI15 OLA27 PER310"),
}


@pytest.mark.parametrize("name", OF_THREE_GRADES)
def test_what_follows_from_the_grade_is_no_part_of_a_code(name):
    codes, expected = (one.split() for one in OF_THREE_GRADES[name])
    told = pl.DataFrame(
        {"file_no": 0, "code": codes, "school": "S01", "class_group": None, "year": 2026}
    )
    assert bare_codes(told.with_columns(grade=pl.Series([5, 7, 10])))["word"].to_list() == expected


def test_grades_are_told_though_the_first_forty_codes_are_of_one():
    names = [f"{first}{second}" for first in "ABCDEFGHIJ" for second in ("LE", "NNA", "MIR", "ODI")]
    told = pl.DataFrame(
        {
            "file_no": 0,
            "code": [f"{name}-{grade}" for grade in (5, 6, 7) for name in names],
            "grade": [grade for grade in (5, 6, 7) for _ in names],
        }
    ).with_columns(school=pl.lit("S01"), class_group=pl.lit("A"))
    assert bare_codes(told)["word"].to_list() == names * 3


def bare(kind, codes, school="S01", group="7A"):
    told = {"file_no": 0, "code": codes, "school": school, "class_group": group}
    return bare_codes(pl.DataFrame(told, schema_overrides={"code": pl.String}))[kind].to_list()


@pytest.mark.parametrize(
    ("kind", "told"),
    [("word", told) for told in WORDS.values()]
    + [("number", told) for told in NUMBERS.values()]
    + [("glued_6", told) for told in GLUED.values()],
    ids=[*WORDS, *NUMBERS, *GLUED],
)
def test_what_is_common_is_no_part_of_a_code(kind, told):
    school, group, codes, expected = told
    assert [one or "-" for one in bare(kind, codes.split(), school, group)] == expected.split()


def test_each_school_of_a_file_has_what_is_common_of_its_own():
    names = ["KARI", "OLA", "PER"]
    told = pl.DataFrame(
        {
            "file_no": 0,
            "code": [f"{front}-{name}" for front in ("K1", "L22") for name in names],
            "school": ["S01"] * 3 + ["S02"] * 3,
            "class_group": ["7A", "7B", "8C"] * 2,
        }
    )
    assert bare_codes(told)["word"].to_list() == names * 2


def test_files_have_nothing_in_common():
    told = pl.DataFrame(
        {"file_no": [0, 1, 2], "code": [f"K9-{at}" for at in range(3)], "school": None}
    ).with_columns(pl.lit(None, pl.String).alias("class_group"))
    assert bare_codes(told)["word"].to_list() == ["K9-0", "K9-1", "K9-2"]


def test_one_code_of_another_kind_hides_nothing():
    codes = [*(f"K9-{number}" for number in range(401, 412)), "K9-KARI", "OLA", ""]
    assert bare("word", codes)[-3:] == ["KARI", "OLA", ""]


@pytest.mark.parametrize("codes", [[], [None, None], ["", ""], [None, "K9-KARI"]])
def test_forms_without_codes_have_nothing_in_common(codes):
    assert bare("word", codes) == codes
    assert bare("glued_6", codes) == [None] * len(codes)


CODES = st.text("AB17", min_size=2, max_size=5)


@settings(max_examples=50, deadline=None)
@given(st.lists(CODES, min_size=FEWEST, max_size=9, unique=True), st.sampled_from(["K9-", "7X-"]))
def test_a_beginning_that_all_get_changes_no_code(codes, front):
    assert bare("word", [front + code for code in codes]) == bare("word", codes)
    assert bare("number", [front + code for code in codes]) == bare("number", codes)


def shared(codes):
    first, last = min(codes), max(codes)
    at = 0
    while first[: at + 1] == last[: at + 1] and at < len(first):
        at += 1
    return first[:at]


@settings(max_examples=50, deadline=None)
@given(st.lists(CODES, min_size=FEWEST, max_size=9, unique=True))
def test_of_a_few_codes_what_all_begin_with_is_the_plain_common_prefix(codes):
    codes = [f"{code}-" + code for code in codes]
    common = shared(codes).rstrip("0123456789")
    back = shared([code[::-1] for code in codes])[::-1].lstrip("0123456789")
    expected = [code.removeprefix(common).removesuffix(back).strip("-") for code in codes]
    assert bare("number", codes) == expected
