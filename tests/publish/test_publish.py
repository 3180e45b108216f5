"""The analysts' file: what is in it, what is not, and how it takes the old one's place."""

import hashlib
import json
import os
import stat
import subprocess
import sys
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
from schemas.rule import shipped_rules
from tests.publish.build import Form, deliver, settings, warehouse
from warehouse.mart import MartError
from warehouse.publish import Publication, PublicationError, publish

BULLIED = "klassepuls_core_v1.bullied"
AFTER_SPRING = datetime(2026, 3, 2, 6, tzinfo=UTC)
AFTER_AUTUMN = datetime(2026, 10, 2, 6, tzinfo=UTC)


def classes(
    school: str, wave: str = "2026-spring", *, size: int = 12, bullied: int = 6, grades=(5, 6)
) -> list[Form]:
    """Two classes a grade; of each class's pupils, `bullied` of the whole school are, in turn."""
    forms = [
        Form(
            wave=wave,
            school=school,
            class_group=f"{grade}{letter}",
            grade=grade,
            gender=("girl", "boy")[number % 2],
            pupil=f"{wave}-{school}-{grade}{letter}-{number}",
            who5=60.0 if number % 3 else 40.0,
            delivery=f"{wave}-{school}-{grade}{letter}",
        )
        for grade in grades
        for letter in "AB"
        for number in range(size)
    ]
    step = max(len(forms) // max(bullied, 1), 1)
    chosen = set(range(0, step * bullied, step))
    return [replace(f, bullied=3) if at in chosen else f for at, f in enumerate(forms)]


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    con = warehouse()
    deliver(con, [form for school in "ABCDE" for form in classes(school)])
    yield con
    con.close()


def publish_to(
    target: Path,
    con: duckdb.DuckDBPyConnection,
    *waves: str,
    at: datetime = AFTER_SPRING,
    limits=None,
) -> Publication:
    return publish(
        con,
        target,
        wave_ids=waves or ["2026-spring"],
        settings=limits or settings(),
        instruments=shipped_instruments(),
        rules=shipped_rules(),
        published_at=at,
    )


def read(target: Path, query: str, *bound) -> list[tuple]:
    with duckdb.connect(":memory:") as reader:
        reader.execute(f"attach '{target}' as published (read_only)").fetchall()
        reader.execute("use published").fetchall()
        return reader.execute(query, list(bound)).fetchall()


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "analyst" / "klassepuls.duckdb"


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
        *(("school", school, None, None, "50-99", 0.1, False) for school in "ABCDE"),  # 48
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
    assert read(target, shown, BULLIED) == [(0.25, "20-49")]  # 10 of the 10 + 30 that are known


def test_skipped_item_is_never_a_low_answer(target):
    con = warehouse()
    forms = classes("A", size=20)
    deliver(con, [replace(form, safety=-101) for form in forms[:40]] + forms[40:])
    publish_to(target, con)
    unsafe = "select value from mart.indicator where indicator = ? and school_id = 'A'"
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
        "select school_id, n_band, value from mart.flag_count where target = 'pupil'"
        " and situation = 'bullying' and flag_level = 'flag' order by all",
    )
    assert lines == [
        ("A", "10-19", 10.0),
        ("B", "10-19", 10.0),
        ("C", None, None),
        ("D", None, None),
        ("E", None, None),
        (None, "20-49", 45.0),
    ]


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
        target,
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


def snapshot(folder: Path) -> dict[str, tuple[int, int, str]]:
    return {
        path.name: (
            path.stat().st_ino,
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in folder.iterdir()
    }


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
    query = "select * from mart.{} where wave_id = ? order by all"
    return {table: read(target, query.format(table), wave) for table in tables}


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


# --- how it is put in place ---------------------------------------------------------------------


def test_file_and_manifest_are_read_only_and_agree(con, target):
    publication = publish_to(target, con)
    assert [stat.S_IMODE(path.stat().st_mode) for path in target.parent.iterdir()] == [0o440] * 2
    manifest = json.loads(target.with_name("manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert manifest["size_bytes"] == target.stat().st_size
    assert manifest["publication_id"] == publication.publication_id
    assert datetime.fromisoformat(manifest["published_at"]) == AFTER_SPRING
    counted = {table.name: len(read(target, f"from mart.{table.name}")) for table in mart_tables()}
    assert manifest["tables"] == counted == publication.rows


def test_reader_keeps_the_old_file_while_the_new_one_takes_its_place(con, target):
    publish_to(target, con)
    query = "select waves from mart.publication"
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    with duckdb.connect(str(target), read_only=True) as reader:
        assert reader.execute(query).fetchall() == [(["2026-spring"],)]
        publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)
        assert reader.execute(query).fetchall() == [(["2026-spring"],)]
        assert reader.execute("select count(*) from mart.indicator").fetchall()[0][0] > 0
    assert read(target, query) == [(["2026-autumn", "2026-spring"],)]


ANALYST = """
import sys, duckdb
with duckdb.connect(sys.argv[1], read_only=True) as reader:
    print(reader.execute("select count(*) from mart.indicator").fetchall()[0][0])
"""


def test_analyst_reads_while_the_warehouse_is_written(tmp_path, target):
    con = warehouse(tmp_path / "warehouse.duckdb")
    deliver(con, [form for school in "ABCDE" for form in classes(school)])
    rows = publish_to(target, con).rows["indicator"]
    con.begin()
    con.execute("update core.response set grade = 7").fetchall()
    seen = subprocess.run(
        [sys.executable, "-c", ANALYST, str(target)], capture_output=True, text=True, check=True
    )
    con.commit()
    con.close()
    assert int(seen.stdout) == rows


def test_file_can_be_read_by_older_clients(con, target):
    publish_to(target, con)
    header = target.read_bytes()[:64]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64  # the storage version of DuckDB 1.0


@pytest.mark.parametrize("fault", ["table gone", "warehouse closed", "place taken"])
def test_failure_leaves_the_old_file_and_the_next_run_clears_up(con, target, fault):
    publish_to(target, con)
    before = snapshot(target.parent)
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    taken = target.with_name(target.name + ".new")
    broken = con
    if fault == "table gone":
        con.execute("alter table core.flag rename to flag_gone").fetchall()
    elif fault == "warehouse closed":
        broken = warehouse()
        broken.close()
    else:
        taken.mkdir()
    with pytest.raises((duckdb.Error, OSError)):
        publish_to(target, broken, "2026-autumn", at=AFTER_AUTUMN)
    if fault == "table gone":
        con.execute("alter table core.flag_gone rename to flag").fetchall()
    elif fault == "place taken":
        taken.rmdir()
    assert snapshot(target.parent) == before
    assert publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN).changed
    assert len(list(target.parent.iterdir())) == 2


def test_what_an_interrupted_run_left_is_cleared(con, target):
    target.parent.mkdir()
    for name in ("klassepuls.duckdb.new", "klassepuls.duckdb.new.wal", "manifest.json.new"):
        target.with_name(name).write_bytes(b"half a file")
    assert publish_to(target, con).changed
    names = {path.name for path in target.parent.iterdir()}
    assert names == {"klassepuls.duckdb", "manifest.json"}


def test_manifest_that_a_stop_left_behind_is_mended(con, target):
    publish_to(target, con)
    manifest = target.with_name("manifest.json")
    right = manifest.read_bytes()
    manifest.unlink()
    manifest.write_text("{}")
    before = snapshot(target.parent)[target.name]
    assert publish_to(target, con).changed is False
    assert manifest.read_bytes() == right
    assert snapshot(target.parent)[target.name] == before


@pytest.mark.parametrize("damage", ["not a database", "another figure", "not ours"])
def test_file_that_we_did_not_publish_is_never_built_upon(con, target, damage):
    publish_to(target, con)
    target.unlink() if damage != "another figure" else target.chmod(0o600)
    if damage == "not a database":
        target.write_bytes(os.urandom(5000))
    else:
        with duckdb.connect(str(target)) as other:
            change = "update mart.indicator set value = 0.5 where level = 'grade'"
            other.execute(
                change if damage == "another figure" else "create table t (a int)"
            ).fetchall()
    before = snapshot(target.parent)
    with pytest.raises(MartError):
        publish_to(target, con)
    assert snapshot(target.parent) == before


def test_warehouse_is_only_read(con, target):
    tables = con.execute(
        "select schema_name, table_name from duckdb_tables() order by all"
    ).fetchall()
    publish_to(target, con)
    assert (
        con.execute("select schema_name, table_name from duckdb_tables() order by all").fetchall()
        == tables
    )
    databases = con.execute(
        "select database_name from duckdb_databases() where not internal"
    ).fetchall()
    assert databases == [("memory",)]
