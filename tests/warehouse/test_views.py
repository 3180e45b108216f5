"""The views over the answer tables: made once, and anew when what they are made from changes."""

from collections.abc import Iterator

import duckdb
import pytest

from flows.home import Config
from tests.support.loading import full_config, memory_warehouse, tiny_config
from warehouse import instruments, store
from warehouse.instruments import register


@pytest.fixture
def full() -> Config:
    return full_config()


@pytest.fixture
def con(full: Config) -> Iterator[duckdb.DuckDBPyConnection]:
    with memory_warehouse(full) as made:
        yield made


def views(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The views of core, each with the number that it was given when it was made."""
    return dict(
        con.execute(
            """
            select view_name, view_oid from duckdb_views()
            where view_name in ('answer', 'score') or starts_with(view_name, 'score_')
            """
        ).fetchall()
    )


def test_views_are_left_alone_while_nothing_has_changed(con, full):
    made = views(con)
    assert {"answer", "score", "score_who5_v1"} <= made.keys()
    register(con, full.instruments, full.settings)
    assert views(con) == made


def test_a_view_that_is_gone_is_made_again(con, full):
    con.execute("drop view core.answer").fetchall()
    register(con, full.instruments, full.settings)
    assert con.execute("select count(*) from core.answer").fetchall() == [(0,)]


def test_an_instrument_that_is_new_is_in_the_views(con, full):
    register(con, tiny_config().instruments | full.instruments, full.settings)
    [(text,)] = con.execute(
        "select sql from duckdb_views() where schema_name = 'core' and view_name = 'answer'"
    ).fetchall()
    assert "'tiny_v1'" in text


def test_grades_that_are_mended_count_at_once(con, full):
    who5 = full.instruments["who5_v1"].model_copy(update={"min_grade": 9})
    register(con, {**full.instruments, "who5_v1": who5}, full.settings)
    [(text,)] = con.execute(
        "select sql from duckdb_views() where view_name = 'score_who5_v1'"
    ).fetchall()
    assert "BETWEEN 9" in text


def test_a_new_migration_makes_the_views_anew(con, full, monkeypatch):
    before = views(con)
    newer = {**store.migrations(), "9999_newer.sql": "select 1"}
    monkeypatch.setattr(instruments, "migrations", lambda: newer)
    register(con, full.instruments, full.settings)
    assert not set(before.items()) & set(views(con).items())
