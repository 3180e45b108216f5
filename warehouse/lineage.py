"""Where the published figures come from: which deliveries, and which definitions.

Delivery ids stay in the restricted warehouse, since a delivery is often one class: what is
published is one checksum over all of a wave's.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from schemas.declared import Declared
from schemas.indicator import Figure
from schemas.instrument import Instrument
from schemas.rule import ClassRule, PupilRule
from warehouse.instruments import answer_table

LINEAGE = pa.schema(
    [
        pa.field("wave_id", pa.string()),
        pa.field("table_name", pa.string()),
        pa.field("indicator", pa.string()),
        pa.field("deliveries", pa.int64()),
        pa.field("deliveries_sha256", pa.string()),
        pa.field("definitions", pa.string()),
        pa.field("definitions_sha256", pa.string()),
    ]
)
_Deliveries = dict[str, dict[str, object]]  # wave -> deliveries and deliveries_sha256


def lineage_rows(
    con: duckdb.DuckDBPyConnection,
    *,
    shown: Iterable[tuple[str, Figure]],
    rules: Sequence[PupilRule | ClassRule],
    instruments: Mapping[str, Instrument],
    waves: Sequence[str],
) -> pa.Table:
    """One row a wave and table, and for indicators one a figure; `shown` is (wave, figure)."""
    con.execute(_BEHIND_SQL, [list(waves)]).fetchall()
    rows = list(_indicator_rows(con, shown, instruments))
    whole = _deliveries(con, "core.response")
    con.execute("drop table temp.behind").fetchall()
    ordered = sorted(rules, key=lambda rule: rule.id)
    ruled = {
        "definitions": ", ".join(f"{rule.id} v{rule.edition}" for rule in ordered),
        "definitions_sha256": _sha256_of(ordered),
    }
    for wave in waves:
        for table, definitions in (("response_rate", {}), ("flag_count", ruled)):
            rows.append({"wave_id": wave, "table_name": table, **definitions, **whole[wave]})
    return pa.Table.from_pylist(rows, schema=LINEAGE)


def _indicator_rows(
    con: duckdb.DuckDBPyConnection,
    shown: Iterable[tuple[str, Figure]],
    instruments: Mapping[str, Instrument],
) -> Iterator[dict[str, object]]:
    behind: dict[str, _Deliveries] = {}
    for wave, figure in shown:
        key = figure.instrument
        if key not in behind:
            behind[key] = _deliveries(con, answer_table(key))
        yield {
            "wave_id": wave,
            "table_name": "indicator",
            "indicator": figure.id,
            "definitions": key,
            "definitions_sha256": _sha256_of([instruments[key], figure]),
            **behind[key][wave],
        }


# All forms of a delivery went into the same tables, so that one of them tells for all.
_BEHIND_SQL = """
    create or replace temp table behind as
    select wave_id, delivery_no, min(response_id) as response_id
    from core.response where list_contains(?, wave_id) group by all
"""


def _deliveries(con: duckdb.DuckDBPyConnection, forms: str) -> _Deliveries:
    """The deliveries behind the forms of a table, counted and put in one checksum a wave."""
    found = con.execute(f"""
        select wave_id, count(*), sha256(string_agg(delivery_id, chr(10) order by delivery_id))
        from behind join core.delivery using (delivery_no)
        where response_id in (select response_id from {forms})
        group by wave_id
    """).fetchall()
    return {
        wave: {"deliveries": deliveries, "deliveries_sha256": digest}
        for wave, deliveries, digest in found
    }


def _sha256_of(definitions: Sequence[Declared]) -> str:
    text = "\n".join(definition.model_dump_json() for definition in definitions)
    return hashlib.sha256(text.encode()).hexdigest()
