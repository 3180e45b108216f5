"""Pupils of an older key who are carried over: what each is called under the newer one.

What is kept is the decision, not a map: the map follows from the vault and the two keys, and is
made anew before a wave is flagged. So a late form of an old wave is turned with that year's key as
ever, a code that is erased from the vault is linked no more, and nothing has to be turned twice.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from transforms.flag_inputs import NAMED_NOW_SQL, WAVES_BEFORE_SQL
from transforms.pseudonym import PseudonymKey, names_sql
from warehouse import audit
from warehouse.audit import Hand
from warehouse.failpoint import reach
from warehouse.keys import CARRIED
from warehouse.store import transaction
from warehouse.whom import FORMS


def carried(con: duckdb.DuckDBPyConnection) -> list[tuple[int, int]]:
    """The pairs of versions that were carried over, the older of each first."""
    found: list[tuple[int, int]] = con.execute(
        "select from_version, to_version from audit.key_carried order by all"
    ).fetchall()
    return found


def carry_over(
    con: duckdb.DuckDBPyConnection,
    older: int,
    newer: int,
    *,
    reason: str,
    by: Hand,
    now: datetime,
) -> int:
    """Decide that the pupils of two keys are the same; returns how many codes the vault has."""
    with transaction(con):
        [(codes,)] = con.execute("select count(distinct pupil_code) from vault.code").fetchall()
        told: Mapping[str, object] = {"from": older, "to": newer, "reason": reason, "codes": codes}
        event = audit.append(con, by=by, action=CARRIED, subject="key", detail=told, now=now)
        con.execute(
            "insert into audit.key_carried values ($older, $newer, $event)",
            {"older": older, "newer": newer, "event": event},
        ).fetchall()
        reach("before-carry-commit")
    return int(codes)


def renew_same_pupils(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> None:
    """Make `core.same_pupil` anew: pairs of names that both stand in some row, and no others."""
    pairs = _pairs(carried(con), {one.version for one in key.versions})
    if not pairs:
        con.execute("delete from core.same_pupil").fetchall()
        return
    used = key.only({version for pair in pairs for version in pair})
    names = names_sql("pupil_code", key=used)
    turned = ", ".join(f"{name} as k{version}" for version, name in names.items())
    rows = " union all ".join(
        f"select k{older} as pupil, k{newer} as known_as from turned" for older, newer in pairs
    )
    with transaction(con):
        con.execute("delete from core.same_pupil").fetchall()
        con.execute(
            f"""
            insert into core.same_pupil
            with turned as (
                select {turned} from (select distinct pupil_code from vault.code)
            ),
            present as (
                select pupil from {FORMS} where pupil is not null
                union select pupil from core.enrolment where pupil is not null
            )
            select pupil, known_as from ({rows})
            where pupil in (from present) and known_as in (from present)
            """,
            used.pupil_parameters(),
        ).fetchall()


def is_first_of_key(con: duckdb.DuckDBPyConnection, wave_id: str) -> bool:
    """Whether pupils answered within the last year, but nobody under the key of this wave."""
    [(is_one,)] = con.execute("select count(*) <= 1 from audit.key_version").fetchall()
    if is_one:
        return False
    [(is_first,)] = con.execute(
        f"""
        with before as (
            select distinct split_part(pupil, '-', 1) as made_with
            from core.response semi join ({WAVES_BEFORE_SQL}) using (wave_id)
            where pupil is not null
        )
        select count(*) > 0 and not exists ({NAMED_NOW_SQL}) and count(*) filter (
            made_with in (
                select split_part(pupil, '-', 1) from core.response
                where wave_id = $wave and pupil is not null
            )
        ) = 0
        from before
        """,
        {"wave": wave_id},
    ).fetchall()
    return bool(is_first)


def _pairs(carried_over: list[tuple[int, int]], here: set[int]) -> list[tuple[int, int]]:
    """Every older and newer version that decisions link, whether at once or one after the other."""
    linked = {pair for pair in carried_over if set(pair) <= here}
    while more := {(a, d) for a, b in linked for c, d in linked if b == c} - linked:
        linked |= more
    return sorted(linked)
