"""`klassepuls erase --pupil`: a pupil leaves the home, to the last byte.

First the rows, in one transaction; then the copies of delivered files; then flags and reports are
made again without the pupil; then the databases are written anew, for DuckDB keeps deleted bytes.
At the end everything is searched, and what the search found is an event of the log. Every step
looks for what is still there, so that an erasing that was killed is simply given again. What is
published is frozen and is not touched: it holds no pupil (see docs/explanation/privacy.md).
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from flows.delivery.by_svarut import remove_exports
from flows.erasure.come_again import code_columns
from flows.erasure.files import (
    Plan,
    carry_out,
    clear_own_texts,
    names_of,
    plan_deliveries,
    search,
)
from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.quarantine.told_anew import renew
from flows.reporting import write_reports
from flows.road import flag_waves, opened
from flows.sealing.filing import remove_sealed_of
from schemas.answer import PUPIL_CODE
from transforms.struck import Columns
from warehouse.erase import erase_rows, is_due, is_unfinished, mark_rebuilt, write_proof
from warehouse.erased import erased_digest
from warehouse.failpoint import reach
from warehouse.rebuild import rebuild
from warehouse.report_deliveries import parcels
from warehouse.stages import answered_waves
from warehouse.store import only_writer
from warehouse.whom import (
    Who,
    find_pupil,
    found_in_databases,
    known_contents,
    renamed_contents,
    waiting_of_others,
)
from warehouse.witness import bear_witness

Afterwards = Callable[[duckdb.DuckDBPyConnection, Who], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom to erase: a code, one school of several that know it, and whether for good."""

    code: str = field(repr=False)
    school: str | None = None
    for_good: bool = False


def erase_pupil(home: Home, asked: Asked, *, now: datetime) -> dict[str, Any]:
    """Erase a pupil from the home; returns counts, and what the search at the end found."""
    config = load_config(home)
    if asked.school and asked.school not in {school.id for school in config.settings.schools}:
        raise HomeError("klassepuls.toml has no [[school]] with the id of --school")

    def made_again(con: duckdb.DuckDBPyConnection, who: Who) -> None:
        """Flags and reports that said something of the pupil, or of a class with the pupil."""
        # Whom a sealed report names nobody here can see. Of an erasing that was cut off the schools
        # are forgotten already: then it is all of them.
        known = [school.id for school in config.settings.schools if school.id not in who.others]
        remove_sealed_of(con, home, who.schools or known)
        flag_waves(con, config, answered_waves(con), now=now)
        for wave_id in answered_waves(con):
            write_reports(con, home, config, wave_id, now=now)
        remove_exports(home, but={parcel.version for parcel in parcels(con)})

    return erase_under(home, config, asked, now=now, afterwards=made_again)


def erase_under(
    home: Home,
    config: Config,
    asked: Asked,
    *,
    now: datetime,
    afterwards: Afterwards = lambda _con, _who: None,
) -> dict[str, Any]:
    """Erase a pupil from any folder that is laid out as a home is, such as a backup.

    `config` is the home's own: a backup has neither settings nor a key that could be another.
    `afterwards` makes what follows from the rows again; in a backup nothing does.
    """
    code = plain_code(asked.code)
    with only_writer(home.restricted):
        with opened(home, config, now=now) as con:
            who = find_pupil(con, code, asked.school, key=config.key)
            columns = code_columns(config, spared=frozenset(who.others))
            plan = plan_deliveries(
                home,
                who,
                columns,
                waiting=waiting_of_others(con, who),
                known=known_contents(con),
                renamed=renamed_contents(con),
            )
            counts = _erase(con, home, config, who, plan, for_good=asked.for_good, now=now)
            begun = is_due(con) or is_unfinished(con, erased_digest(code, key=config.key))
            if begun or plan.changes:
                afterwards(con, who)
            texts = clear_own_texts(home, who)
            if begun:
                mark_rebuilt(con, now=now)
                bear_witness(con, home.restricted)
        if begun:
            rebuild(home.restricted)
            reach("after-swap")
        return _proven(home, config, who, columns, now=now) | {
            "schools": list(who.schools),
            "other_schools": list(who.others),
            "rows": counts,
            "files_rewritten": sum(change.content is not None for change in plan.changes),
            "files_removed": sum(change.content is None for change in plan.changes),
            "own_texts_changed": len(texts),
            "left": names_of(plan.left, home),
            "for_good": asked.for_good,
        }


def plain_code(code: str) -> str:
    """The code as it is stored; HomeError where it can be none."""
    plain = unicodedata.normalize("NFKC", code).strip().upper()
    if not re.fullmatch(PUPIL_CODE, plain):
        raise HomeError(
            "--pupil takes a pupil code: letters A-Z, digits and hyphens, 3 to 20 signs"
        )
    return plain


def _erase(
    con: duckdb.DuckDBPyConnection,
    home: Home,
    config: Config,
    who: Who,
    plan: Plan,
    *,
    for_good: bool,
    now: datetime,
) -> dict[str, int]:
    by = hand(config)
    counts = erase_rows(con, who, plan.rewritten, by=by, for_good=for_good, now=now)
    carry_out(plan, today=config.local(now).date())
    renew(con, home, config, sorted(set(renamed_contents(con).values())))
    return counts


def _proven(
    home: Home, config: Config, who: Who, columns: Columns, *, now: datetime
) -> dict[str, Any]:
    """Search the files while nothing is open, then the tables, and tell the log of both."""
    searched = search(home, who, columns)
    reach("before-proof")
    with opened(home, config, now=now) as con:
        cells = found_in_databases(con, who)
        found = {**searched.found, **({"databases": cells} if cells else {})}
        told = {
            "files": searched.files,
            "bytes": searched.bytes,
            "tokens": len(who.tokens),
            "token_bytes": sum(len(token) for token in who.tokens),
            "found": sum(found.values()),
            "found_in": found,
        }
        event = None
        digest = erased_digest(who.code, key=config.key)
        if is_unfinished(con, digest):
            event = write_proof(
                con, told, digest=digest, is_clean=not found, by=hand(config), now=now
            )
            bear_witness(con, home.restricted)
    return {"proof": told | {"event": event, "at": config.local(now).isoformat()}}
