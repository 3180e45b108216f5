"""Codes that seemed to have lost their zeros, and are whole: another file has them as they stand.

In a file that lost its zeros every shorter code that is new waits. Where it comes in a file that
has its zeros, in the same run or later, it is a pupil of its own, and the form counts as if that
file had come first. Answers are compared as ever: two that differ wait, as any pupil's would.
"""

from datetime import datetime

import duckdb

from schemas.decision import Why
from schemas.reason import Reason
from schemas.survey import Survey
from transforms.pseudonym import PseudonymKey
from warehouse import audit
from warehouse.audit import Hand
from warehouse.rulings import Ruling, rule_versions

# What this load has of codes in files that did not lose their zeros.
IN_OTHER_FILES = """
    select (school_id, pupil) from arrived
    where pupil is not null
        and (delivery_no, school_id) not in (select (delivery_no, school_id) from bare_file)
"""

_CLEARED = f"""
    create or replace temp table cleared as
    select f.response_id, f.delivery_no, f.row_no,
        count(*) over (partition by f.wave_id, f.pupil) as versions
    from quarantine.response f join quarantine.row q using (delivery_no, row_no)
    where f.survey_id = $survey and q.digest = 'conflict'
        and list_contains(q.reason_codes, $zeros)
        and (f.school_id, f.pupil) in ({IN_OTHER_FILES})
        and (f.school_id, f.pupil) not in (select (school_id, pupil) from whole_code)
"""


def clear_whole_codes(
    con: duckdb.DuckDBPyConnection, survey: Survey, *, key: PseudonymKey, now: datetime
) -> None:
    """Let stored forms count whose codes are whole after all, on record; several wait as versions.

    Part of the load, before the new forms are compared with those that are stored.
    """
    zeros = {"zeros": Reason.CODE_WITHOUT_ZEROS.value}
    con.execute(_CLEARED, {"survey": survey.id, **zeros}).fetchall()
    con.execute(
        """
        update quarantine.row set reason_codes = [$contradicts]
        where digest = 'conflict' and (delivery_no, row_no) in (
            select (delivery_no, row_no) from cleared where versions > 1
        )
        """,
        {"contradicts": Reason.CONFLICTING_ANSWERS.value},
    ).fetchall()
    con.execute("""
        create or replace temp table ruled_form as
        select response_id, 'released' as decision from cleared where versions = 1
    """).fetchall()
    [(forms,)] = con.execute("select count(*) from ruled_form").fetchall()
    if forms:
        by = Hand("klassepuls", key)
        event = audit.append(
            con,
            by=by,
            action="quarantine.mended",
            subject=survey.id,
            detail={"rows": forms},
            now=now,
        )
        rule_versions(con, Ruling(by.actor, Why.CAME_MENDED, now, event))
    con.execute("drop table temp.cleared").fetchall()
