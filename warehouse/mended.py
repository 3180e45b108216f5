"""Held rows that came again mended: the same pupil's sound form came later, so they wait no longer.

A form is the mended row if it came in a later delivery than the last that told the row, and says
the same answers wherever the row was sound, in the same school. That delivery must tell the row's
class, too, of this pupil or of another: the export of another class knows nothing of the row. One
that came before, or in the same file, is another form of the pupil's: what nobody can read may be
the very thing in which the two differ. Only where every answer can be read is the row a copy,
whichever came first, and whatever class it stands in. Class,
grade and gender are not compared: they make no other form. A form that is contradicted by another
one serves as well, for it waits itself; one that was decided against does not.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.decision import Why
from schemas.instrument import Instrument
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.held import compared_columns, in_class_sql, sound_text_sql
from transforms.pseudonym import PseudonymKey, keyed_digest
from transforms.recognise import item_columns
from warehouse import audit
from warehouse.audit import Hand
from warehouse.contexts import SPARE
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
    found = _candidates(con, survey, instruments, first_no=first_no)
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
    con: duckdb.DuckDBPyConnection,
    survey: Survey,
    instruments: Mapping[str, Instrument],
    *,
    first_no: int,
) -> list[tuple[int, str, str]]:
    """Id and digest of each waiting row that a form may mend or repeat, and that form's text.

    The form's text leaves out the columns that are not sound in the row. Where an answer or the
    school is among them, there is a text for each class of the form's school in its file.
    """
    some = con.execute("select 1 from quarantine.trace limit 1").fetchall()
    if not some:
        return []
    items = item_columns(survey, instruments)
    # First whose form there is at all: answers joined to every form would be most of the work.
    con.execute(
        f"create or replace temp table met as {_MET}",
        {
            "survey": survey.id,
            "first_no": first_no,
            "compared": list(compared_columns(items)),
        },
    ).fetchall()
    found: list[tuple[int, str, str]] = []
    if con.execute("select 1 from met limit 1").fetchall():
        found = con.execute(_texts_sql(survey, items)).fetchall()
    con.execute("drop table temp.met").fetchall()
    return found


def _texts_sql(survey: Survey, items: Sequence[str]) -> str:
    answers = ", ".join(f'{name} as "{name}"' for name in items)
    joins = " ".join(
        f"left join {answer_table(key)} {key} using (response_id)" for key in survey.instruments
    )
    return f"""
        with form as (
            select quarantine_id, digest, column_names, school_id, came_in, {answers}
            from met {joins}
        ),
        telling as (
            select *, {sound_text_sql(items, but="column_names")} as said from form
        ),
        told_class as (
            select distinct delivery_no as came_in, school_id, class_group from arrived
            where delivery_no in (select came_in from met)
        )
        select quarantine_id, digest, said from telling where came_in is null
        union all
        select quarantine_id, digest, {in_class_sql("said", "class_group")}
        from telling join told_class using (came_in, school_id)
    """


# `came`: the forms of this load that say something new. What was said before the row came does not
# mend it by being exported again. A row is told by each file that has it; of files from before this
# load, only the first is known. So a form of a file that is read again mends nothing where a later
# file had rows that were there already.
_MET = f"""
    with receipt as (
        select delivery_no, (received_at, delivery_no) as receipt from core.delivery
    ),
    waits as (
        select quarantine_id, q.delivery_no, q.digest as row_digest, occurrence, column_names,
            t.digest, pupil, wave_id
        from quarantine.trace t join quarantine.row q using (quarantine_id)
        where q.survey_id = $survey
    ),
    telling as (
        select quarantine_id, delivery_no from waits
        union all
        select quarantine_id, h.delivery_no
        from waits w join held h on h.digest = w.row_digest and h.occurrence = w.occurrence
    ),
    last_told as (
        select quarantine_id, max(receipt) as told
        from telling join receipt using (delivery_no) group by all
    ),
    came as (
        select response_id, receipt, delivery_no as came_in
        from (select response_id, delivery_no from arrived) join receipt using (delivery_no)
        where response_id not in (
            select response_id from verdict where kind in ('duplicate', 'beside')
        )
    ),
    told_later as (
        select max((received_at, delivery_no)) as receipt from core.delivery
        where delivery_no < $first_no and survey_id = $survey and dropped > 0
    ),
    form as (
        select response_id, pupil, wave_id, school_id
        from (
            from core.response union all from quarantine.response
            union all select form.* from quarantine.set_aside form where {SPARE}
        )
        where survey_id = $survey
    )
    select quarantine_id, w.digest, column_names, response_id, school_id,
        if(list_has_any(column_names, $compared), came_in, null) as came_in
    from waits w join last_told using (quarantine_id) join form using (pupil, wave_id)
        left join came c using (response_id)
    where not list_has_any(column_names, $compared)
        or (
            c.receipt > told
            and coalesce(c.receipt > (select receipt from told_later), true)
        )
"""
