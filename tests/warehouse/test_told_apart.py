"""What is said of rows that come again, wait or are gone: true words, and counts of pupils."""

import pytest

from schemas.decision import Why
from schemas.reason import Reason, reason_names, reason_texts
from tests.support.home import CORE, NOW, form, school_class
from tests.support.loading import (
    KEY,
    deliver,
    full_config,
    held,
    ledger,
    memory_warehouse,
    tiny,
    tiny_config,
)
from warehouse.audit import Hand
from warehouse.decide import reject_contradiction
from warehouse.quarantine import held_places, ruled_rows, versions_of, waiting_contradictions
from warehouse.requests import unheard

BY = {"by": Hand("somebody", KEY), "why": Why.OTHER, "now": NOW}
CLASS = [tiny(f"P{n:03}", str(n % 3 + 1), str(n // 3 % 3 + 1)) for n in range(9)]


@pytest.fixture
def config():
    return tiny_config()


# Copies that wait because of a row of the same load


def test_copy_that_a_row_of_its_own_file_contradicts_is_no_row_that_was_held_before(config):
    with memory_warehouse(config) as con:
        deliver(con, config, [tiny("P001")])
        [told] = deliver(con, config, [tiny("P002"), tiny("P001"), tiny("P001", first="2")])
        assert dict(told.reasons) == {"CONFLICTING_ANSWERS": 1, "NOW_CONTRADICTED": 1}
        assert list(told.copies) == [3]


def test_copy_of_a_form_that_waited_before_is_still_held(config):
    with memory_warehouse(config) as con:
        deliver(con, config, [tiny("P001"), tiny("P001", first="2")])
        [told] = deliver(con, config, [tiny("P001"), tiny("P002")])
        assert dict(told.reasons) == {"STILL_HELD": 1}
        assert list(told.copies) == []


# Surveys without codes


def test_corrected_submission_without_codes_is_told_by_its_number():
    config = tiny_config(linkage="none")
    with memory_warehouse(config) as con:
        deliver(con, config, [tiny(None, submission="1")])
        deliver(con, config, [tiny(None, submission="1", school="S02")])
        assert held(con) == [("SUBMISSION_CHANGED",)] * 2


def test_words_for_forms_without_codes_speak_of_no_code_and_no_pupil():
    for code in (Reason.SUBMISSION_CHANGED, Reason.DUPLICATE_ROW, Reason.NOW_CONTRADICTED):
        text, name = reason_texts()[code], reason_names()[code]
        words = " ".join((text.nb, text.nn, text.en, name.nb, name.nn, name.en)).lower()
        assert "elev" not in words
        assert "pupil" not in words


def test_form_that_was_decided_against_without_codes_is_told_so_when_it_comes_again():
    config = tiny_config(linkage="none")
    forms = [
        tiny(None, str(n % 3 + 1), str(n // 3 + 1), gender=g)
        for n in range(9)
        for g in ("girl", "boy")
    ]
    corrected = [{**forms[0], "class_group": "7B"}, *forms[1:]]
    with memory_warehouse(config) as con:
        deliver(con, config, forms)
        deliver(con, config, corrected)
        [asked] = waiting_contradictions(con)
        [told] = deliver(
            con,
            config,
            [*corrected, tiny(None, "3", "1", class_group="9A", submitted_on="2025-11-06")],
        )
        assert told.reasons["STILL_HELD"] == 1
        reject_contradiction(con, asked.contradiction_id, **BY)
        later = [*corrected, tiny(None, "3", "3", class_group="9A", submitted_on="2025-11-06")]
        [told] = deliver(con, config, later)
        assert told.reasons["DECIDED_AGAINST"] == 1
        assert told.reasons["DUPLICATE_ROW"] == 17
        [ruled] = ruled_rows(con, told.delivery_id)
        assert (ruled.row_no, ruled.decision, ruled.decided_row) == (2, "rejected", 2)


# Forms that are gone


def test_form_that_is_gone_from_a_later_export_is_told_and_goes_on_counting(config):
    with memory_warehouse(config) as con:
        deliver(con, config, CLASS)
        [told] = deliver(con, config, CLASS[:-2])
        assert told.reasons["FORM_GONE"] == 2
        assert ledger(con) == [(9, 9, 0, 0), (7, 0, 0, 7)]


@pytest.mark.parametrize("later", [CLASS[:5], [tiny(f"Q00{n}") for n in range(9)], CLASS])
def test_export_of_a_part_or_of_others_has_lost_no_form(config, later):
    with memory_warehouse(config) as con:
        deliver(con, config, CLASS)
        [told] = deliver(con, config, [*later, tiny("P900")])
        assert "FORM_GONE" not in told.reasons


def test_row_that_waits_in_the_later_export_is_not_gone(config):
    with memory_warehouse(config) as con:
        deliver(con, config, CLASS)
        [told] = deliver(con, config, [*CLASS[:-1], {**CLASS[-1], "tiny_v1.first": "9"}])
        assert "FORM_GONE" not in told.reasons


# Who asks


SUMS = {**dict.fromkeys(form("P001"), ""), "school": "Sum", f"{CORE}.wants_talk": "2"}


@pytest.mark.parametrize(
    ("sound", "asking"),
    [
        ({}, 0),
        ({"pupil_code": "P777"}, 1),
        ({"class_group": "7A"}, 1),
        ({"grade": "7"}, 1),
        ({"wave": "2025H"}, 1),
        ({"school": "S01"}, 1),
    ],
)
def test_row_of_sums_asks_for_no_help_and_any_sound_cell_makes_a_form(sound, asking):
    config = full_config()
    with memory_warehouse(config) as con:
        deliver(con, config, [*school_class(8), {**SUMS, **sound}])
        found = unheard(con)
        assert found.reported + found.without_school == asking
        assert len(held(con)) == 1


def test_pupil_who_asks_in_two_forms_is_counted_once():
    config = full_config()
    asks = [
        form(f"P00{n}", wants_talk="2", school=school) for n in (1, 2) for school in ("S01", "S02")
    ]
    with memory_warehouse(config) as con:
        deliver(con, config, [*school_class(4, prefix="Q"), *asks])
        assert len(held(con)) == 4
        assert (unheard(con).reported, unheard(con).without_school) == (2, 0)


def test_versions_of_a_contradiction_tell_their_school(config):
    with memory_warehouse(config) as con:
        deliver(con, config, [tiny("P001"), tiny("P001", school="S02")])
        [found] = waiting_contradictions(con)
        told = [version.school_id for version in versions_of(con, found.contradiction_id)]
        assert told == ["S01", "S02"]


def test_decision_that_a_row_fell_under_is_told(config):
    with memory_warehouse(config) as con:
        [first] = deliver(con, config, [tiny("P001"), tiny("P001", first="2")])
        [found] = waiting_contradictions(con)
        reject_contradiction(con, found.contradiction_id, **BY)
        [told] = deliver(con, config, [tiny("P002"), tiny("P001", first="2")])
        assert told.reasons["DECIDED_AGAINST"] == 1
        [ruled] = ruled_rows(con, told.delivery_id)
        assert (ruled.row_no, ruled.delivery_id, ruled.decided_row) == (3, first.delivery_id, 3)
        assert [row.row_no for row in ruled_rows(con, first.delivery_id)] == [2, 3]
        assert held_places(con, told.delivery_id) == []
