"""The vault: the pupil codes that have come in, in a file of their own, for the reports alone.

A pseudonym cannot be turned back, so the codes of a school are turned forward again when its report
is written, and matched.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from schemas.speakable import SpeakableError
from transforms.pseudonym import PseudonymKey, keyed_digest, pseudonym_sql


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
    con: duckdb.DuckDBPyConnection, wave_id: str, school_id: str, *, key: PseudonymKey
) -> Mapping[str, str]:
    """Pseudonym -> pupil code, for the pupils of one school who have an open flag in one wave."""
    found = con.execute(
        f"""
        with turned as (
            select {pseudonym_sql("pupil_code", key=key, domain="pupil")} as pupil, pupil_code
            from vault.code where school_id = $school
        )
        select pupil, pupil_code from turned semi join (
            from core.flag where wave_id = $wave and school_id = $school and status <> 'withdrawn'
        ) using (pupil)
        """,
        {"wave": wave_id, "school": school_id, **key.parameters()},
    ).fetchall()
    return dict(found)
