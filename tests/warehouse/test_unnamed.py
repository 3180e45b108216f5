"""Exports of forms without any number, delivered again with more in them: nobody counts twice."""

import random
from itertools import permutations

import pytest

from schemas.reason import Reason
from tests.support.home import Row
from tests.support.loading import DUPLICATE, deliver, memory_warehouse, tiny, tiny_config

# Seven pupils of a class who differ, on two days.
PUPILS = [
    tiny(None, first, second, submitted_on=day)
    for first, second, day in [
        ("1", "1", "2025-11-05"),
        ("1", "2", "2025-11-05"),
        ("1", "3", "2025-11-05"),
        ("2", "1", "2025-11-05"),
        ("2", "2", "2025-11-05"),
        ("2", "2", "2025-11-05"),
        ("3", "3", "2025-11-06"),
        ("1", "1", "2025-11-06"),
    ]
]


@pytest.fixture
def unlinked():
    return tiny_config(linkage="none")


def stored(config, files: list[list[Row]], *, at_once: bool = False) -> int:
    with memory_warehouse(config) as con:
        if at_once:
            deliver(con, config, *files)
        else:
            for file in files:
                deliver(con, config, file)
        [(forms,)] = con.execute("select count(*) from core.response").fetchall()
        [(adds_up,)] = con.execute(
            "select bool_and(accepted + quarantined + dropped = delivered) from core.delivery"
        ).fetchall()
    assert adds_up
    return forms


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("order", list(permutations([5, 6, 8])), ids=str)
def test_the_same_form_exported_again_and_again_counts_once(unlinked, order, at_once):
    exports = [PUPILS[:size] for size in order]
    assert stored(unlinked, exports, at_once=at_once) == 8


def test_the_order_of_rows_within_an_export_means_nothing(unlinked):
    assert stored(unlinked, [PUPILS[:6], PUPILS[::-1]]) == 8


def test_an_export_tells_how_many_of_its_rows_were_there(unlinked):
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, PUPILS[:6])
        [again] = deliver(con, unlinked, PUPILS)
    assert (again.outcome, again.accepted, again.dropped) == ("loaded", 2, 6)


SEPARATE = {
    "another class": [tiny(None, *cells, class_group="7B") for cells in ("11", "12", "13", "21")]
    + [tiny(None, "2", "2", class_group="7B")] * 2,
    "too few to be sure": PUPILS[:4],
    "many, and all alike": [PUPILS[4]] * 6,
    "one answer is another": [*PUPILS[:5], tiny(None, "3", "1", submitted_on="2025-11-05")],
    "other days": [{**row, "submitted_on": "2025-11-07"} for row in PUPILS[:6]],
}


@pytest.mark.parametrize("first", SEPARATE.values(), ids=SEPARATE)
def test_what_may_be_other_pupils_counts(unlinked, first):
    assert stored(unlinked, [first, PUPILS]) == len(first) + len(PUPILS)
    assert stored(unlinked, [PUPILS, first]) == len(first) + len(PUPILS)


# A form that was corrected or deleted between two exports

ANSWERS = [(first, second) for first in "123" for second in "123"]
# Sixteen pupils of two classes, no two alike.
CLASSES = [
    tiny(None, *answers, class_group=group, submitted_on="2025-11-05")
    for group in ("7A", "7B")
    for answers in ANSWERS[:8]
]
CORRECTED = tiny(None, "3", "3", class_group="7A", submitted_on="2025-11-05")
NEXT_DAY = [tiny(None, *answers, submitted_on="2025-11-06") for answers in ANSWERS[:3]]
MAY_BE, GONE = Reason.MAY_BE_CORRECTED.value, Reason.FORM_GONE.value


def told(config, *files: list[Row], at_once: bool):
    """What is told of the last file, and how many forms count and wait."""
    with memory_warehouse(config) as con:
        for run in [files] if at_once else [[file] for file in files]:
            last = deliver(con, config, *run)[-1]
        forms, waiting = con.execute("""
            select (select count(*) from core.response), (select count(*) from quarantine.response)
        """).fetchall()[0]
        [(adds_up,)] = con.execute(
            "select bool_and(accepted + quarantined + dropped = delivered) from core.delivery"
        ).fetchall()
        assert adds_up
    return last, forms, waiting


@pytest.mark.parametrize("at_once", [False, True])
def test_one_corrected_form_doubles_nobody_and_waits_for_a_person(unlinked, at_once):
    last, *counts = told(unlinked, CLASSES, [CORRECTED, *CLASSES[1:]], at_once=at_once)
    assert (last.accepted, last.quarantined, last.dropped) == (0, 1, 15)
    assert last.reasons == {DUPLICATE: 15, MAY_BE: 1, GONE: 1}
    assert counts == [16, 1]


@pytest.mark.parametrize("at_once", [False, True])
def test_forms_of_another_day_count_though_an_earlier_one_was_deleted(unlinked, at_once):
    last, *counts = told(unlinked, CLASSES, [*CLASSES[1:], *NEXT_DAY], at_once=at_once)
    assert (last.accepted, last.quarantined, last.dropped) == (3, 0, 15)
    assert last.reasons == {DUPLICATE: 15, GONE: 1}
    assert counts == [19, 0]


def test_new_form_of_the_same_day_waits_where_an_earlier_one_is_gone(unlinked):
    last, *counts = told(unlinked, CLASSES, [*CLASSES[1:], CORRECTED, *NEXT_DAY], at_once=False)
    assert (last.accepted, last.quarantined, last.dropped) == (3, 1, 15)
    assert counts == [19, 1]


@pytest.mark.parametrize("at_once", [False, True])
def test_form_that_waits_is_known_in_the_exports_after(unlinked, at_once):
    again = [CORRECTED, *CLASSES[1:]]
    last, *counts = told(unlinked, CLASSES, again, [*again, *NEXT_DAY], at_once=at_once)
    assert (last.accepted, last.quarantined, last.dropped) == (3, 0, 16)
    assert counts == [19, 1]


def test_deleted_form_is_told_where_nothing_else_is_new(unlinked):
    last, *counts = told(unlinked, CLASSES, CLASSES[1:], at_once=False)
    assert (last.outcome, last.dropped, last.reasons) == (
        "duplicate", 15, {DUPLICATE: 15, GONE: 1},
    )  # fmt: skip
    assert counts == [16, 0]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_whichever_came_first_no_form_counts_twice(unlinked, order):
    files = [CLASSES, [CORRECTED, *CLASSES[1:]], [*CLASSES[:15], *NEXT_DAY]]
    for at_once in (False, True):
        _, forms, waiting = told(unlinked, *(files[at] for at in order), at_once=at_once)
        assert forms + waiting == 20
        assert waiting <= 2


@pytest.mark.parametrize("seed", range(20))
def test_halves_of_a_class_that_answer_by_chance_alike_all_count(unlinked, seed):
    dice = random.Random(seed)  # noqa: S311 - no secret
    halves = [
        [tiny(None, *dice.choice(ANSWERS), submitted_on="2025-11-05") for _ in range(13)]
        for _ in range(2)
    ]
    assert stored(unlinked, halves) == 26
