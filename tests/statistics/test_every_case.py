"""Every published case has a test that names it: a new case fails here until it has one."""

import ast
from pathlib import Path

from tests.statistics.published import cases

# Scoring of instruments is tested where instruments are: tests/scoring.
INSTRUMENTS = {"who5-items-to-score", "swemwbs-raw-to-metric", "sdq-self-rules"}


def ids_asked_for(test):
    calls = (node for node in ast.walk(test) if isinstance(node, ast.Call))
    return {
        call.args[1].value
        for call in calls
        if isinstance(call.func, ast.Name)
        and call.func.id == "published"
        and isinstance(call.args[1], ast.Constant)
    }


def covered():
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.update(dict.fromkeys(ids_asked_for(node), f"{path.stem}.{node.name}"))
    return found


def test_every_case_is_covered_by_a_test_that_names_it(shared):
    found = cases(shared)
    of_instruments = {name for name, case in found.items() if case["topic"] == "instrument"}
    assert of_instruments == INSTRUMENTS

    assert set(covered()) == set(found) - INSTRUMENTS
