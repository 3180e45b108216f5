"""Why the versions of a contradiction wait: what is told of each may change with every load."""

import duckdb

from schemas.reason import Reason
from schemas.survey import Survey
from warehouse.contexts import IDENTITY


def tell_why(con: duckdb.DuckDBPyConnection, survey: Survey) -> None:
    """Say of waiting forms what two versions are: one code in two schools is no pupil's doing.

    Where the tool's number tells that it is one form, the form was changed in the tool.
    """
    con.execute(
        f"""
        update quarantine.row q set reason_codes = [case
            when w.is_one_form then $changed
            when w.schools > 1 then $two_schools
            else $contradicts
        end]
        from (
            select delivery_no, row_no, schools, pupil is null
                or (wave_id, submission, school_id, pupil) in (
                    select (wave_id, submission, school_id, pupil)
                    from quarantine.one_form where survey_id = $survey
                ) as is_one_form
            from quarantine.response join (
                select wave_id, {IDENTITY} as identity, count(distinct school_id) as schools
                from quarantine.response where survey_id = $survey group by all
            ) s using (wave_id)
            where survey_id = $survey and {IDENTITY} = identity
        ) w
        where q.digest = 'conflict' and q.delivery_no = w.delivery_no and q.row_no = w.row_no
            and not list_contains(q.reason_codes, $zeros)
        """,
        {
            "survey": survey.id,
            "zeros": Reason.CODE_WITHOUT_ZEROS.value,
            "changed": Reason.SUBMISSION_CHANGED.value,
            "two_schools": Reason.CODE_IN_TWO_SCHOOLS.value,
            "contradicts": Reason.CONFLICTING_ANSWERS.value,
        },
    ).fetchall()
