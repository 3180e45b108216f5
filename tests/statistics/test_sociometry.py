"""Sociometry on positive nominations, against published classes and a plain reading by hand."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.statistics.naive_sociometry import chances, groups, is_bridge
from tests.statistics.published import published
from transforms import sociometry
from transforms.sociometry import (
    bridges,
    chosen_by_few,
    cohesion,
    components,
    matrix_of,
    mutual,
    place_of_ratings,
    place_of_received,
    received,
    reciprocity,
    status,
    unchosen,
)
from transforms.sociometry import (
    given as choices_given,
)


def choices_of(pairs, pupils):
    chooser, chosen = np.array(list(pairs), np.int64).reshape(-1, 2).T
    return matrix_of(chooser, chosen, pupils)


def test_a_small_network_is_the_published_one(shared):
    # edumind-es/edumind-hilo, packages/nucleo/src/sociometria/sociometria.test.ts
    case = published(shared, "sociometric-network-basic")
    names, expected = case["input"]["pupils"], case["expected"]
    situations = (case["input"]["work_choices"], case["input"]["recess_choices"])
    class_choices = np.stack(
        [choices_of([[*map(names.index, pair)] for pair in pairs], 4) for pairs in situations]
    )

    assert received(class_choices)[0] == expected["a1_received_total"]
    assert choices_given(class_choices)[0] == expected["a1_given_total"]
    assert mutual(class_choices)[0].sum() == expected["a1_reciprocal"]
    found = reciprocity(class_choices)
    assert (found[0], found[3]) == (expected["a1_reciprocity"], expected["a4_reciprocity"])
    pairs = np.argwhere(np.triu(mutual(class_choices)))
    assert [[names[a], names[b]] for a, b in pairs] == expected["reciprocal_pairs"]
    assert cohesion(class_choices) == pytest.approx(expected["cohesion"], abs=case["tolerance"])
    assert [names[i] for i in np.flatnonzero(unchosen(class_choices))] == expected["unchosen"]


def test_two_dimensional_status_is_that_of_ssrat(shared):
    # cran/SSrat example5, run in R 4.2.2 (Maassen & Landsheer 1998); numbers only
    case = published(shared, "sociometric-ssrat-ex5")
    rows = case["input"]["ratings_rows_raters_cols_rated"]
    is_rated = np.array([[value is not None for value in row] for row in rows])
    points = np.array([[value or 0 for value in row] for row in rows])
    middle = (case["input"]["scale_points"] + 1) // 2
    liking, disliking = np.maximum(points - middle, 0), np.maximum(middle - points, 0)

    assert place_of_ratings(liking, is_rated).total.tolist() == case["expected"]["S"]
    assert place_of_ratings(disliking, is_rated).total.tolist() == case["expected"]["A"]
    for alpha, name in zip(case["input"]["alpha"], ("10", "05", "01"), strict=True):
        words = status(liking, disliking=disliking, is_rated=is_rated, alpha=alpha)
        assert [word.title() for word in words] == case["expected"][f"status_{name}"]


def test_negative_choices_have_no_default_and_no_user():
    # They are an argument that a caller must name; a municipality's recorded decision comes first.
    parameter = inspect.signature(status).parameters["disliking"]
    assert (parameter.kind, parameter.default) == (parameter.KEYWORD_ONLY, parameter.empty)
    public = [f for n, f in inspect.getmembers(sociometry, inspect.isfunction) if n[0] != "_"]
    own = [f for f in public if f.__module__ == sociometry.__name__]
    asking = [f.__name__ for f in own if "disliking" in inspect.signature(f).parameters]
    assert asking == ["status"]


#   0 - 1 - 2    3 - 4    5     (2 also with 0: a triangle; 1 chooses 6, 6 nobody)
CLASS = [(0, 1), (1, 0), (1, 2), (2, 0), (3, 4), (4, 3), (1, 6)]


def test_a_class_by_hand():
    choices = choices_of(CLASS, 7)

    assert received(choices).tolist() == [2, 1, 1, 1, 1, 0, 1]
    assert choices_given(choices).tolist() == [1, 3, 1, 1, 1, 0, 0]
    assert np.flatnonzero(unchosen(choices)).tolist() == [5]
    assert reciprocity(choices).tolist()[:5] == pytest.approx([1, 1 / 3, 0, 1, 1])
    assert np.isnan(reciprocity(choices)[5:]).all()
    assert cohesion(choices) == pytest.approx(2 / 21)
    assert components(choices).tolist() == [0, 0, 0, 1, 1, 2, 0]
    assert components(mutual(choices)).tolist() == [0, 0, 1, 2, 2, 3, 4]
    assert np.flatnonzero(bridges(choices)).tolist() == [1]


def test_situations_are_looked_at_together():
    work, breaks = choices_of([(0, 1), (3, 0)], 5), choices_of([(1, 0), (1, 2), (3, 0)], 5)
    both = np.stack([work, breaks])

    assert received(both).tolist() == [3, 1, 1, 0, 0]
    assert choices_given(both).tolist() == [1, 2, 0, 2, 0]
    assert reciprocity(both)[[0, 1, 3]].tolist() == [1, 0.5, 0]
    assert np.flatnonzero(unchosen(both)).tolist() == [3, 4]
    assert components(both).tolist() == [0, 0, 0, 0, 1]
    assert np.flatnonzero(bridges(both)).tolist() == [0, 1]


def test_a_choice_made_twice_is_one():
    assert received(choices_of([(0, 1), (0, 1)], 2)).tolist() == [0, 1]


@pytest.mark.parametrize("pupils", [0, 1])
def test_a_class_of_nobody_or_one(pupils):
    choices = choices_of([], pupils)

    assert np.isnan(cohesion(choices))
    assert components(choices).tolist() == [0] * pupils
    assert bridges(choices).tolist() == [False] * pupils
    assert received(choices).tolist() == [0] * pupils
    assert place_of_received(choices, np.ones(pupils, np.bool_)).at_most.tolist() == [1] * pupils


def test_a_long_chain_hangs_together_by_every_inner_pupil():
    for pupils in (2, 3, 33, 34):
        chain = choices_of([(i, i + 1) for i in range(pupils - 1)], pupils)

        assert (components(chain) == 0).all()
        assert bridges(chain).tolist() == [False, *[True] * (pupils - 2), False]


def pairs_in(pupils):
    pair = st.tuples(st.integers(0, pupils - 1), st.integers(0, pupils - 1))
    return st.lists(pair.filter(lambda two: two[0] != two[1]), max_size=20)


SMALL_CLASSES = st.integers(2, 10).flatmap(lambda n: st.tuples(st.just(n), pairs_in(n)))


@settings(max_examples=100, deadline=None)
@given(small=SMALL_CLASSES)
def test_groups_and_bridges_are_those_found_by_hand(small):
    pupils, pairs = small
    choices = choices_of(pairs, pupils)

    by_hand = groups(range(pupils), pairs)

    number = components(choices)
    assert [set(np.flatnonzero(number == i)) for i in range(len(by_hand))] == by_hand
    assert bridges(choices).tolist() == [is_bridge(i, range(pupils), pairs) for i in range(pupils)]


@settings(max_examples=60, deadline=None)
@given(small=SMALL_CLASSES, random=st.randoms())
def test_renumbering_pupils_renumbers_the_results(small, random):
    pupils, pairs = small
    order = list(range(pupils))
    random.shuffle(order)
    plain = choices_of(pairs, pupils)
    moved = choices_of([(order[a], order[b]) for a, b in pairs], pupils)

    for measure in (received, choices_given, unchosen, bridges, reciprocity):
        assert measure(moved)[order].tolist() == pytest.approx(measure(plain).tolist(), nan_ok=True)
    assert cohesion(moved) == cohesion(plain)
    assert components(moved).max() == components(plain).max()
    assert received(plain).sum() == choices_given(plain).sum() == len(set(pairs))


RATINGS = st.integers(2, 6).flatmap(
    lambda n: st.tuples(
        st.lists(st.lists(st.integers(-1, 2), min_size=n, max_size=n), min_size=n, max_size=n),
        st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=n, max_size=n),
    )
)


@settings(max_examples=100, deadline=None)
@given(drawn=RATINGS)
def test_places_are_those_of_exact_convolution(drawn):
    ratings, is_rated = (np.array(part) for part in drawn)
    np.fill_diagonal(is_rated, val=False)
    known = {(i, k): int(ratings[i, k]) for i, k in np.argwhere(is_rated)}

    found = place_of_ratings(ratings, is_rated)

    for k in range(len(ratings)):
        total = sum(value for (_, rated), value in known.items() if rated == k)
        by_hand = chances(known, k)
        assert found.total[k] == total
        mean = sum(value * chance for value, chance in by_hand.items())
        few = sum(chance for value, chance in by_hand.items() if value <= total)
        many = sum(chance for value, chance in by_hand.items() if value >= total)
        assert found.expected[k] == pytest.approx(float(mean), abs=1e-9)
        assert found.at_most[k] == pytest.approx(float(few), abs=1e-9)
        assert found.at_least[k] == pytest.approx(float(many), abs=1e-9)


def everybody_chooses(pupils, choices):
    return choices_of(
        [(i, (i + step) % pupils) for i in range(pupils) for step in range(1, choices + 1)], pupils
    )


# Domain notes 5.2: the chance that nobody chose you, with three choices each.
@pytest.mark.parametrize(("pupils", "chance"), [(8, 0.020), (12, 0.030), (18, 0.037), (24, 0.040)])
def test_two_to_four_percent_are_unchosen_by_chance(pupils, chance):
    choices = everybody_chooses(pupils, 3)
    choices[:, 0] = False  # nobody chooses pupil 0: the three who did choose another
    for i in range(pupils - 3, pupils):
        choices[i, (i + 4) % pupils] = True

    found = place_of_received(choices, np.ones(pupils, np.bool_))

    assert found.total[0] == 0
    assert found.expected[0] == pytest.approx(3)
    assert found.at_most[0] == pytest.approx((1 - 3 / (pupils - 1)) ** (pupils - 1))
    assert found.at_most[0] == pytest.approx(chance, abs=0.001)
    assert chosen_by_few(choices, np.ones(pupils, np.bool_)).tolist() == [True] + [False] * (
        pupils - 1
    )


def test_who_did_not_answer_is_no_rater_who_chose_nobody():
    choices = everybody_chooses(10, 3)
    choices[5:] = False
    answered = np.arange(10) < 5

    found = place_of_received(choices, answered)

    # pupil 9 got none of the five raters' choices... but one of pupil 0 is rated by four only
    assert found.expected[[0, 9]] == pytest.approx([4 / 3, 5 / 3])
    assert found.at_most[9] == pytest.approx((2 / 3) ** 5)
    assert not chosen_by_few(choices, answered).any()
    assert chosen_by_few(choices, answered, alpha=0.14)[9]


def test_a_chance_of_exactly_alpha_is_few():
    choices = choices_of([(0, 2), (1, 2)], 3)  # pupil 1 could have been pupil 0's one choice of two
    found = place_of_received(choices, np.array([True, False, False]))
    assert found.at_most[1] == pytest.approx(0.5)
    assert chosen_by_few(choices, np.array([True, False, False]), alpha=0.5).tolist() == [
        False,
        True,
        False,
    ]


def test_where_all_rate_all_alike_nobody_stands_out():
    pupils = 8
    is_rated = ~np.eye(pupils, dtype=bool)
    for value in (0, 1):
        same = np.full((pupils, pupils), value)
        found = place_of_ratings(same, is_rated)
        assert np.array([found.at_most, found.at_least]) == pytest.approx(np.ones((2, pupils)))
        words = status(same, disliking=same * 0, is_rated=is_rated, alpha=1.0)
        assert set(words) == {"average"}
