"""The vault: the pupil codes that have come in, in a file of their own, for the reports alone.

A pseudonym cannot be turned back, so the codes of a school are turned forward again when its report
is written, and matched.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey, keyed_digest, pseudonym_sql
from warehouse.stood import STOOD_SQL


class OtherKeyError(SpeakableError):
    """The key or the municipality number is not the one that the pseudonyms here were made with."""


def require_same_key(con: duckdb.DuckDBPyConnection, key: PseudonymKey) -> None:
    """Stop before every pupil becomes another one: a new key would double them all, in silence."""
    digest = keyed_digest(b"klassepuls", key=key)
    known = con.execute("select digest from vault.key_check").fetchall()
    if not known:
        con.execute("insert into vault.key_check values ($digest)", {"digest": digest}).fetchall()
    elif known != [(digest,)]:
        raise OtherKeyError(
            "restricted/vault/pseudonym.key or the municipality number is another than the one"
            " that this home was filled with: put the old one back"
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
    found = con.execute(
        f"""
        with turned as (
            select school_id, pupil_code, {pseudonym_sql("pupil_code", key=key, domain="pupil")}
                as pupil
            from vault.code where school_id in (select unnest($schools))
        )
        select school_id, pupil, pupil_code from turned semi join (
            select school_id, pupil from core.flag
            where wave_id = $wave and status <> 'withdrawn'
            union all
            select school_id, pupil from ({STOOD_SQL})
            union all
            select school_id, pupil from quarantine.asking where told_in = $wave
        ) using (school_id, pupil)
        """,
        {"wave": wave_id, "schools": list(school_ids), **key.parameters()},
    ).fetchall()
    codes: dict[str, dict[str, str]] = {school_id: {} for school_id in school_ids}
    for school_id, pupil, code in found:
        codes[school_id][pupil] = code
    return codes
