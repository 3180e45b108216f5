"""Class lists whose pupil codes lost their leading zeros: none of it is used, and somebody is told.

A spreadsheet saves 0404 as 404, in lists as in answers (warehouse/lost_zeros.py). Such a list would
make every pupil leave, and put pupils in the classes whom nobody knows. So a list waits as a whole
that has codes which its school knows with zeros in front only, from any form that has come or from
the list in force. Where the list came first, nobody could tell: it is told with the answers.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from schemas.reason import Reason
from transforms.pseudonym import PseudonymKey, under_each_key_sql
from transforms.readers.reading import FileProblem
from warehouse.choice_zeros import MOST_ZEROS
from warehouse.lost_zeros import LEAST_SHOWN

_OF_DIGITS = "regexp_full_match(pupil, '[0-9]+')"
_LISTED = """
    select school_id, pupil from core.enrolment where pupil is not null and unlisted_by is null
"""


def require_whole_codes(
    con: duckdb.DuckDBPyConnection, pupils: pa.Table, *, key: PseudonymKey
) -> None:
    """Raise CODE_WITHOUT_ZEROS where codes of a list lost the zeros that the school has them with.

    `pupils`: pupil (the code) and school_id of a list's rows. A code that the list has with its
    zeros as well is another pupil's; so is one whose form counts beside the whole code's.
    """
    other = "(school_id, entire) not in (select (school_id, pupil) from on_list)"
    if _cut_codes(con, pupils, other, key=key):
        raise FileProblem(Reason.CODE_WITHOUT_ZEROS, column="pupil_code")


def rows_without_zeros(
    con: duckdb.DuckDBPyConnection, codes: pa.Table, *, key: PseudonymKey
) -> int:
    """How many rows of answers have a code that their school knows with zeros in front.

    `codes`: pupil_code and school_id of the rows. Nothing is written, so `con` may be read-only.
    """
    pupils = codes.rename_columns({"pupil_code": "pupil"})
    listed = f"not ((school_id, code_name) in ({_LISTED}) and (school_id, whole) in ({_LISTED}))"
    cut = _cut_codes(con, pupils, "true", key=key, but=listed)
    rows = zip(*(pupils.column(name).to_pylist() for name in ("school_id", "pupil")), strict=True)
    return sum(row in cut for row in rows)


def _cut_codes(
    con: duckdb.DuckDBPyConnection,
    pupils: pa.Table,
    wanted: str,
    *,
    key: PseudonymKey,
    but: str = "true",
) -> set[tuple[str, str]]:
    """Schools and codes of `pupils` that are a known code but for zeros in front.

    `wanted` and `but` say which: of (school_id, code, entire), and of the pseudonyms of both, which
    a pupil has under each key.
    """
    con.register("on_list", pupils.select(["pupil", "school_id"]))
    parameters = {"most": MOST_ZEROS, **key.pupil_parameters()}
    con.execute(_turned_sql(key, wanted), parameters).fetchall()
    con.unregister("on_list")
    found = con.execute(_cut_sql(but)).fetchall()
    con.execute("drop table temp.turned").fetchall()
    return {(school_id, code) for school_id, code in found}


def _turned_sql(key: PseudonymKey, wanted: str) -> str:
    """Codes of digits with zeros put in front, and what both are called under each key."""
    names = under_each_key_sql({"code_name": "code", "whole": "entire"}, key=key)
    return f"""
        create or replace temp table turned as
        with padded as (
            select distinct school_id, pupil as code,
                repeat('0', zeros::integer) || pupil as entire
            from on_list, range(1, $most + 1) as zeros(zeros)
            where {_OF_DIGITS}
        )
        select *, {names} from padded
        where {wanted}
            and ((school_id, entire) in (select (school_id, pupil_code) from vault.code)
                or exists ({_LISTED}))
    """


def _cut_sql(but: str) -> str:
    """Those of `turned` that are known whole, where the two are not two pupils."""
    return f"""
        with beside as (
            -- Forms of both count in one wave.
            select distinct school_id, code_name, whole
            from turned t
                join core.response one using (school_id)
                join core.response other using (school_id, wave_id)
            where one.pupil = t.code_name and other.pupil = t.whole
        )
        select distinct school_id, code
        from (
            select school_id, code, entire,
                (school_id, entire) in (select (school_id, pupil_code) from vault.code)
                    or (school_id, whole) in ({_LISTED}) as is_known,
                not {but} or (school_id, code_name, whole) in (from beside) as are_two
            from turned
        )
        group by school_id, code, entire having bool_or(is_known) and not bool_or(are_two)
    """


def pupils_listed_without_zeros(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], *, key: PseudonymKey
) -> dict[str, int]:
    """For each of these files: how many of its pupils the list in force has without their zeros.

    Two at least, and none of them is on the list under the whole code.
    """
    if not con.execute(f"{_LISTED} limit 1").fetchall():
        return {}
    names = under_each_key_sql({"pupil": "pupil_code", "cut": "ltrim(pupil_code, '0')"}, key=key)
    con.register("looked_at", pa.table({"delivery_id": pa.array(delivery_ids, pa.string())}))
    found = con.execute(
        f"""
        with form as (
            select delivery_id, school_id, pupil
            from core.response join core.delivery using (delivery_no)
                semi join looked_at using (delivery_id)
            where pupil is not null and (school_id, pupil) not in ({_LISTED})
        ),
        code as (
            select school_id, {names}
            from vault.code
            where starts_with(pupil_code, '0') and regexp_full_match(pupil_code, '[0-9]+')
                and school_id in (select school_id from form)
        )
        select delivery_id, count(distinct pupil)::integer as pupils
        from form join code using (school_id, pupil)
        where (school_id, cut) in ({_LISTED})
        group by all having pupils >= $least
        """,
        {"least": LEAST_SHOWN, **key.pupil_parameters()},
    ).fetchall()
    con.unregister("looked_at")
    return dict(found)
