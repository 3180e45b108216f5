"""Numbers of persons within pupil codes, as the set-up guide promises to find them."""

import polars as pl
import pytest

from schemas.personal import Personal
from tests.gate.clean_codes import thousand_files
from transforms.bare_codes import bare_codes
from transforms.code_numbers import numbers_of_persons

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


def found(codes, school="S01"):
    told = {"file_no": 0, "code": codes, "school": school, "class_group": "7A"}
    return numbers_of_persons(bare_codes(pl.DataFrame(told)))


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


def test_a_thousand_files_of_sound_codes_hold_no_number_of_a_person():
    assert numbers_of_persons(bare_codes(thousand_files())) == {}
