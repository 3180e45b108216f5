"""The analysts' file: what is in it, what is not, and when it is published."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import duckdb
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from schemas.indicator import published_figures
from schemas.instrument import shipped_instruments
from schemas.mart import mart_tables
from tests.publish.build import deliver, settings, warehouse
from tests.publish.publishing import (
    AFTER_AUTUMN,
    AFTER_SPRING,
    classes,
    ledger_of,
    publish_to,
    read,
    snapshot,
)
from warehouse.mart import content_id
from warehouse.printed import Places
from warehouse.publish import PublicationError, publish

BULLIED = "klassepuls_core_v1.bullied"


# --- what is in it ------------------------------------------------------------------------------


def test_indicator_has_the_levels_of_the_plan_and_no_other(con, target):
    publish_to(target, con)
    lines = read(
        target,
        "select level, school_id, grade, gender, n_band, value, suppressed from mart.indicator"
        " where indicator = ? order by all",
        BULLIED,
    )
    # 30 of 240: every school has 6 of 48, every grade two classes in each of five schools.
    assert [line for line in lines if line[3] is None] == [
        ("grade", None, 5, None, "100-199", 0.13, False),
        ("grade", None, 6, None, "100-199", 0.13, False),
        ("municipality", None, None, None, "200-499", 0.13, False),
        *(  # 24 of 48, of whom 3
            line
            for school in "ABCDE"
            for line in (
                ("school", school, 5, None, None, None, True),
                ("school", school, 6, None, None, None, True),
                ("school", school, None, None, "50-99", 0.1, False),
            )
        ),
    ]
    assert {line[3] for line in lines} == {None, "girl", "boy", "other", "not_stated"}
    assert {line[0] for line in lines if line[3]} == {"municipality"}


def test_one_who_skipped_an_item_counts_only_when_the_other_answers_it(target):
    con = warehouse()
    forms = [replace(form, bullied=1) for form in classes("A", size=25, bullied=0)]
    skipped = [replace(form, bullied=-101) for form in forms[:50]]
    yes_and_skipped = [replace(form, bullied=-101, digital=4) for form in forms[50:60]]
    dont_know = [replace(form, bullied=-102, digital=None) for form in forms[60:70]]
    deliver(con, [*skipped, *yes_and_skipped, *dont_know, *forms[70:]])
    publish_to(target, con)
    shown = "select value, n_band from mart.indicator where indicator = ? and school_id = 'A'"
    assert read(target, f"{shown} and grade is null", BULLIED) == [
        (0.25, "20-49")
    ]  # 10 of the 10 + 30 that are known


def test_skipped_item_is_never_a_low_answer(target):
    con = warehouse()
    forms = classes("A", size=20)
    deliver(con, [replace(form, safety=-101) for form in forms[:40]] + forms[40:])
    publish_to(target, con)
    unsafe = (
        "select value from mart.indicator where indicator = ? and school_id = 'A' and grade is null"
    )
    assert read(target, unsafe, "klassepuls_core_v1.unsafe") == [(0.0,)]


def test_scale_has_a_mean_and_a_share_in_its_lowest_band(con, target):
    publish_to(target, con)
    whole = "select indicator, statistic, value from mart.indicator where level = 'municipality'"
    lines = read(target, whole + " and gender is null and indicator like 'who5%' order by all")
    assert lines == [
        ("who5_v1.wellbeing", "mean", 53.3),
        ("who5_v1.wellbeing.low", "share", 0.33),
    ]


def test_response_rate_counts_the_pupils_on_the_class_lists(con, target):
    con.execute(
        "insert into core.dim_class_group select distinct school_id, class_group, '2025-26', grade,"
        " case when school_id = 'A' then 20 else 24 end from core.response"
    ).fetchall()
    con.execute("insert into core.dim_class_group values ('A', '1A', '2025-26', 1, 28)").fetchall()
    publish_to(target, con)
    rates = "select school_id, answered_band, enrolled_band, value from mart.response_rate"
    lines = read(target, rates + " order by all")
    assert ("A", "50-99", "50-99", 0.63) in lines  # grade 1 was not asked, so it is not counted
    assert (None, "200-499", "200-499", 0.52) in lines


def flags(con, pupils: Sequence[tuple[str, str]], *, level="flag", status="open", copies=1) -> None:
    for school, pupil in pupils:
        for copy in range(copies):
            con.execute(
                "insert into core.flag by name select ? as flag_id, '2026-spring' as wave_id,"
                " 's' as survey_id, 'pupil' as target, ? as school_id, '5A' as class_group,"
                " 5 as grade, ? as pupil, ? as level, 'bullying' as situation,"
                " 'rule.bullied_by_pupils' as rule_id, 1 as rule_version,"
                " 'health_service' as route, 1 as evidence_count, now() as raised_at,"
                " current_date as expires_on, ? as status",
                [f"{pupil}-{level}-{status}-{copy}", school, pupil, level, status],
            ).fetchall()


def test_flags_are_counted_by_pupil_and_schools_with_few_are_hidden(con, target):
    pupils = {s: [f"2026-spring-{s}-5A-{n}" for n in range(12)] for s in "ABCDE"}
    flagged = {"A": 12, "B": 11, "C": 10, "D": 9, "E": 3}
    for school, count in flagged.items():
        flags(con, [(school, pupil) for pupil in pupils[school][:count]], copies=2)
    flags(con, [("E", pupil) for pupil in pupils["E"]], status="withdrawn")
    publish_to(target, con)
    lines = read(
        target,
        "select school_id, n_band, suppressed from mart.flag_count where target = 'pupil'"
        " and situation = 'bullying' and flag_level = 'flag' order by all",
    )
    assert lines == [
        ("A", "10-19", False),
        ("B", "10-19", False),
        ("C", None, True),
        ("D", None, True),
        ("E", None, True),
        (None, "20-49", False),
    ]


def test_a_count_of_flags_is_published_as_a_band_and_as_no_number(con, target):
    publish_to(target, con)
    columns = read(
        target, "select column_name from duckdb_columns() where table_name = 'flag_count'"
    )
    assert ("n_band",) in columns
    assert ("value",) not in columns


def test_numbers_of_flags_that_an_older_edition_had_are_left_behind(con, target):
    publish_to(target, con)
    with duckdb.connect(target) as older:
        older.execute("alter table mart.flag_count add column value double").fetchall()
        older.execute("update mart.flag_count set value = 10").fetchall()
        older.execute(
            "update mart.publication set publication_id = ?", [content_id(older, "klassepuls")]
        ).fetchall()
    assert publish_to(target, con).changed
    assert (
        "value"
        not in read(
            target, "select list(column_name) from duckdb_columns() where table_name = 'flag_count'"
        )[0][0]
    )


def test_flag_rows_do_not_say_which_situations_occurred(con, target):
    publish_to(target, con)
    none = read(target, "select * exclude (wave_id) from mart.flag_count order by all")
    flags(con, [("A", "2026-spring-A-5A-1")])
    again = target.with_name("again.duckdb")
    publish_to(again, con)
    assert read(again, "select * exclude (wave_id) from mart.flag_count order by all") == none


def test_without_rules_there_are_no_flag_rows(con, target):
    publication = publish(
        con,
        Places(ledger_of(target), target),
        wave_ids=["2026-spring"],
        settings=settings(),
        instruments=shipped_instruments(),
        rules=[],
        published_at=AFTER_SPRING,
    )
    assert publication.rows["flag_count"] == 0


def test_every_table_and_column_has_a_comment_and_an_entry(con, target):
    publish_to(target, con)
    declared = {(table.name, column.name) for table in mart_tables() for column in table.columns}
    bare = "select count(*) from duckdb_{}() where schema_name = 'mart' and comment is null"
    assert read(target, bare.format("tables")) == read(target, bare.format("columns")) == [(0,)]
    columns = read(
        target, "select table_name, column_name from duckdb_columns() where schema_name = 'mart'"
    )
    assert set(columns) == declared
    entries = read(target, "select table_name, name from mart.dictionary where entry = 'column'")
    assert set(entries) == declared
    described = {name for (name,) in read(target, "select name from mart.dictionary")}
    assert {figure.id for figure in published_figures(shipped_instruments())} <= described


def test_lineage_leads_back_to_the_deliveries_without_naming_them(con, target):
    publish_to(target, con)
    ids = sorted(row[0] for row in con.execute("select delivery_id from core.delivery").fetchall())
    [(deliveries, digest)] = read(
        target,
        "select deliveries, deliveries_sha256 from mart.lineage where indicator = ?",
        BULLIED,
    )
    assert (deliveries, digest) == (20, hashlib.sha256("\n".join(ids).encode()).hexdigest())


# --- what is not in it --------------------------------------------------------------------------


def test_no_class_pseudonym_or_delivery_is_in_the_bytes(tmp_path):
    tokens = {what: [token_hex(10) for _ in range(40)] for what in ("class", "pupil", "delivery")}
    path = tmp_path / "warehouse.duckdb"
    con = warehouse(path)
    schools = [token_hex(8).upper() for _ in range(5)]
    forms = [
        replace(
            form,
            school=schools[at % 5],
            class_group=tokens["class"][at % 40],
            pupil=tokens["pupil"][at % 40],
            delivery=tokens["delivery"][at % 40],
        )
        for at, form in enumerate(classes("A", size=100, bullied=100))
    ]
    deliver(con, forms)
    flags(con, [(schools[0], pupil) for pupil in tokens["pupil"]])
    target = tmp_path / "analyst" / "klassepuls.duckdb"
    publish_to(target, con, limits=settings(schools=schools))
    con.execute("checkpoint").fetchall()
    con.close()
    published = target.read_bytes() + target.with_name("manifest.json").read_bytes()
    restricted = path.read_bytes()
    for what, planted in tokens.items():
        assert [token.encode() in restricted for token in planted].count(True) == 40, what
        assert [token.encode() in published for token in planted].count(True) == 0, what
    assert all(school.encode() in published for school in schools)  # the search does find things


# --- when it is published -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wave", "at"),
    [
        ("2026-spring", datetime(2026, 2, 20, tzinfo=UTC)),
        ("2026-spring", datetime(2026, 2, 28, 22, 59, tzinfo=UTC)),  # a minute to midnight in Oslo
        ("2031-spring", AFTER_SPRING),
    ],
)
def test_open_or_unknown_wave_is_refused(con, target, wave, at):
    with pytest.raises(PublicationError):
        publish_to(target, con, wave, at=at)
    assert not target.exists()


def test_wave_is_published_from_the_day_after_it_closes_where_the_schools_are(con, target):
    assert publish_to(target, con, at=datetime(2026, 2, 28, 23, tzinfo=UTC)).waves == (
        "2026-spring",
    )


def test_wave_without_answers_waits(con, target):
    publish_to(target, con, "2025-autumn", "2026-spring")
    assert read(target, "select waves from mart.publication") == [(["2026-spring"],)]
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2025-autumn")])
    later = publish_to(target, con, "2025-autumn", "2026-spring")
    assert later.waves == ("2025-autumn", "2026-spring")


def test_running_again_changes_nothing(con, target):
    first = publish_to(target, con)
    before = snapshot(target.parent)
    again = publish_to(target, con, at=AFTER_AUTUMN)
    assert (first.changed, again.changed) == (True, False)
    assert replace(again, changed=True) == first
    assert snapshot(target.parent) == before


def test_id_comes_from_the_content_and_not_from_the_clock(con, tmp_path):
    at = [AFTER_SPRING, AFTER_AUTUMN]
    ids = {publish_to(tmp_path / f"{n}" / "k.duckdb", con, at=at[n]).publication_id for n in (0, 1)}
    assert len(ids) == 1


def test_late_answers_and_erasures_do_not_republish_a_wave(con, target):
    publish_to(target, con)
    before = snapshot(target.parent)
    con.execute("delete from core.response where school_id = 'A' and grade = 5").fetchall()
    deliver(con, classes("B", bullied=40, grades=(7,)))
    assert publish_to(target, con, at=AFTER_AUTUMN).changed is False
    assert snapshot(target.parent) == before


def rows_of(target: Path, wave: str) -> dict[str, list[tuple]]:
    tables = ("indicator", "response_rate", "flag_count", "lineage")
    query = "select * from mart.{} where wave_id = ? {} order by all"
    # What came of a wave's flags is told half a year later, and not before the next wave is out.
    at_once = {"lineage": "and table_name not like 'outcome%'"}
    return {
        table: read(target, query.format(table, at_once.get(table, "")), wave) for table in tables
    }


@hypothesis_settings(max_examples=8, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCDE"), st.integers(1, 14), st.integers(0, 9)), max_size=6
    ),
    st.sampled_from(["ABCDE", "A", ""]),
)
def test_new_wave_never_changes_a_published_one(tmp_path_factory, arriving, erased):
    target = tmp_path_factory.mktemp("home") / "klassepuls.duckdb"
    with warehouse() as con:
        deliver(con, [form for school in "ABC" for form in classes(school, size=6)])
        first = publish_to(target, con)
        before = rows_of(target, "2026-spring")
        for school, size, bullied in arriving:
            deliver(con, classes(school, "2026-autumn", size=size, bullied=bullied))
            deliver(con, classes(school, size=size, bullied=bullied, grades=(9,)))
        con.execute(
            "delete from core.response where list_contains(?, school_id)", [list(erased)]
        ).fetchall()
        later = publish_to(target, con, "2026-spring", "2026-autumn", at=AFTER_AUTUMN)
    assert rows_of(target, "2026-spring") == before
    assert later.changed == ("2026-autumn" in later.waves)
    assert set(first.waves) <= set(later.waves)


def test_an_edition_from_before_nynorsk_was_there_is_carried_over(con, target):
    publish_to(target, con)
    with duckdb.connect(target) as older:
        for column in ("label_nn", "description_nn"):
            older.execute(f"alter table mart.dictionary drop column {column}").fetchall()
        older.execute(
            "update mart.publication set publication_id = ?", [content_id(older, "klassepuls")]
        ).fetchall()
    ledger_of(target).unlink()
    assert publish_to(target, con).changed
    lacking = "select count(*) from mart.dictionary where description_nn is null"
    assert read(target, lacking) == [(0,)]
