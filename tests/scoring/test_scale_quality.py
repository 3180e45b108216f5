"""How a scale worked in a wave, against numpy on the very answers."""

import json
from dataclasses import replace

import numpy as np
import pytest

from flows.cli import main
from schemas.instrument import shipped_instruments
from schemas.survey import Survey
from tests.scoring.test_whom_scores_are_for import form
from tests.support.home import AUTUMN, SPRING, csv_bytes, drop, make_home, run, school_class
from tests.support.loading import deliver, memory_warehouse, tiny_config
from transforms.statistics.reliability import mcdonald_omega
from warehouse.scale_quality import FEWEST_FORMS, scale_qualities

KEY = "pisa_belonging_v1"
BELONGING = shipped_instruments()[KEY]
ITEMS = [item.id for item in BELONGING.items]


def config():
    known = {key: shipped_instruments()[key] for key in (KEY, "swemwbs_v1", "pisa_bullying_v1")}
    survey = Survey.model_validate(
        {
            "id": "pulse",
            "name": "x",
            "tool": "canonical",
            "linkage": "pseudonymous",
            "instruments": (KEY,),
        }
    )
    return replace(tiny_config(), instruments=known, surveys={"pulse": survey})


def qualities(answers, *, grade="6", wave=AUTUMN):
    """The scales of a wave in which these rows of answers were given."""
    made = config()
    con = memory_warehouse(made)
    rows = [
        form(
            f"P{number:04}",
            grade=grade,
            **{f"{KEY}.{item}": str(said) for item, said in zip(ITEMS, row, strict=True)},
        )
        for number, row in enumerate(answers)
    ]
    deliver(con, made, rows)
    found = scale_qualities(con, wave, made.instruments)
    con.close()
    return found


def random_answers(count):
    rng = np.random.default_rng(20261)
    trait = rng.normal(size=(count, 1))
    codes = np.clip(np.round(2.5 + trait + rng.normal(size=(count, 6))), 1, 4).astype(int)
    reversed_items = [item.is_reversed for item in BELONGING.items]
    codes[:, reversed_items] = 5 - codes[:, reversed_items]
    return codes


def test_alpha_and_omega_are_those_of_the_complete_forms_with_items_turned():
    answers = random_answers(80)
    given = answers.astype(object)
    given[0, 2] = given[1, 0] = "skipped"

    [quality] = qualities(given)

    turned = answers[2:].astype(float)
    is_reversed = [item.is_reversed for item in BELONGING.items]
    turned[:, is_reversed] = 5 - turned[:, is_reversed]
    assert (quality.asked, quality.scored, quality.complete) == (80, 80, 78)
    covariance = np.cov(turned, rowvar=False)
    alpha = 6 / 5 * (1 - np.trace(covariance) / covariance.sum())
    assert quality.alpha == pytest.approx(alpha)
    assert quality.omega == pytest.approx(mcdonald_omega(turned))
    assert quality.alpha > 0.7  # turned, all of them point the same way


def test_ends_of_the_range_are_counted():
    highest = [1 if item.is_reversed else 4 for item in BELONGING.items]
    lowest = [4 if item.is_reversed else 1 for item in BELONGING.items]

    [quality] = qualities([highest] * 3 + [lowest] * 2 + [[2] * 6])

    assert (quality.scored, quality.at_floor, quality.at_ceiling) == (6, 2, 3)


@pytest.mark.parametrize(("count", "is_there"), [(FEWEST_FORMS - 1, False), (FEWEST_FORMS, True)])
def test_few_complete_forms_say_nothing_of_a_reliability(count, is_there):
    [quality] = qualities(random_answers(count))
    assert quality.complete == count
    assert (quality.alpha is not None, quality.omega is not None) == (is_there, is_there)


def test_what_nobody_was_asked_is_left_out_and_so_are_other_waves_and_grades():
    assert qualities(random_answers(5), wave=SPRING) == []
    assert qualities(random_answers(5), grade="4") == []


def test_command_tells_the_shares_and_no_more_than_enough_forms_bear(tmp_path, capsys):
    home = make_home(tmp_path / "home")
    drop(home, "a.csv", csv_bytes(school_class(FEWEST_FORMS)))
    drop(home, "b.csv", csv_bytes(school_class(4, prefix="Q", wave=SPRING)))
    run(home)
    assert main(["scales", "--home", str(home.root), "--json"]) == 0
    few, many = sorted(json.loads(capsys.readouterr().out), key=lambda row: row["scored"])
    assert (few["wave"], few["scored"], few["floor"], few["alpha"]) == (SPRING, 4, None, None)
    assert (many["wave"], many["scale"], many["ceiling"]) == (AUTUMN, "who5_v1.wellbeing", 0.0)
    assert main(["scales", "--home", str(home.root), "--wave", AUTUMN]) == 0
    assert "who5_v1.wellbeing" in capsys.readouterr().out
