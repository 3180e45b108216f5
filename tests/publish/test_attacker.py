"""What an attacker can work out of what is shown: nothing that is hidden."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from tests.publish.attacker import Line, Pupil, as_printed, exactly, recovered
from tests.publish.figures import GENDERS, cells
from transforms.disclosure import CELLS, SCORE_UNIT, hidden_cells, schools_and_grades_hang_together

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
