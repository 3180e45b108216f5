"""Identifiers of persons in text cells, against made-up numbers and a plain reader."""

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from tests.gate.made_up import (
    KINDS,
    check_digits,
    email,
    in_text,
    ip_address,
    national_id,
    phone,
    seeded,
    written,
)
from transforms.identifiers import are_national_ids, find_identifiers, find_number_codes

EACH = 1_000

# As NAV and Skatteetaten publish them to test with.
PUBLISHED = """
    15507600333 55507608360 29422059278 69422056629 05440355678 45440356293 12429400544 52429405181
    12505209719 52505209540 21483609245 61483601467 21528704651 61528703428
    17912099997 57912075186 29822099635 69822075096 05840399895 45840375084 12829499914 52829400197
    12905299938 52905200100 21883649874 61883600222 21929774873 61929750062
    """.split()  # noqa: SIM905 - easier to compare with the source


def hits(kind: Personal, cells: list[str], *, are_ids: bool = False) -> int:
    found = find_identifiers(pl.Series(cells, dtype=pl.String), np.full(len(cells), are_ids))
    return int(found[kind].sum()) if kind in found else 0


@pytest.mark.parametrize("are_ids", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_national_number_with_valid_check_digits_is_found(kind, are_ids):
    rng = seeded(kind)
    numbers = [written(rng, national_id(rng, *KINDS[kind])) for _ in range(EACH)]

    assert hits(Personal.NATIONAL_ID, numbers, are_ids=are_ids) == EACH
    in_texts = [in_text(rng, number) for number in numbers]
    assert hits(Personal.NATIONAL_ID, in_texts, are_ids=are_ids) == EACH


def test_number_common_to_hospitals_needs_no_date():
    rng = seeded(8)
    made = (f"{rng.choice('89')}{rng.randint(0, 99_999_999):08d}" for _ in range(2 * EACH))
    numbers = [nine + completed for nine in made if (completed := check_digits(nine, 0))][:EACH]

    assert hits(Personal.NATIONAL_ID, numbers) == len(numbers) == EACH


def test_published_synthetic_numbers_are_found():
    assert hits(Personal.NATIONAL_ID, PUBLISHED) == len(PUBLISHED)


def test_changed_digit_makes_a_number_invalid_unless_the_rule_of_2032_lets_it_pass():
    rng = seeded(11)
    wrong = []
    for _ in range(EACH):
        number = national_id(rng)
        wrong.append(number[:10] + str((int(number[10]) + rng.randint(1, 9)) % 10))

    assert hits(Personal.NATIONAL_ID, wrong) == 0


def test_month_or_day_that_no_register_uses_is_no_national_number():
    rng = seeded(12)
    months = [national_id(rng, 0, 15) for _ in range(100)]  # 16 to 27: half of them are NAV's
    no_months = [number for number in months if int(number[2:4]) < 21]
    no_days = [national_id(rng, 71, 0) for _ in range(100)]
    no_days = [number for number in no_days if number[0] == "7"]

    assert no_months
    assert no_days
    assert hits(Personal.NATIONAL_ID, no_months + no_days) == 0


def test_number_is_not_put_together_from_two_cells():
    assert hits(Personal.NATIONAL_ID, ["a@b 155076", " 00333 a@b"]) == 0
    assert hits(Personal.NATIONAL_ID, ["a@b 155076 00333 a@b"]) == 1


def test_zero_that_a_spreadsheet_took_away_is_put_back():
    rng = seeded(13)
    numbers = [national_id(rng) for _ in range(EACH)]
    short = [number[1:] for number in numbers if number[0] == "0"]

    assert hits(Personal.NATIONAL_ID, short) == len(short) > 0
    assert hits(Personal.NATIONAL_ID, [f"{number}.0" for number in short]) == len(short)
    assert hits(Personal.NATIONAL_ID, short, are_ids=True) == 0


def test_every_email_address_is_found():
    rng = seeded(14)
    cells = [in_text(rng, email(rng)) for _ in range(EACH)]

    assert hits(Personal.EMAIL, cells) == EACH
    assert hits(Personal.EMAIL, ["@skolen", "a @ b", "7@", "se side 3@5", "x@y"]) == 0


def test_every_ip_address_is_found():
    rng = seeded(15)

    assert hits(Personal.IP_ADDRESS, [in_text(rng, ip_address(rng)) for _ in range(EACH)]) == EACH
    no_addresses = ["1.2.3", "256.1.1.1", "1.2.3.4.5", "10:22:33", "a::b", "std::vector", "1:2:3:4"]
    assert hits(Personal.IP_ADDRESS, no_addresses) == 0


def test_phones_are_found_however_people_write_them():
    rng = seeded(16)
    cells = [in_text(rng, phone(rng)) for _ in range(EACH)]

    assert hits(Personal.PHONE, cells) >= 0.99 * EACH


def test_among_ids_a_phone_is_found_only_where_it_is_written_as_one():
    written_as_one = ["934 33 667", "93 43 36 67", "+4793433667", "004793433667", "+47 93433667"]

    assert hits(Personal.PHONE, written_as_one, are_ids=True) == len(written_as_one)
    assert hits(Personal.PHONE, ["27685292", "93433667", "4793433667"], are_ids=True) == 0


@pytest.mark.parametrize(
    "cell",
    [
        "1",
        "27685292.0",
        "4,5",
        "20260115",
        "15012026",
        "20260115T102233Z",
        "2026-01-25",
        "2026-01-25 10:22:33",
        "2026-01-25 10.22.33",
        "2026-01-25-10-22-33",
        "2026-01-25T10:22:33.123456+01:00",
        "25.10.2026 10.22",
        "2025 2026",
        "2025-2026",
        "974552123",
        "1760000000",
        "1760000000123",
        "A1234",
        "550e8400-e29b-41d4-a716-446655440000",
        "93433667-e29b-41d4-a716-446655440000",
        "uuid:93433667-1111-4222-8333-010190123450",
        "5d41402abc4b2a76b9719d911017c592",
        "R_93433667abcdefg",
        "trives svært godt",
        "7A",
        "",
    ],
)
def test_what_a_survey_tool_writes_is_no_identifier(cell):
    assert find_identifiers(pl.Series([cell], dtype=pl.String)) == {}


def test_pupil_code_of_eleven_digits_or_like_a_mobile_number_is_found_valid_or_not():
    cells = [
        "12345678901",
        "123456 78901",
        "12345678901.0",
        "40012345",
        "93 43 36 67",
        "4793433667",
    ]
    found = find_number_codes(pl.Series(cells))

    assert found[Personal.NATIONAL_ID].tolist() == [True, True, True, False, False, False]
    assert found[Personal.PHONE].tolist() == [False, False, False, True, True, True]


def test_other_pupil_codes_are_let_through():
    cells = ["A1234", "1234567", "12345678", "20012345", "4012-1234", "123456789012", "", None]

    assert find_number_codes(pl.Series(cells, dtype=pl.String)) == {}


@pytest.mark.parametrize("unseen", ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u202c"])
def test_signs_without_width_hide_no_number(unseen):
    number = PUBLISHED[0]
    cells = [unseen.join(number), number[:6] + unseen + number[6:], unseen + number, "x" + unseen]
    found = find_identifiers(pl.Series(cells))[Personal.NATIONAL_ID]
    assert found.tolist() == [True, True, True, False]
    assert find_number_codes(pl.Series(cells))[Personal.NATIONAL_ID].tolist() == found.tolist()


def test_blank_and_null_cells_hold_nothing():
    cells = pl.Series([None, "", "a@b.no", None])

    assert find_identifiers(cells)[Personal.EMAIL].tolist() == [False, False, True, False]
    assert find_identifiers(pl.Series([], dtype=pl.String)) == {}
    assert find_identifiers(pl.Series([None, None], dtype=pl.String)) == {}


@given(st.lists(st.from_regex(r"\A[0-9]{11}\Z"), max_size=20))
def test_check_digits_agree_with_the_plain_reading(numbers):
    plain = [is_national_id(number) for number in numbers]

    assert are_national_ids(pl.Series(numbers, dtype=pl.String)).tolist() == plain


@st.composite
def texts(draw):
    """Digits of national numbers, whole and in parts, with this and that between them."""
    rng = seeded(draw(st.integers(0, 10**6)))
    number = st.builds(lambda _: written(rng, national_id(rng)), st.integers())
    digits = st.text("0123456789", min_size=1, max_size=12)
    between = st.sampled_from([" ", "  ", ".", "-", "/", ", ", "", "x", "\n", ":", "    "])
    pieces = draw(st.lists(st.one_of(number, digits, between), max_size=8))
    return "".join(pieces)


@settings(max_examples=300, deadline=None)
@given(st.lists(texts(), max_size=4))
def test_national_numbers_in_text_agree_with_the_plain_reading(cells):
    found = find_identifiers(pl.Series(cells, dtype=pl.String)).get(Personal.NATIONAL_ID)
    fast = [False] * len(cells) if found is None else found.tolist()

    assert fast == [holds_national_id(cell) for cell in cells]


def is_national_id(number: str) -> bool:
    if not any(check_digits(number[:9], leaves) == number[9:] for leaves in range(4)):
        return False
    days = {day + added for day in range(1, 32) for added in (0, 40)}
    months = {m + added for m in range(1, 13) for added in (0, 20, 40, 45, 60, 65, 80)}
    return number[0] in "89" or (int(number[:2]) in days and int(number[2:4]) in months)


def holds_national_id(text: str) -> bool:
    """Every way of writing it, tried at every place of the text."""
    if re.fullmatch(r"\s*[1-9](0[1-9]|1[0-2])\d{7}([.,]0+)?\s*", text):
        whole = re.search(r"\d{10}", text)
        if whole and is_national_id("0" + whole.group()):
            return True
    gap = r"[\s./-]{1,3}"
    for lengths in ((11,), (6, 5), (6, 3, 2), (2, 2, 2, 5), (2, 2, 2, 3, 2)):
        parts = gap.join(rf"[0-9]{{{length}}}" for length in lengths)
        pattern = re.compile(rf"(?<![0-9]){parts}(?![0-9])")
        for start in range(len(text)):
            match = pattern.match(text, start)
            if match and is_national_id(re.sub(r"\D", "", match.group())):
                return True
    return False
