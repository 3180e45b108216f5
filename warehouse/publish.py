"""Publishes the analysts' file: figures that passed the disclosure gate, in a new file each time.

The file is built from nothing beside its place, and put there in one step; it is never a copy of
the restricted one with tables dropped. Whoever has the old file open keeps it. A wave that is out
is frozen: late answers and erasures do not republish it, because two editions that differ by one
pupil would give that pupil away (privacy notes, finding 8).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from schemas.indicator import Figure, published_figures
from schemas.instrument import Instrument
from schemas.rule import ClassRule, PupilRule
from schemas.settings import Settings
from schemas.speakable import SpeakableError
from transforms.disclosure import hold_back, suppress
from warehouse.aggregates import Scope, count_indicators, flag_cells, response_cells
from warehouse.counted import Counted
from warehouse.did_it_help.release import (
    TABLE as OUTCOME,
)
from warehouse.did_it_help.release import (
    count_outcome,
    fill_outcome,
    note_outcome,
    waves_to_tell,
    whole_alone,
)
from warehouse.lineage import lineage_rows
from warehouse.mart import (
    WORKBENCH,
    Edition,
    content_id,
    fill_dictionary,
    insert_rows,
    row_counts,
    workbench,
)
from warehouse.printed import Places, carry_over_printed, put_in_place


class PublicationError(SpeakableError):
    """A wave cannot be published; the file that was there before stands untouched."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What stands in the analysts' file, and whether this call changed it."""

    changed: bool
    publication_id: str
    published_at: datetime
    waves: tuple[str, ...]
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the new waves are to be published with."""

    scope: Scope
    figures: tuple[Figure, ...]
    instruments: Mapping[str, Instrument]
    rules: Sequence[PupilRule | ClassRule]
    min_n: int


def publish(
    con: duckdb.DuckDBPyConnection,
    places: Places,
    *,
    wave_ids: Sequence[str],
    settings: Settings,
    instruments: Mapping[str, Instrument],
    rules: Sequence[PupilRule | ClassRule],
    published_at: datetime,
) -> Publication:
    """Put the waves into the analysts' file, beside those that are out already.

    `con` is the restricted warehouse, and is only read. Every wave must be known and closed at
    `published_at` (with time zone), else PublicationError; a wave without answers waits. MartError
    where the file at `target` is not one that we published. The same content writes nothing.
    """
    _require_closed(wave_ids, settings, published_at)
    figures = published_figures(instruments)
    with workbench() as mart:
        before = carry_over_printed(mart, places)
        waves = _waves_to_add(con, wave_ids, before)
        if waves:
            limits = settings.suppression
            schools = tuple(school.id for school in settings.schools)
            scope = Scope(waves, schools, limits.grades_of_schools)
            min_n = limits.min_n
            _add_waves(con, mart, _Plan(scope, figures, instruments, rules, min_n))
        out = {*waves, *(before.waves if before else ())}
        _add_outcomes(con, mart, sorted(out), settings, instruments, published_at)
        fill_dictionary(mart, figures)
        edition = _name_edition(mart, before, waves, published_at)
        rows = row_counts(mart)
        changed = put_in_place(mart, places, edition, rows)
    return Publication(changed, edition.publication_id, edition.published_at, edition.waves, rows)


def _require_closed(wave_ids: Sequence[str], settings: Settings, published_at: datetime) -> None:
    if published_at.tzinfo is None:
        raise ValueError("published_at has no time zone")
    today = published_at.astimezone(ZoneInfo(settings.schedule.timezone)).date()
    closes = {wave.id: wave.closes for wave in settings.waves}
    unknown = set(wave_ids) - set(closes)
    if unknown:
        raise PublicationError(f"{len(unknown)} of the waves to publish are not in klassepuls.toml")
    still_open = sorted(wave for wave in wave_ids if closes[wave] >= today)
    if still_open:
        raise PublicationError(
            f"a wave is published once it has closed; still open: {', '.join(still_open)}"
        )


def _waves_to_add(
    con: duckdb.DuckDBPyConnection, wave_ids: Sequence[str], before: Edition | None
) -> tuple[str, ...]:
    """The waves that have answers and are not out: an empty one is not frozen while it waits."""
    answered = {
        wave for (wave,) in con.execute("select distinct wave_id from core.response").fetchall()
    }
    out = set(before.waves) if before else set()
    return tuple(sorted((set(wave_ids) & answered) - out))


def _add_waves(
    con: duckdb.DuckDBPyConnection, mart: duckdb.DuckDBPyConnection, plan: _Plan
) -> None:
    counted = {
        "indicator": count_indicators(con, plan.figures, plan.scope),
        "response_rate": Counted(response_cells(con, plan.scope)),
        "flag_count": Counted(flag_cells(con, plan.rules, plan.scope)),
    }
    shown = {table: suppress(found.cells, min_n=plan.min_n) for table, found in counted.items()}
    for table, cells in shown.items():
        insert_rows(mart, table, _as_published(table, cells))
    print_safely(mart, counted, shown, waves=plan.scope.waves, min_n=plan.min_n)
    lineage = lineage_rows(
        con,
        shown=_shown(mart, plan),
        rules=plan.rules,
        instruments=plan.instruments,
        waves=plan.scope.waves,
    )
    insert_rows(mart, "lineage", lineage)


def _add_outcomes(
    con: duckdb.DuckDBPyConnection,
    mart: duckdb.DuckDBPyConnection,
    out: Sequence[str],
    settings: Settings,
    instruments: Mapping[str, Instrument],
    published_at: datetime,
) -> None:
    today = published_at.astimezone(ZoneInfo(settings.schedule.timezone)).date()
    waves = waves_to_tell(mart, settings, out, today)
    if not waves:
        return
    min_n = settings.suppression.min_n
    found, counted = count_outcome(
        con, waves, instruments=instruments, settings=settings, today=today
    )
    shown = fill_outcome(mart, found, counted, min_n=min_n)
    if counted.cells.num_rows:
        held = {OUTCOME: counted}
        print_safely(mart, held, {OUTCOME: shown}, waves=waves, min_n=min_n)
    note_outcome(con, mart, found, waves)


# What is held back of a figure that the attacker gets on with, the least first.
_BELOW = ("school_grade", "school", "grade", "gender")
_STEPS = (_BELOW[:1], _BELOW, (*_BELOW, "municipality"))


def print_safely(
    mart: duckdb.DuckDBPyConnection,
    counted: Mapping[str, Counted],
    shown: Mapping[str, pa.Table],
    *,
    waves: Sequence[str],
    min_n: int,
) -> None:
    """Hold back of `shown`, which stands in `mart`, every figure that the attacker gets on with.

    PublicationError where he still gets on, or comes to no end: what is not proven does not come
    out. One figure that is hard to protect takes nothing from the others.
    """
    # Sparse tables take a fifth of a second to load, and most runs publish nothing.
    from transforms.attack.system import AttackError  # noqa: PLC0415
    from warehouse.attacked import slips  # noqa: PLC0415

    held = dict(shown)
    for levels in _STEPS:
        try:
            told = slips(mart, counted, waves=waves, min_n=min_n)
        except AttackError:
            break
        if not told:
            return
        for table in {one.table for one in told}:
            figures = [one.figure for one in told if one.table == table]
            held[table] = hold_back(held[table], figures, levels)
            query = f"delete from mart.{table} where list_contains(?, wave_id)"
            mart.execute(query, [list(waves)]).fetchall()
            insert_rows(mart, table, _as_published(table, held[table]))
    require_nothing_told(mart, counted, waves=waves, min_n=min_n)


def require_nothing_told(
    mart: duckdb.DuckDBPyConnection,
    counted: Mapping[str, Counted],
    *,
    waves: Sequence[str],
    min_n: int,
) -> None:
    """Let the attacker at the tables as they would come out; PublicationError where he gets on.

    So it is too where the attack came to no end: what is not proven is not published.
    """
    # Sparse tables take a fifth of a second to load, and most runs publish nothing.
    from warehouse.attacked import why_not  # noqa: PLC0415

    reason = why_not(mart, counted, waves=waves, min_n=min_n)
    if reason:
        raise PublicationError(reason)


def _as_published(table: str, cells: pa.Table) -> pa.Table:
    """Give the gate's columns the names that the table has for them."""
    names = {
        "indicator": {},
        "response_rate": {"n_band": "enrolled_band", "total_band": "answered_band"},
        "flag_count": {"n_band": "asked_band", "total_band": "n_band"},
        OUTCOME: {},
    }[table]
    renamed = cells.rename_columns([names.get(name, name) for name in cells.column_names])
    if table == OUTCOME:
        return whole_alone(renamed)
    if table != "indicator":
        return renamed
    # Gender is a line of the municipality, not a level of its own.
    position = renamed.schema.get_field_index("level")
    level = renamed.column("level").to_pylist()
    shown = ["municipality" if name == "gender" else name for name in level]
    return renamed.set_column(position, "level", pa.array(shown, pa.string()))


def _shown(mart: duckdb.DuckDBPyConnection, plan: _Plan) -> list[tuple[str, Figure]]:
    by_id = {figure.id: figure for figure in plan.figures}
    pairs = mart.execute(
        "select distinct wave_id, indicator from mart.indicator"
        " where list_contains(?, wave_id) order by all",
        [list(plan.scope.waves)],
    ).fetchall()
    return [(wave, by_id[indicator]) for wave, indicator in pairs]


def _name_edition(
    mart: duckdb.DuckDBPyConnection,
    before: Edition | None,
    waves: Sequence[str],
    published_at: datetime,
) -> Edition:
    publication_id = content_id(mart, WORKBENCH)
    if before and before.publication_id == publication_id:
        published_at = before.published_at
    all_waves = tuple(sorted({*(before.waves if before else ()), *waves}))
    edition = Edition(publication_id, published_at.astimezone(UTC), all_waves)
    mart.execute(
        "insert into mart.publication values (?, ?, ?, ?)",
        [
            edition.publication_id,
            edition.published_at.replace(tzinfo=None),
            version("klassepuls"),
            list(edition.waves),
        ],
    ).fetchall()
    return edition
