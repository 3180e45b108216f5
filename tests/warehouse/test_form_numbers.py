"""The tool's own number of a form, in a survey with codes: one form, whosever it is said to be."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decision import Why
from schemas.reason import Reason
from tests.support.examples import examples
from tests.support.home import NOW, Row
from tests.support.loading import (
    KEY,
    deliver,
    held,
    ledger,
    memory_warehouse,
    pseudonym_of,
    stored,
    tiny,
    tiny_config,
    waiting,
)
from warehouse.audit import Hand
from warehouse.quarantine import ALL_FORMS
from warehouse.release import release_one

CHANGED = (Reason.SUBMISSION_CHANGED.value,)


def numbered(number: int, code: str | None = None, **changes: str) -> Row:
    """A form of the tool, with answers that few give alike."""
    first, second = str(number % 3 + 1), str(number // 3 % 3 + 1)
    said = {"first": first, "second": second, **changes}
    return tiny(code or f"P{number:03}", submission=str(4100 + number), **said)


def export(numbers: Sequence[int], codes: dict[int, str] | None = None) -> list[Row]:
    return [numbered(number, (codes or {}).get(number)) for number in numbers]


TYPED, MENDED = export(range(6), {2: "X999"}), export(range(6))


@pytest.fixture
def config():
    return tiny_config()


def pupils(forms: Sequence[tuple[object, ...]]) -> set[object]:
    return {form[5] for form in forms}


@pytest.mark.parametrize("files", [[TYPED, MENDED], [MENDED, TYPED]])
@pytest.mark.parametrize("in_one_run", [True, False])
def test_form_under_another_code_waits_with_the_one_that_counted(config, files, in_one_run):
    with memory_warehouse(config) as con:
        for run in [files] if in_one_run else [[file] for file in files]:
            deliver(con, config, *run)
        both = {pseudonym_of("X999"), pseudonym_of("P002")}
        assert pupils(waiting(con)) == both
        assert pupils(stored(con)) == {pseudonym_of(f"P{n:03}") for n in (0, 1, 3, 4, 5)}
        assert held(con) == [CHANGED, CHANGED]
        assert sum(quarantined for _, _, quarantined, _ in ledger(con)) == 2


def test_form_in_another_school_is_told_as_one_form(config):
    moved = [{**row, "school": "S02"} if n == 2 else row for n, row in enumerate(MENDED)]
    with memory_warehouse(config) as con:
        deliver(con, config, MENDED)
        deliver(con, config, moved)
        assert held(con) == [CHANGED, CHANGED]


def test_whole_class_that_gets_other_codes_is_no_second_class(config):
    before = [{**row, "class_group": "7A"} for row in export(range(6))]
    after = [{**row, "pupil_code": f"S01-{row['pupil_code']}"} for row in before]
    with memory_warehouse(config) as con:
        deliver(con, config, before)
        deliver(con, config, after)
        assert (len(stored(con)), len(waiting(con))) == (0, 12)


def test_equal_content_under_the_same_code_is_one_form(config):
    with memory_warehouse(config) as con:
        deliver(con, config, MENDED)
        deliver(con, config, [*MENDED, numbered(6)])
        assert ledger(con) == [(6, 6, 0, 0), (7, 1, 0, 6)]


def test_numbers_that_begin_anew_in_each_export_hold_no_form(config):
    classes = [
        [numbered(n, f"{group}-{n:02}", class_group=group) for n in range(9)]
        for group in ("7A", "7B", "7C")
    ]
    with memory_warehouse(config) as con:
        deliver(con, config, *classes[:2])
        deliver(con, config, classes[2])
        assert (len(stored(con)), held(con)) == (27, [])


def test_numbers_that_count_the_rows_of_a_growing_export_hold_no_form(config):
    before = [numbered(n, f"P-{n}") for n in range(8)]
    after = [
        {**row, "submission": str(4100 + n)}
        for n, row in enumerate([numbered(99, "P-99"), *before])
    ]
    with memory_warehouse(config) as con:
        deliver(con, config, before)
        deliver(con, config, after)
        assert (len(stored(con)), held(con)) == (9, [])


def test_number_in_another_wave_is_another_form(config):
    later = [{**row, "wave": "2026V", "submitted_on": "2026-03-10"} for row in TYPED]
    with memory_warehouse(config) as con:
        deliver(con, config, MENDED, later)
        assert (len(stored(con)), held(con)) == (12, [])


def test_pupil_whose_code_another_one_typed_keeps_the_own_form(config):
    """X typed Y's code and was put right; Y answered as well: X counts, Y's two forms wait."""
    typed = export([0, 1, 2, 3, 4], {2: "P007"})
    mended = export([0, 1, 2, 3, 4, 7])
    with memory_warehouse(config) as con:
        deliver(con, config, [*typed, numbered(7)])
        deliver(con, config, mended)
        assert pseudonym_of("P002") in pupils(stored(con))
        assert pupils(waiting(con)) == {pseudonym_of("P007")}
        assert held(con) == [(Reason.CONFLICTING_ANSWERS.value,)] * 2


def test_one_row_alone_proves_nothing_unless_it_took_as_long_to_the_millisecond(config):
    alone = numbered(2)
    for time, waits in (("", 0), ("61234", 2)):
        typed = [{**row, "answer_time_ms": time} for row in TYPED]
        with memory_warehouse(config) as con:
            deliver(con, config, typed)
            deliver(con, config, [{**alone, "answer_time_ms": time}])
            assert len(waiting(con)) == waits


# Any exports of a tool in which codes were put right, in any order and any runs.
_CODES = st.dictionaries(st.integers(0, 6), st.sampled_from(["X001", "X002"]), max_size=2)
_EXPORT = st.tuples(st.integers(1, 7), _CODES, st.booleans())
_FILES = st.lists(_EXPORT, min_size=1, max_size=4)


@settings(deadline=None, max_examples=examples(6, deep=40))
@given(files=_FILES, orders=st.permutations(range(4)), runs=st.lists(st.booleans(), min_size=4))
def test_which_export_came_first_does_not_matter(files, orders, runs):
    config = tiny_config()
    texts = [
        export(range(last, -1, -1) if is_turned else range(last + 1), codes)
        for last, codes, is_turned in files
    ]
    ends = []
    for order in (range(4), orders):
        with memory_warehouse(config) as con:
            batch: list[list[Row]] = []
            for place in order:
                if place < len(texts):
                    batch.append([*texts[place], numbered(90 + place)])
                    if runs[place]:
                        deliver(con, config, *batch)
                        batch = []
            if batch:
                deliver(con, config, *batch)
            ends.append((stored(con), waiting(con), sorted(held(con))))
            for delivered, accepted, quarantined, dropped in ledger(con):
                assert accepted + quarantined + dropped == delivered
    assert ends[0] == ends[1]


def test_release_leaves_the_own_form_of_the_pupil_whose_code_was_typed(config):
    """Y's code was typed for X and put right, and then Y answered: both are decided, both count."""
    typed, mended = export(range(6), {2: "Y007"}), export(range(6))
    with memory_warehouse(config) as con:
        for file in (typed, mended, [*mended, numbered(7, "Y007")]):
            deliver(con, config, file)
        assert len(waiting(con)) == 3
        for code in ("P002", "Y007"):
            [(name, state)] = con.execute(
                f"""
                select contradiction_id, max_by(state, response_id) from {ALL_FORMS}
                where pupil = $pupil and (delivery_no, row_no) in (
                    select (max(delivery_no), max_by(row_no, delivery_no)) from {ALL_FORMS}
                    where pupil = $pupil
                ) group by all
                """,  # noqa: S608 - our own words
                {"pupil": pseudonym_of(code)},
            ).fetchall()
            assert state == "waits"
            release_one(con, name, "latest", by=Hand("somebody", KEY), why=Why.OTHER, now=NOW)
        assert waiting(con) == []
        assert {pseudonym_of("P002"), pseudonym_of("Y007")} <= pupils(stored(con))
        assert len(stored(con)) == 7
