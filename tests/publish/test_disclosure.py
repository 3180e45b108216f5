"""What may be shown of one figure, and what goes with it."""

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.publish.attacker import may_be_shown, printed
from tests.publish.figures import cells, shown
from transforms.disclosure import SCORE_UNIT, bands, schools_and_grades_hang_together, suppress


def alone(n: int, total: int, *, level="school", min_n=5, **how) -> float | None:
    """What is shown of a figure that no sum binds."""
    return shown(cells([(level, "A", n, total)], **how), min_n=min_n)["A"]


@pytest.mark.parametrize(
    ("n", "total", "expected"),
    [
        (4, 0, None),  # fewer than five pupils
        (9, 5, None),  # the four others are a handful
        (10, 5, 0.5),
        (40, 4, None),  # a handful
        (40, 5, 0.13),
        (40, 36, None),
        (40, 35, 0.88),
        (19, 0, None),  # nobody of nineteen says it of each of them
        (20, 0, 0.0),
        (19, 19, None),
        (20, 20, 1.0),
        (0, 0, None),
    ],
)
def test_share_of_a_handful_is_hidden(n, total, expected):
    assert alone(n, total) == expected


@pytest.mark.parametrize(("n", "expected"), [(4, None), (5, 50.0)])
def test_mean_of_fewer_than_five_is_hidden(n, expected):
    assert alone(n, n * 50 * SCORE_UNIT, kind="mean", highest=100 * SCORE_UNIT) == expected


@pytest.mark.parametrize(
    ("n", "score", "expected"), [(19, 100, None), (20, 100, 100.0), (6, 0, None)]
)
def test_mean_at_the_end_of_the_scale_needs_twenty_pupils(n, score, expected):
    assert alone(n, n * score * SCORE_UNIT, kind="mean", highest=100 * SCORE_UNIT) == expected


@pytest.mark.parametrize(
    ("total", "expected"), [(0, None), (4, None), (5, 5.0), (7, 5.0), (96, None)]
)
def test_count_of_flags_below_five_is_hidden_and_so_is_none(total, expected):
    assert alone(100, total, kind="count") == expected


@pytest.mark.parametrize("min_n", [-1, 0, 1, 4])
def test_floor_of_five_cannot_be_lowered(min_n):
    assert alone(4, 4 * 50 * SCORE_UNIT, kind="mean", highest=100 * SCORE_UNIT, min_n=min_n) is None


def test_limit_can_be_raised():
    assert alone(29, 10, min_n=30) is None
    assert alone(30, 10, min_n=30) == pytest.approx(0.33)


def test_gender_needs_ten_pupils():
    mean = {"kind": "mean", "highest": 100 * SCORE_UNIT}
    assert alone(9, 450 * SCORE_UNIT, level="gender", **mean) is None
    assert alone(10, 500 * SCORE_UNIT, level="gender", **mean) == 50.0


@pytest.mark.parametrize("level", ["school", "grade", "municipality"])
def test_figure_of_a_single_class_is_hidden(level):
    assert alone(28, 10, level=level, classes=1) is None
    assert alone(28, 10, level=level, classes=2) is not None


def test_hidden_row_carries_nothing():
    hidden = suppress(cells([("school", "A", 4, 1)]), min_n=5)
    assert hidden.select(["n_band", "total_band", "value", "suppressed"]).to_pylist() == [
        {"n_band": None, "total_band": None, "value": None, "suppressed": True}
    ]
    assert {"n", "total", "classes"}.isdisjoint(hidden.column_names)


def test_bands_begin_where_they_say():
    edges = np.array([0, 4, 5, 9, 10, 19, 20, 49, 50, 99, 100, 199, 200, 499, 500])
    assert list(bands(edges)) == (
        ["0", None]
        + ["5-9"] * 2
        + ["10-19"] * 2
        + ["20-49"] * 2
        + ["50-99"] * 2
        + ["100-199"] * 2
        + ["200-499"] * 2
        + ["500+"]
    )


@settings(deadline=None)
@given(st.integers(0, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_share_is_rounded_as_by_hand(counts):
    n, total = counts
    assert alone(n, total) == (printed(n, total) if may_be_shown(n, total) else None)


@settings(deadline=None)
@given(st.integers(20, 500), st.data())
def test_mean_is_rounded_as_by_hand(n, data):
    total = data.draw(st.integers(0, n * 5 * SCORE_UNIT))
    by_hand = (Decimal(total) / SCORE_UNIT / n).quantize(Decimal("0.1"), ROUND_HALF_UP)
    assert alone(n, total, kind="mean", highest=5 * SCORE_UNIT) == float(by_hand)


FOUR_SCHOOLS = [
    ("municipality", "whole", 230, 41),
    ("school", "A", 30, 2),
    ("school", "B", 40, 9),
    ("school", "C", 60, 10),
    ("school", "D", 100, 20),
]


def test_nothing_more_is_hidden_where_nothing_is_small():
    rows = [*FOUR_SCHOOLS[:1], ("school", "A", 30, 7), *FOUR_SCHOOLS[2:]]
    assert None not in shown(cells(rows)).values()


def test_smallest_siblings_are_hidden_until_three_schools_are():
    hidden = {name for name, value in shown(cells(FOUR_SCHOOLS)).items() if value is None}
    assert hidden == {"A", "B", "C"}


def test_siblings_that_are_equal_are_hidden_together():
    rows = [*FOUR_SCHOOLS[:3], ("school", "C", 60, 10), ("school", "D", 60, 10)]
    hidden = {name for name, value in shown(cells(rows)).items() if value is None}
    assert hidden == {"A", "B", "C", "D"}


def test_empty_school_hides_no_sibling():
    rows = [*FOUR_SCHOOLS[:1], ("school", "A", 0, 0), *FOUR_SCHOOLS[2:]]
    assert [name for name, value in shown(cells(rows)).items() if value is None] == ["A"]


def test_whole_is_hidden_where_too_few_schools_could_be():
    rows = [("municipality", "whole", 130, 22), ("school", "A", 30, 2), ("school", "B", 100, 20)]
    assert shown(cells(rows)) == {"whole": None, "A": None, "B": 0.2}


def test_nobody_in_the_whole_would_say_it_of_a_small_school():
    rows = [("municipality", "whole", 72, 0), ("school", "A", 12, 0)]
    rows += [("school", name, 20, 0) for name in "BCD"]
    assert shown(cells(rows)) == {"whole": None, "A": None, "B": 0.0, "C": 0.0, "D": 0.0}


def test_hidden_whole_is_not_given_away_by_its_genders():
    rows = [("municipality", "whole", 130, 22), ("school", "A", 30, 2), ("school", "B", 100, 20)]
    rows += [("gender", "girl", 65, 11), ("gender", "boy", 65, 11)]
    assert shown(cells(rows)) == {"whole": None, "A": None, "B": 0.2, "girl": None, "boy": None}


def test_small_gender_takes_another_with_it():
    rows = [("municipality", "whole", 130, 25), ("gender", "girl", 66, 13)]
    rows += [("gender", "boy", 60, 11), ("gender", "other", 4, 1)]
    assert shown(cells(rows)) == {"whole": 0.19, "girl": 0.23, "boy": None, "other": None}


GRADES = [("grade", "8", 30, 2), ("grade", "9", 100, 20), ("grade", "10", 100, 19)]


def test_grades_go_where_their_sums_are_sums_of_schools():
    rows = [*FOUR_SCHOOLS, *GRADES]
    together, apart = shown(cells(rows)), shown(cells(rows, one_piece=False))
    assert [together[grade] for grade in ("8", "9", "10")] == [None, 0.2, None]
    assert [apart[grade] for grade in ("8", "9", "10")] == [None, None, None]


def test_grades_go_where_one_of_them_is_settled_and_a_school_is_hidden():
    settled = [("grade", "8", 30, 0), ("grade", "9", 100, 21), ("grade", "10", 100, 20)]
    grades = ("8", "9", "10")
    assert [shown(cells([*FOUR_SCHOOLS, *settled]))[grade] for grade in grades] == [None] * 3
    nothing_hidden = [*FOUR_SCHOOLS[:1], ("school", "A", 30, 7), *FOUR_SCHOOLS[2:], *settled]
    assert [shown(cells(nothing_hidden))[grade] for grade in grades] == [0.0, 0.2, 0.2]


@pytest.mark.parametrize(
    ("taught", "together"),
    [
        ([(1, 7), (2, 7)], True),
        ([(1, 7), (2, 8)], False),
        ([(1, 7), (2, 8), (3, 7), (3, 8)], True),
        ([], True),
    ],
)
def test_schools_hang_together_by_the_grades_they_share(taught, together):
    schools, grades = (np.array([pair[side] for pair in taught], dtype=np.int64) for side in (0, 1))
    assert schools_and_grades_hang_together(schools, grades) is together
