"""Years of the same classes, and classes that choose at random: what the page of figures draws."""

from schemas.network_rule import network_rule
from schemas.rule import shipped_rules
from transforms.choice_worlds import choice_waves
from transforms.class_worlds import NOBODY, ONE_THEME
from transforms.class_years import class_years

SHARES = [
    rule
    for rule in shipped_rules()
    if rule.target == "class" and rule.any_of and rule.id != "rule.class_witnessed"
]


def test_nothing_is_repeated_in_the_first_wave_and_little_where_waves_know_nothing():
    first, *later = class_years(SHARES, off=NOBODY, stays=0, years=10, seed=1)
    assert first.repeated == 0
    assert all(wave.repeated <= 0.5 for wave in later)
    assert all(wave.false_signals <= 4 for wave in (first, *later))
    assert all(wave.reached == 0 for wave in (first, *later))


def test_where_all_say_the_same_again_every_signal_is_an_alert():
    first, *later = class_years(SHARES, off=NOBODY, stays=1, years=6, seed=2)
    assert first.false_signals > first.false_alerts
    for wave in later:
        assert wave.false_signals == wave.false_alerts == first.false_signals
        assert wave.repeated == first.false_signals - first.false_alerts


def test_more_bullied_classes_are_an_alert_in_the_second_wave():
    first, second, third = class_years(SHARES, off=ONE_THEME, stays=0.5, years=6, seed=3)
    assert first.reached == second.reached == third.reached > 0
    assert 1.2 * first.alerted < second.alerted <= third.reached


def test_classes_in_pieces_are_found_and_classes_that_choose_at_random_are_not():
    said = choice_waves(network_rule(), off="pieces", waves=1, seed=1)
    assert said.signals.sensitivity_of_reached.value > 0.5
    assert said.false_signals <= 1
    assert choice_waves(network_rule(), off=NOBODY, waves=1, seed=1).signals.true == 0
    off = network_rule().model_copy(update={"marks": 1})
    assert choice_waves(off, off=NOBODY, waves=1, seed=1).false_signals > 3
