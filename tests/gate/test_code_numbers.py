"""Numbers of persons within pupil codes, as the set-up guide promises to find them."""

import random

import polars as pl
import pytest

from schemas.personal import Personal
from tests.gate.clean_codes import lot, thousand_files
from transforms.bare_codes import bare_codes
from transforms.code_numbers import numbers_by_chance, numbers_of_persons
from transforms.identifiers import find_number_codes

OTHERS = [f"P{number:03}" for number in range(1, 9)]

# One such code among P001 to P008 stops the file.
PHONES = """
93222537 4793222537 004793222537 47-93222537 P93222537 P-93222537 FJELL-93222537 FJELL93222537
S01-93222537 7A-93222537 S01-7A-93222537 93222537-A 93222537A 93222537-7A P4793222537
9322-2537 P9322-2537 A9322-2537 S01-9322-2537 932-22-537 P-93-22-25-37 93-222-537 S0193222537
41234567-X FJELL-7A-41234567
""".split()  # noqa: SIM905 - reads better as words
NATIONAL_IDS = """
13100462944 131004-62944 131004-629-44 E13100462944 E-131004-62944 S0113100462944 S01-13100462945
7A13100462944 13100462945-7A FJELL-131004-62945
""".split()  # noqa: SIM905
CODES = """
FJELL-0412 S01-0412 7A-0412 12345678 A12345678 20012345 1234567 2026-0001-12 20260101-07
AB-12-34-56-78 123456789012 S01-2026-0412 93A22B25 010107-P-50160 2026-001-0412 9-0412-123
""".split()  # noqa: SIM905


def found(codes, school="S01", grade=None):
    told = {"file_no": 0, "code": codes, "school": school, "class_group": "7A", "grade": grade}
    return numbers_of_persons(bare_codes(pl.DataFrame(told)))


def by_lot(count, *lengths, signs="0123456789ABCDEF", seed=1):
    draw = random.Random(seed)  # noqa: S311 - no secret
    return ["-".join(lot(draw, 1, signs, length)[0] for length in lengths) for _ in range(count)]


@pytest.mark.parametrize("code", PHONES)
def test_a_phone_among_codes_is_found(code):
    assert found([*OTHERS, code])[Personal.PHONE].tolist() == [False] * len(OTHERS) + [True]


@pytest.mark.parametrize("code", NATIONAL_IDS)
def test_a_national_number_among_codes_is_found(code):
    hits = found([*OTHERS, code])[Personal.NATIONAL_ID]
    assert hits.tolist() == [False] * len(OTHERS) + [True]


@pytest.mark.parametrize("code", CODES)
def test_other_codes_are_let_through(code):
    assert found([*OTHERS, code]) == {}


@pytest.mark.parametrize("front", ["FJELL-", "FJELL", "S01-", "S01", "P", "SK9", "SK9-", "7A", ""])
def test_phones_behind_what_all_codes_begin_with_are_found(front):
    phones = [f"{'49'[at % 2]}{(at * 7_654_321) % 10**7:07}" for at in range(1, 13)]
    assert found([front + phone for phone in phones])[Personal.PHONE].all()


def test_the_number_of_the_municipality_makes_no_phone_of_a_serial_number():
    assert found([f"4601-{number:04}" for number in range(412, 430)]) == {}


def test_codes_drawn_of_0_to_f_are_no_phones_behind_letters():
    drawn = ["A3F09B21C4", "0B7D22E91F", "77C0DA1B3E", "FA93222537", "C41B0D9A22"]
    assert found(drawn) == {}
    assert found([*drawn, "FA-93222537"])[Personal.PHONE].sum() == 1


HEXADECIMAL = {
    "eight": ([8], "93222537"),
    "four and four": ([4, 4], "9322-2537"),
    "eight and four": ([8, 4], "93222537-A1B2"),
    "nine": ([9], "A93222537"),
    "eleven": ([11], "13100462946"),
}


@pytest.mark.parametrize("name", HEXADECIMAL)
@pytest.mark.parametrize("front", ["", "S01-", "FJELL-"])
def test_a_code_drawn_of_0_to_f_may_be_all_digits(name, front):
    lengths, code = HEXADECIMAL[name]
    assert found([front + one for one in (*by_lot(20, *lengths), code)]) == {}


NO_CHANCE = {
    "another form": (by_lot(20, 8), ["9322-2537"]),
    "behind the letters of a school": (by_lot(20, 12), ["FA-93222537"]),
    "alone among longer ones": (by_lot(20, 12), ["93222537"]),
    "too many": (by_lot(20, 8), by_lot(5, 8, signs="9")),
    "phones behind a letter from A to F": (
        [],
        [f"{'ABC'[at % 3]}932225{at}" for at in range(20, 40)],
    ),
    "with a hyphen there": ([], [f"{'ABC'[at % 3]}-932225{at}" for at in range(20, 40)]),
    "among numbers": ([f"{number}" for number in range(10_000_000, 10_000_020)], ["93222537"]),
    "among letters and digits": (by_lot(20, 8, signs="GHJKLM23456789"), ["93222537"]),
}


def test_a_valid_national_number_among_drawn_codes_is_one():
    codes = [*by_lot(20, 11), "13100462946", "13100462944"]
    assert found(codes)[Personal.NATIONAL_ID].tolist() == [False] * 21 + [True]


@pytest.mark.parametrize("name", NO_CHANCE)
def test_what_drawing_does_not_make_is_a_phone(name):
    others, phones = NO_CHANCE[name]
    assert found([*others, *phones])[Personal.PHONE].sum() == len(phones)


def test_no_file_of_eight_signs_from_0_to_f_is_refused():
    files = [by_lot(80, *((8,) if seed % 2 else (4, 4)), seed=seed) for seed in range(1000)]
    told = {"file_no": [at for at, codes in enumerate(files) for _ in codes]}
    codes = pl.DataFrame({**told, "code": [one for codes in files for one in codes]})
    judged = bare_codes(codes.with_columns(school=pl.lit("S01"), class_group=pl.lit("7A")))
    assert numbers_of_persons(judged) == {}
    in_cells = find_number_codes(judged["code"])[Personal.PHONE]
    assert in_cells.sum() > 0
    assert not (in_cells & ~numbers_by_chance(judged)).any()


GRADES = [5, 6, 10]


@pytest.mark.parametrize("front", ["{g}-", "{g:02}-", "{g}", "{g:02}", "S01-{g}-", "S01{g}"])
def test_phones_behind_the_own_grade_are_found(front):
    grades = [GRADES[at % 3] for at in range(1, 31)]
    phones = [f"{'49'[at % 2]}{(at * 7_654_321) % 10**7:07}" for at in range(1, 31)]
    codes = [front.format(g=grade) + one for grade, one in zip(grades, phones, strict=True)]
    assert found(codes, grade=grades)[Personal.PHONE].all()


def test_grade_municipality_and_serial_number_are_no_phone():
    codes = [f"{grade}4601{number:04}" for grade in GRADES for number in range(412, 440)]
    assert found(codes, grade=[grade for grade in GRADES for _ in range(28)]) == {}


def test_a_thousand_files_of_sound_codes_hold_no_number_of_a_person():
    assert numbers_of_persons(bare_codes(thousand_files())) == {}
