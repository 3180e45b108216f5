"""Exports of forms without any number, delivered again with more in them: nobody counts twice."""

from itertools import permutations

import pytest

from tests.support.home import Row
from tests.support.loading import deliver, memory_warehouse, tiny, tiny_config

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
