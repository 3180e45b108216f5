"""What a cell may say, row by row: the road over distinct cells against pandera on every row."""

import itertools
from datetime import date

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from schemas.answer import MISSING, answer_texts, raw_answer_model, required_columns
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
from transforms import validate
from transforms.readers.reading import MalformedRow
from transforms.recognise import item_columns
from transforms.validate import Validator

LINKED = survey()
UNLINKED = survey(linkage="none")


def check(forms, declared=LINKED, **batch):
    validator = Validator(declared, INSTRUMENTS, SETTINGS)
    return validator.validate(batch_of_forms(forms, declared, **batch))


def reasons_of(forms, declared=LINKED):
    """{row: reasons} of the rows that are held; the first form stands on row 2."""
    return {held.row_no: held.reasons for held in check(forms, declared).held}


def accepted_row(**changes):
    rows = check([form(**changes)]).accepted.to_pylist()
    assert len(rows) == 1, "the row was held"
    return rows[0]


# Column, cell, and what becomes of the row: None where it is accepted.
CELLS = [
    ("wave", "2025H", None),
    ("wave", "", None),
    ("wave", None, None),
    ("wave", "2025h", Reason.WAVE_UNKNOWN),
    ("wave", "2024V", Reason.WAVE_UNKNOWN),
    ("school", "S01", None),
    ("school", "S02", None),
    ("school", " S01 ", None),
    ("school", "s01", Reason.SCHOOL_UNKNOWN),
    ("school", "S99", Reason.SCHOOL_UNKNOWN),
    ("school", "", Reason.SCHOOL_UNKNOWN),
    ("school", None, Reason.SCHOOL_UNKNOWN),
    ("class_group", "7A", None),
    ("class_group", "7 a", None),
    ("class_group", "1ST-2", None),
    ("class_group", "Åsgård 2.", None),
    ("class_group", "Bjørnene", None),
    ("class_group", "Innføring A", None),
    ("class_group", "Kari Nordmann", Reason.CLASS_INVALID),  # a name
    ("class_group", "Kari-Anne Nes", Reason.CLASS_INVALID),
    ("class_group", "", Reason.CLASS_INVALID),
    ("class_group", "-7A", Reason.CLASS_INVALID),
    ("class_group", "7A;8B", Reason.CLASS_INVALID),
    ("class_group", "7A\n8B", Reason.CLASS_INVALID),
    ("class_group", "a class with a long name", Reason.CLASS_INVALID),
    ("grade", "1", None),
    ("grade", "13", None),
    ("grade", "0", Reason.GRADE_INVALID),
    ("grade", "14", Reason.GRADE_INVALID),
    ("grade", "7.0", Reason.GRADE_INVALID),
    ("grade", "07", Reason.GRADE_INVALID),
    ("grade", "seven", Reason.GRADE_INVALID),
    ("grade", "", Reason.GRADE_INVALID),
    ("gender", "girl", None),
    ("gender", "boy", None),
    ("gender", "other", None),
    ("gender", "", None),
    ("gender", "jente", None),
    ("gender", "Gutt", None),
    ("gender", "annet", None),
    ("gender", "ja", Reason.GENDER_INVALID),
    ("pupil_code", "abc", None),
    ("pupil_code", "A" * 20, None),
    ("pupil_code", "12345678", None),
    ("pupil_code", "", Reason.PUPIL_CODE_MISSING),
    ("pupil_code", None, Reason.PUPIL_CODE_MISSING),
    ("pupil_code", "AB", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "A" * 21, Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "Kari Nordmann", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "10A", Reason.PUPIL_CODE_INVALID),  # the columns are swapped
    ("pupil_code", "9-b", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "A10", None),
    ("pupil_code", "KÅRE1", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "01010112345", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "40000001", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "90000001", Reason.PUPIL_CODE_INVALID),
    ("submission", "whatever", None),
    ("submission", "", None),
    ("submitted_on", "2025-11-04", None),
    ("submitted_on", "2025-11-04T08:15:30.5Z", None),
    ("submitted_on", "2025-11-04 08:15", None),
    ("submitted_on", "", None),
    ("submitted_on", "2025-02-30", Reason.DATE_INVALID),
    ("submitted_on", "04/11/2025", Reason.DATE_INVALID),
    ("submitted_on", "2025-W45-2", Reason.DATE_INVALID),
    ("submitted_on", "20251104", Reason.DATE_INVALID),
    ("submitted_on", "2025-11-04 morning", Reason.DATE_INVALID),
    ("enrolled_on", "2020-08-17", None),
    ("enrolled_on", "", None),
    ("enrolled_on", "2020-13-01", Reason.ENROLLED_INVALID),
    ("enrolled_on", "17/08/2020", Reason.ENROLLED_INVALID),
    # A time that cannot be one tells nothing, and holds no form back.
    ("answer_time_ms", "183000", None),
    ("answer_time_ms", "", None),
    ("answer_time_ms", "three minutes", None),
    ("answer_time_s", "183.4", None),
    ("thriving", "1", None),
    ("thriving", "5", None),
    ("thriving", " 5 ", None),
    ("thriving", "", None),
    ("thriving", "0", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "6", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "3.0", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "-101", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "NULL", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "trives godt", Reason.ANSWER_NOT_AN_OPTION),
    ("wants_talk", "0", None),
    ("wants_talk", "3", Reason.ANSWER_NOT_AN_OPTION),
    ("who5_1", "0", None),
    ("who5_1", "5", None),
    ("who5_1", "6", Reason.ANSWER_NOT_AN_OPTION),
]


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
    [("Jente", "girl"), ("jente", "girl"), ("GUTT", "boy"), ("gut", "boy"), ("anna", "other")],
)
def test_gender_is_understood_in_the_words_of_people(word, gender):
    assert accepted_row(gender=word)["gender"] == gender


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


# The oracle: pandera on every row, and the rest in plain Python.


def plain_verdicts(forms, declared):
    """{row: reasons} of the rows that are held, by the slowest and plainest road."""
    required = required_columns(declared)
    columns = [*form()]
    cells = [{name: _plain_cell(row.get(name), name) for name in columns} for row in forms]
    reasons = {row: set() for row in range(2, 2 + len(forms))}
    for index, reason in _plain_failures(cells, declared):
        reasons[index + 2].add(reason)
    for row, known in zip(reasons, cells, strict=True):
        reasons[row] |= {reason for name, reason in required.items() if not known[name]}
        if _plain_wave(known) is None:
            reasons[row].add(Reason.WAVE_UNKNOWN)
    return {row: tuple(sorted(found)) for row, found in reasons.items() if found}


def _plain_cell(cell, name):
    trimmed = cell.strip() if cell is not None else None
    if trimmed and name == "gender":
        trimmed = trimmed.lower()
    return trimmed if trimmed or "." in name else None


def _plain_failures(cells, declared):
    model = raw_answer_model(declared, INSTRUMENTS, SETTINGS)
    columns = [name for name in model.columns if declared.linkage != "none" or name != "pupil_code"]
    asked = {name: [row.get(name) or None for row in cells] for name in columns}
    frame = pl.DataFrame(asked, schema=dict.fromkeys(columns, pl.String))
    try:
        model.select_columns(columns).validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        return [(row["index"], Reason(row["check"])) for row in cases.iter_rows(named=True)]
    return []


def _plain_wave(known):
    if known["wave"] is not None:
        return known["wave"] if known["wave"] in {"2025H", "2026V"} else None
    try:
        day = date.fromisoformat((known["submitted_on"] or "")[:10])
    except ValueError:
        return None
    for wave in SETTINGS.waves:
        if wave.opens <= day <= wave.closes:
            return wave.id
    return None


def cells_of(column):
    """Cells worth trying in a column: those of the table above, and a few of no kind at all."""
    known = [cell for name, cell, _ in CELLS if column_of(name) == column]
    return st.sampled_from([*known, None, "", " ", "x", "0", "99"])


FORMS = st.lists(
    st.sets(st.sampled_from(sorted(form())), max_size=4).flatmap(
        lambda changed: st.fixed_dictionaries({name: cells_of(name) for name in sorted(changed)})
    ),
    min_size=1,
    max_size=12,
).map(lambda changes: [form() | change for change in changes])


@settings(max_examples=80, deadline=None)
@given(
    forms=FORMS,
    declared=st.sampled_from([LINKED, UNLINKED]),
    remembered=st.sampled_from([0, 2, 5_000]),
)
@example(forms=[form(thriving=""), form(thriving="9")], declared=LINKED, remembered=0)
def test_distinct_cells_are_judged_as_pandera_judges_every_row(forms, declared, remembered):
    if declared is UNLINKED:
        forms = [{**cells, "pupil_code": None} for cells in forms]
    expected = plain_verdicts(forms, declared)

    with pytest.MonkeyPatch.context() as patch:  # so that both roads of a column are taken
        patch.setattr(validate, "REMEMBERED_CELLS", remembered)
        found = check(forms, declared)

    assert {held.row_no: held.reasons for held in found.held} == expected
    rows = set(range(2, 2 + len(forms)))
    assert set(found.accepted.column("row_no").to_pylist()) == rows - set(expected)


@settings(max_examples=30, deadline=None)
@given(forms=FORMS, cuts=st.lists(st.integers(0, 12), max_size=4), random=st.randoms())
def test_neither_blocks_nor_the_order_of_rows_change_what_becomes_of_a_row(forms, cuts, random):
    order = list(range(len(forms)))
    random.shuffle(order)
    shuffled = [forms[at] for at in order]
    places = sorted({0, len(forms), *(cut for cut in cuts if cut < len(forms))})
    validator = Validator(LINKED, INSTRUMENTS, SETTINGS)

    accepted, held = {}, {}
    for start, end in itertools.pairwise(places):
        batch = batch_of_forms(shuffled[start:end], LINKED, first_row=start)
        found = validator.validate(batch)
        accepted |= {order[row.pop("row_no")]: row for row in found.accepted.to_pylist()}
        held |= {order[row.row_no]: (row.reasons, row.columns, row.content) for row in found.held}

    whole = check(forms, first_row=0)
    assert accepted == {row.pop("row_no"): row for row in whole.accepted.to_pylist()}
    assert held == {row.row_no: (row.reasons, row.columns, row.content) for row in whole.held}
