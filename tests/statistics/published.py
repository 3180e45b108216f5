"""The published cases, read in place."""

import json


def cases(shared):
    found = json.loads((shared / "cases" / "statistics.json").read_text(encoding="utf-8"))
    return {case["id"]: case for case in found["cases"]}


def published(shared, case_id):
    """One case by its id; a test that calls this counts as the one that covers the case."""
    return cases(shared)[case_id]
