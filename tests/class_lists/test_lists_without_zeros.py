"""Lists of pupils that a spreadsheet took the leading zeros from: told, and nothing follows."""

import pytest

from schemas.reason import Reason
from tests.support.home import csv_bytes, drop, form, make_home, outcomes, run
from tests.support.loading import (
    deliver,
    deliver_list,
    memory_warehouse,
    pupils_listed,
    tiny,
    tiny_config,
)
from tests.support.state import warehouse_of
from transforms.readers.reading import FileProblem

CODES = ("0401", "0402", "0403")
BARE = tuple(code.lstrip("0") for code in CODES)


@pytest.fixture
def config():
    return tiny_config()


@pytest.fixture
def con(config):
    with memory_warehouse(config) as made:
        yield made


def listed(con) -> list[tuple[object, ...]]:
    return con.execute("from core.enrolment order by all").fetchall()


def answer(con, config, codes=CODES):
    deliver(con, config, [tiny(code) for code in codes])


@pytest.mark.parametrize("codes", [BARE, (*BARE, "0999"), ("P001", "401"), ("00401", "401")])
@pytest.mark.parametrize("from_list", [True, False])
def test_list_with_a_code_that_the_school_has_with_zeros_waits_whole(con, config, codes, from_list):
    if from_list:
        deliver_list(con, config, pupils_listed(*CODES))
    else:
        answer(con, config)
    before = listed(con)
    with pytest.raises(FileProblem) as told:
        deliver_list(con, config, pupils_listed(*codes))
    assert (told.value.reason, told.value.column) == (Reason.CODE_WITHOUT_ZEROS, "pupil_code")
    assert listed(con) == before


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(pupils_listed(*CODES), id="whole"),
        pytest.param(pupils_listed(*CODES, "401"), id="both are pupils"),
        pytest.param(pupils_listed(*CODES, "4010", "04010"), id="zeros at the end"),
        pytest.param(pupils_listed(*BARE, school="S02"), id="another school"),
        pytest.param(pupils_listed("A401", "40-1"), id="letters"),
    ],
)
def test_other_lists_come_into_force(con, config, content):
    answer(con, config)
    deliver_list(con, config, content)
    assert listed(con)


def test_a_code_that_counts_beside_the_whole_one_may_be_listed_alone(con, config):
    """A person has let 401 count beside 0401, and 0401 has left."""
    deliver_list(con, config, pupils_listed(*CODES, "401"))
    answer(con, config, (*CODES, "401"))
    deliver_list(con, config, pupils_listed("0402", "401"))
    assert len([row for row in listed(con) if row[-1] is None]) == 2


def new(home) -> list[tuple[str, str]]:
    with warehouse_of(home) as con:
        return con.execute("""
            select status, rule_id from core.flag where rule_id = 'rule.new_pupil'
        """).fetchall()


def of_class(*codes: str) -> bytes:
    """The last pupil has come lately."""
    *old, last = codes
    head, *rows = pupils_listed(*old, enrolled_on="2024-08-15").splitlines()
    [late] = pupils_listed(last, enrolled_on="2025-10-20").splitlines()[1:]
    return b"\n".join([head, *rows, late, b""])


def test_list_without_zeros_withdraws_no_flag_and_asks_for_a_person(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "list.csv", of_class(*CODES))
    drop(home, "7A.csv", csv_bytes([form(code) for code in CODES]))
    run(home)
    assert new(home) == [("open", "rule.new_pupil")]
    drop(home, "again.csv", of_class(*BARE))
    summary = run(home)
    became = outcomes(summary)["again.csv"]
    assert (became.outcome, became.reason) == ("quarantined", Reason.CODE_WITHOUT_ZEROS)
    assert summary.needs_a_person
    assert new(home) == [("open", "rule.new_pupil")]


def test_list_that_came_first_is_told_with_the_answers_until_it_is_mended(tmp_path):
    home = make_home(tmp_path / "home")
    drop(home, "list.csv", of_class(*BARE))
    drop(home, "7A.csv", csv_bytes([form(code) for code in CODES]))
    summary = run(home)
    assert outcomes(summary)["7A.csv"].reasons == {"LIST_WITHOUT_ZEROS": 3}
    assert summary.needs_a_person
    [note] = home.root.glob("outcome/loaded/7A.csv.txt")
    assert "LIST_WITHOUT_ZEROS: 3 rad(er) / row(s)" in note.read_text(encoding="utf-8")
    drop(home, "mended.csv", of_class(*CODES))
    drop(home, "7B.csv", csv_bytes([form(f"1{code}", class_group="7B") for code in CODES]))
    assert not run(home).needs_a_person
    assert new(home) == [("open", "rule.new_pupil")]
