"""What an analyst can ask of the published file, and what a query cannot do."""

import json

import duckdb
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from flows.cli import main
from schemas.mart import mart_tables
from tests.publish.publishing import publish_to
from warehouse.analysis import QueryError, ask, named_queries, without_formulas


def sql(target, *arguments):
    return main(["sql", "--file", str(target), *map(str, arguments)])


def test_a_query_is_answered_as_a_table_and_as_json(con, target, capsys):
    publish_to(target, con)
    query = "select count(*) as tables from mart.dictionary where entry = 'table'"
    assert sql(target, query) == 0
    assert "tables" in capsys.readouterr().out
    assert sql(target, query, "--json") == 0
    assert json.loads(capsys.readouterr().out) == [{"tables": len(mart_tables())}]


@pytest.mark.parametrize("name", sorted(named_queries()))
def test_every_query_that_comes_with_it_has_rows_and_says_what_it_answers(con, target, name):
    publish_to(target, con)
    named = named_queries()[name]
    assert len(named.about) > 20
    assert ask(target, named.sql).num_rows > 0


def test_the_list_names_every_query(capsys):
    assert main(["sql", "--list"]) == 0
    told = capsys.readouterr().out
    assert all(f"{name} " in told for name in named_queries())


def test_an_answer_is_written_as_csv_parquet_and_json(con, target, tmp_path):
    publish_to(target, con)
    expected = ask(target, named_queries()["grades"].sql)
    for ending, reading in (("csv", csv.read_csv), ("parquet", parquet.read_table)):
        out = tmp_path / f"answer.{ending}"
        assert sql(target, "--named", "grades", "--out", out) == 0
        assert reading(out).num_rows == expected.num_rows
    assert sql(target, "--named", "grades", "--out", tmp_path / "answer.json") == 0
    assert json.loads((tmp_path / "answer.json").read_text()) == expected.to_pylist()
    assert sql(target, "--named", "grades", "--out", tmp_path / "answer.xlsx") == 2


def test_a_text_that_a_spreadsheet_takes_for_a_formula_is_quoted():
    table = pa.table({"text": ["=1+1", "@x", "-3", "5A", None], "number": [-1, 2, 3, 4, 5]})
    assert without_formulas(table).to_pydict() == {
        "text": ["'=1+1", "'@x", "'-3", "5A", None],
        "number": [-1, 2, 3, 4, 5],
    }


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_csv('{other}')",
        "copy mart.indicator to '{other}'",
        "attach '{other}' as other",
        "update mart.indicator set value = 1",
        "insert into mart.indicator select * from mart.indicator",
        "drop table mart.indicator",
        "set enable_external_access = true",
        "select nothing from mart.indicator",
        "",
    ],
)
def test_a_query_reaches_no_other_file_and_changes_nothing(con, target, tmp_path, query):
    publish_to(target, con)
    other = tmp_path / "other.csv"
    other.write_text("a\n1\n")
    before = target.read_bytes(), other.read_bytes()
    with pytest.raises(QueryError):
        ask(target, query.format(other=other))
    assert (target.read_bytes(), other.read_bytes()) == before


def test_what_is_wrong_is_said_with_the_exit_code_of_wrong_usage(con, target, capsys):
    assert sql(target, "select 1") == 2
    assert "published some days after they close" in capsys.readouterr().err
    publish_to(target, con)
    assert sql(target, "--named", "nothing") == 2
    assert "there are flags, grades" in capsys.readouterr().err
    assert sql(target, "select no_such_column from mart.indicator") == 2
    assert "no_such_column" in capsys.readouterr().err


def test_a_reader_who_has_it_open_hinders_nobody(con, target):
    publish_to(target, con)
    with duckdb.connect(str(target), read_only=True):
        assert ask(target, "select 1 as one").to_pylist() == [{"one": 1}]
