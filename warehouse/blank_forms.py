"""Forms without a single answer: one beside an answered form of the same pupil says nothing.

A pupil who opened the form twice has not answered twice. So the answered form counts, whichever
came first, and the blank one is told and counts no more. It contradicts nothing: no person has to
decide. A form in which a pupil chose class mates or wrote freely is not blank, and one from another
school is most likely another pupil's.
"""

from collections.abc import Mapping
from datetime import datetime

import duckdb

from schemas.decision import Why
from schemas.instrument import SKIPPED, Instrument
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.pseudonym import PseudonymKey
from warehouse import audit
from warehouse.audit import Hand
from warehouse.contexts import IDENTITY
from warehouse.instruments import answer_table

_PLACE = f"wave_id, school_id, {IDENTITY} as identity"


def find_blank_forms(
    con: duckdb.DuckDBPyConnection,
    survey: Survey,
    instruments: Mapping[str, Instrument],
    *,
    key: PseudonymKey,
    now: datetime,
) -> None:
    """Fill the temporary table `blank_form` with new blank forms that count nowhere.

    Stored ones that count, and that a new form answers, are taken out, and the log tells of it.
    """
    con.execute(
        f"create or replace temp table blank_form as {_blank_sql(survey, instruments)}",
        {"survey": survey.id},
    ).fetchall()
    if con.execute("select 1 from blank_form limit 1").fetchall():
        con.execute(
            f"""
            delete from blank_form where (wave_id, school_id, identity) not in (
                select (wave_id, school_id, {IDENTITY})
                from (
                    select response_id, wave_id, school_id, pupil, submission from arrived
                    union all
                    select response_id, wave_id, school_id, pupil, submission
                    from core.response where survey_id = $survey
                    union all
                    select response_id, wave_id, school_id, pupil, submission
                    from quarantine.response where survey_id = $survey
                )
                where {IDENTITY} is not null
                    and response_id not in (select response_id from blank_form)
            )
            """,
            {"survey": survey.id},
        ).fetchall()
        _take_out(con, survey, key=key, now=now)


def _blank_sql(survey: Survey, instruments: Mapping[str, Instrument]) -> str:
    """Every blank form that arrives, and that counts without anybody having decided so."""
    arriving = " and ".join(
        _says_nothing(f"{key}.{name}")
        for key in survey.instruments
        for name in instruments[key].columns
    )
    stored = " and ".join(
        f"""response_id in (
            select response_id from {answer_table(key)}
            where {" and ".join(map(_says_nothing, instruments[key].columns))}
        )"""
        for key in survey.instruments
    )
    return f"""
        select response_id, delivery_no, row_no, true as is_new, {_PLACE}
        from arrived
        where {arriving} and not coalesce(had_text, false) and {IDENTITY} is not null
            and response_id not in (select response_id from arrived_choice)
        union all
        select response_id, delivery_no, row_no, false, {_PLACE}
        from core.response
        where survey_id = $survey and {stored} and not coalesce(had_text, false)
            and {IDENTITY} is not null
            and response_id not in (select response_id from core.nomination)
            and (delivery_no, row_no) not in (
                select (delivery_no, row_no)
                from quarantine.decided join (select delivery_no, delivery_id from core.delivery)
                    using (delivery_id)
            )
    """


def _says_nothing(name: str) -> str:
    return f'coalesce("{name}", {SKIPPED}) = {SKIPPED}'


def _take_out(
    con: duckdb.DuckDBPyConnection, survey: Survey, *, key: PseudonymKey, now: datetime
) -> None:
    """Strike stored blank forms, and note it as of rows that came mended; the counts follow."""
    [(forms,)] = con.execute("select count(*) from blank_form where not is_new").fetchall()
    if not forms:
        return
    event = audit.append(
        con,
        by=Hand("klassepuls", key),
        action="quarantine.mended",
        subject=survey.id,
        detail={"blank_forms": forms},
        now=now,
    )
    con.execute(
        """
        insert into quarantine.decided
        select nextval('quarantine.row_id'), delivery_id, row_no, $survey, [$blank], [], '', 1,
            $now, 'mended', $why, 'klassepuls', $now, $event
        from blank_form join core.delivery using (delivery_no) where not is_new
        """,
        {
            "survey": survey.id,
            "blank": Reason.BLANK_FORM.value,
            "why": Why.CAME_MENDED.value,
            "now": now,
            "event": event,
        },
    ).fetchall()
    con.execute("""
        update core.delivery d set accepted = accepted - b.forms, dropped = dropped + b.forms
        from (
            select delivery_no, count(*) as forms from blank_form where not is_new group by all
        ) b
        where b.delivery_no = d.delivery_no
    """).fetchall()
    for table in ("core.response", *(answer_table(key) for key in survey.instruments)):
        con.execute(f"""
            delete from {table}
            where response_id in (select response_id from blank_form where not is_new)
        """).fetchall()
    con.execute("delete from blank_form where not is_new").fetchall()
