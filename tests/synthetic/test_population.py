"""The invented municipality has the shares that were published, and a truth that holds together."""

from datetime import timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from schemas.instrument import shipped_instruments
from transforms.synthetic.answers import draw_answers
from transforms.synthetic.municipality import INSTRUMENTS, default_waves, make_municipality
from transforms.synthetic.names import pupil_codes, school_names
from transforms.synthetic.register import NEW_FOR
from transforms.synthetic.states import STATE_NAMES, circumstances, draw_components

GRADES = range(5, 11)
CORE = "klassepuls_core_v1"


def make(schools=3, waves=2, seed=7):
    return make_municipality(schools=schools, grades=GRADES, waves=default_waves(waves), seed=seed)


@pytest.fixture(scope="module")
def big():
    return make(schools=200, waves=2, seed=11)


@pytest.fixture(scope="module")
def ordinary(big):
    """Pupils in classes with nothing planted, with what they answered."""
    classes = big.classes.select("wave", "school", "class_group", "elevated", "low_response")
    pupils = big.pupils.join(classes, on=["wave", "school", "class_group"])
    return pupils.filter(pl.col("elevated").is_null() & ~pl.col("low_response"))


@pytest.fixture(scope="module")
def three_waves():
    return make(schools=12, waves=3, seed=3)


def share(frame, column):
    return frame[column].cast(pl.Float64).mean()


@pytest.mark.parametrize(
    ("state", "rate"),
    [
        ("bullied_by_pupils", 0.046),
        ("bullied_digitally", 0.019),
        ("bullied_by_adults", 0.017),
        ("nobody_in_breaks", 0.015),
        ("not_thriving", 0.027),
        ("unsafe", 0.030),
        ("wants_talk", 0.020),
        ("sees_bullying", 0.080),
    ],
)
def test_share_of_each_state_is_the_published_one(ordinary, state, rate):
    assert share(ordinary, state) == pytest.approx(rate, rel=0.08)


def test_bullying_by_anybody_falls_from_grade_5_to_grade_10(ordinary):
    sources = [name for name in STATE_NAMES if name.startswith("bullied")]
    by_grade = (
        ordinary.group_by("grade")
        .agg(pl.any_horizontal(sources).mean().alias("bullied"))
        .sort("grade")["bullied"]
        .to_list()
    )
    assert by_grade == sorted(by_grade, reverse=True)
    assert by_grade[0] == pytest.approx(0.09, abs=0.01)
    assert by_grade[-1] == pytest.approx(0.043, abs=0.008)
    assert ordinary.select(pl.any_horizontal(sources).mean()).item() == pytest.approx(
        0.063, abs=0.004
    )


def test_states_of_one_pupil_go_together(ordinary):
    together = (ordinary["unsafe"] & ordinary["bullied_by_pupils"]).mean()
    assert together > 3 * share(ordinary, "unsafe") * share(ordinary, "bullied_by_pupils")


def test_states_partly_last_until_the_next_wave(big, ordinary):
    first, second = (ordinary.filter(pl.col("wave") == wave.id) for wave in big.waves)
    both = first.join(second, on="pupil_code", suffix="_later")
    for state in STATE_NAMES:
        lasting = share(both.filter(pl.col(state)), f"{state}_later")
        assert 3 * share(both, state) < lasting < 0.6


def test_nearly_nine_of_ten_answer_and_fewer_of_those_worse_off(ordinary):
    worse_off = pl.any_horizontal(STATE_NAMES[:-1])
    assert share(ordinary, "answered") == pytest.approx(0.88, abs=0.015)
    answering = dict(ordinary.group_by(worse_off.alias("x")).agg(pl.col("answered").mean()).rows())
    assert answering[True] < answering[False] - 0.05


def test_two_to_four_of_a_hundred_answer_without_reading(ordinary):
    assert 0.02 < share(ordinary.filter("answered"), "careless") < 0.04


@pytest.mark.parametrize(
    ("item", "state", "lowest", "highest"),
    [
        ("bullied_by_pupils", "bullied_by_pupils", 3, 5),
        ("bullied_digitally", "bullied_digitally", 3, 5),
        ("bullied_by_adults", "bullied_by_adults", 3, 5),
        ("witnessed_bullying", "sees_bullying", 4, 5),
        ("safety", "unsafe", 1, 2),
        ("company_in_breaks", "nobody_in_breaks", 1, 2),
        ("thriving", "not_thriving", 1, 2),
        ("wants_talk", "wants_talk", 1, 2),
    ],
)
def test_most_true_states_are_told_and_few_false_ones(big, ordinary, item, state, lowest, highest):
    column = f"{CORE}.{item}"
    answers = big.answers.select("wave", "pupil_code", column).drop_nulls()
    careful = ordinary.filter(~pl.col("careless")).join(answers, on=["wave", "pupil_code"])
    told = careful.with_columns(pl.col(column).is_between(lowest, highest).alias("told"))
    assert 0.7 < share(told.filter(state), "told") < 0.9
    assert share(told.filter(~pl.col(state)), "told") < 0.02


def test_who5_has_the_mean_spread_and_reliability_of_the_domain_notes(big, ordinary):
    items = [f"who5_v1.who5_{number}" for number in range(1, 6)]
    careful = ordinary.filter(~pl.col("careless")).select("wave", "pupil_code")
    answers = big.answers.join(careful, on=["wave", "pupil_code"]).select(items).drop_nulls()
    matrix = answers.to_numpy().astype(float)
    total = matrix.sum(axis=1)
    alpha = 5 / 4 * (1 - matrix.var(axis=0, ddof=1).sum() / total.var(ddof=1))
    assert 4 * total.mean() == pytest.approx(68, abs=3)
    assert 4 * total.std() == pytest.approx(19, abs=2)
    assert 0.75 < alpha < 0.85


def test_planted_classes_are_elevated_in_their_theme_only(big):
    planted = big.classes.filter(pl.col("elevated").is_not_null())
    pupils = big.pupils.join(planted, on=["wave", "school", "class_group"])
    bullying = pupils.filter(pl.col("elevated") == "bullying")
    unsafe = pupils.filter(pl.col("elevated") == "unsafe")
    assert share(bullying, "bullied_by_pupils") == pytest.approx(0.35, abs=0.05)
    assert share(unsafe, "unsafe") == pytest.approx(0.35, abs=0.07)
    assert share(bullying, "unsafe") < 0.1
    assert share(unsafe, "bullied_by_pupils") < 0.12
    assert 0.01 < planted.height / big.classes.height < 0.03


def test_planted_classes_stay_planted_until_the_last_wave(three_waves):
    themes = (
        three_waves.classes.drop_nulls("elevated")
        .group_by("cohort")
        .agg(pl.col("elevated").n_unique().alias("themes"), pl.col("wave").sort())
    )
    assert set(themes["themes"]) == {1}
    ids = [wave.id for wave in three_waves.waves]
    lasting = [sorted(ids), sorted(ids[1:])]
    assert all(sorted(waves) in lasting for waves in themes["wave"].to_list())
    assert lasting[1] in [sorted(waves) for waves in themes["wave"].to_list()]


def test_classes_marked_with_low_response_miss_the_gate_of_sixty_percent(big):
    quiet = big.classes.filter("low_response").select("wave", "school", "class_group")
    pupils = big.pupils.join(quiet, on=["wave", "school", "class_group"])
    assert share(pupils, "answered") < 0.5


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), schools=st.integers(1, 3), waves=st.integers(1, 4))
def test_every_answer_is_an_option_of_its_instrument(seed, schools, waves):
    answers = make(schools, waves, seed).answers
    for key in INSTRUMENTS:
        instrument = shipped_instruments()[key]
        for item in instrument.items:
            given_codes = set(answers[f"{key}.{item.id}"].drop_nulls())
            assert given_codes <= set(instrument.codes(item.id))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), schools=st.integers(1, 4), waves=st.integers(1, 5))
def test_register_holds_together(seed, schools, waves):
    drawn = make(schools, waves, seed)
    pupils = drawn.pupils
    assert not pupils.select("wave", "pupil_code").is_duplicated().any()
    assert pupils["pupil_code"].str.contains(r"^[A-Z0-9]{4,6}$").all()
    sizes = pupils.group_by("wave", "school", "class_group").len("enrolled")
    assert_frame_equal(
        sizes,
        drawn.classes.select("wave", "school", "class_group", "enrolled"),
        check_row_order=False,
    )
    first = drawn.classes.filter(pl.col("wave") == drawn.waves[0].id)
    assert first["enrolled"].is_between(8, 28).all()
    assert drawn.classes["enrolled"].max() <= 30
    assert set(drawn.classes["class_group"].str.slice(-1)) <= set("ABC")
    answered = pupils.filter("answered").select("wave", "school", "class_group", "pupil_code")
    delivered = drawn.answers.select("wave", "school", "class_group", "pupil_code")
    assert_frame_equal(answered, delivered)


def test_pupils_move_up_with_the_school_year_and_not_within_it(three_waves):
    autumn, spring, next_autumn = (
        three_waves.pupils.filter(pl.col("wave") == wave.id) for wave in three_waves.waves
    )
    for earlier, later, step in ((autumn, spring, 0), (spring, next_autumn, 1)):
        both = earlier.join(later, on="pupil_code", suffix="_later")
        assert set(both["grade_later"] - both["grade"]) == {step}
        moved = both.filter(
            pl.col("class_group").str.slice(-1) != pl.col("class_group_later").str.slice(-1)
        )
        assert 0 < moved.height < 0.02 * both.height
        assert earlier.height > both.height
        assert later.height > both.height


def test_new_pupils_are_those_whose_dates_say_so(three_waves):
    first_of_year = {}
    for wave in three_waves.waves:
        first_of_year.setdefault(wave.school_year, wave)
    truth = three_waves.pupils.select("wave", "pupil_code", "new_pupil")
    dated = three_waves.answers.select("wave", "pupil_code", "enrolled_on").join(
        truth, on=["wave", "pupil_code"]
    )
    for wave in three_waves.waves:
        began = first_of_year[wave.school_year]
        rows = dated.filter(pl.col("wave") == wave.id)
        by_date = (rows["enrolled_on"] >= wave.opens - NEW_FOR) | (
            rows["enrolled_on"] > began.closes
        )
        assert by_date.to_list() == rows["new_pupil"].to_list()
        assert rows["new_pupil"].any()
        assert (rows["enrolled_on"] < wave.opens).all()


def test_answers_are_given_on_school_days_while_the_wave_is_open(three_waves):
    for wave in three_waves.waves:
        days = three_waves.answers.filter(pl.col("wave") == wave.id)["submitted_on"]
        assert days.is_between(wave.opens, wave.closes).all()
        assert days.dt.weekday().max() <= 5


def test_waves_follow_each_other_and_do_not_overlap():
    waves = default_waves(6)
    assert [wave.id for wave in waves[-3:]] == ["2025H", "2026V", "2026H"]
    assert [wave.school_year for wave in waves[-3:]] == ["2025-26", "2025-26", "2026-27"]
    for earlier, later in pairwise(waves):
        assert later.opens - earlier.closes > timedelta(weeks=10)


def test_same_seed_gives_the_same_municipality_and_another_seed_another():
    one, again, other = make(seed=5), make(seed=5), make(seed=6)
    assert one.schools == again.schools
    for name in ("classes", "pupils", "answers"):
        assert_frame_equal(getattr(one, name), getattr(again, name))
    assert not one.answers.equals(other.answers)


def test_smallest_municipality_has_something_planted():
    drawn = make(schools=1, waves=1)
    assert set(drawn.classes["elevated"].drop_nulls()) == {"bullying", "unsafe"}
    assert drawn.answers.height > 30


@pytest.mark.parametrize(
    ("schools", "grades", "waves"), [(0, GRADES, 1), (1, range(5, 5), 1), (1, GRADES, 0)]
)
def test_nothing_to_draw_is_refused(schools, grades, waves):
    with pytest.raises(ValueError, match="at least one school"):
        make_municipality(schools=schools, grades=grades, waves=default_waves(waves), seed=1)


def test_instrument_with_other_options_than_planned_is_refused():
    core = shipped_instruments()[CORE]
    fewer = {**core.option_sets, "well": core.option_sets["well"][:4]}
    rng = np.random.default_rng(1)
    pupils = circumstances(draw_components(rng, 3), grade=np.full(3, 7), theme=np.full(3, ""))
    with pytest.raises(ValueError, match="5 options, the item has 4"):
        draw_answers(
            rng,
            [core.model_copy(update={"option_sets": fewer})],
            pupils,
            careless=np.zeros(3, bool),
        )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 900))
def test_names_and_codes_are_all_different(seed, count):
    rng = np.random.default_rng(seed)
    assert len(set(school_names(rng, count))) == count
    assert len(set(pupil_codes(rng, count).tolist())) == count
