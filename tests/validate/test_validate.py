"""What a cell may say, row by row."""

from datetime import date

import pytest

from schemas.answer import MISSING, answer_texts, raw_answer_model
from schemas.declared import DeclarationError
from schemas.instrument import SKIPPED
from schemas.reason import Reason
from tests.validate.build import (
    CORE,
    INSTRUMENTS,
    SETTINGS,
    batch_of_forms,
    column_of,
    form,
    survey,
)
from tests.validate.checking import CELLS, LINKED, UNLINKED, check
from transforms.readers.reading import MalformedRow
from transforms.recognise import item_columns
from transforms.validate import Validator


def reasons_of(forms, declared=LINKED):
    """{row: reasons} of the rows that are held; the first form stands on row 2."""
    return {held.row_no: held.reasons for held in check(forms, declared).held}


def accepted_row(**changes):
    rows = check([form(**changes)]).accepted.to_pylist()
    assert len(rows) == 1, "the row was held"
    return rows[0]


@pytest.mark.parametrize(
    ("column", "cell", "reason"), CELLS, ids=[f"{name}-{at}" for at, (name, *_) in enumerate(CELLS)]
)
def test_what_a_cell_may_say(column, cell, reason):
    found = check([form(**{column: cell})])

    assert [held.reasons for held in found.held] == ([(reason,)] if reason else [])
    assert found.accepted.num_rows == (0 if reason else 1)
    if reason:
        assert found.held[0].columns == (column_of(column),)


def test_every_context_column_and_option_set_has_its_cells_in_the_table():
    named = {name for name, *_ in CELLS}

    assert (
        set(raw_answer_model(LINKED, INSTRUMENTS, SETTINGS).columns)
        - set(item_columns(LINKED, INSTRUMENTS))
        - {"had_text"}  # no cell of the file
        <= named
    )


def test_a_sound_row_is_typed_and_named_canonically():
    row = accepted_row(class_group="7 a", grade="7", pupil_code="ab-12", thriving="5")

    assert {name: row[name] for name in list(row)[:11]} == {
        "file_no": 5,
        "row_no": 2,
        "wave_id": "2025H",
        "school_id": "S01",
        "class_group": "7A",
        "grade": 7,
        "gender": "girl",
        "pupil_code": "AB-12",
        "submission": "1001",
        "submitted_on": date(2025, 11, 4),
        "enrolled_on": date(2020, 8, 17),
    }
    assert row[f"{CORE}.thriving"] == 5


@pytest.mark.parametrize(
    ("word", "gender"),
    [
        ("Jente", "girl"), ("jente", "girl"), ("Kvinne", "girl"), ("K", "girl"), ("f", "girl"),
        ("GUTT", "boy"), ("gut", "boy"), ("Mann", "boy"), ("M", "boy"), ("g", "boy"),
        ("anna", "other"), ("Ikke-binær", "other"), ("ikke  binær", "other"),
        ("Annet kjønn", "other"),
        ("Vil ikke svare", None), ("prefer not to say", None),
    ],
)  # fmt: skip
def test_gender_is_understood_in_the_words_of_people(word, gender):
    found = check([form(gender=word)])

    assert found.accepted.column("gender").to_pylist() == [gender]
    assert not any(left.rows for left in found.left_blank)


def test_a_cell_that_a_row_can_do_without_is_left_blank_and_counted():
    forms = [
        form(gender="jante"),
        form(gender="girl"),
        form(gender=""),
        form(enrolled_on="1876-01-01"),
    ]

    found = check([*forms, form(gender="2", thriving="9")])

    assert found.accepted.column("gender").to_pylist() == [None, "girl", None, "girl"]
    assert found.accepted.column("enrolled_on").null_count == 1
    assert {(left.column, left.rows, left.of) for left in found.left_blank} == {
        ("gender", 1, 3), ("enrolled_on", 1, 4),
    }  # fmt: skip
    assert [held.reasons for held in found.held] == [
        (Reason.ANSWER_NOT_AN_OPTION, Reason.GENDER_INVALID)
    ]


def test_what_can_be_read_of_a_held_form_is_typed_and_the_rest_is_null():
    found = check(
        [
            form(class_group="7A Kari", wants_talk="2"),
            form(wave="", submitted_on="never", thriving="9", gender="2"),
        ]
    )

    first, second = found.readable.to_pylist()
    assert (first["class_group"], first[f"{CORE}.wants_talk"]) == (None, 2)
    assert (first["wave_id"], first["school_id"], first["pupil_code"]) == ("2025H", "S01", "AB-12")
    unread = ("wave_id", "submitted_on", "gender", f"{CORE}.thriving")
    assert [second[name] for name in unread] == [None] * 4
    assert (second["class_group"], second[f"{CORE}.safety"]) == ("7A", 3)


def test_a_question_left_blank_is_not_a_question_that_was_not_asked():
    assert accepted_row(thriving="")[f"{CORE}.thriving"] == SKIPPED
    assert accepted_row(thriving=None)[f"{CORE}.thriving"] is None


def test_a_blank_answer_is_sound_among_any_number_of_others():
    many = [form(thriving=f"no option {number}") for number in range(5_002)]

    found = check([form(thriving=""), *many])

    assert found.accepted.column(f"{CORE}.thriving").to_pylist() == [SKIPPED]
    assert len(found.held) == 5_002


@pytest.mark.parametrize(
    ("wave", "submitted_on", "wave_id"),
    [
        ("2026V", "2025-11-04", "2026V"),
        ("", "2025-11-03", "2025H"),
        ("", "2025-11-21T23:59", "2025H"),
        ("", "2026-03-09", "2026V"),
    ],
)
def test_a_row_belongs_to_the_wave_that_it_names_or_else_to_that_of_its_date(
    wave, submitted_on, wave_id
):
    assert accepted_row(wave=wave, submitted_on=submitted_on)["wave_id"] == wave_id


@pytest.mark.parametrize("submitted_on", ["2025-11-02", "2025-11-22", "", None])
def test_a_row_without_a_wave_is_held_even_if_its_date_is_a_date(submitted_on):
    assert reasons_of([form(wave="", submitted_on=submitted_on)]) == {2: (Reason.WAVE_UNKNOWN,)}


def test_a_row_has_all_its_reasons_and_columns():
    found = check([form(grade="x", thriving="9", safety="9", pupil_code="")])

    assert found.held[0].reasons == (
        Reason.ANSWER_NOT_AN_OPTION,
        Reason.GRADE_INVALID,
        Reason.PUPIL_CODE_MISSING,
    )
    assert found.held[0].columns == tuple(
        sorted([f"{CORE}.safety", f"{CORE}.thriving", "grade", "pupil_code"])
    )


def test_a_row_of_sums_below_the_pupils_is_held_and_harms_no_other():
    """Nothing of it is sound: no text says what it is known by."""
    sums = dict.fromkeys(form(), "2.7") | {"class_group": "Snitt:"}
    found = check([form(), sums, form()])

    assert found.accepted.num_rows == 2
    assert [(held.row_no, held.pupil_code, held.sound) for held in found.held] == [(3, None, "")]


# The traps of pandera (performance notes, 3.2).


def test_one_cell_that_cannot_be_cast_does_not_condemn_the_rest():
    rows = [form(grade="x" if at == 40 else "7") for at in range(100)]

    assert reasons_of(rows) == {42: (Reason.GRADE_INVALID,)}


def test_a_row_that_one_check_held_is_not_let_in_by_another():
    found = check([form(), form(school="S99", grade="99"), form()])

    assert [row["row_no"] for row in found.accepted.to_pylist()] == [2, 4]
    assert [held.row_no for held in found.held] == [3]


def test_forms_without_a_pupil_code_are_not_doubles_of_each_other():
    found = check([form(), form(), form()], UNLINKED)

    assert found.accepted.num_rows == 3
    assert found.accepted.column("pupil_code").to_pylist() == [None] * 3


def test_a_batch_of_nothing_but_malformed_rows_is_a_batch():
    found = check([], malformed=[MalformedRow(2, Reason.FIELD_COUNT, "1;2")])

    assert found.accepted.num_rows == 0
    assert [(held.file_no, held.row_no, held.reasons) for held in found.held] == [
        (5, 2, (Reason.FIELD_COUNT,))
    ]


def test_a_fault_is_found_again_in_a_later_block():
    validator = Validator(LINKED, INSTRUMENTS, SETTINGS)
    held = [
        [row.reasons for row in validator.validate(batch_of_forms(forms, LINKED)).held]
        for forms in ([form(grade="x")], [form()], [form(grade="x"), form(grade="y")])
    ]

    assert held == [[(Reason.GRADE_INVALID,)], [], [(Reason.GRADE_INVALID,)] * 2]


# What a tool says instead of the option codes.


def test_a_tool_that_counts_the_other_way_round_keeps_every_answer_apart():
    turned = {f"{CORE}.thriving": {"1": "5", "2": "4", "4": "2", "5": "1"}}

    assert answer_texts(survey(codes=turned), INSTRUMENTS[CORE], "thriving") == {
        "1": 5,
        "2": 4,
        "3": 3,
        "4": 2,
        "5": 1,
        **MISSING,
    }


@pytest.mark.parametrize("order", ["01234", "43210", "20413"])
def test_the_order_of_the_mapped_answers_changes_nothing(order):
    counted_from_0 = {f"{CORE}.thriving": {text: str(int(text) + 1) for text in order}}

    texts = answer_texts(survey(codes=counted_from_0), INSTRUMENTS[CORE], "thriving")

    assert texts == {"0": 1, "1": 2, "2": 3, "3": 4, "4": 5, "5": 5, **MISSING}


def test_words_stand_for_codes_where_the_survey_says_so():
    words = survey(codes={f"{CORE}.thriving": {"trives godt": "4"}})

    found = check([form(thriving="trives godt")], words)

    assert found.accepted.column(f"{CORE}.thriving").to_pylist() == [4]


def test_a_mapping_to_a_code_that_is_no_option_is_an_error_of_the_survey_file():
    wrong = survey(codes={f"{CORE}.thriving": {"never": "TOKEN"}})

    with pytest.raises(DeclarationError, match="thriving must name its option codes") as caught:
        Validator(wrong, INSTRUMENTS, SETTINGS)
    assert "TOKEN" not in str(caught.value)


# A row that is held is known by its content, and its content is in no log.


def test_the_same_answers_are_the_same_content_however_the_wave_is_told():
    bad = form(thriving="9")
    rows = [bad, bad | {"wave": "", "submitted_on": "2025-11-20T09:00"}]

    first, again = (held.content for held in check(rows).held)

    assert first == again


def test_other_answers_or_another_wave_are_other_content():
    bad = form(thriving="9")
    rows = [bad, form(thriving="8"), bad | {"wave": "2026V"}, bad | {"pupil_code": "AB-13"}]

    assert len({held.content for held in check(rows).held}) == 4


def test_no_cell_is_in_the_representation_of_what_is_found():
    planted = "Kari-PLANTED"
    columns = [name for name in form() if name != "submission"]
    forms = [form() | {name: planted} for name in columns]

    found = check(forms, malformed=[MalformedRow(99, Reason.FIELD_COUNT, planted)])

    assert {reason for held in found.held for reason in held.reasons} >= {
        Reason.GRADE_INVALID,
        Reason.ANSWER_NOT_AN_OPTION,
        Reason.FIELD_COUNT,
    }
    for shown in (found, found.held, MalformedRow(1, Reason.FIELD_COUNT, planted)):
        assert planted not in repr(shown)
        assert planted not in str(shown)
