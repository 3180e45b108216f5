"""The gate on the road: what a careless suppressor would have left never comes out."""

import duckdb
import polars as pl
import pytest

from schemas.indicator import published_figures
from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules
from tests.publish.build import deliver, settings
from tests.publish.publishing import AFTER_AUTUMN, classes, ledger_of, publish_to, snapshot
from transforms.disclosure import suppress
from warehouse.aggregates import Scope, count_indicators, flag_cells, response_cells
from warehouse.counted import Counted
from warehouse.mart import carry_over, content_id, workbench
from warehouse.publish import PublicationError, print_safely, require_nothing_told

SPRING = "2026-spring"
BULLIED = "klassepuls_core_v1.bullied"


@pytest.fixture
def counted(con):
    """The true counts of a wave in which one school of six is small."""
    deliver(con, classes("F", size=2, bullied=1))
    scope = Scope((SPRING,), tuple("ABCDEF"), grades_of_schools=True)
    return {
        "indicator": count_indicators(con, published_figures(shipped_instruments()), scope),
        "response_rate": Counted(response_cells(con, scope)),
        "flag_count": Counted(flag_cells(con, shipped_rules(), scope)),
    }


@pytest.fixture
def mart(con, counted, target):
    """The tables as they are about to come out, to be spoilt."""
    publish_to(target, con, limits=settings(schools="ABCDEF"))
    with workbench() as mart:
        carry_over(mart, target)
        yield mart


def gate(mart, counted) -> None:
    require_nothing_told(mart, counted, waves=(SPRING,), min_n=5)


def test_what_the_suppressor_leaves_comes_out(mart, counted):
    gate(mart, counted)


def print_again(mart, schools: str, value: float) -> None:
    """Show the share of bullied for schools, or for the whole (no name)."""
    mart.execute(
        """
        update mart.indicator set n_band = '20-49', value = ?, suppressed = false
        where indicator = ? and grade is null and gender is null
            and list_contains(?, coalesce(school_id, ''))
        """,
        [value, BULLIED, schools.split(",")],
    ).fetchall()


def test_a_suppressor_that_hides_no_siblings_is_stopped(mart, counted):
    # Six in 48 of each other school: what is left of the municipality is the small school alone.
    print_again(mart, "A,B,C,D,E", 0.1)
    with pytest.raises(PublicationError, match="1 whole shown beside fewer than three") as refused:
        gate(mart, counted)
    assert "2026-spring, indicator: 1 whole" in str(refused.value)
    assert "raise suppression.min_n" in str(refused.value)


def test_a_suppressor_that_shows_a_small_school_is_stopped(mart, counted):
    print_again(mart, "F", 0.2)
    with pytest.raises(PublicationError, match="1 shown that must be hidden"):
        gate(mart, counted)


def test_a_number_left_beside_the_word_hidden_is_found(mart, counted):
    mart.execute(
        "update mart.indicator set n_band = '5-9' where school_id = 'F' and indicator = ?",
        [BULLIED],
    ).fetchall()
    with pytest.raises(PublicationError, match=r"must be hidden|could not be proven"):
        gate(mart, counted)


def test_a_rounding_that_is_not_ours_is_not_proven(mart, counted):
    print_again(mart, "", 0.5)
    with pytest.raises(PublicationError, match="could not be proven"):
        gate(mart, counted)


def test_a_line_that_was_not_counted_is_not_proven(mart, counted):
    mart.execute("update mart.indicator set school_id = 'Z' where school_id = 'A'").fetchall()
    with pytest.raises(PublicationError, match="not counted"):
        gate(mart, counted)


def test_a_refusal_says_no_name_and_no_value(mart, counted):
    print_again(mart, "A,B,C,D,E", 0.1)
    with pytest.raises(PublicationError) as refused:
        gate(mart, counted)
    assert "0.1" not in str(refused.value)
    assert BULLIED not in str(refused.value)


def test_what_came_out_before_is_read_too_and_a_refusal_leaves_the_old_file(con, target):
    publish_to(target, con)
    ledger_of(target).unlink()
    with duckdb.connect() as other:
        other.execute(f"attach '{target}' as before").fetchall()
        # As if an earlier edition had said something of a school's autumn already.
        other.execute(
            """
            insert into before.mart.indicator
            select * replace ('2026-autumn' as wave_id, 0.5 as value) from before.mart.indicator
            where school_id = 'A' and grade is null and indicator = ?
            """,
            [BULLIED],
        ).fetchall()
        named = content_id(other, "before")
        other.execute("update before.mart.publication set publication_id = ?", [named]).fetchall()
    deliver(con, [form for school in "ABCDE" for form in classes(school, "2026-autumn")])
    before = snapshot(target.parent)
    with pytest.raises(PublicationError, match=r"2026-autumn: nothing is published.*indicator"):
        publish_to(target, con, "2026-autumn", at=AFTER_AUTUMN)
    assert snapshot(target.parent) == before


def careless(counted, schools):
    """What a suppressor would show that hides the small school and no sibling of it."""
    shown = {table: suppress(found.cells, min_n=5) for table, found in counted.items()}
    cells = shown["indicator"]
    spoilt = pl.DataFrame(cells).with_columns(
        pl.when(
            pl.col("indicator") == BULLIED,
            pl.col("level") == "school",
            pl.col("school_id").is_in(list(schools)),
        )
        .then(pl.lit(0.1))
        .otherwise(pl.col("value"))
        .alias("value")
    )
    return shown | {"indicator": spoilt.to_arrow().cast(cells.schema)}


def printed(mart, condition="true"):
    return mart.execute(f"from mart.indicator where {condition} order by all").fetchall()


def test_what_the_attacker_gets_on_with_is_held_back_and_nothing_else(mart, counted):
    others = printed(mart, f"indicator <> '{BULLIED}'")
    whole = printed(mart, f"indicator = '{BULLIED}' and school_id is null and grade is null")
    print_again(mart, "A,B,C,D,E", 0.1)
    print_safely(mart, counted, careless(counted, "ABCDE"), waves=(SPRING,), min_n=5)
    gate(mart, counted)
    assert printed(mart, f"indicator <> '{BULLIED}'") == others
    shown = f"indicator = '{BULLIED}' and value is not null"
    assert printed(mart, f"{shown} and school_id is not null") == []
    assert printed(mart, shown) == [row for row in whole if row in printed(mart, "gender is null")]
