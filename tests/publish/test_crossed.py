"""Grades of schools: what is shown of them gives away neither themselves nor the lists."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.publish.attacker import Line, Pupil, exactly, recovered
from tests.publish.test_attacker import town
from tests.support.examples import examples
from transforms.disclosure import CELLS, hidden_cells, suppress

class_groups = st.lists(
    st.tuples(
        st.integers(0, 6),  # school
        st.integers(6, 8),  # grade
        st.integers(8, 40),  # pupils
        st.integers(0, 20),  # of them, those for whom it holds
        st.just(0),
    ),
    min_size=6,
    max_size=40,
)


@dataclass(frozen=True)
class Place:
    """A line of the plan: no school, or no grade, means all of them."""

    level: str
    school: str | None
    grade: int | None
    members: tuple[Pupil, ...]

    @property
    def classes(self) -> int:
        return len({(p.school, p.class_group) for p in self.members})

    @property
    def holds(self) -> int:
        return sum(p.holds for p in self.members)


def places_of(pupils: Sequence[Pupil]) -> list[Place]:
    taught = sorted({(p.school, p.grade) for p in pupils})
    named = [("municipality", None, None)]
    named += [("school", school, None) for school in sorted({school for school, _ in taught})]
    named += [("grade", None, grade) for grade in sorted({grade for _, grade in taught})]
    named += [("school_grade", school, grade) for school, grade in taught]
    return [
        Place(level, school, grade, tuple(p for p in pupils if is_of(p, school, grade)))
        for level, school, grade in named
    ]


def is_of(pupil: Pupil, school: str | None, grade: int | None) -> bool:
    return school in (None, pupil.school) and grade in (None, pupil.grade)


def counted(pupils: Sequence[Pupil]) -> pa.Table:
    places = places_of(pupils)
    cells = {
        "table": ["t"] * len(places),
        "kind": ["share"] * len(places),
        "level": [place.level for place in places],
        "n": [len(place.members) for place in places],
        "total": [place.holds for place in places],
        "lowest": [0] * len(places),
        "highest": [1] * len(places),
        "classes": [place.classes for place in places],
        "one_piece": [True] * len(places),
    }
    schools = pa.array([place.school for place in places], pa.string())
    grades = pa.array([place.grade for place in places], pa.int8())
    table = pa.table(cells).cast(CELLS).append_column("school_id", schools)
    return table.append_column("grade", grades)


def as_read(pupils: Sequence[Pupil], hidden) -> tuple[list[Line], list[int]]:
    """What one reads who knows every shown figure to the pupil, and how large each place is."""
    places = places_of(pupils)
    groups = [place for place in places if place.level == "school_grade"]
    lines = []
    for place, is_hidden in zip(places, hidden, strict=True):
        of = tuple(
            at for at, g in enumerate(groups) if is_of(g.members[0], place.school, place.grade)
        )
        seen = None if is_hidden else exactly(len(place.members), place.holds)
        name = f"{place.school} {place.grade}"
        n = len(place.members)
        lines.append(Line(place.level, name, of, n, place.holds, seen, place.classes))
    return lines, [len(group.members) for group in groups]


@settings(max_examples=examples(25, deep=300), deadline=None)
@given(class_groups)
def test_no_hidden_grade_of_a_school_can_be_worked_out_even_from_exact_figures(classes):
    pupils = town(classes)
    places = places_of(pupils)
    hidden = hidden_cells(counted(pupils), min_n=5)
    crossed = [at for at, place in enumerate(places) if place.level == "school_grade"]
    if hidden[crossed].all():
        return  # then the lists are all there is
    lines, sizes = as_read(pupils, hidden)
    assert recovered(lines, sizes) == []
    for at, place in enumerate(places):
        if place.level in ("school", "grade") and not hidden[at]:
            of = [is_of(places[other].members[0], place.school, place.grade) for other in crossed]
            secret = hidden[np.array(crossed)[of]]
            least = {"school": 2, "grade": 3}[place.level]
            assert secret.all() or not 0 < secret.sum() < least


def big_town(*, few_in=(), schools=6, grades=(5, 6, 7), alone=()) -> list[Pupil]:
    """Two classes of 25 a grade and school, of whom 20 hold; two where there are few."""
    return town(
        [
            (school, grade, 25, 1 if (school, grade) in few_in else 10, 0)
            for school in range(schools)
            for grade in grades
            for _ in ("A" if (school, grade) in alone else "AB")
        ]
    )


def hidden_places(pupils: Sequence[Pupil]) -> set[tuple[str | None, int | None]]:
    hidden = hidden_cells(counted(pupils), min_n=5)
    return {
        (place.school, place.grade)
        for place, is_hidden in zip(places_of(pupils), hidden, strict=True)
        if is_hidden
    }


def test_grades_of_schools_are_shown_where_nothing_is_small():
    assert hidden_places(big_town()) == set()


def test_small_grade_of_a_school_takes_others_of_its_school_and_its_grade_with_it():
    hidden = hidden_places(big_town(few_in={(0, 5)}))
    assert ("S0", 5) in hidden
    assert len({school for school, grade in hidden if grade == 5}) >= 3
    assert len({grade for school, grade in hidden if school == "S0"}) >= 2
    assert all(school and grade for school, grade in hidden)  # the lists stay as they are


def test_three_schools_of_a_grade_are_hidden_where_two_would_do_for_the_sums():
    """Each of two would know the other's figure from its own and the rest."""
    pupils = town(
        [
            (school, grade, 25, 1 if (school, grade) == (0, 5) else 5 + school + grade, 0)
            for school in range(6)
            for grade in (5, 6, 7)
            for _ in "AB"
        ]
    )
    hidden = hidden_places(pupils)
    assert ("S0", 5) in hidden
    by_grade = [sum(of == grade for _, of in hidden) for grade in (5, 6, 7)]
    assert all(count in (0, 3, 4, 5) for count in by_grade)


def test_grade_of_one_class_in_a_school_is_a_class_figure():
    assert ("S0", 5) in hidden_places(big_town(alone={(0, 5)}))


def test_grades_of_schools_go_where_the_whole_is_hidden():
    hidden = hidden_places(big_town(schools=2, grades=(5,), few_in={(0, 5)}))
    assert hidden >= {(None, None), ("S0", 5), ("S1", 5)}


def test_grades_of_schools_go_where_they_do_not_add_up_to_the_lists():
    table = counted(big_town())
    crossed = np.array(table["level"].to_pylist()) == "school_grade"
    last = len(crossed) - 1
    hidden = hidden_cells(table.take(list(range(last))), min_n=5)
    assert hidden[crossed[:last]].all()
    assert not hidden[~crossed[:last]].any()


def test_grade_of_a_school_is_a_row_of_the_schools_level():
    rows = suppress(counted(big_town()), min_n=5).to_pylist()
    assert {row["level"] for row in rows} == {"municipality", "school", "grade"}
    assert sum(row["level"] == "school" and row["grade"] is not None for row in rows) == 18


@settings(max_examples=10, deadline=None)
@given(class_groups, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(classes, random):
    table = counted(town(classes))
    order = list(range(table.num_rows))
    random.shuffle(order)
    assert list(hidden_cells(table.take(order), min_n=5)) == list(
        hidden_cells(table, min_n=5)[order]
    )
