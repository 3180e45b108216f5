"""Puts the outcome of waves into the workbench, once each: half a year after the wave closed.

What a wave's outcome is said to be is frozen with its lineage row. Cases that are noted later, and
pupils who are erased, change no row that is out.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise

import duckdb
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.outcome import outcome_plan
from schemas.settings import Settings
from transforms.disclosure import suppress
from warehouse.counted import Counted
from warehouse.did_it_help.answer import Outcome, outcome_of
from warehouse.did_it_help.cells import change_rows, outcome_cells
from warehouse.lineage import LINEAGE
from warehouse.mart import insert_rows

TABLE = "outcome"


def outcome_ripe_on(closes: date) -> date:
    """The first day on which the outcome of a wave that closed then may be published."""
    return closes + timedelta(days=outcome_plan().limits.ripe_days + 1)


def waves_to_tell(
    mart: duckdb.DuckDBPyConnection, settings: Settings, out: Sequence[str], today: date
) -> list[str]:
    """The published waves whose outcome is ripe and not out yet.

    A wave waits for the next one to be out as well, which it is compared with; where none comes it
    waits for as long as one would count.
    """
    told = {
        wave
        for (wave,) in mart.execute(
            "select wave_id from mart.lineage where table_name = ?", [TABLE]
        ).fetchall()
    }
    days = timedelta(days=outcome_plan().limits.next_wave_days)
    ordered = sorted(settings.waves, key=lambda wave: wave.opens)
    after = {one.id: later.id for one, later in pairwise(ordered)}
    return [
        one.id
        for one in ordered
        if one.id in out
        and one.id not in told
        and outcome_ripe_on(one.closes) <= today
        and (after.get(one.id) in out or one.opens + days < today)
    ]


def count_outcome(
    con: duckdb.DuckDBPyConnection,
    waves: Sequence[str],
    *,
    instruments: Mapping[str, Instrument],
    settings: Settings,
    today: date,
) -> tuple[Outcome, Counted]:
    """The outcome with true counts, and its shares as cells on their way to the gate."""
    timezone, schools = settings.schedule.timezone, [school.id for school in settings.schools]
    found = outcome_of(con, waves, instruments=instruments, today=today, timezone=timezone)
    return found, Counted(outcome_cells(found.figures, outcome_plan(), schools))


def fill_outcome(
    mart: duckdb.DuckDBPyConnection, outcome: Outcome, counted: Counted, *, min_n: int
) -> pa.Table:
    """Enter what may be told; returns the cells as the gate shows them, schools held back."""
    shown = suppress(counted.cells, min_n=min_n)
    insert_rows(mart, TABLE, whole_alone(shown))
    declared = dict.fromkeys(_columns(mart, "outcome_change"))
    rows = [declared | row for row in change_rows(outcome, outcome_plan(), min_n=min_n)]
    if rows:
        mart.register("changes", pa.Table.from_pylist(rows, schema=_CHANGES))
        mart.execute("insert into mart.outcome_change by name from changes").fetchall()
        mart.unregister("changes")
    return shown


def note_outcome(
    con: duckdb.DuckDBPyConnection,
    mart: duckdb.DuckDBPyConnection,
    outcome: Outcome,
    waves: Sequence[str],
) -> None:
    """The lineage rows: what the outcome of each wave was defined by, told or not.

    A change rests on the answers of its two waves; shares rest on cases, which nobody delivered.
    """
    digest = hashlib.sha256(outcome_plan().model_dump_json().encode()).hexdigest()
    definitions = {"definitions": "outcome.toml", "definitions_sha256": digest}
    rows: list[dict[str, object]] = []
    for wave in waves:
        asked = {wave, *(one.next_wave for one in outcome.changes if one.wave_id == wave)}
        behind = _deliveries(con, sorted(filter(None, asked)))
        rows.append({"wave_id": wave, "table_name": TABLE, **definitions})
        rows.append({"wave_id": wave, "table_name": "outcome_change", **definitions, **behind})
    insert_rows(mart, "lineage", pa.Table.from_pylist(rows, schema=LINEAGE))


def _deliveries(con: duckdb.DuckDBPyConnection, waves: Sequence[str]) -> dict[str, object]:
    [(count, digest)] = con.execute(
        """
        select count(*), sha256(string_agg(delivery_id, chr(10) order by delivery_id))
        from core.delivery
        where delivery_no in (
            select delivery_no from core.response where list_contains($waves, wave_id)
        )
        """,
        {"waves": list(waves)},
    ).fetchall()
    return {"deliveries": count, "deliveries_sha256": digest}


def whole_alone(shown: pa.Table) -> pa.Table:
    """The lines of the municipality: no others are published."""
    level = shown.column("level").to_pylist()
    return shown.filter(pa.array([one == "municipality" for one in level], pa.bool_()))


def _columns(mart: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    rows = mart.execute(
        "select column_name from information_schema.columns"
        " where table_schema = 'mart' and table_name = ?",
        [table],
    ).fetchall()
    return [name for (name,) in rows]


_TEXTS = ("wave_id", "next_wave", "outcome", "scale", "verdict", "reason")
_NUMBERS = ("difference", "low", "high", "rise", "rise_by_itself", "improved_by_itself")
_CHANGES = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in (*_TEXTS, "followed_band", "waited_band")),
        *(pa.field(name, pa.float64()) for name in (*_NUMBERS, "days_to_first_meeting")),
    ]
)
