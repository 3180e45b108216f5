"""Marks for forms that may have been filled in without reading, against a plain reading."""

from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instrument import (
    DONT_KNOW,
    SKIPPED,
    Instrument,
    Item,
    Licence,
    Option,
    Scale,
    shipped_instruments,
)
from transforms.careless import careless_marks


def instrument(
    turned: Sequence[bool], *, options: int = 5, scale: bool = True, extra: int = 0
) -> Instrument:
    """A scale whose items are worded as usual or, where `turned`, the other way round."""
    count = len(turned)
    items = [
        Item(id=f"i{at}", options="agree", is_reversed=one) for at, one in enumerate(turned)
    ] + [Item(id=f"x{at}", options="agree") for at in range(extra)]
    ids = tuple(f"i{at}" for at in range(count))
    whole = Scale(
        id="whole",
        items=ids,
        formula="sum",
        min_answered=1,
        decimals=0,
        minimum=count,
        maximum=count * options,
        label={"nb": "hele"},
    )
    return Instrument(
        id="made",
        version=1,
        name={"nb": "laget"},
        use_for="both",
        min_grade=1,
        licence=Licence(name="own", source="own"),
        option_sets={
            "agree": tuple(Option(code=at, label={"nb": str(at)}) for at in range(1, options + 1))
        },
        items=tuple(items),
        scales=(whole,) if scale else (),
    )


MIXED = instrument([False, False, False, True, True, True])
ONE_WAY = instrument([False] * 6)
TEN = instrument([False] * 10)


def answers(
    one: Instrument,
    rows: list[list[int | None]],
    *,
    groups: Sequence[str | None] | None = None,
    pupils: Sequence[str | None] | None = None,
) -> pa.Table:
    count = len(rows)
    columns = {
        "wave_id": pa.array(["w1"] * count).dictionary_encode(),
        "school_id": pa.array(["s1"] * count).dictionary_encode(),
        "class_group": pa.array(groups or ["7A"] * count, pa.string()),
        "pupil_code": pa.array(pupils or [f"P{at:03d}" for at in range(count)], pa.string()),
    }
    for at, item in enumerate(one.items):
        columns[f"{one.key}.{item.id}"] = pa.array([row[at] for row in rows], pa.int8())
    return pa.table(columns)


def marks(mark: str, one: Instrument, rows: list[list[int | None]], **more) -> list[bool | None]:
    return careless_marks(answers(one, rows, **more), [one])[mark].to_pylist()


def test_one_answer_to_contradicting_items_is_marked():
    assert marks("straight_line", MIXED, [[5] * 6, [1] * 6, [4] * 6]) == [True, True, True]


def test_middle_answer_to_every_item_is_no_contradiction():
    assert marks("straight_line", MIXED, [[3] * 6]) == [False]


def test_pupil_who_is_always_left_out_is_not_marked_for_saying_so():
    assert marks("straight_line", ONE_WAY, [[5] * 6]) == [None]
    assert marks("all_extremes", ONE_WAY, [[5] * 6]) == [False]
    assert marks("all_extremes", MIXED, [[5, 5, 5, 1, 1, 1]]) == [False]


def test_answers_that_differ_are_no_straight_line():
    assert marks("straight_line", MIXED, [[5, 5, 5, 5, 5, 4]]) == [False]


def test_fewer_than_six_answers_are_too_few_to_tell_by():
    few = [[5, 5, 5, 5, 5, SKIPPED], [5, 5, 5, 5, 5, None], [5, 5, 5, 5, 5, DONT_KNOW]]

    assert marks("straight_line", MIXED, few) == [None] * 3
    assert marks("all_extremes", MIXED, few) == [None] * 3


def test_item_left_blank_does_not_break_a_straight_line():
    seven = instrument([False, False, False, True, True, True, True])

    assert marks("straight_line", seven, [[5, 5, 5, 5, 5, SKIPPED, 5]]) == [True]


def test_ends_that_contradict_each_other_are_marked():
    assert marks("all_extremes", MIXED, [[5, 1, 5, 5, 1, 5], [5, 5, 5, 5, 5, 5]]) == [True, True]
    assert marks("all_extremes", MIXED, [[5, 1, 5, 5, 1, 4]]) == [False]


def test_three_options_are_too_few_to_call_their_ends_extreme():
    assert marks("all_extremes", instrument([False] * 6, options=3), [[3, 1, 3, 1, 3, 1]]) == [None]


def test_items_of_no_scale_have_no_direction_to_contradict():
    loose = instrument([False] * 6, scale=False)
    with_more = instrument([False] * 6, extra=2)

    assert marks("all_extremes", loose, [[5, 1, 5, 1, 5, 1]]) == [None]
    assert marks("all_extremes", with_more, [[5, 5, 5, 5, 5, 5, 1, 1]]) == [False]


def test_two_seconds_an_item_is_the_cut():
    rows = [[1, 2, 3, 4, 5, 1]] * 5 + [[1] + [SKIPPED] * 5, [SKIPPED] * 6]
    times = pa.array([11_999, 12_000, None, 0, 500_000, 1_999, 1_000], pa.int64())
    told = careless_marks(answers(MIXED, rows), [MIXED], answer_time_ms=times)

    assert told["too_fast"].to_pylist() == [True, False, None, None, False, True, None]
    assert marks("too_fast", MIXED, rows) == [None] * 7


def test_two_pupils_of_a_class_with_all_answers_alike_are_both_marked():
    same, other = [1, 2, 3, 4, 5] * 2, [1, 2, 3, 4, 5, 1, 2, 3, 4, 4]

    assert marks("identical", TEN, [same, same, other]) == [True, True, False]


def test_pupils_of_different_classes_may_answer_alike():
    same = [1, 2, 3, 4, 5] * 2

    assert marks("identical", TEN, [same, same], groups=["7A", "7B"]) == [False, False]
    assert marks("identical", TEN, [same, same], groups=[None, None]) == [None, None]


def test_form_that_the_same_pupil_sent_twice_is_not_another_pupils():
    same = [1, 2, 3, 4, 5] * 2

    assert marks("identical", TEN, [same, same], pupils=["P1", "P1"]) == [False, False]
    assert marks("identical", TEN, [same, same], pupils=["P1", None]) == [True, True]
    assert marks("identical", TEN, [same, same], pupils=[None, None]) == [True, True]


def test_nine_answers_alike_are_too_few_to_tell_by():
    nine = [1, 2, 3, 4, 5, 1, 2, 3, 4, SKIPPED]

    assert marks("identical", TEN, [nine, nine]) == [None, None]


def test_marks_delete_nothing_and_leave_the_answers_alone():
    table = answers(MIXED, [[5] * 6, [1, 2, 3, 4, 5, 1]])
    told = careless_marks(table, [MIXED])

    assert told.num_rows == table.num_rows
    assert told.column_names == ["straight_line", "all_extremes", "too_fast", "identical"]
    assert all(column.type == pa.bool_() for column in told.columns)


def test_shipped_instruments_and_files_without_rows_or_items_are_no_trouble():
    core = shipped_instruments()["klassepuls_core_v1"]
    happy = [[5, 5, 5, 1, 1, 1, 1, 0]] * 2

    told = careless_marks(answers(core, happy), [core])
    assert told["straight_line"].to_pylist() == told["all_extremes"].to_pylist() == [None, None]
    assert careless_marks(answers(core, []), [core, MIXED]).num_rows == 0
    assert careless_marks(answers(core, happy), []).num_rows == len(happy)


cells = st.one_of(st.sampled_from([1, 5]), st.integers(1, 5), st.sampled_from([None, SKIPPED]))
rows = st.integers(1, 5).flatmap(
    lambda code: st.lists(st.one_of(st.just(code), st.just(code), cells), min_size=8, max_size=8)
)
ends = st.lists(st.sampled_from([1, 5, 1, 5, SKIPPED]), min_size=8, max_size=8)
forms = st.lists(st.one_of(rows, ends), min_size=1, max_size=8)
directions = st.lists(st.booleans(), min_size=8, max_size=8)


@settings(deadline=None)
@given(forms, directions)
def test_straight_lines_and_extremes_agree_with_the_plain_reading(forms, turned):
    one = instrument(turned)

    assert marks("straight_line", one, forms) == [_straight(form, turned) for form in forms]
    assert marks("all_extremes", one, forms) == [_extreme(form, turned) for form in forms]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 2)), max_size=8), st.randoms())
def test_order_of_rows_changes_no_mark(drawn, rng):
    kinds = [[1, 2, 3, 4, 5] * 2, [5] * 10, [1] * 10]
    groups, forms = [group for group, _ in drawn], [kinds[at] for _, at in drawn]
    order = rng.sample(range(len(drawn)), len(drawn))
    told = marks("identical", TEN, forms, groups=groups)

    assert marks(
        "identical", TEN, [forms[at] for at in order], groups=[groups[at] for at in order]
    ) == [told[at] for at in order]
    assert told == [drawn.count(one) > 1 for one in drawn]


def _known(form: list[int | None], turned: list[bool]) -> list[tuple[int, bool]]:
    pairs = zip(form, turned, strict=True)
    return [(code, one) for code, one in pairs if code is not None and code > SKIPPED]


def _straight(form: list[int | None], turned: list[bool]) -> bool | None:
    known = _known(form, turned)
    if len(known) < 6 or len({one for _, one in known}) < 2:
        return None
    codes = {code for code, _ in known}
    return len(codes) == 1 and codes != {3}


def _extreme(form: list[int | None], turned: list[bool]) -> bool | None:
    known = _known(form, turned)
    if len(known) < 6:
        return None
    return {6 - code if one else code for code, one in known} == {1, 5}


@pytest.mark.parametrize("missing", ["i0", "i5"])
def test_item_that_was_not_asked_is_left_out(missing):
    seven = instrument([False, False, False, False, True, True, True])
    table = answers(seven, [[5] * 7]).drop_columns([f"made_v1.{missing}"])

    assert careless_marks(table, [seven])["straight_line"].to_pylist() == [True]
