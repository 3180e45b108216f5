"""Choices on their way in: codes only, stored under pseudonyms, one form at a time."""

from dataclasses import replace
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.declared import DeclarationError
from schemas.reason import Reason
from schemas.survey import Survey
from tests.nominations.choosing import NOMINATIONS, SURVEY, choosing_class
from tests.support.home import Row, csv_bytes, survey_toml
from tests.support.loading import deliver, full_config, held, memory_warehouse, pseudonym_of
from transforms.stops import FilesStopped

NATIONAL = "01010750160"


@pytest.fixture
def config():
    survey = Survey.from_toml(SURVEY, name="klassepuls.toml")
    return replace(full_config(), surveys={survey.id: survey})


@pytest.fixture
def con(config):
    with memory_warehouse(config) as made:
        yield made


def one(**cells: str) -> list[Row]:
    """A class of four in which the first pupil chose what is told."""
    rows = choosing_class(4)
    rows[0] |= {"breaks_1": "", "breaks_2": "", "breaks_3": "", "work": "", **cells}
    return rows


def chosen_by_first(con) -> list[tuple[str, str]]:
    return con.execute(
        """
        select situation, chosen from core.nomination join core.response using (response_id)
        where pupil = $pupil order by all
        """,
        {"pupil": pseudonym_of("P000")},
    ).fetchall()


@pytest.mark.parametrize("cell", ["P001;P002", "p001 , P002;", "P001 P002", " P002|P001 P001"])
def test_codes_are_told_apart_however_a_tool_writes_them(con, config, cell):
    deliver(con, config, one(work=cell))
    expected = sorted(("work", pseudonym_of(code)) for code in ("P001", "P002"))
    assert chosen_by_first(con) == expected


def test_choice_made_twice_counts_once_and_of_oneself_never(con, config):
    [loaded] = deliver(con, config, one(breaks_1="P001", breaks_2="P001", breaks_3="P000"))
    assert chosen_by_first(con) == [("breaks", pseudonym_of("P001"))]
    assert (loaded.own_choices, loaded.outside_choices) == (1, 0)


@pytest.mark.parametrize("cell", ["Kari Nordmann", "kari", "P001; Kari", "7A", ";"])
def test_what_is_no_code_holds_the_row(con, config, cell):
    deliver(con, config, one(work=cell))
    assert held(con) == [(Reason.CHOICE_INVALID.value,)]
    assert chosen_by_first(con) == []


@pytest.mark.parametrize(
    "cell", [NATIONAL, f"P001;{NATIONAL}", "P001;12345678901", "P001, kari@skole.no", "91234567"]
)
def test_person_in_a_choice_stops_the_whole_file(con, config, cell):
    with pytest.raises(FilesStopped):
        deliver(con, config, one(work=cell))
    assert con.execute("select count(*) from core.response").fetchall() == [(0,)]


def test_other_choices_of_the_same_pupil_contradict(con, config):
    deliver(con, config, one(work="P001"))
    deliver(con, config, one(work="P002"))
    assert chosen_by_first(con) == []
    assert con.execute("select count(*) from quarantine.response").fetchall() == [(2,)]


def test_same_choices_in_another_order_are_a_copy(con, config):
    deliver(con, config, one(work="P001;P002"))
    deliver(con, config, one(work="P002, P001"))
    assert len(chosen_by_first(con)) == 2
    assert con.execute("select count(*) from quarantine.response").fetchall() == [(0,)]


def test_file_that_is_read_again_leaves_its_choices_once(con, config):
    rows = one(work="P001;P002")
    deliver(con, config, rows)
    before = con.execute("select count(*) from core.nomination").fetchall()
    deliver(con, config, rows)
    assert con.execute("select count(*) from core.nomination").fetchall() == before


def test_parquet_says_the_same_as_csv(con, config):
    rows = one(work="P001;P002")
    packed = BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), packed)
    deliver(con, config, packed.getvalue())
    [again] = deliver(con, config, csv_bytes(rows))
    assert again.outcome == "duplicate"
    assert len(chosen_by_first(con)) == 2


def test_only_codes_of_forms_are_in_the_vault(con, config):
    deliver(con, config, one(work="P001;Z999"))
    codes = {code for (code,) in con.execute("select pupil_code from vault.code").fetchall()}
    assert codes == {"P000", "P001", "P002", "P003"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('columns = ["work"]', 'columns = ["work"]\nchoices = "negative"'),
        ('columns = ["work"]', 'columns = ["breaks_1"]'),
        ('situation = "work"', 'situation = "breaks"'),
        ('situation = "work"', 'situation = "Work"'),
    ],
)
def test_survey_file_that_cannot_be_meant_is_refused(old, new):
    with pytest.raises(DeclarationError):
        Survey.from_toml(SURVEY.replace(old, new), name="klassepuls.toml")


def test_choices_need_pupil_codes():
    with pytest.raises(DeclarationError, match="nominations need pupil codes"):
        Survey.from_toml(survey_toml(linkage="none", more=NOMINATIONS), name="klassepuls.toml")
