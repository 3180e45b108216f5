"""Did it help: the programme in counts and the change by the next wave, of every wave asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from schemas.case_life import case_life
from schemas.instrument import Instrument
from schemas.outcome import Claim, OutcomePlan, Reason, outcome_plan
from transforms.did_it_help.answer import (
    PRIMARY,
    Change,
    Measured,
    change_of_classes,
    change_of_pupils,
    not_told,
)
from transforms.did_it_help.figures import figures
from transforms.did_it_help.programme import told_of
from warehouse.did_it_help.read import (
    asked_in,
    between,
    case_tables,
    flags_of,
    groups_of,
    pairs,
    primary_reliability,
    spread_of,
    waves_after,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`figures`: see `figures`, with true counts. `changes`: one for each outcome of each wave."""

    figures: pl.DataFrame
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class _Scope:
    con: duckdb.DuckDBPyConnection
    plan: OutcomePlan
    instruments: Mapping[str, Instrument]
    groups: pl.DataFrame


def outcome_of(
    con: duckdb.DuckDBPyConnection,
    waves: Sequence[str],
    *,
    instruments: Mapping[str, Instrument],
    today: date,
    timezone: str,
) -> Outcome:
    """Read and count; the connection is only read. Counts are true ones: see `figures`."""
    plan = outcome_plan()
    told = told_of(case_tables(con, timezone), plan, case_life(), today)
    scope = _Scope(con, plan, instruments, groups_of(con))
    changes = [change for wave in waves for change in _changes(scope, wave)]
    rows = [change.improved for change in changes if change.improved is not None]
    told = pl.concat([told, *(one.select(told.columns) for one in rows)])
    return Outcome(figures(told.filter(pl.col("wave_id").is_in(list(waves))), plan), tuple(changes))


def _changes(scope: _Scope, wave: str) -> list[Change]:
    asked = [(PRIMARY, None), *((claim.id, claim) for claim in scope.plan.claims if claim.inputs)]
    later = waves_after(scope.con, wave, scope.plan.limits.next_wave_days)
    if not later:
        return [not_told(wave, outcome, "no_next_wave") for outcome, _ in asked]
    return [_change(scope, wave, later, outcome, claim) for outcome, claim in asked]


def _change(
    scope: _Scope, wave: str, later: Sequence[str], outcome: str, claim: Claim | None
) -> Change:
    """The first declared outcome that the wave and a later one asked; the first such later wave."""
    names = claim.inputs if claim else [one.input for one in scope.plan.primaries]
    asked = {name: asked_in(scope.con, name, [wave, *later]) for name in names}
    here = {name: waves for name, waves in asked.items() if wave in waves}
    found = [(name, at) for name, waves in here.items() for at in later if at in waves]
    if not found:
        reason: Reason = "another_instrument" if here else "not_asked"
        return not_told(wave, outcome, reason, later[0])
    name, next_wave = found[0]
    place, days = (wave, next_wave, outcome), between(scope.con, wave, next_wave)
    measured = Measured(
        name,
        pairs(scope.con, name, wave, next_wave),
        spread_of(scope.con, name, wave),
        primary_reliability(scope.instruments, name),
    )
    limits = scope.plan.limits
    if claim and claim.who == "classmates":
        return change_of_classes(place, measured, scope.groups, days, limits)
    flags = flags_of(scope.con, wave)
    return change_of_pupils(place, measured, flags, scope.groups, days, limits)
