"""Codes that a spreadsheet took the leading zeros from: the same pupils, and never twice."""

from itertools import permutations

import pytest

from schemas.decision import Why
from schemas.reason import Reason
from tests.support.home import NOW, SPRING, Row
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
from warehouse.decide import reject_delivery
from warehouse.release import release_rows

ZEROS = (Reason.CODE_WITHOUT_ZEROS.value,)
CODES = ("0401", "0402", "01013")


def bare(rows: list[Row]) -> list[Row]:
    """As a spreadsheet saves them."""
    return [{**row, "pupil_code": row["pupil_code"].lstrip("0")} for row in rows]


def answered(second: str = "1", codes: tuple[str, ...] = CODES, **context: str) -> list[Row]:
    return [tiny(code, str(n % 3 + 1), second, **context) for n, code in enumerate(codes)]


@pytest.fixture
def config():
    return tiny_config()


def pupils(forms: list[tuple[object, ...]]) -> list[object]:
    return sorted(str(form[5]) for form in forms)


def known(*codes: str) -> list[str]:
    return sorted(pseudonym_of(code) for code in codes)


@pytest.mark.parametrize(
    "files", list(permutations([answered(), bare(answered()), answered()[:2]]))
)
@pytest.mark.parametrize("in_one_run", [True, False])
def test_same_answers_under_codes_without_zeros_are_there_once(config, files, in_one_run):
    with memory_warehouse(config) as con:
        for run in [files] if in_one_run else [[file] for file in files]:
            deliver(con, config, *run)
        assert pupils(stored(con)) == known(*CODES)
        assert (waiting(con), held(con)) == ([], [])
        assert sum(accepted for _, accepted, _, _ in ledger(con)) == len(CODES)


def test_copy_without_zeros_is_told_as_a_duplicate(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        [loaded] = deliver(con, config, bare(answered()))
        assert (loaded.outcome, loaded.dropped) == ("duplicate", 3)
        assert loaded.reasons == {Reason.DUPLICATE_ROW.value: 3}


@pytest.mark.parametrize(
    "files", [(answered(), bare(answered("2"))), (bare(answered("2")), answered())]
)
def test_other_answers_without_zeros_wait_and_the_whole_code_counts(config, files):
    with memory_warehouse(config) as con:
        for file in files:
            deliver(con, config, file)
        assert pupils(stored(con)) == known(*CODES)
        assert pupils(waiting(con)) == known("401", "402", "1013")
        assert held(con) == [ZEROS] * 3


def test_code_that_came_in_an_earlier_wave_is_known(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        later = answered(wave=SPRING, submitted_on="2026-03-10")
        deliver(con, config, bare(later))
        assert held(con) == [ZEROS] * 3
        deliver(con, config, later)
        assert (len(stored(con)), held(con)) == (6, [])


def test_new_pupils_of_a_file_without_zeros_wait_with_the_others(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        grown = answered(codes=(*CODES, "0777", "12345"))
        deliver(con, config, bare(grown))
        assert (pupils(waiting(con)), held(con)) == (known("777"), [ZEROS])
        assert pupils(stored(con)) == known(*CODES, "12345")
        deliver(con, config, grown)
        assert (pupils(stored(con)), held(con)) == (known(*CODES, "0777", "12345"), [])


def test_one_code_without_its_zero_says_nothing_of_the_others_in_the_file(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        deliver(con, config, [tiny("402", "3"), tiny("555", "3"), tiny("0666")])
        assert pupils(waiting(con)) == known("402")


def test_another_schools_codes_of_other_length_are_other_pupils(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        deliver(con, config, bare(answered("2", school="S02")))
        assert (len(stored(con)), held(con)) == (6, [])


def test_codes_with_letters_keep_their_zeros_in_any_program(config):
    with memory_warehouse(config) as con:
        deliver(con, config, [tiny("00A1"), tiny("00-1")])
        deliver(con, config, [tiny("0A1"), tiny("0-1")])
        assert (len(stored(con)), held(con)) == (4, [])


def test_pupil_whom_a_person_let_count_is_another_one_for_good(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        deliver(con, config, [tiny("401", "3")])
        [(delivery,)] = con.execute("""
            select delivery_id from quarantine.row join core.delivery using (delivery_no)
        """).fetchall()
        by = Hand("kari", KEY)
        release_rows(con, delivery, [2], by=by, why=Why.SCHOOL_CONFIRMED, now=NOW)
        deliver(con, config, [*answered(), tiny("401", "3")])
        deliver(con, config, [tiny("401", "2", wave=SPRING, submitted_on="2026-03-10")])
        assert (len(stored(con)), held(con)) == (5, [])


def test_rows_without_zeros_are_rejected_by_their_delivery(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        deliver(con, config, bare(answered("2")))
        [(delivery,)] = con.execute("""
            select distinct delivery_id from quarantine.row join core.delivery using (delivery_no)
        """).fetchall()
        by = Hand("kari", KEY)
        rows = reject_delivery(con, delivery, [], by=by, why=Why.MENDED_AT_SOURCE, now=NOW)
        assert (rows, held(con), len(stored(con))) == (3, [], 3)
        assert ledger(con)[1] == (3, 0, 0, 3)


@pytest.mark.parametrize("first", [0, 1])
def test_numbered_form_without_zeros_is_no_changed_form(config, first):
    numbered = [{**row, "submission": str(4100 + n)} for n, row in enumerate(answered())]
    files = [numbered, bare(numbered)]
    with memory_warehouse(config) as con:
        deliver(con, config, files[first])
        deliver(con, config, files[1 - first])
        assert (pupils(stored(con)), held(con)) == (known(*CODES), [])


def test_class_list_knows_codes_before_anybody_has_answered(config):
    with memory_warehouse(config) as con:
        _list(con, "0401", "0402")
        deliver(con, config, [tiny("401"), tiny("999")])
        assert (pupils(waiting(con)), held(con)) == (known("401"), [ZEROS])


def test_two_codes_that_the_class_list_both_has_are_two_pupils(config):
    with memory_warehouse(config) as con:
        _list(con, "0401", "401")
        deliver(con, config, answered())
        deliver(con, config, bare(answered("2")))
        assert pupils(stored(con)) == known(*CODES, "401")


def test_file_that_is_read_again_is_told_apart_as_before(config):
    with memory_warehouse(config) as con:
        deliver(con, config, bare(answered("2")))
        deliver(con, config, answered())
        for file in (bare(answered("2")), answered()):
            deliver(con, config, file)
        assert pupils(stored(con)) == known(*CODES)
        assert held(con) == [ZEROS] * 3


def _list(con, *codes: str) -> None:
    con.executemany(
        """
        insert into core.enrolment values
            ($pupil, $pupil, 'S01', '2025-26', '7A', 7, null, null, 0, null)
        """,
        [{"pupil": pseudonym_of(code)} for code in codes],
    ).fetchall()


def test_code_that_a_whole_file_has_too_was_whole_all_along(config):
    """7777 is shorter than 01013, so it waits in a copy without zeros, until the export has it."""
    grown = answered(codes=(*CODES, "7777"))
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        deliver(con, config, bare(grown))
        assert pupils(waiting(con)) == known("7777")
        deliver(con, config, grown)
        assert (pupils(stored(con)), held(con)) == (known(*CODES, "7777"), [])
        [event] = con.execute("select action, detail from audit.event").fetchall()
        assert event[0] == "quarantine.mended"


def test_whole_code_with_other_answers_is_a_contradiction_like_any_other(config):
    grown = answered(codes=(*CODES, "7777"))
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        deliver(con, config, bare(grown))
        deliver(con, config, [*answered(), tiny("7777", "3", "3")])
        assert held(con) == [(Reason.CONFLICTING_ANSWERS.value,)] * 2
        assert pupils(waiting(con)) == known("7777", "7777")


def test_two_versions_without_zeros_of_a_whole_code_go_on_waiting_as_versions(config):
    with memory_warehouse(config) as con:
        deliver(con, config, answered())
        for second in ("2", "3"):
            deliver(con, config, bare(answered(second, codes=(*CODES, "7777"))))
        deliver(con, config, [*answered(), tiny("7777", "1", "2")])
        reasons = [reason for reason in held(con) if reason != ZEROS]
        assert reasons == [(Reason.CONFLICTING_ANSWERS.value,)] * 2
