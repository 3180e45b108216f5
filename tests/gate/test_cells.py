"""The gate for personal data: which cells stop a file, and which must pass."""

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.personal import Personal
from tests.gate.clean_forms import PLACES, clean_columns
from tests.gate.made_up import KINDS, email, ip_address, national_id, phone, seeded, written
from tests.support.examples import examples
from tests.validate.build import (
    INSTRUMENTS,
    SETTINGS,
    batch_of_forms,
    column_of,
    form,
    survey,
)
from transforms.gate import persons_among
from transforms.validate import Validated, Validator

FILES = 1_000
NATIONAL_ID = "15507600333"  # synthetic, as NAV publishes it
PLANTED = {
    Personal.NATIONAL_ID: NATIONAL_ID,
    Personal.EMAIL: "a.b@skole.no",
    Personal.PHONE: "934 33 667",
    Personal.IP_ADDRESS: "192.168.10.24",
}
LINKED = survey()
VALIDATOR = Validator(LINKED, INSTRUMENTS, SETTINGS)  # it remembers cells, and makes no table anew

# One column of each kind that the road looks at: a code, an id, two that may say anything, and two
# whose sound cells are listed.
COLUMNS = ("pupil_code", "submission", "class_group", "thriving", "school", "enrolled_on")


def found_in(columns: dict[str, list[str | None]]) -> dict[tuple[str, Personal], list[int]]:
    """The numbers of the cells that the gate finds, by column and kind; each cell is looked at."""
    cells = {name: pa.array(texts, pa.string()) for name, texts in columns.items()}
    return {
        (name, kind): [at for at, hit in enumerate(hits.tolist()) if hit]
        for name, kinds in persons_among(cells, PLACES).items()
        for kind, hits in kinds.items()
    }


def validated(column: str, cells: list[str]) -> Validated:
    """A file on the road, a form a cell; the cells stand in one column from row 2 on."""
    return VALIDATOR.validate(batch_of_forms([form(**{column: cell}) for cell in cells], LINKED))


def rows_told(found: Validated, column: str, kind: Personal) -> list[int]:
    return sorted(
        person.row_no
        for person in found.persons
        if (person.column, person.kind) == (column_of(column), kind)
    )


def canonical_forms(rng: random.Random, rows: int = 25) -> list[dict[str, str]]:
    """Forms in our own format with what a clean export has in each context column."""
    found = clean_columns(rng, rows, form="canonical")
    context = ("class_group", "grade", "gender", "pupil_code", "submission", "submitted_on")
    return [
        form(
            **{name: found[name][at] for name in context},
            thriving=rng.choice(["1", "2", "3", "4", "5", "", "6", "trives godt"]),
        )
        for at in range(rows)
    ]


def test_clean_files_are_never_refused():
    rng = seeded(20260115)
    refused = [told for _ in range(FILES) if (told := found_in(clean_columns(rng)))]

    assert refused == []


def test_clean_files_pass_the_whole_check_of_rows():
    rng = seeded(20260116)
    forms = [one for _ in range(FILES) for one in canonical_forms(rng)]

    found = VALIDATOR.validate(batch_of_forms(forms, LINKED))

    assert found.accepted.num_rows > len(forms) / 2
    assert found.persons == ()


@pytest.mark.parametrize("kind", PLANTED)
def test_identifier_in_any_column_of_any_form_is_told_with_its_place(kind):
    rng = seeded(7)
    for _ in range(12):
        clean = clean_columns(rng)
        for name in clean:
            cells = list(clean[name])
            row = rng.randrange(len(cells))
            cells[row] = PLANTED[kind]

            assert found_in({**clean, name: cells}) == {(name, kind): [row]}


PLANTED_BY_THE_THOUSAND = {
    **{
        kind: (Personal.NATIONAL_ID, lambda rng, how=how: written(rng, national_id(rng, *how)))
        for kind, how in KINDS.items()
    },
    "e-mail": (Personal.EMAIL, email),
    "IP": (Personal.IP_ADDRESS, ip_address),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_of_a_thousand_planted_identifiers_of_each_kind_every_row_is_told(column):
    rng = seeded(column)
    for kind, make in PLANTED_BY_THE_THOUSAND.values():
        found = validated(column, [make(rng) for _ in range(FILES)])

        assert rows_told(found, column, kind) == list(range(2, FILES + 2))


@pytest.mark.parametrize("column", ["class_group", "thriving", "school", "enrolled_on"])
def test_of_a_thousand_planted_phones_at_least_99_of_100_are_told(column):
    rng = seeded(99)
    found = validated(column, [phone(rng) for _ in range(FILES)])

    assert len(rows_told(found, column, Personal.PHONE)) >= 0.99 * FILES


def test_eight_digits_are_a_phone_among_answers_and_an_id_among_ids():
    assert found_in({"q1": ["1", "93433667"]}) == {("q1", Personal.PHONE): [1]}
    assert found_in({"submission": ["27685292", "93433667"]}) == {}
    assert validated("submission", ["27685292", "93433667"]).persons == ()


@pytest.mark.parametrize(
    "code",
    [
        NATIONAL_ID,
        "12345678901",
        "12345678901.0",
        "40012345",
        "90012345",
        "93 43 36 67",
        "123456-78901",
        "4793433667",
        "934-33-667",
    ],
)
def test_pupil_code_with_the_form_of_a_number_stops_the_file_valid_or_not(code):
    found = validated("pupil_code", ["A1234", code])

    assert {(person.column, person.row_no) for person in found.persons} == {("pupil_code", 3)}


def test_eleven_digits_elsewhere_stop_the_file_only_with_valid_check_digits():
    assert found_in({"q1": ["12345678901"]}) == {}
    assert validated("thriving", ["12345678901"]).persons == ()


def test_identifier_in_a_column_that_the_survey_drops_is_not_stored_and_stops_nothing():
    dropping = survey(dropped=["comment"])
    texts = ["Jeg heter A, ring 93433667", "a@b.no"]
    batch = batch_of_forms([form(), form(pupil_code="AB-13")], dropping, comment=texts)

    found = Validator(dropping, INSTRUMENTS, SETTINGS).validate(batch)

    assert found.persons == ()
    assert found.accepted.num_rows == 2
    assert "comment" not in [*batch.table.column_names, *found.accepted.column_names]


def test_file_without_persons_or_without_rows_is_accepted():
    assert found_in({"q1": ["1"]}) == found_in({"q1": []}) == found_in({}) == {}


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_cells_of_every_type_of_text_are_read_alike(kind):
    cells = {"q1": pa.array(["a@b.no", None, "1", ""], kind)}

    [hits] = persons_among(cells, {})["q1"].values()

    assert hits.tolist() == [True, False, False, False]


def test_cell_that_no_row_has_is_told_of_nobody():
    batch = batch_of_forms([form()], LINKED)
    unused = pa.DictionaryArray.from_arrays(pa.array([1], pa.int32()), pa.array(["a@b.no", "7A"]))
    at = batch.table.column_names.index("class_group")
    table = batch.table.set_column(at, "class_group", unused)

    assert VALIDATOR.validate(replace(batch, table=table)).persons == ()


@settings(max_examples=examples(25, deep=300), deadline=None)
@given(
    st.sampled_from(list(PLANTED)),
    st.sampled_from(COLUMNS),
    st.integers(0, 9),
    st.integers(0, 10**6),
)
def test_what_is_told_never_holds_a_value_and_counts_each_row_once(kind, column, rows, seed):
    rng = seeded(seed)
    planted = rng.sample(range(10), rows)
    forms = canonical_forms(rng, 10)
    for row in planted:
        forms[row][column_of(column)] = PLANTED[kind]

    found = VALIDATOR.validate(batch_of_forms(forms, LINKED))

    assert rows_told(found, column, kind) == sorted(row + 2 for row in planted)
    assert len(found.persons) == rows
    assert PLANTED[kind] not in repr(found)


@settings(max_examples=examples(20, deep=300), deadline=None)
@given(st.permutations(range(5)))
def test_order_of_columns_changes_nothing(order):
    columns = {
        "q1": ["1", "a@b.no"],
        "q3": ["x", ""],
        "pupil_code": ["A1", "12345678901"],
        "submission": ["27685292", "27685293"],
        "q2": ["10.20.30.40", "2"],
    }
    names = list(columns)

    assert found_in({names[at]: columns[names[at]] for at in order}) == found_in(columns)
