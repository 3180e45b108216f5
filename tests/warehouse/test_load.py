"""What becomes of each row: promise 1 for every file, and the same end whatever came first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import duckdb
import polars as pl
import pytest

from flows.home import Config
from schemas.reason import Reason
from schemas.settings import School
from schemas.survey import Survey
from tests.support.home import SPRING, Row, csv_bytes
from tests.support.loading import (
    CONFLICT,
    DUPLICATE,
    KEY,
    deliver,
    held,
    ledger,
    memory_warehouse,
    snapshot,
    stored,
    tiny,
    tiny_config,
    waiting,
)
from transforms.pseudonym import pseudonym
from transforms.synthetic.formats import to_ndjson, to_parquet, to_xlsx
from warehouse.instruments import register

TWO_SCHOOLS = Reason.CODE_IN_TWO_SCHOOLS.value


@pytest.fixture
def config() -> Config:
    return tiny_config()


@pytest.fixture
def unlinked() -> Config:
    return tiny_config(linkage="none")


@pytest.fixture
def con(config: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with memory_warehouse(config) as made:
        yield made


# One delivery


def test_sound_rows_are_accepted_and_the_file_is_loaded(con, config):
    [loaded] = deliver(con, config, [tiny("P001"), tiny("P002", first="3")])
    assert (loaded.outcome, loaded.delivered, loaded.accepted) == ("loaded", 2, 2)
    assert sorted(row[-2:] for row in stored(con)) == [(1, 1), (3, 1)]


def test_row_with_a_bad_cell_waits_and_the_others_of_its_file_go_on(con, config):
    [loaded] = deliver(con, config, [tiny("P001"), tiny("P002", first="9"), tiny("P003")])
    assert ledger(con) == [(3, 2, 1, 0)]
    assert loaded.reasons == {"ANSWER_NOT_AN_OPTION": 1}
    assert held(con) == [("ANSWER_NOT_AN_OPTION",)]


def test_row_with_two_faults_is_one_quarantined_row_with_both_reasons(con, config):
    [loaded] = deliver(con, config, [tiny("", first="9")])
    assert ledger(con) == [(1, 0, 1, 0)]
    assert loaded.outcome == "quarantined"
    assert held(con) == [("ANSWER_NOT_AN_OPTION", "PUPIL_CODE_MISSING")]


def test_record_with_too_few_fields_is_a_quarantined_row(con, config):
    text = csv_bytes([tiny("P001"), tiny("P002")])
    deliver(con, config, text[: text.rindex(b";")])
    assert ledger(con) == [(2, 1, 1, 0)]
    assert held(con) == [("FIELD_COUNT",)]


def test_pseudonyms_stay_beside_their_own_answers_in_a_large_delivery(con, config):
    # More rows than a block of the reader or a vector of the database holds.
    count = 300_000
    rows = pl.DataFrame([tiny()]).select(
        pl.all().exclude("pupil_code", "tiny_v1.first").repeat_by(count).explode(),
        pupil_code=pl.format("X-{}", pl.int_range(count)),
        **{"tiny_v1.first": (pl.int_range(count) % 3 + 1).cast(pl.String)},
    )
    deliver(con, config, rows.write_csv(separator=";").encode())
    wanted = [
        (pseudonym(f"X-{n}", key=KEY, domain="pupil"), n % 3 + 1) for n in range(0, count, 97)
    ]
    con.execute("create temp table wanted (pupil varchar, answer tinyint)").fetchall()
    con.register("asked", pl.DataFrame(wanted, schema=["pupil", "answer"], orient="row").to_arrow())
    [(right,)] = con.execute("""
        select count(*) from asked join core.response using (pupil)
            join core.answer_tiny_v1 a using (response_id) where a.first = answer
    """).fetchall()
    assert right == len(wanted)


# Copies and contradictions


def test_identical_twin_in_one_file_is_dropped(con, config):
    [loaded] = deliver(con, config, [tiny("P001"), tiny("P002"), tiny("P001")])
    assert ledger(con) == [(3, 2, 0, 1)]
    assert loaded.reasons == {DUPLICATE: 1}


def test_conflicting_pair_in_one_file_waits_both(con, config):
    [loaded] = deliver(con, config, [tiny("P001"), tiny("P001", first="2"), tiny("P002")])
    assert ledger(con) == [(3, 1, 2, 0)]
    assert loaded.reasons == {CONFLICT: 2}
    assert [row[-2:] for row in waiting(con)] == [(1, 1), (2, 1)]


def test_file_of_nothing_but_a_conflict_is_quarantined(con, config):
    [loaded] = deliver(con, config, [tiny("P001"), tiny("P001", first="2")])
    assert loaded.outcome == "quarantined"


def test_third_copy_of_a_waiting_version_is_dropped(con, config):
    deliver(con, config, [tiny("P001"), tiny("P001", first="2")])
    [again] = deliver(con, config, [tiny("P001", first="2")])
    assert ledger(con)[-1] == (1, 0, 0, 1)
    assert again.outcome == "duplicate"
    assert held(con) == [(CONFLICT,), (CONFLICT,)]


def test_later_conflict_moves_the_stored_form_and_corrects_the_earlier_counts(con, config):
    deliver(con, config, [tiny("P001"), tiny("P002")])
    [late] = deliver(con, config, [tiny("P001", first="2")])
    assert ledger(con) == [(2, 1, 1, 0), (1, 0, 1, 0)]
    assert late.outcome == "quarantined"
    assert len(stored(con)) == 1
    assert len(waiting(con)) == 2
    assert held(con) == [(CONFLICT,), (CONFLICT,)]


def test_third_version_waits_beside_the_two_that_wait_already(con, config):
    deliver(con, config, [tiny("P001")])
    deliver(con, config, [tiny("P001", first="2")])
    deliver(con, config, [tiny("P001", first="3")])
    assert ledger(con) == [(1, 0, 1, 0), (1, 0, 1, 0), (1, 0, 1, 0)]
    assert held(con) == [(CONFLICT,)] * 3


@pytest.mark.parametrize(
    ("column", "cell"), [("class_group", "7B"), ("grade", "8"), ("gender", "boy"), ("gender", "")]
)
def test_same_answers_with_another_class_grade_or_gender_are_one_form(con, config, column, cell):
    deliver(con, config, [tiny("P001")], [tiny("P001", **{column: cell})])
    assert (len(stored(con)), len(waiting(con)), held(con)) == (1, 0, [])
    assert ledger(con) == [(1, 1, 0, 0), (1, 0, 0, 1)]


@pytest.mark.parametrize("in_one_run", [True, False])
def test_one_code_in_two_schools_waits_and_is_told_as_that(con, config, in_one_run):
    files = [[tiny("P001"), tiny("P002")], [tiny("P001", school="S02")]]
    for run in [files] if in_one_run else [[file] for file in files]:
        last = deliver(con, config, *run)[-1]
    assert (len(stored(con)), len(waiting(con))) == (1, 2)
    assert held(con) == [(TWO_SCHOOLS,)] * 2
    assert last.reasons == {TWO_SCHOOLS: 1}


def test_version_from_a_second_school_changes_what_is_said_of_those_that_wait(con, config):
    deliver(con, config, [tiny("P001"), tiny("P001", first="2")])
    assert held(con) == [(CONFLICT,)] * 2
    deliver(con, config, [tiny("P001", school="S02")])
    assert held(con) == [(TWO_SCHOOLS,)] * 3


def test_blank_answer_contradicts_a_given_one(con, config):
    deliver(con, config, [tiny("P001"), tiny("P001", first="")])
    assert (len(stored(con)), len(waiting(con))) == (0, 2)


def test_same_pupil_may_answer_otherwise_in_another_wave(con, config):
    deliver(con, config, [tiny("P001"), tiny("P001", first="2", wave=SPRING)])
    assert ledger(con) == [(2, 2, 0, 0)]


def test_spelling_of_code_and_class_makes_no_second_pupil(con, config):
    deliver(con, config, [tiny("P001"), tiny(" p001 ", class_group="7 a")])
    assert ledger(con) == [(2, 1, 0, 1)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("in_one_run", [True, False])
def test_start_date_that_only_one_copy_states_is_kept(con, config, order, in_one_run):
    copies = [[tiny("P001")], [tiny("P001", enrolled_on="2025-10-13", submitted_on="2025-11-04")]]
    files = [copies[at] for at in order]
    runs = [files] if in_one_run else [[file] for file in files]
    for run in runs:
        deliver(con, config, *run)
    [form] = stored(con)
    assert form[6:8] == (date(2025, 11, 4), date(2025, 10, 13))


def test_start_date_on_a_copy_of_a_waiting_form_is_kept(con, config):
    deliver(con, config, [tiny("P001"), tiny("P001", first="2")])
    deliver(con, config, [tiny("P001", first="2", enrolled_on="2025-10-13")])
    assert {row[7] for row in waiting(con)} == {None, date(2025, 10, 13)}


def test_form_from_before_the_survey_got_another_instrument_is_still_known(con, config):
    deliver(con, config, [tiny("P001")])
    wider = tiny_config(instruments=["other_v1"])
    register(con, wider.instruments, wider.settings)
    row = tiny("P001") | {"other_v1.first": "1", "other_v1.second": "1"}
    deliver(con, wider, [row])
    # Another set of questions is another version: a person decides, and nobody counts twice.
    assert (len(stored(con)), len(waiting(con))) == (0, 2)


# Bad rows that come again


def twin(rows: Sequence[Row]) -> bytes:
    return to_xlsx(pl.DataFrame(rows))


def test_bad_row_that_comes_again_in_another_format_is_dropped(con, config):
    rows = [tiny("P001"), tiny("P002", first="9")]
    deliver(con, config, rows)
    [again] = deliver(con, config, twin(rows))
    assert ledger(con) == [(2, 1, 1, 0), (2, 0, 0, 2)]
    assert (again.outcome, again.reasons) == ("duplicate", {DUPLICATE: 1, "STILL_HELD": 1})
    assert held(con) == [("ANSWER_NOT_AN_OPTION",)]


def test_bad_row_and_its_twin_in_the_same_run_wait_once(con, config):
    rows = [tiny("P002", first="9")]
    deliver(con, config, rows, twin(rows))
    assert ledger(con) == [(1, 0, 1, 0), (1, 0, 0, 1)]


def test_two_equal_bad_rows_of_one_file_are_two(con, config):
    deliver(con, config, [tiny(""), tiny("")])
    assert ledger(con) == [(2, 0, 2, 0)]
    deliver(con, config, twin([tiny(""), tiny(""), tiny("")]))
    assert ledger(con)[-1] == (3, 0, 1, 2)


def test_same_bad_row_in_the_next_wave_is_another_row(con, config):
    deliver(con, config, [tiny("P001", first="9")])
    deliver(con, config, [tiny("P001", first="9", wave=SPRING, submitted_on="2026-03-10")])
    assert ledger(con) == [(1, 0, 1, 0), (1, 0, 1, 0)]


def test_bad_row_named_by_date_is_the_twin_of_one_named_by_wave(con, config):
    deliver(con, config, [tiny("P001", first="9")])
    deliver(con, config, [tiny("P001", first="9", wave="")])
    assert ledger(con) == [(1, 0, 1, 0), (1, 0, 0, 1)]


def test_rows_of_unknown_waves_are_told_apart_by_their_dates(con, config):
    days = ["2024-11-05", "2024-11-05", "2025-06-01"]
    rows = [tiny("P001", wave="", submitted_on=day) for day in days]
    deliver(con, config, rows[:1])
    deliver(con, config, twin(rows[1:]))
    assert ledger(con) == [(1, 0, 1, 0), (2, 0, 1, 1)]


# Surveys without linkage


def test_equal_rows_without_a_code_are_two_pupils(unlinked):
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, [tiny(None), tiny(None)])
        assert ledger(con) == [(2, 2, 0, 0)]


@pytest.mark.parametrize("write", [to_xlsx, to_parquet, to_ndjson])
def test_same_answers_without_codes_in_another_format_are_a_duplicate(unlinked, write):
    rows = [tiny(None), tiny(None), tiny(None, first="2")]
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, rows)
        before = snapshot(con, but=["core.delivery"])
        [again] = deliver(con, unlinked, write(pl.DataFrame(rows[::-1])))
        assert again.outcome == "duplicate"
        assert ledger(con)[-1] == (3, 0, 0, 3)
        assert snapshot(con, but=["core.delivery"]) == before


def test_another_file_with_some_equal_rows_is_no_duplicate(unlinked):
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, [tiny(None), tiny(None)], [tiny(None)])
        assert ledger(con) == [(2, 2, 0, 0), (1, 1, 0, 0)]


def test_both_encodings_of_a_file_without_codes_in_one_run_count_once(unlinked):
    rows = [tiny(None), tiny(None, first="9")]
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, rows, twin(rows))
        assert ledger(con) == [(2, 1, 1, 0), (2, 0, 0, 2)]


def test_submission_number_tells_forms_without_codes_apart(unlinked):
    forms = [tiny(None, submission=number) for number in ("1001", "1002", "1001")]
    forms.append(tiny(None, submission="1002", first="2"))
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, forms)
        assert ledger(con) == [(4, 1, 2, 1)]


def test_submission_numbers_of_two_surveys_are_not_the_same_form(unlinked):
    [survey] = unlinked.surveys.values()
    other = Survey.model_validate({**survey.model_dump(), "id": "other"})
    with memory_warehouse(unlinked) as con:
        deliver(con, unlinked, [tiny(None, submission="1001")])
        renamed = Config(
            **{name: getattr(unlinked, name) for name in ("settings", "instruments", "rules")},
            surveys={"other": other},
            codebooks={},
            key=KEY,
        )
        deliver(con, renamed, [tiny(None, submission="1001", first="2")])
        assert ledger(con) == [(1, 1, 0, 0), (1, 1, 0, 0)]


# The same file under mended settings


def mended(config: Config) -> Config:
    """The settings with the school that was missing."""
    schools = (*config.settings.schools, School(id="S03", name="Skole S03"))
    return replace(config, settings=config.settings.model_copy(update={"schools": schools}))


def test_file_that_comes_back_under_mended_settings_ends_as_if_they_had_always_been_so(config):
    files = [
        [tiny("P001"), tiny("P002", school="S03"), tiny("P003", first="9")],
        [tiny("P001"), tiny("P004", first="2")],
        [tiny("P004"), tiny("P005", school="S03")],
    ]
    ends = []
    for first in (config, mended(config)):
        with memory_warehouse(first) as con:
            for file in files:
                deliver(con, first, file)
            for file in files:
                deliver(con, mended(config), file)
            ends.append((stored(con), waiting(con), sorted(held(con)), ledger(con)))
            assert orphans(con) == [(0,)]
    assert ends[0] == ends[1]
    assert sum(accepted for _, accepted, *_ in ends[0][3]) == 3


def orphans(con: duckdb.DuckDBPyConnection) -> list[tuple[int]]:
    """Answers that no form has."""
    return con.execute("""
        select count(*) from core.answer_tiny_v1
        anti join (
            from core.response union all from quarantine.response
            union all from quarantine.set_aside
        ) using (response_id)
    """).fetchall()
