"""What of "did it help" analysts get: through the gate, once, and for the municipality alone."""

from datetime import UTC, datetime

import duckdb
import pytest

from schemas.outcome import outcome_plan
from tests.did_it_help.town import FIRST, SECOND, town
from tests.publish.build import settings
from tests.publish.publishing import AFTER_AUTUMN, AFTER_SPRING, ledger_of, publish_to
from warehouse.mart import content_id
from warehouse.printed import Places

LATER = datetime(2027, 6, 1, 6, tzinfo=UTC)


def read(target, query):
    with duckdb.connect(str(target), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    target = tmp_path_factory.mktemp("analyst") / "klassepuls.duckdb"
    con = town(lift=25.0, size=16)
    publish_to(target, con, FIRST, SECOND, at=AFTER_AUTUMN)
    return target, con


def test_shares_of_the_municipality_and_of_no_school(published):
    target, _ = published
    rows = read(target, "select measure, category, value, n_band, suppressed from mart.outcome")
    told = {(measure, category): row for measure, category, *row in rows}
    assert told["offered", None] == [None, None, True], "of all: then of each school's too"
    value, band, _ = told["accepted", None]
    assert (0.5 < value < 0.9, band) == (True, "100-199")
    assert told["outcome", "improved"][0] == pytest.approx(0.67, abs=0.1)
    assert read(target, "select distinct level, school_id from mart.outcome") == [
        ("municipality", None)
    ]
    published_measures = {one.id for one in outcome_plan().measures if one.in_outcome}
    assert {measure for measure, _ in told} <= published_measures


def test_change_is_told_with_its_interval_rounded(published):
    target, _ = published
    [(word, low, high, rise, by_itself, share, days)] = read(
        target,
        "select verdict, low, high, rise, rise_by_itself, improved_by_itself, days_to_first_meeting"
        " from mart.outcome_change where outcome = 'primary'",
    )
    assert word == "helped"
    assert 0 < low < high
    assert 0 < by_itself < rise
    assert all(figure == round(figure) for figure in (low, high, rise, by_itself, days))
    assert share == round(share, 2)


def test_measures_stand_in_the_dictionary_and_lineage(published):
    target, _ = published
    measures = {one for (one,) in read(target, "select distinct measure from mart.outcome")}
    named = {
        one for (one,) in read(target, "select name from mart.dictionary where entry = 'outcome'")
    }
    assert measures <= named
    lineage = (
        "select table_name, deliveries from mart.lineage"
        " where wave_id = ? and table_name like 'outcome%'"
    )
    with duckdb.connect(str(target), read_only=True) as con:
        found = con.execute(f"{lineage} order by all", [FIRST]).fetchall()
    assert found == [("outcome", None), ("outcome_change", 2)], "of both waves; of cases"


def test_every_table_and_column_has_a_comment(published):
    target, _ = published
    assert not read(
        target,
        "select column_name from duckdb_columns() where table_name like 'outcome%'"
        " and comment is null",
    )


def test_what_is_out_stays_whatever_becomes_of_the_cases(published):
    target, con = published
    rows = "select * from mart.outcome order by all"
    before = (read(target, rows), read(target, "from mart.outcome_change order by all"))
    con.execute("delete from core.support_case where school_id in ('A', 'B')").fetchall()
    con.execute("update core.support_case set outcome_level = 'worse'").fetchall()
    edition = publish_to(target, con, FIRST, SECOND, at=AFTER_AUTUMN)
    assert not edition.changed
    assert (read(target, rows), read(target, "from mart.outcome_change order by all")) == before


def test_outcome_waits_for_half_a_year_and_for_the_next_wave(tmp_path):
    target, con = tmp_path / "klassepuls.duckdb", town(size=16)
    publish_to(target, con, FIRST, at=AFTER_SPRING)
    assert read(target, "from mart.outcome_change") == []
    publish_to(target, con, FIRST, at=datetime(2026, 9, 15, tzinfo=UTC))
    assert read(target, "from mart.outcome_change") == [], "the autumn is not out yet"
    publish_to(target, con, FIRST, SECOND, at=AFTER_AUTUMN)
    assert len(read(target, "from mart.outcome_change")) == 3


def test_outcome_without_a_next_wave_is_told_in_the_end(tmp_path):
    target, con = tmp_path / "klassepuls.duckdb", town(size=16, again=False)
    publish_to(target, con, FIRST, at=LATER)
    assert set(read(target, "select verdict, reason from mart.outcome_change")) == {
        ("cannot_tell", "no_next_wave")
    }


# fmt: off
HELD_BACK = [
    # where there are groups | what is told
    ("A",                      "a whole of one school is that school's figure"),
    ("AB",                     "each of the two schools would know the other's"),
]
# fmt: on


@pytest.mark.parametrize(("schools", "why"), HELD_BACK)
def test_whole_of_few_schools_is_held_back(tmp_path, schools, why):
    target, con = tmp_path / "klassepuls.duckdb", town(lift=25.0, groups_at=schools, size=16)
    publish_to(target, con, FIRST, SECOND, at=AFTER_AUTUMN)
    told = read(
        target,
        "select measure from mart.outcome where not suppressed and measure <> 'reviewed_in_time'",
    )
    assert told == [], why
    figures = "select difference, rise, days_to_first_meeting from mart.outcome_change"
    assert set(read(target, figures)) == {(None, None, None)}, why
    assert read(target, "select distinct verdict from mart.outcome_change") == [("cannot_tell",)]


def test_file_of_an_older_version_without_the_tables_is_carried_over(tmp_path):
    target, con = tmp_path / "klassepuls.duckdb", town(size=16)
    publish_to(target, con, FIRST, at=AFTER_SPRING)
    places = Places(ledger_of(target), target)
    for path in (places.ledger, places.target):
        path.chmod(0o600)
        with duckdb.connect(str(path)) as old:
            old.execute("drop table mart.outcome").fetchall()
            old.execute("drop table mart.outcome_change").fetchall()
            old.execute("delete from mart.dictionary where entry = 'outcome'").fetchall()
            [(catalog,)] = old.execute("select current_database()").fetchall()
            named = content_id(old, catalog)
            old.execute("update mart.publication set publication_id = ?", [named]).fetchall()
    publish_to(target, con, FIRST, SECOND, at=AFTER_AUTUMN)
    assert len(read(target, "from mart.outcome_change")) == 3
    assert settings().suppression.min_n == 5
