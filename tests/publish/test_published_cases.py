"""The published cases of cell suppression, worked by our own suppressor, and then attacked."""

import json

import numpy as np
import pytest
from scipy.sparse import csr_array

from tests.publish.readers_sums import Read, pinned
from transforms.disclosure.secondary import protect
from transforms.disclosure.small_sums import all_but_few, few, few_contributors
from transforms.disclosure.sums import sums_of

LINKED = "attack_with"


@pytest.fixture(scope="module")
def cases(shared):
    return {
        case["id"]: case
        for case in json.loads((shared / "cases" / "disclosure.json").read_text("utf-8"))["cases"]
    }


def whole_units(case) -> np.ndarray:
    """The inner values, in tenths where the case has tenths."""
    values = np.array([row[case["value_column"]] for row in case["inner"]], dtype=float)
    step = 1 if (values == values.round()).all() else 10
    assert np.allclose(values * step, (values * step).round())
    return (values * step).round().astype(np.int64)


def members_of(cells, units: int) -> csr_array:
    rows = np.zeros((len(cells), units), np.int64)
    for row, cell in zip(rows, cells, strict=True):
        row[cell["members"]] = 1
    return csr_array(rows)


def flagged(case) -> np.ndarray:
    return np.array([cell["primary"] for cell in case["cells"]])


def small_of(case) -> np.ndarray:
    """The small cells by the case's own parameters."""
    units, params = whole_units(case), case["params"]
    members = members_of(case["cells"], len(units))
    values = members @ units
    if "coalition" in params:
        return all_but_few(members, values, params["coalition"])
    if "numVar" in params:
        who = np.unique([row["company"] for row in case["inner"]], return_inverse=True)[1]
        return few_contributors(members, who, params["maxN"])
    if "maxN" in params:
        return few(values, params["maxN"], zeros=params.get("protectZeros", False))
    return flagged(case)  # a case about the difference of two tables, with no rule of its own


def zeros_shown(case) -> bool:
    """Whether the case's method never hides a zero: then a hidden cell is known to be one."""
    params = case["params"]
    counts = "coalition" not in params and "numVar" not in params and "threshold" not in params
    return counts and not params.get("protectZeros") and not params.get("secondaryZeros")


def worked(cases) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Hide in the tables of the cases together: hidden cells, exact recoveries by floor."""
    first = cases[0]
    units = whole_units(first)
    cells = [cell for case in cases for cell in case["cells"]]
    members = members_of(cells, len(units))
    small = np.concatenate([small_of(case) for case in cases])
    known_floor = all(map(zeros_shown, cases))
    done = protect(sums_of(members, units, small, zeros_shown=known_floor))
    assert not done.exposed.any()
    values = members @ units
    # Who believes in a floor of one can be right only where no zero is hidden.
    beliefs = [0, 1] if (values[done.hidden] > 0).all() else [0]
    found = [pinned(Read(members.toarray(), values, done.hidden, floor)) for floor in beliefs]
    return small, done.hidden, found


def test_rules_of_the_cases_find_the_cells_that_are_flagged(cases):
    different = {name for name, case in cases.items() if (small_of(case) != flagged(case)).any()}
    # There the reference leaves one cell out by a threshold that our rule does not have.
    assert different == {"ssb_directdisclosure_tex_k2"}
    assert not (
        flagged(cases[different.pop()]) & ~small_of(cases["ssb_directdisclosure_tex_k2"])
    ).any()


def test_no_hidden_cell_of_any_case_can_be_recovered(cases):
    for name, case in cases.items():
        small, hidden, found = worked([case])
        assert set(found) == {0}, name
        assert (hidden | ~small).all(), name
        if zeros_shown(case):
            assert len(found) == 2, name


def test_linked_tables_are_safe_when_they_are_hidden_together(cases):
    tried = 0
    for name, case in cases.items():
        other = case["expect"].get(LINKED)
        if other and name < other:
            small, hidden, found = worked([case, cases[other]])
            assert found == [0, 0], name
            assert (hidden | ~small).all(), name
            assert hidden.sum() <= 1.5 * (case["n_suppressed"] + cases[other]["n_suppressed"])
            tried += 1
    assert tried == 2


def test_about_as_few_cells_are_hidden_as_by_the_reference(cases):
    ratios = {name: worked([case])[1].sum() / case["n_suppressed"] for name, case in cases.items()}
    assert len(ratios) == 19
    assert max(ratios.values()) <= 2, ratios
    assert np.mean([ratio <= 1.5 for ratio in ratios.values()]) >= 0.8, ratios


def test_reader_recovers_what_the_unsafe_patterns_of_the_cases_give_away(cases):
    for name in [name for name in cases if name.endswith("NEGATIVE")]:
        case = cases[name]
        members, units = members_of(case["cells"], len(case["inner"])), whole_units(case)
        hidden = np.array([cell["suppressed"] for cell in case["cells"]])
        floor = case["params"].get("attacker_lower_bound", 0)
        assert pinned(Read(members.toarray(), members @ units, hidden, floor)) > 0, name
