"""Where no group helps the verdict is `cannot tell`; where groups help it finds that, so often.

Adults choose the worst off first in every world, and whoever is worse off answers less often.
`insight` 1 is the worst that choosing can do: adults know exactly how each pupil is.
"""

import numpy as np
import pytest

from tests.did_it_help.worlds import shares, verdicts
from transforms.did_it_help.comparison import adjusted_difference
from transforms.did_it_help.regression import by_itself
from transforms.synthetic.groups import GroupWorld, draw_groups
from transforms.synthetic.worlds import WORLDS

WORKS, NO_EFFECT = WORLDS["works"].effect, WORLDS["no_effect"].effect

# fmt: off
NOTHING_HELPS = [
    # pupils | groups | adults know more than the answers
    (600,      15,      0.0),
    (1000,     60,      0.0),
    (1000,     60,      1.0),
    (3000,     60,      0.0),
    (3000,    120,      0.0),
    (3000,    120,      0.5),
    (3000,    120,      1.0),
    (6000,    400,      1.0),
]
GROUPS_HELP = [
    # pupils | groups | insight | found at least so often | at most (it is no surer than that)
    (600,      15,      0.0,      0.00,                     0.15),
    (1000,     60,      0.0,      0.60,                     0.90),
    (3000,     60,      0.0,      0.80,                     1.00),
    (3000,    120,      0.0,      0.95,                     1.00),
    (3000,    120,      0.5,      0.55,                     0.85),
    (3000,    250,      0.5,      0.90,                     1.00),
    (3000,    250,      1.0,      0.70,                     0.95),
]
# fmt: on


@pytest.mark.parametrize(("pupils", "groups", "insight"), NOTHING_HELPS)
def test_world_without_effect_says_cannot_tell_in_95_of_100_runs(pupils, groups, insight):
    found = shares(GroupWorld(pupils, groups, NO_EFFECT, insight), 200)
    assert found["cannot_tell"] >= 0.95


@pytest.mark.parametrize(("pupils", "groups", "insight", "least", "most"), GROUPS_HELP)
def test_planted_effect_is_found_as_often_as_the_page_says(pupils, groups, insight, least, most):
    found = shares(GroupWorld(pupils, groups, WORKS, insight), 100)
    assert least <= found["helped"] <= most
    assert found["worse"] == 0


def test_without_a_margin_for_choosing_the_null_world_would_be_called_worse():
    """Why the margin is there: an interval below nought is common where groups do nothing."""
    found = verdicts(GroupWorld(3000, 120, NO_EFFECT, 1.0), 50)
    below = [one.difference.high < 0 for one in found if one.difference]
    assert np.mean(below) > 0.5
    assert {one.word for one in found} == {"cannot_tell"}


def test_followed_pupils_rise_by_themselves_and_the_line_expects_it():
    drawn = [
        draw_groups(np.random.default_rng([13, seed]), GroupWorld(3000, 120)) for seed in range(30)
    ]
    seen = [by_itself(one.arms, one.others, confidence=0.99) for one in drawn]
    rises = [one.after - one.before for one in seen]
    assert np.mean(rises) > 8, "a naive before and after would call it help"
    assert abs(np.mean([one.beyond for one in seen])) < 1.5
    assert np.mean([one.low <= 0 <= one.high for one in seen]) >= 0.9


def test_planted_effect_is_estimated_without_bias_where_adults_go_by_the_answers():
    worlds = [GroupWorld(3000, 200, effect) for effect in (NO_EFFECT, WORKS)]
    means = [
        np.mean(
            [
                adjusted_difference(
                    draw_groups(np.random.default_rng([17, seed]), world).arms, confidence=0.95
                ).value
                for seed in range(40)
            ]
        )
        for world in worlds
    ]
    # 0.7 hidden standard deviations of 19 points, of which the answers tell the root of .8.
    assert means[0] == pytest.approx(0, abs=0.8)
    assert means[1] == pytest.approx(0.7 * 19 * 0.8**0.5, abs=0.8)
