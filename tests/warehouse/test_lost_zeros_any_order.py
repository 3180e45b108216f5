"""Copies of a whole export, some without zeros and some in part: in any order, in any runs.

The oracle is the export alone: each of its pupils counts once, with its answers, and nothing waits.
"""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.home import Row
from tests.support.loading import (
    deliver,
    held,
    ledger,
    memory_warehouse,
    stored,
    tiny,
    tiny_config,
    waiting,
)

# Codes of three lengths, with and without zeros, and such as no spreadsheet touches. 7777 is
# shorter than 01013, so in a file without zeros it may have lost one.
CODES = ("0401", "0402", "0403", "0501", "01013", "P1A", "7777")


def export(*, numbered: bool) -> list[Row]:
    rows = [tiny(code, str(n % 3 + 1), str(n % 2 + 1)) for n, code in enumerate(CODES)]
    if numbered:
        rows = [{**row, "submission": str(4000 + n)} for n, row in enumerate(rows)]
    return rows


def copied(whole: list[Row], places: list[int], *, is_bare: bool) -> list[Row]:
    rows = [whole[at] for at in places]
    if is_bare:
        return [{**row, "pupil_code": row["pupil_code"].lstrip("0")} for row in rows]
    return rows


_PART = st.lists(st.integers(0, len(CODES) - 1), min_size=1, unique=True)
_FILES = st.lists(st.tuples(_PART, st.booleans()), min_size=1, max_size=3)
_RUNS = st.lists(st.booleans(), min_size=4, max_size=4)
EVERYBODY = list(range(len(CODES)))


@settings(deadline=None, max_examples=examples(6, deep=150))
@given(
    copies=_FILES,
    place=st.integers(0, 3),
    runs=st.lists(st.booleans(), min_size=4),
    n=st.booleans(),
)
# Two copies without zeros and the export, with the tool's numbers: their numbers proved that the
# whole codes were changed forms.
@example(copies=[(EVERYBODY, True), ([0, 1, 2, 5], True)], place=2, runs=[False] * 4, n=True)
# 7777 waited for good.
@example(copies=[(EVERYBODY, True)], place=1, runs=[False] * 4, n=False)
@example(copies=[([0, 1], False), (EVERYBODY, True)], place=2, runs=[True] * 4, n=False)
def test_everybody_counts_once_whatever_came_beside_the_export(copies, place, runs, n):
    whole = export(numbered=n)
    files = [copied(whole, part, is_bare=is_bare) for part, is_bare in copies]
    files.insert(place, whole)
    config = tiny_config()
    with memory_warehouse(config) as con:
        deliver(con, config, whole)
        expected = stored(con)
    with memory_warehouse(config) as con:
        for run in _runs(files, runs):
            deliver(con, config, *run)
        assert stored(con) == expected
        assert (waiting(con), held(con)) == ([], [])
        assert sum(accepted for _, accepted, _, _ in ledger(con)) == len(CODES)
        assert all(came == sum(became) for came, *became in ledger(con))


def _runs(files: list[list[Row]], apart: list[bool]) -> list[list[list[Row]]]:
    """The files in runs: a new one begins where `apart` says so. The same bytes come once."""
    runs: list[list[list[Row]]] = []
    seen: list[list[Row]] = []
    for file, is_apart in zip(files, apart, strict=False):
        if file in seen:
            continue
        seen.append(file)
        if is_apart or not runs:
            runs.append([])
        runs[-1].append(file)
    return runs
