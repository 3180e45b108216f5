"""What may be shown, and that nothing hidden can be worked out from it."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.publish.attacker import (
    Line,
    Pupil,
    as_printed,
    exactly,
    may_be_shown,
    printed,
    recovered,
)
from transforms.disclosure import (
    CELLS,
    SCORE_UNIT,
    bands,
    hidden_cells,
    schools_and_grades_hang_together,
    suppress,
)

GENDERS = ("girl", "boy", "other", "not_stated")
Row = tuple[str, str, int, int]  # level, name, n, total


def cells(
    rows: Sequence[Row], *, kind="share", highest=1, classes=2, one_piece=True, table="t"
) -> pa.Table:
    return (
        pa.table(
            {
                "table": [table] * len(rows),
                "kind": [kind] * len(rows),
                "level": [row[0] for row in rows],
                "n": [row[2] for row in rows],
                "total": [row[3] for row in rows],
                "lowest": [0] * len(rows),
                "highest": [highest] * len(rows),
                "classes": [classes] * len(rows),
                "one_piece": [one_piece] * len(rows),
            }
        )
        .cast(CELLS)
        .append_column("name", pa.array([row[1] for row in rows]))
    )


def shown(table: pa.Table, *, min_n: int = 5) -> dict[str, float | None]:
    published = suppress(table, min_n=min_n)
    return dict(zip(published["name"].to_pylist(), published["value"].to_pylist(), strict=True))


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


# --- properties ---------------------------------------------------------------------------------

class_groups = st.lists(
    st.tuples(
        st.integers(0, 6),  # school
        st.integers(6, 10),  # grade
        st.integers(1, 26),  # pupils
        st.integers(0, 8),  # of them, those for whom it holds
        st.integers(0, 5),  # where in the row of genders the class begins
    ),
    min_size=1,
    max_size=24,
)
_GENDER_ROW = ("girl", "boy") * 7 + ("other", "girl", "not_stated")


def town(classes) -> list[Pupil]:
    return [
        Pupil(
            school=f"S{school}",
            grade=grade,
            class_group=f"{grade}-{number}",
            gender=_GENDER_ROW[(start * 3 + position) % len(_GENDER_ROW)],
            holds=position < holders,
        )
        for number, (school, grade, size, holders, start) in enumerate(classes)
        for position in range(size)
    ]


def lists_of(pupils: Sequence[Pupil]) -> list[tuple[str, str, list[Pupil]]]:
    """Every line that is published of these pupils: level, name, and whom it is about."""
    lines = [("municipality", "", list(pupils))]
    for level in ("school", "grade"):
        names = sorted({getattr(pupil, level) for pupil in pupils})
        lines += [(level, str(x), [p for p in pupils if getattr(p, level) == x]) for x in names]
    return lines + [("gender", x, [p for p in pupils if p.gender == x]) for x in GENDERS]


def counted(pupils: Sequence[Pupil]) -> pa.Table:
    lines = lists_of(pupils)
    taught = sorted({(int(pupil.school[1:]), pupil.grade) for pupil in pupils})
    one_piece = schools_and_grades_hang_together(*np.array(taught).T)
    rows = [
        (level, f"{level} {name}", len(members), sum(pupil.holds for pupil in members))
        for level, name, members in lines
    ]
    classes = [len({(p.school, p.class_group) for p in members}) for _, _, members in lines]
    return cells(rows, one_piece=one_piece).set_column(
        CELLS.get_field_index("classes"), "classes", pa.array(classes, pa.int64())
    )


def as_the_attacker_sees(pupils, hidden, levels, read) -> tuple[list[Line], list[int]]:
    groups = sorted({(pupil.school, pupil.grade, pupil.gender) for pupil in pupils})
    group_of = {group: number for number, group in enumerate(groups)}
    sizes = [0] * len(groups)
    for pupil in pupils:
        sizes[group_of[pupil.school, pupil.grade, pupil.gender]] += 1
    lines = []
    for (level, name, members), is_hidden in zip(lists_of(pupils), hidden, strict=True):
        n, holds = len(members), sum(pupil.holds for pupil in members)
        seen = None if is_hidden else read(n, holds)
        of = {group_of[pupil.school, pupil.grade, pupil.gender] for pupil in members}
        if level in ("municipality", *levels):
            classes = len({(pupil.school, pupil.class_group) for pupil in members})
            lines.append(Line(level, name, tuple(of), n, holds, seen, classes))
    return lines, sizes


@pytest.mark.parametrize(
    ("levels", "read"),
    [
        # One list against its whole: safe even if every shown figure were known to the pupil.
        (("school",), exactly),
        (("grade",), exactly),
        (("gender",), exactly),
        # All lists together, and who goes to which school: safe with the figures that are printed.
        (("school", "grade", "gender"), as_printed),
    ],
    ids=["schools", "grades", "genders", "all as printed"],
)
@settings(max_examples=40, deadline=None)
@given(class_groups)
def test_no_hidden_count_can_be_worked_out(levels, read, classes):
    pupils = town(classes)
    hidden = hidden_cells(counted(pupils), min_n=5)
    lines, sizes = as_the_attacker_sees(pupils, hidden, levels, read)
    assert recovered(lines, sizes) == []


def test_attacker_finds_what_is_hidden_without_its_siblings():
    rows = [("whole", 230, 41), ("A", 30, 2), ("B", 40, 9), ("C", 60, 10), ("D", 100, 20)]
    lines = [Line("municipality", "whole", (0, 1, 2, 3), 230, 41, (41, 41))]
    for number, (name, n, holds) in enumerate(rows[1:]):
        seen = None if name == "A" else (holds, holds)
        lines.append(Line("school", name, (number,), n, holds, seen))
    assert ("school", "A") in recovered(lines, [30, 40, 60, 100])


def test_attacker_finds_ones_behind_shown_zeros():
    lines = [Line("municipality", "whole", (0, 1, 2), 90, 2, (2, 2))]
    lines += [Line("school", name, (at,), 30, 1, None) for at, name in enumerate("AB")]
    lines += [Line("school", "C", (2,), 30, 0, (0, 0))]
    assert {name for _, name in recovered(lines, [30, 30, 30])} == {"A", "B"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1)), min_size=1, max_size=8))
def test_no_hidden_mean_can_be_narrowed_to_an_eighth_of_the_scale(schools):
    scores = [(n, round(n * place * 4 * SCORE_UNIT)) for n, place in schools]
    rows = [("school", f"S{number}", *counts) for number, counts in enumerate(scores)]
    whole = ("municipality", "whole", sum(n for n, _ in scores), sum(total for _, total in scores))
    hidden = hidden_cells(cells([whole, *rows], kind="mean", highest=4 * SCORE_UNIT), min_n=5)
    if hidden[0]:
        return
    secret = [number for number in range(len(rows)) if hidden[1 + number]]
    rest = whole[3] - sum(scores[n][1] for n in range(len(rows)) if n not in secret)
    reach = [(0, scores[number][0] * 4 * SCORE_UNIT) for number in secret]
    for at, number in enumerate(secret):
        if 0 < scores[number][0] < 5:
            ends = [_extreme(at, rest, reach, sign) for sign in (1, -1)]
            assert (ends[1] - ends[0]) / scores[number][0] >= SCORE_UNIT / 2 - 1


def _extreme(at, rest, reach, sign):
    goal = [sign * float(number == at) for number in range(len(reach))]
    return sign * linprog(goal, A_eq=[[1] * len(reach)], b_eq=[rest], bounds=reach).fun


@settings(max_examples=60, deadline=None)
@given(class_groups, st.randoms(use_true_random=False))
def test_order_and_names_do_not_matter(classes, random):
    table = counted(town(classes))
    order = list(range(table.num_rows))
    random.shuffle(order)
    shuffled = table.take(order)
    renamed = shuffled.set_column(0, "table", pa.array(["another"] * len(order)))
    assert list(hidden_cells(renamed, min_n=5)) == list(hidden_cells(table, min_n=5)[order])


@settings(max_examples=30, deadline=None)
@given(class_groups, class_groups)
def test_one_table_never_changes_another(first, second):
    tables = [counted(town(classes)) for classes in (first, second)]
    named = [
        table.set_column(0, "table", pa.array([name] * table.num_rows))
        for table, name in zip(tables, ("W1", "W2"), strict=True)
    ]
    together = hidden_cells(pa.concat_tables(named), min_n=5)
    apart = np.concatenate([hidden_cells(table, min_n=5) for table in tables])
    assert list(together) == list(apart)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), min_size=1, max_size=12))
def test_hidden_flags_are_at_least_five_in_at_least_three_schools(schools):
    rows = [("school", f"S{at}", n, min(n, flags)) for at, (n, flags) in enumerate(schools)]
    whole = ("municipality", "whole", sum(r[2] for r in rows), sum(r[3] for r in rows))
    hidden = hidden_cells(cells([whole, *rows], kind="count"), min_n=5)
    secret = [row for row, is_hidden in zip(rows, hidden[1:], strict=True) if is_hidden and row[2]]
    assert all(
        row[3] >= 5 for row, is_hidden in zip(rows, hidden[1:], strict=True) if not is_hidden
    )
    if secret and not hidden[0]:
        assert len(secret) >= 3
        assert sum(row[3] for row in secret) >= 5
