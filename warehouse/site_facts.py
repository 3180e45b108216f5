"""What the data docs tell: facts of the published file, and of the deliveries behind it.

`published_facts` reads the analysts' file and nothing else, so the analysts' pages can say nothing
that the file does not. `delivery_facts` reads the restricted warehouse, for the operator's page.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from warehouse.analysis import ask
from warehouse.instruments import answer_table
from warehouse.mart import verified_edition

Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class PublishedFacts:
    """The published file in rows: what it says of itself, and counts of what it shows and hides."""

    publication_id: str
    published_at: datetime  # UTC
    version: str
    waves: tuple[str, ...]
    tables: Rows  # table_name, comment
    columns: Rows  # table_name, column_name, data_type, comment
    row_counts: Mapping[str, int]
    dictionary: Rows
    lineage: Rows
    figures: Rows  # indicator, statistic, waves, instrument
    response: Rows  # wave_id, level, school_id, answered_band, enrolled_band, value, suppressed
    hidden: Rows  # wave_id, table_name, level, by, figures, hidden


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """Files and rows by what became of them, and the deliveries behind each published figure."""

    files: Rows  # kind, survey_id, outcome, files, delivered, accepted, quarantined, dropped
    reasons: Rows  # reason_code, files, rows
    behind: Rows  # wave_id, forms, deliveries (ids), digest, is_as_published


def published_facts(published: Path) -> PublishedFacts:
    """Read the published file; QueryError where there is none, MartError where it is not ours."""
    edition = verified_edition(published)
    rows = {name: ask(published, query).to_pylist() for name, query in _PUBLISHED.items()}
    [one] = rows.pop("publication")
    counts = {
        table["table_name"]: ask(
            published, f"select count(*) as n from mart.{table['table_name']}"
        ).to_pylist()[0]["n"]
        for table in rows["tables"]
    }
    return PublishedFacts(
        publication_id=edition.publication_id,
        published_at=edition.published_at,
        version=one["klassepuls_version"],
        waves=edition.waves,
        row_counts=counts,
        **rows,
    )


_PUBLISHED = {
    "publication": "from mart.publication",
    "tables": """
        select table_name, comment from duckdb_tables()
        where schema_name = 'mart' and database_name = 'published' order by table_name
    """,
    "columns": """
        select table_name, column_name, lower(data_type) as data_type, comment
        from duckdb_columns()
        where schema_name = 'mart' and database_name = 'published'
        order by table_name, column_index
    """,
    "dictionary": "from mart.dictionary order by entry, table_name, name",
    "lineage": "from mart.lineage order by all",
    "figures": """
        select i.indicator, any_value(i.statistic) as statistic,
            list_sort(list(distinct i.wave_id)) as waves, any_value(l.definitions) as instrument
        from mart.indicator i
        left join mart.lineage l on l.indicator = i.indicator and l.wave_id = i.wave_id
        group by i.indicator order by i.indicator
    """,
    "response": """
        from mart.response_rate order by wave_id, level, school_id
    """,
    "hidden": """
        select wave_id, 'indicator' as table_name, level,
            case when gender is not null then 'gender'
                when level = 'school' and grade is not null then 'school_grade'
                else level end as place,
            count(*) as figures, count(*) filter (suppressed) as hidden
        from mart.indicator group by all
        union all
        select wave_id, 'response_rate', level, level, count(*), count(*) filter (suppressed)
        from mart.response_rate group by all
        union all
        select wave_id, 'flag_count', level, level, count(*), count(*) filter (suppressed)
        from mart.flag_count group by all
        order by all
    """,
}


def delivery_facts(
    con: duckdb.DuckDBPyConnection, lineage: Sequence[Mapping[str, Any]]
) -> DeliveryFacts:
    """Files, reasons and the deliveries behind `lineage`, the rows of the published mart.lineage.

    `con` is the restricted warehouse, and is only read.
    """
    return DeliveryFacts(
        files=_rows(con, _FILES), reasons=_rows(con, _REASONS), behind=_behind(con, lineage)
    )


_FILES = """
    select kind, survey_id, outcome, count(*) as files, sum(delivered)::bigint as delivered,
        sum(accepted)::bigint as accepted, sum(quarantined)::bigint as quarantined,
        sum(dropped)::bigint as dropped
    from core.delivery group by kind, survey_id, outcome order by all
"""
_REASONS = """
    with told as (
        select reason_code, delivery_no, 0 as held from core.delivery
        where reason_code is not null
        union all
        select unnest(reason_codes), delivery_no, 1 from quarantine.row
    )
    select reason_code, count(distinct delivery_no) as files, sum(held)::bigint as rows
    from told group by reason_code order by reason_code
"""


def _rows(con: duckdb.DuckDBPyConnection, query: str) -> Rows:
    found: Rows = con.sql(query).to_arrow_table().to_pylist()
    return found


def _behind(con: duckdb.DuckDBPyConnection, lineage: Sequence[Mapping[str, Any]]) -> Rows:
    """One row a wave and set of forms: who stands behind it now, and whether that is as it was."""
    there = {
        f"{schema}.{table}"
        for schema, table in con.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    was = dict(con.execute("select delivery_id, was from audit.rewritten").fetchall())
    published = {
        (row["wave_id"], _forms(row)): row["deliveries_sha256"]
        for row in lineage
        # What came of a wave's flags rests on two waves, and on cases, which no delivery brought.
        if _forms(row) in there and not row["table_name"].startswith("outcome")
    }
    found: Rows = []
    for (wave, forms), digest in sorted(published.items()):
        ids = _delivery_ids(con, wave, forms)
        original = [_first(one, was) for one in ids]
        found.append(
            {
                "wave_id": wave,
                "forms": forms,
                "deliveries": ids,
                "digest": _sha256(ids),
                "is_as_published": digest in (_sha256(ids), _sha256(original)),
            }
        )
    return found


def _forms(row: Mapping[str, Any]) -> str:
    """The table that tells whose answers a figure rests on: see `lineage_rows`."""
    return answer_table(row["definitions"]) if row["indicator"] else "core.response"


def _first(delivery: str, was: Mapping[str, str]) -> str:
    """What a delivery was called before rows of erased pupils were struck from it."""
    while delivery in was:
        delivery = was[delivery]
    return delivery


def _delivery_ids(con: duckdb.DuckDBPyConnection, wave: str, forms: str) -> list[str]:
    rows = con.execute(
        f"""
        select distinct delivery_id
        from core.response join core.delivery using (delivery_no)
        where wave_id = $wave and response_id in (select response_id from {forms})
        order by delivery_id
        """,
        {"wave": wave},
    ).fetchall()
    return [delivery for (delivery,) in rows]


def _sha256(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
