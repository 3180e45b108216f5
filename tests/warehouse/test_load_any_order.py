"""Any rows, in any files, in any order: the same end state.

But for held rows: only what came later mends one, so they follow the order of receipt.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.home import Config
from tests.support.examples import examples
from tests.support.home import AUTUMN, SPRING, Row, csv_bytes
from tests.support.loading import (
    CODES,
    CONFLICT,
    KEY,
    deliver,
    held,
    ledger,
    memory_warehouse,
    stored,
    tiny,
    tiny_config,
    waiting,
)
from transforms.drift import MIN_ROWS
from transforms.pseudonym import pseudonym

_SOUND = st.builds(
    tiny,
    st.sampled_from(CODES),
    first=st.sampled_from(["1", "2", ""]),
    wave=st.sampled_from([AUTUMN, SPRING]),
    enrolled_on=st.sampled_from(["", "2025-08-18", "2025-10-13"]),
    submitted_on=st.sampled_from(["2025-11-05", "2025-11-06"]),
)
_BAD = st.builds(
    tiny,
    st.sampled_from(["", *CODES[:2]]),
    first=st.just("9"),
    wave=st.sampled_from([AUTUMN, SPRING]),
    enrolled_on=st.just(""),
)
_IN_ONE_OF_FOUR = st.integers(0, 3)
# Each row with the file that it is in, and each file with the run that loads it. So many bad rows
# that they stop a file as a changed form are another test's.
_ROWS = (
    st.tuples(
        st.lists(st.tuples(_SOUND, _IN_ONE_OF_FOUR), max_size=10),
        st.lists(st.tuples(_BAD, _IN_ONE_OF_FOUR), max_size=MIN_ROWS - 1),
    )
    .map(lambda both: [*both[0], *both[1]])
    .filter(bool)
    .flatmap(st.permutations)
)
_RUNS = st.permutations([0, 0, 1, 2])


def in_files(rows: Sequence[tuple[Row, int]]) -> dict[int, list[Row]]:
    files: dict[int, list[Row]] = defaultdict(list)
    for row, number in rows:
        files[number].append(row)
    return files


def end_state(config: Config, files: dict[int, list[Row]], runs: Sequence[int]):
    """Load the files, run by run; the answers, the waiting forms, the reasons and the counts."""
    with memory_warehouse(config) as con:
        for run in sorted(set(runs)):
            # Blank lines are no rows, and make no two files the same bytes.
            texts = [
                csv_bytes(file) + b"\n" * number
                for number, file in files.items()
                if runs[number] == run
            ]
            if texts:
                deliver(con, config, *texts)
        return stored(con), waiting(con), Counter(held(con)), ledger(con)


def as_received(files: dict[int, list[Row]], runs: Sequence[int]) -> list[list[Row]]:
    return [files[number] for number in sorted(files, key=lambda number: runs[number])]


def oracle(received: Sequence[list[Row]]):
    """The same, one row after the other with a dict: versions by wave and pupil."""
    versions: dict[tuple[str, str], dict[tuple[str, ...], list[Row]]] = {}
    bad: dict[tuple[str, str, int], int] = {}  # with the last file that tells it
    mending: dict[tuple[str, str], int] = {}
    for place, file in enumerate(received):
        here: Counter[tuple[str, str]] = Counter()
        for row in file:
            wave, code, answer = row["wave"], row["pupil_code"], row["tiny_v1.first"]
            if answer == "9":
                here[wave, code] += 1
                bad[wave, code, here[wave, code]] = place
            else:
                same = versions.setdefault((wave, code), {})
                if row["tiny_v1.second"] == "1" and (answer, "1") not in same:
                    mending[wave, code] = place
                same.setdefault((answer, row["tiny_v1.second"]), []).append(row)
    accepted = [found for found in versions.values() if len(found) == 1]
    conflicting = [found for found in versions.values() if len(found) > 1]
    reasons: Counter[tuple[str, ...]] = Counter()
    for (wave, code, _), place in bad.items():
        if mending.get((wave, code), -1) > place:
            continue  # it came mended: a later form says the same but for the cell that failed
        missing = () if code else ("PUPIL_CODE_MISSING",)
        reasons["ANSWER_NOT_AN_OPTION", *missing] += 1
    reasons[(CONFLICT,)] += sum(len(found) for found in conflicting)
    return as_stored(accepted), as_stored(conflicting), +reasons


def as_stored(found: Sequence[dict[tuple[str, ...], list[Row]]]) -> list[tuple[object, ...]]:
    rows = []
    for versions in found:
        for copies in versions.values():
            row = copies[0]
            started = [copy["enrolled_on"] for copy in copies if copy["enrolled_on"]]
            first, second = (row[f"tiny_v1.{item}"] for item in ("first", "second"))
            rows.append(
                (
                    *(row["wave"], "S01", "7A", 7, "girl"),
                    pseudonym(row["pupil_code"], key=KEY, domain="pupil"),
                    date.fromisoformat(min(copy["submitted_on"] for copy in copies)),
                    date.fromisoformat(min(started)) if started else None,
                    int(first or -101),
                    int(second or -101),
                )
            )
    return sorted(rows, key=repr)


@settings(deadline=None, max_examples=examples(5, deep=80))
@given(rows=_ROWS, first=_RUNS, second=_RUNS, other=st.lists(st.integers(0, 3), min_size=14))
def test_end_state_is_the_same_for_every_split_into_files_and_every_order(
    rows, first, second, other
):
    config = tiny_config()
    files = dict(sorted(in_files(rows).items()))
    forms, conflicts, reasons, counts = end_state(config, files, first)
    expected = oracle(as_received(files, first))
    assert (sorted(forms, key=repr), sorted(conflicts, key=repr), reasons) == expected
    assert end_state(config, files, second)[:2] == (forms, conflicts)
    assert end_state(config, files, second)[2] == oracle(as_received(files, second))[2]
    for delivered, accepted, quarantined, dropped in counts:
        assert accepted + quarantined + dropped == delivered
    assert sum(delivered for delivered, *_ in counts) == len(rows)
    assert sum(accepted for _, accepted, *_ in counts) == len(forms)
    assert sum(quarantined for _, _, quarantined, _ in counts) == sum(reasons.values())
    # The same rows in other files: the answers are the same.
    moved = in_files([(row, number) for (row, _), number in zip(rows, other, strict=False)])
    assert end_state(config, moved, second)[:2] == (forms, conflicts)
