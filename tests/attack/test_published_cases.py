"""The attacker against published tables whose answer is known (shared/cases/disclosure.json)."""

import json
from pathlib import Path

import numpy as np
import pytest

from transforms.attack.bounds import bounds
from transforms.attack.system import System, members

_CASES = Path(__file__).resolve().parents[3] / "shared/cases/disclosure.json"


def named_cases() -> list[str]:
    return (
        [case["id"] for case in json.loads(_CASES.read_text())["cases"]] if _CASES.exists() else []
    )


@pytest.fixture(scope="module")
def cases(shared):
    path = shared / "cases/disclosure.json"
    return {case["id"]: case for case in json.loads(path.read_text())["cases"]}


def recovered(*tables) -> list[float]:
    """The numbers worked out of tables with the same people in them, one a hidden cell."""
    unknowns = len(tables[0]["inner"])
    cells = [cell for table in tables for cell in table["cells"]]
    shown = [cell for cell in cells if not cell["suppressed"]]
    hidden = [cell for cell in cells if cell["suppressed"]]
    values = np.array([cell["value"] for cell in shown], dtype=float)
    least = np.zeros(unknowns)
    inner = [cell["members"][0] for cell in hidden if len(cell["members"]) == 1]
    least[inner] = tables[0]["params"].get("attacker_lower_bound", 0)
    system = System(
        rows=members([cell["members"] for cell in shown], unknowns),
        low=values,
        high=values,
        least=least,
        most=np.full(unknowns, np.inf),
    )
    low, high = bounds(system, members([cell["members"] for cell in hidden], unknowns))
    truth = np.array([cell["value"] for cell in hidden])
    assert (low <= truth + 1e-6).all()
    assert (truth <= high + 1e-6).all()
    return list(truth[high - low < 1e-6])


def test_all_published_cases_are_tried(cases):
    assert sorted(cases) == sorted(named_cases())
    assert len(cases) >= 19


@pytest.mark.parametrize("name", named_cases())
def test_the_attacker_finds_what_the_published_case_says(cases, name):
    expect = cases[name]["expect"]
    alone = expect.get("attacker_recovers", expect.get("attacker_recovers_alone"))
    assert bool(recovered(cases[name])) is alone


@pytest.mark.parametrize(
    "name", [name for name in named_cases() if "linked_" in name and "ssb" in name]
)
def test_linked_tables_are_attacked_together(cases, name):
    expect = cases[name]["expect"]
    found = recovered(cases[name], cases[expect["attack_with"]])
    assert bool(found) is expect["attacker_recovers_together"]
    assert len(found) == expect["n_recovered_together"]


def test_the_region_between_two_linked_tables_is_three(cases):
    assert recovered(cases["sdctable_linked_counties_vs_groups_NEGATIVE"]) == [3]


def test_ones_are_found_only_by_one_who_knows_that_zeros_are_shown(cases):
    case = cases["sdctable_singletons_NEGATIVE"]
    believes_nothing = {**case, "params": {"attacker_lower_bound": 0}}
    assert recovered(case) == [1, 1]
    assert recovered(believes_nothing) == []
