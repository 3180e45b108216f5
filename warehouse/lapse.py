"""When flags lapse: after their last day, or when later waves answer all that they rest on.

A form without an answer to it is no newer answer. Whoever asked for a talk and sends an empty form
in the next wave, or is asked about something else there, is still waiting for somebody to talk to.
A pupil who was bullied in two ways, and then answers on one of them, has not taken back the other.
Of a new pupil's flag any later form ends the welcome, and not the answer that stands beside it.
"""

from datetime import date

import duckdb

from schemas.instrument import LOWEST_OPTION
from schemas.rule import NEW_PUPIL
from transforms.flag_inputs import FORM_NETWORK
from warehouse.class_rules import JUDGED_SQL
from warehouse.instruments import answer_table, score_table


def expire_flags(con: duckdb.DuckDBPyConnection, *, today: date) -> int:
    """Let flags lapse; returns how many changed.

    A pupil's flag lapses when the pupil has answered all it rests on in later waves, a class's when
    the same rule judges the class in a later wave of the school year: the newer answer stands then.
    Next year's class of that name is other pupils. A report of the old wave still tells what was
    raised in it. Where the newer answer is contradicted and waits, the flag stands again.
    """
    later = " union all ".join([_NOBODY, *_answers_since(con)])
    changed: int = con.execute(_LAPSE.format(later=later), {"today": today}).fetchall()[0][0]
    return changed


_LAPSE = f"""
    with later as ({{later}}),
    answered as (
        select pupil, input, max(opens) as opens
        from (
            from later
            union all
            select s.pupil, opens, input
            from later join core.same_pupil s on s.known_as = later.pupil
        )
        group by all
    ),
    answered_anew as (
        select f.flag_id
        from core.flag f join core.dim_wave w using (wave_id)
            join core.flag_evidence e using (flag_id)
            left join answered a on a.pupil = f.pupil and a.input = e.item_or_scale
        where f.target = 'pupil'
        group by f.flag_id having bool_and(coalesce(a.opens > w.opens, false))
    ),
    judged as (
        select school_id, class_group, rule_id, opens, school_year
        from ({JUDGED_SQL}) join core.dim_wave using (wave_id)
    ),
    lapsed as (
        select flag_id
        from core.flag f join core.dim_wave w using (wave_id)
        where f.expires_on < $today
            or f.flag_id in (from answered_anew)
            or (f.target = 'class' and exists (
                from judged j
                where j.school_id = f.school_id and j.class_group = f.class_group
                    and j.rule_id = f.rule_id and j.opens > w.opens
                    and j.school_year = w.school_year
            ))
    )
    update core.flag
    set status = case status when 'open' then 'expired' else 'open' end
    where status in ('open', 'expired')
        and (status = 'expired') <> (flag_id in (from lapsed))
"""

_NOBODY = "select null::varchar as pupil, null::date as opens, null::varchar as input where false"

_SINCE = """
    r.pupil is not null and w.opens > (
        select min(opens) from core.dim_wave semi join core.flag using (wave_id)
    )
"""


def _answers_since(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Queries for pupil, opens, input: who answered in a wave after the first that has a flag."""
    some = con.execute(f"""
        select 1 from core.response r join core.dim_wave w using (wave_id) where {_SINCE} limit 1
    """).fetchall()
    if not some:
        return []
    inputs = con.execute("""
        select distinct item_or_scale
        from core.flag_evidence semi join (from core.flag where target = 'pupil') using (flag_id)
        order by all
    """).fetchall()
    items = set(con.execute("select instrument_key, item_id from core.dim_item").fetchall())
    return [_answers_to(name, items) for (name,) in inputs]


def _answers_to(name: str, items: set[tuple[str, str]]) -> str:
    key, _, part = name.partition(".")
    joined, is_answered = f"join {score_table(key)} a using (response_id)", f"a.{part} is not null"
    if name == NEW_PUPIL:
        joined, is_answered = "", "true"
    elif key == "network":
        joined = f"join core.{FORM_NETWORK} a using (response_id)"
    elif (key, part) in items:
        joined = f"join {answer_table(key)} a using (response_id)"
        is_answered = f"a.{part} >= {LOWEST_OPTION}"
    return f"""
        select r.pupil, w.opens, '{name}' as input
        from core.response r join core.dim_wave w using (wave_id) {joined}
        where {_SINCE} and {is_answered}
    """
