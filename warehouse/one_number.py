"""Whether a form counts under another code already, by the tool's number of it.

Numbers are the tool's own only where two files prove it to each other, as in
warehouse/form_numbers.py: here by two numbers at least that both give to the same pupil, and two
thirds of all that both have. A program that counts each export from 1 holds nothing up.
"""

from collections.abc import Sequence

import duckdb

from warehouse.form_numbers import LEAST_PUPILS
from warehouse.quarantine import ALL_FORMS

_TWICE = f"""
    with wanted as (
        select survey_id, wave_id, school_id, pupil, submission, contradiction_id
        from {ALL_FORMS} where list_contains($chosen, response_id)
            and pupil is not null and submission is not null
    ),
    other as (
        select w.*, c.school_id as other_school, c.pupil as other_pupil
        from wanted w join core.response c using (survey_id, wave_id, submission)
        where (c.school_id, c.pupil) <> (w.school_id, w.pupil)
            -- A version of the same contradiction is set aside by this very decision.
            and c.response_id not in (
                select response_id from {ALL_FORMS}
                where contradiction_id in (select contradiction_id from wanted)
            )
    ),
    file as (
        select distinct o.survey_id, o.wave_id, one.delivery_no, two.delivery_no as other_no
        from other o
            join core.form_number one on one.survey_id = o.survey_id
                and one.wave_id = o.wave_id and one.submission = o.submission
                and one.school_id = o.school_id and one.pupil = o.pupil
            join core.form_number two on two.survey_id = o.survey_id
                and two.wave_id = o.wave_id and two.submission = o.submission
                and two.school_id = o.other_school and two.pupil = o.other_pupil
        where one.delivery_no <> two.delivery_no
    ),
    shared as (
        select f.delivery_no, f.other_no, count(distinct one.submission) as shared,
            count(distinct one.submission) filter (
                (one.school_id, one.pupil) = (two.school_id, two.pupil)
            ) as agreed
        from file f
            join core.form_number one on one.delivery_no = f.delivery_no
                and one.survey_id = f.survey_id and one.wave_id = f.wave_id
            join core.form_number two on two.delivery_no = f.other_no
                and two.survey_id = f.survey_id and two.wave_id = f.wave_id
                and two.submission = one.submission
        group by all
    )
    select 1 from shared where agreed >= $least and 3 * agreed >= 2 * shared limit 1
"""


def counts_under_another_code(con: duckdb.DuckDBPyConnection, chosen: Sequence[int]) -> bool:
    """Whether one of these forms (response ids) counts as another pupil's, or school's, already."""
    named = {"chosen": list(chosen), "least": LEAST_PUPILS}
    return bool(con.execute(_TWICE, named).fetchall())
