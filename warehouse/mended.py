"""Held rows that came again mended: the same pupil's sound form is there, so they wait no longer.

A form is the mended row if it says the same wherever the row was sound. One that says anything else
is another form, and the row goes on waiting for a person. A form that is contradicted by another
one serves as well: it waits itself, and whichever came first must not matter.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.decision import Why
from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.held import sound_text_sql
from transforms.pseudonym import PseudonymKey, keyed_digest
from transforms.recognise import item_columns
from warehouse import audit
from warehouse.audit import Hand
from warehouse.instruments import answer_table
from warehouse.rulings import Ruling, rule_rows


def settle_mended(
    con: duckdb.DuckDBPyConnection,
    survey: Survey,
    instruments: Mapping[str, Instrument],
    *,
    key: PseudonymKey,
    now: datetime,
    first_no: int,
) -> int:
    """Strike off the survey's rows whose mended form has come; returns how many.

    A delivery from `first_no` on of which nothing is left then brought nothing new.
    """
    found = _candidates(con, survey, instruments)
    mended = sorted(
        {
            quarantine_id
            for quarantine_id, digest, text in found
            if keyed_digest(text.encode(), key=key) == digest
        }
    )
    if not mended:
        return 0
    event = audit.append(
        con,
        by=Hand("klassepuls", key),
        action="quarantine.mended",
        subject=survey.id,
        detail={"rows": len(mended)},
        now=now,
    )
    ruling = Ruling("klassepuls", Why.CAME_MENDED, now, event)
    rule_rows(con, pa.array(mended, pa.int64()), "mended", ruling)
    con.execute(
        """
        update core.delivery set outcome = 'duplicate', reason_code = $already
        where delivery_no >= $first_no and outcome = 'quarantined'
            and accepted = 0 and quarantined = 0
        """,
        {"first_no": first_no, "already": Reason.ALREADY_DELIVERED.value},
    ).fetchall()
    return len(mended)


def _candidates(
    con: duckdb.DuckDBPyConnection, survey: Survey, instruments: Mapping[str, Instrument]
) -> list[tuple[int, str, str]]:
    """Id and digest of each waiting row whose pupil has a sound form, and that form's text.

    The form's text leaves out the columns that are not sound in the row.
    """
    some = con.execute("select 1 from quarantine.trace limit 1").fetchall()
    if not some:
        return []
    items = item_columns(survey, instruments)
    answers = ", ".join(f'{name} as "{name}"' for name in items)
    joins = " ".join(
        f"left join {answer_table(key)} {key} using (response_id)" for key in survey.instruments
    )
    # First whose form there is at all: answers joined to every form would be most of the work.
    con.execute(
        """
        create or replace temp table met as
        select quarantine_id, t.digest, column_names, r.*
        from quarantine.trace t join quarantine.row q using (quarantine_id)
            join (
                from core.response union all from quarantine.response
                union all from quarantine.set_aside
            ) r
                on r.survey_id = q.survey_id and r.pupil = t.pupil and r.wave_id = t.wave_id
        where q.survey_id = $survey
        """,
        {"survey": survey.id},
    ).fetchall()
    if con.execute("select 1 from met limit 1").fetchall():
        found: list[tuple[int, str, str]] = con.execute(f"""
            with form as (
                select quarantine_id, digest, column_names, school_id, class_group, grade, gender,
                    {answers}
                from met {joins}
            )
            select quarantine_id, digest, {sound_text_sql(items, but="column_names")} from form
        """).fetchall()
    else:
        found = []
    con.execute("drop table temp.met").fetchall()
    return found
