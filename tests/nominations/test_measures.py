"""What choices say of pupils and classes, against a slow reading of the same choices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.network_rule import network_rule
from transforms.network_flags import DEALS, Asked, measure_class, stands_out

PUPILS = 12


def asked_of(situations, *, enrolled=PUPILS, has_form=None, name="7A"):
    """A class from lists of (chooser, chosen), one list a situation."""
    stack = np.zeros((len(situations), PUPILS, PUPILS), np.bool_)
    for at, pairs in enumerate(situations):
        for chooser, chosen in pairs:
            stack[at, chooser, chosen] = True
    return Asked(
        name,
        stack,
        np.ones(PUPILS, np.bool_) if has_form is None else has_form,
        enrolled,
    )


pairs = st.lists(
    st.tuples(st.integers(0, PUPILS - 1), st.integers(0, PUPILS - 1)).filter(
        lambda pair: pair[0] != pair[1]
    ),
    max_size=60,
)


def naive(situations, enrolled, has_form):
    """Situations without a choice for each pupil, unchosen pupils and groups, one by one."""
    used = []
    for choices in situations:
        choosers = {chooser for chooser, _ in choices}
        if len(choosers) >= 10 and len(choosers) * 10 >= enrolled * 8:
            used.append(set(choices))
    if not used:
        return None
    unchosen_in = [
        sum(all(chosen != pupil for _, chosen in choices) for choices in used)
        for pupil in range(PUPILS)
    ]
    every = set().union(*used)
    nobody = [p for p in range(PUPILS) if has_form[p] and all(c != p for _, c in every)]
    group = {pupil: pupil for pair in every for pupil in pair}
    for _ in range(PUPILS):
        for one, other in every:
            group[one] = group[other] = min(group[one], group[other])
    tied = sum((other, one) in every for one, other in every) / (PUPILS * (PUPILS - 1))
    return unchosen_in, len(nobody), len(set(group.values())), tied


@settings(max_examples=60, deadline=None)
@given(
    st.lists(pairs, min_size=1, max_size=3),
    st.integers(10, 16),
    st.lists(st.booleans(), min_size=PUPILS, max_size=PUPILS),
)
def test_measures_equal_a_slow_reading(situations, enrolled, has_form):
    found = measure_class(asked_of(situations, enrolled=enrolled, has_form=np.array(has_form)))
    expected = naive(situations, enrolled, has_form)
    if expected is None:
        assert found.gate in ("few_answers", "low_response")
        assert set(found.unchosen_in.tolist()) == {-1}
        assert found.unchosen is None
    else:
        assert found.gate == "tested"
        assert found.unchosen_in.tolist() == expected[0]
        assert (found.unchosen, found.groups) == expected[1:3]
        assert found.cohesion == pytest.approx(expected[3])


RING = [(at, (at + step) % PUPILS) for at in range(PUPILS) for step in (1, 2, 3)]
# Everybody chooses back: cliques of four.
CLIQUES = [
    (4 * group + one, 4 * group + other)
    for group in range(3)
    for one in range(4)
    for other in range(4)
    if one != other
]
# Nine choose three whom they are not chosen by, and three nobody chooses at all.
LOOSE = [(at, (at + step) % 9) for at in range(9) for step in (1, 2, 3)] + [
    (at, step) for at in (9, 10, 11) for step in (0, 1, 2)
]


def test_class_without_mutual_choices_is_less_tied_than_chance():
    found = measure_class(asked_of([RING]))
    assert found.p_cohesion is not None
    assert found.cohesion == 0
    assert found.p_cohesion < 0.05


def test_class_of_cliques_is_as_tied_as_can_be():
    found = measure_class(asked_of([CLIQUES]))
    assert found.p_cohesion == 1
    assert found.groups == 3


def test_p_is_never_zero_and_the_same_every_time():
    first, again = (measure_class(asked_of([RING])) for _ in range(2))
    assert first.p_cohesion == again.p_cohesion
    assert first.p_cohesion >= 1 / (DEALS + 1)


def test_share_of_dealt_classes_is_that_of_a_slow_deal():
    """The chance that two pupils with three choices each of eleven choose each other: (3/11)^2."""
    loose = [(at, (at + 1) % PUPILS) for at in range(PUPILS)]
    found = measure_class(asked_of([loose]))
    rng = np.random.default_rng(7)
    without = 0
    for _ in range(2_000):
        chosen = [int(rng.choice([p for p in range(PUPILS) if p != at])) for at in range(PUPILS)]
        without += all(chosen[chosen[at]] != at for at in range(PUPILS))
    assert found.p_cohesion == pytest.approx(without / 2_000, abs=0.05)


def dealt_as_low(made, observed):
    """P(so few mutual pairs or fewer), where each pupil makes so many choices at random."""
    rng, as_low = np.random.default_rng(11), 0
    for _ in range(3_000):
        chosen = [
            set(rng.choice([p for p in range(PUPILS) if p != at], made[at], replace=False).tolist())
            for at in range(PUPILS)
        ]
        mutual = sum(at in chosen[one] for at in range(PUPILS) for one in chosen[at]) // 2
        as_low += mutual <= observed
    return as_low / 3_000


def test_pupils_deal_as_many_choices_as_they_made_and_not_as_they_got():
    """All make three, and the first four pupils get nearly all of them."""
    few = [(at, to) for at in range(PUPILS) for to in [p for p in range(4) if p != at][:3]]
    found = measure_class(asked_of([few]))
    assert found.cohesion == pytest.approx(6 / 66)
    assert found.p_cohesion == pytest.approx(dealt_as_low([3] * PUPILS, 6), abs=0.05)


def test_a_deal_with_one_pair_more_is_not_as_low():
    """Five choices each around the table: many pairs, so that a pair more or less tells."""
    near = [(at, (at + step) % PUPILS) for at in range(PUPILS) for step in (1, -1, 2, 3, 4)]
    found = measure_class(asked_of([near]))
    pairs = round(found.cohesion * 66)
    assert found.p_cohesion == pytest.approx(dealt_as_low([5] * PUPILS, pairs), abs=0.04)


def test_who_only_chose_and_who_was_only_chosen_are_of_a_group():
    ten = [(at, (at + 1) % 8) for at in range(8)] + [(8, 10), (9, 11)]
    found = measure_class(asked_of([ten]))
    assert found.groups == 3


def test_the_fewest_answers_of_the_situations_looked_at_are_told():
    some = [pair for pair in RING if pair[0] < 10]
    assert measure_class(asked_of([RING, some])).answered == 10


def test_80_percent_exactly_are_enough():
    assert measure_class(asked_of([RING], enrolled=15)).gate == "tested"
    assert measure_class(asked_of([RING], enrolled=16)).gate == "low_response"


def rule_says(situations, **changes):
    rule = network_rule()
    limits = {
        "cohesion_below": rule.cohesion_below,
        "min_unchosen": rule.min_unchosen,
        "min_groups": rule.min_groups,
        "marks": rule.marks,
    }
    return stands_out(measure_class(asked_of(situations, **changes)), **limits)


def test_class_with_two_marks_is_a_watch_and_with_one_is_not():
    assert rule_says([LOOSE, LOOSE])
    assert not rule_says([RING])  # hardly tied, yet everybody is chosen
    assert not rule_says([CLIQUES])  # three groups, and nothing else
    two_unchosen = [pair for pair in LOOSE if pair[0] != 11] + [(11, 9), (0, 11)]
    assert not rule_says([[*two_unchosen, (11, 0)]])


def test_class_where_too_few_chose_is_no_watch():
    assert not rule_says([LOOSE, LOOSE], enrolled=None)
    assert not rule_says([LOOSE, LOOSE], enrolled=16)
    assert not rule_says([[pair for pair in LOOSE if pair[0] < 9]], enrolled=9)


def test_ten_who_chose_are_enough_and_nine_are_not():
    for choosers, gate in ((10, "tested"), (9, "few_answers")):
        some = [pair for pair in RING if pair[0] < choosers]
        assert measure_class(asked_of([some], enrolled=choosers)).gate == gate


def test_situations_that_too_few_answered_are_left_out():
    few = [pair for pair in RING if pair[0] < 9]
    found = measure_class(asked_of([LOOSE, few]))
    assert found.unchosen_in.tolist() == [0] * 9 + [1] * 3


def test_class_in_which_nobody_chose_a_class_mate_is_not_looked_at():
    found = measure_class(asked_of([[], []]))
    assert (found.gate, found.answered) == ("few_answers", 0)
    assert set(found.unchosen_in.tolist()) == {-1}
