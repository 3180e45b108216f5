"""The attack on a whole figure: what a careful suppressor leaves passes, and each slip is found."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.attack.homes import Home, Pupil
from transforms.attack.figures import Found, attack
from transforms.attack.lists import at_least_one
from transforms.attack.system import AttackError
from transforms.disclosure import bands, hidden_cells, suppress


def group(
    school: str, grade: int, n: int, holds: float, *, genders=("girl", "boy"), classes=2
) -> list[Pupil]:
    """`n` pupils of one school and grade in two classes, the first `holds` of whom have it."""
    return [
        Pupil(
            school,
            grade,
            f"{grade}{at % classes}",
            genders[at % len(genders)],
            float(at < holds),
        )
        for at in range(n)
    ]


def home(*groups: Iterable[Pupil], kind="share", highest=1.0) -> Home:
    return Home([pupil for pupils in groups for pupil in pupils], kind, highest)


def left_by(careless, town: Home) -> Found:
    """What the attacker gets at where only the lines that `careless` names are hidden."""
    shown = suppressed_only(town, [careless(level, name) for level, name in town.lines])
    return attack(town.figure(shown))


def suppressed_only(town: Home, hidden: list[bool]) -> pa.Table:
    """The print of the true numbers, but for the hidden lines and those without pupils."""
    rows = []
    for (level, name), is_hidden in zip(town.lines, hidden, strict=True):
        own = town.of(level, name)
        rows.append(_NOTHING if is_hidden or not own else _print(town.kind, own))
    return pa.Table.from_pylist(rows)


_NOTHING = {"n_band": None, "total_band": None, "value": None, "suppressed": True}


def _print(kind: str, own: list[Pupil]) -> dict[str, object]:
    n, total = len(own), sum(pupil.amount for pupil in own)
    five_n, five_total = (5 * int(count / 5 + 0.5) for count in (n, total))
    share = int(100 * five_total / max(five_n, 1) + 0.5 + 1e-9) / 100
    mean = int(10 * total / n + 0.5 + 1e-9) / 10
    return {
        "n_band": bands(np.array([five_n]))[0],
        "total_band": bands(np.array([five_total]))[0],
        "value": {"share": share, "mean": mean, "count": None}[kind],
        "suppressed": False,
    }


FIVE_SCHOOLS = home(*(group(name, 5, 40, 10) for name in "ABCDE"), group("F", 5, 30, 2))
WITH_BOTH = home(
    group("A", 5, 40, 10), group("B", 5, 40, 10), group("C", 5, 30, 7), group("D", 5, 24, 2)
)


def test_what_the_suppressor_leaves_is_told_by_nothing():
    assert attack(FIVE_SCHOOLS.figure(suppress(FIVE_SCHOOLS.cells(), min_n=5))) == Found()


def test_the_one_hidden_school_of_a_shown_whole_is_told_by_the_others():
    found = left_by(lambda level, name: name == "F", FIVE_SCHOOLS)
    assert found.rest == 1


def test_two_hidden_schools_beside_a_shown_whole_are_too_few():
    assert left_by(lambda level, name: name in ("E", "F"), FIVE_SCHOOLS).rest == 1


def test_a_small_figure_that_is_shown_is_found():
    assert left_by(lambda level, name: False, FIVE_SCHOOLS).shown > 0


def test_one_hidden_grade_is_told_by_the_means_of_the_others():
    grades = [
        *(group(s, g, 10, 0) for s in "ABC" for g in (5, 6, 7)),
        group("A", 8, 6, 0, classes=1),
    ]
    town = Home([replace(p, amount=60.0) for pupils in grades for p in pupils], "mean", 100.0)
    assert left_by(lambda level, name: name == 8, town) == Found(narrowed=1)


def test_hidden_genders_that_are_few_together_are_told_by_a_mean():
    # 122 girls and boys, two others and four who did not say, as in many a small municipality.
    genders = ["girl", "boy"] * 61 + ["other"] * 2 + ["not_stated"] * 4
    pupils = [
        Pupil(f"S{at % 3}", 5, f"5{at % 2}", gender, 20.0 + 10 * (at % 7))
        for at, gender in enumerate(genders)
    ]
    town = Home(pupils, "mean", 100.0)
    careless = left_by(lambda level, name: name in ("other", "not_stated"), town)
    assert careless == Found(narrowed=1)
    assert attack(town.figure(suppress(town.cells(), min_n=5))) == Found()


def test_what_a_list_hides_altogether_is_the_whole_and_no_secret():
    genders = ["girl"] * 5 + ["boy"] * 3 + ["not_stated"]
    pupils = [
        Pupil("S", 5, f"5{at % 2}", gender, 2.0 + at % 3) for at, gender in enumerate(genders)
    ]
    town = Home(pupils, "mean", 4.0)
    assert left_by(lambda level, name: level == "gender", town) == Found()


def test_a_school_within_a_grade_leaves_the_few_others_of_the_grade():
    # S is all of grade 9 but for two pupils of T, and both lines are shown.
    nine = [*group("S", 9, 33, 0), *group("T", 9, 2, 0)]
    rest = [*group("T", 10, 40, 0), *group("U", 10, 40, 0), *group("V", 10, 40, 0)]
    scores = [Pupil(p.school, p.grade, p.class_group, p.gender, 60.0) for p in nine + rest]
    town = Home(scores, "mean", 100.0)
    assert left_by(lambda level, name: level == "gender", town).narrowed == 1


def test_one_pupil_is_certain_where_nobody_of_twenty_would_have_been_shown():
    town = home(
        group("A", 5, 30, 1), group("B", 5, 30, 0), group("C", 5, 12, 1), group("D", 5, 40, 9)
    )
    shown = suppressed_only(town, [name in ("A", "B", "C", 5) for _, name in town.lines])
    some, not_all = at_least_one(town.figure(shown))
    named = [name for (_, name), certain in zip(town.lines, some, strict=True) if certain]
    assert named == ["A"]  # B has none, C would be hidden anyway, and no grade is shown at all
    assert [town.lines[at][1] for at in np.flatnonzero(not_all)] == ["A", "B"]


def test_flags_that_are_hidden_may_not_follow_from_the_band_of_the_whole():
    town = home(*(group(name, 5, 6, 0) for name in "ABC"), group("D", 5, 40, 6), kind="count")
    assert left_by(lambda level, name: name in ("A", "B", "C"), town).narrowed > 0


def test_nothing_shown_tells_nothing():
    assert left_by(lambda level, name: True, FIVE_SCHOOLS) == Found()


def test_a_print_that_is_not_of_these_pupils_is_an_error():
    table = suppress(FIVE_SCHOOLS.cells(), min_n=5).to_pylist()
    shown = next(row for row in table if not row["suppressed"])
    shown["value"] = shown["value"] + 0.2
    wrong = pa.Table.from_pylist(table, schema=suppress(FIVE_SCHOOLS.cells(), min_n=5).schema)
    with pytest.raises(AttackError, match="do not fit"):
        attack(FIVE_SCHOOLS.figure(wrong))


def test_a_line_that_is_printed_in_part_is_an_error():
    table = suppress(FIVE_SCHOOLS.cells(), min_n=5).to_pylist()
    next(row for row in table if not row["suppressed"])["value"] = None
    with pytest.raises(AttackError, match="in part"):
        attack(FIVE_SCHOOLS.figure(pa.Table.from_pylist(table)))


def test_lines_that_do_not_add_up_are_an_error():
    figure = FIVE_SCHOOLS.figure(suppress(FIVE_SCHOOLS.cells(), min_n=5))
    with pytest.raises(AttackError, match="sums of its groups"):
        attack(replace(figure, n=figure.n + 1))


towns = st.lists(
    st.tuples(st.integers(0, 5), st.integers(6, 10), st.integers(1, 26), st.integers(0, 8)),
    min_size=1,
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(towns, st.sampled_from(["share", "count", "mean"]))
def test_what_the_suppressor_leaves_is_never_told_exactly(classes, kind):
    genders = ("girl", "boy", "other")
    town = home(*(group(f"S{s}", g, n, k, genders=genders) for s, g, n, k in classes), kind=kind)
    found = attack(town.figure(suppress(town.cells(), min_n=5)))
    assert (found.shown, found.rest, found.pinned) == (0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(towns, st.sampled_from(["share", "count", "mean"]), st.data())
def test_a_hidden_line_that_is_shown_after_all_never_makes_it_safer(classes, kind, data):
    town = home(*(group(f"S{s}", g, n, k) for s, g, n, k in classes), kind=kind)
    hidden = list(hidden_cells(town.cells(), min_n=5))
    filled = [at for at, (level, name) in enumerate(town.lines) if town.of(level, name)]
    if careless := [at for at in filled if hidden[at]]:
        found = attack(town.figure(suppressed_only(town, hidden)))
        hidden[data.draw(st.sampled_from(careless))] = False
        after = attack(town.figure(suppressed_only(town, hidden)))
        assert after.anything or not found.anything
