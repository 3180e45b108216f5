"""A pupil who moves class, or whose gender is filled in, between exports of the same answers."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.home import Config
from tests.support.examples import examples
from tests.support.home import NOW, Row, csv_bytes
from tests.support.loading import (
    CODES,
    deliver,
    memory_warehouse,
    pseudonym_of,
    stored,
    tiny,
    tiny_config,
    waiting,
)

_FORMS = st.builds(
    tiny,
    st.sampled_from(CODES[:3]),
    first=st.sampled_from(["1", "1", "1", "1", "2"]),
    class_group=st.sampled_from(["7A", "7B", "8C"]),
    grade=st.sampled_from(["7", "8"]),
    gender=st.sampled_from(["", "girl", "boy"]),
)
_FILES = st.lists(st.lists(_FORMS, min_size=1, max_size=4), min_size=1, max_size=5)


def texts(files: Sequence[Sequence[Row]]) -> list[bytes]:
    # Blank lines are no rows, and make no two files the same bytes.
    return [csv_bytes(file) + b"\n" * number for number, file in enumerate(files)]


def in_runs(files: Sequence[bytes], cuts: Sequence[bool]) -> list[list[bytes]]:
    runs: list[list[bytes]] = [[]]
    for file, is_cut in zip(files, cuts, strict=False):
        if is_cut and runs[-1]:
            runs.append([])
        runs[-1].append(file)
    return runs


def end_state(config: Config, runs: Sequence[Sequence[bytes]], again: Sequence[bytes] = ()):
    """Pupil, class, grade, gender and answer of what counts; and which answers wait."""
    with memory_warehouse(config) as con:
        for day, run in enumerate([*runs, *([file] for file in again)]):
            deliver(con, config, *run, now=NOW + timedelta(days=day))
            [(is_whole,)] = con.execute("""
                select bool_and(accepted + quarantined + dropped = delivered) from core.delivery
            """).fetchall()
            assert is_whole
        counts = {row[5]: (*row[2:5], row[-2]) for row in stored(con)}
        assert len(counts) == len(stored(con))
        return counts, sorted((row[5], row[-2]) for row in waiting(con))


def oracle(files: Sequence[Sequence[Row]]):
    told: dict[str, list[Row]] = {}
    for file in files:
        for row in file:
            told.setdefault(pseudonym_of(row["pupil_code"]), []).append(row)
    counts, waits = {}, []
    for pupil, rows in told.items():
        answers = sorted({int(row["tiny_v1.first"]) for row in rows})
        if len(answers) > 1:
            waits += [(pupil, answer) for answer in answers]
            continue
        filled = [row["gender"] for row in rows if row["gender"]]
        newest = rows[-1]
        counts[pupil] = (
            newest["class_group"],
            int(newest["grade"]),
            filled[-1] if filled else None,
            answers[0],
        )
    return counts, sorted(waits)


@settings(deadline=None, max_examples=examples(8, deep=150))
@given(files=_FILES, cuts=st.lists(st.booleans(), min_size=5, max_size=5), data=st.data())
def test_equal_answers_are_one_form_and_the_newest_export_says_the_rest(files, cuts, data):
    config = tiny_config()
    content = texts(files)
    expected = oracle(files)
    assert end_state(config, [[file] for file in content]) == expected
    assert end_state(config, in_runs(content, cuts)) == expected
    again = data.draw(st.lists(st.sampled_from(content), max_size=4))
    assert end_state(config, in_runs(content, cuts), again) == expected
