"""The vault: the pupil codes that have come in, in a file of their own, for the reports alone.

A pseudonym cannot be turned back, so the codes of a school are turned forward again when its report
is written, and matched.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from transforms.pseudonym import PseudonymKey, keyed_digest, names_sql
from warehouse.keys import OtherKeyError
from warehouse.stood import STOOD_SQL


def require_same_key(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> None:
    """OtherKeyError unless it is the home's own key: by another one nothing here is known again."""
    digest = keyed_digest(b"klassepuls", key=key)
    known = con.execute("select digest from vault.key_check").fetchall()
    if not known:
        con.execute("insert into vault.key_check values ($digest)", {"digest": digest}).fetchall()
    elif known != [(digest,)]:
        raise OtherKeyError(
            "restricted/vault/home.key (in an older home pseudonym.key) or the municipality number"
            " is another than the one that this home was filled with: put the old one back"
        )


def remember_codes(con: duckdb.DuckDBPyConnection, seen: pa.Table) -> None:
    """Keep codes (columns pupil_code, school_id), committed at once and apart from `con`."""
    vault = con.cursor()
    try:
        vault.register("seen", seen)
        vault.execute("""
            insert into vault.code
            select distinct pupil_code, school_id from seen
            anti join vault.code using (pupil_code, school_id)
        """).fetchall()
    finally:
        vault.close()


def codes_of_flagged(
    con: duckdb.DuckDBPyConnection, wave_id: str, school_ids: Sequence[str], *, key: PseudonymKey
) -> dict[str, dict[str, str]]:
    """For each of the schools, pseudonym -> code of its pupils who are flagged in a wave.

    And of those who ask for help in a form that waits, or whose flag another form contradicts.

    A school's report knows that school's codes alone, though the same code may lie at another.
    """
    con.execute(
        f"create or replace temp table sought_pupil as {_SOUGHT_SQL}", {"wave": wave_id}
    ).fetchall()
    versions = con.execute(
        "select distinct split_part(pupil, '-', 1)[2:]::integer from sought_pupil"
    ).fetchall()
    used = key.only([version for (version,) in versions])
    names = names_sql("pupil_code", key=used)
    found = []
    if names and versions:
        found = con.execute(
            f"""
            with turned as (
                select school_id, pupil_code, unnest([{", ".join(names.values())}]) as pupil
                from vault.code where school_id in (select unnest($schools))
            )
            select school_id, pupil, pupil_code
            from turned semi join sought_pupil using (school_id, pupil)
            """,
            {"schools": list(school_ids), **used.pupil_parameters()},
        ).fetchall()
    con.execute("drop table temp.sought_pupil").fetchall()
    codes: dict[str, dict[str, str]] = {school_id: {} for school_id in school_ids}
    for school_id, pupil, code in found:
        codes[school_id][pupil] = code
    return codes


_SOUGHT_SQL = f"""
    select school_id, pupil from core.flag
    where wave_id = $wave and status <> 'withdrawn' and pupil is not null
    union
    select school_id, pupil from ({STOOD_SQL}) where pupil is not null
    union
    select school_id, pupil from quarantine.asking where told_in = $wave and pupil is not null
"""
