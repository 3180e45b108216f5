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
from transforms.pseudonym import PseudonymKey, pseudonym_sql
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
    con.register("on_list", pupils.select(["pupil", "school_id"]))
    found = con.execute(_cut_sql(key), {"most": MOST_ZEROS, **key.parameters()}).fetchall()
    con.unregister("on_list")
    if found:
        raise FileProblem(Reason.CODE_WITHOUT_ZEROS, column="pupil_code")


def _cut_sql(key: PseudonymKey) -> str:
    """Schools and codes of `on_list` that are a known code but for zeros in front."""
    return f"""
        with padded as (
            select distinct school_id, pupil as code,
                repeat('0', zeros::integer) || pupil as entire
            from on_list, range(1, $most + 1) as zeros(zeros)
            where {_OF_DIGITS}
        ),
        turned as (
            select *, {pseudonym_sql("code", key=key, domain="pupil")} as pupil,
                {pseudonym_sql("entire", key=key, domain="pupil")} as whole
            from padded
            where (school_id, entire) not in (select (school_id, pupil) from on_list)
                and ((school_id, entire) in (select (school_id, pupil_code) from vault.code)
                    or exists ({_LISTED}))
        )
        select school_id, code from turned t
        where (
            (school_id, entire) in (select (school_id, pupil_code) from vault.code)
            or (school_id, whole) in ({_LISTED})
        ) and not exists (
            select 1 from core.response one join core.response other using (wave_id, school_id)
            where school_id = t.school_id and one.pupil = t.pupil and other.pupil = t.whole
        )
        limit 1
    """


def pupils_listed_without_zeros(
    con: duckdb.DuckDBPyConnection, delivery_ids: Sequence[str], *, key: PseudonymKey
) -> dict[str, int]:
    """For each of these files: how many of its pupils the list in force has without their zeros.

    Two at least, and none of them is on the list under the whole code.
    """
    if not con.execute(f"{_LISTED} limit 1").fetchall():
        return {}
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
            select school_id, {pseudonym_sql("pupil_code", key=key, domain="pupil")} as pupil,
                {pseudonym_sql("ltrim(pupil_code, '0')", key=key, domain="pupil")} as cut
            from vault.code
            where starts_with(pupil_code, '0') and regexp_full_match(pupil_code, '[0-9]+')
                and school_id in (select school_id from form)
        )
        select delivery_id, count(distinct pupil)::integer as pupils
        from form join code using (school_id, pupil)
        where (school_id, cut) in ({_LISTED})
        group by all having pupils >= $least
        """,
        {"least": LEAST_SHOWN, **key.parameters()},
    ).fetchall()
    con.unregister("looked_at")
    return dict(found)
