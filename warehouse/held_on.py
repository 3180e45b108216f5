"""Everything that is held on one pupil code, for the right of access (GDPR, article 15)."""

from typing import Any

import duckdb

from warehouse.whom import FORMS, Who

Rows = list[dict[str, Any]]


def forms_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """Every form of the pupil, counted or not, with the delivery it came in."""
    return _rows(
        con,
        f"""
        select response_id, survey_id, wave_id, school_id, class_group, grade, gender,
            submitted_on, enrolled_on, answer_time_ms, had_text,
            case place when 'core.response' then 'counts'
                when 'quarantine.response' then 'waits' else 'not used' end as state,
            delivery_id, row_no, received_at
        from {FORMS} join core.delivery using (delivery_no, survey_id)
        where {_HERE} order by wave_id, survey_id, response_id
        """,
        who,
    )


def answers_of(
    con: duckdb.DuckDBPyConnection, response_id: int, instrument_key: str
) -> dict[str, int | None] | None:
    """The stored codes of one form in one instrument; None where it has none."""
    found = con.execute(
        f"select * exclude (response_id) from core.answer_{instrument_key} where response_id = $id",
        {"id": response_id},
    )
    names = [column[0] for column in found.description or []]
    rows = found.fetchall()
    return dict(zip(names, rows[0], strict=True)) if rows else None


def scores_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """The scores of the forms that count."""
    return _rows(
        con,
        f"""
        select wave_id, survey_id, instrument_key, scale_id, score, n_answered, band
        from core.score where {_HERE} and score is not null
        order by all
        """,
        who,
    )


def flags_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """Every flag that was ever raised about the pupil, each with its evidence."""
    flags = _rows(
        con,
        f"""
        select flag_id, wave_id, survey_id, school_id, class_group, level, situation, rule_id,
            rule_version, route, raised_at, review_due, expires_on, status, withdrawn_why,
            review, reviewed_on, review_why
        from core.flag where {_HERE} order by raised_at, rule_id
        """,
        who,
    )
    evidence = _rows(
        con,
        f"""
        select flag_id, e.item_or_scale, e.observed, e.threshold, e.denominator, e.wave_id
        from core.flag_evidence e join core.flag f using (flag_id)
        where {_HERE} order by flag_id, item_or_scale
        """,
        who,
    )
    for flag in flags:
        flag["evidence"] = [
            {name: value for name, value in one.items() if name != "flag_id"}
            for one in evidence
            if one["flag_id"] == flag["flag_id"]
        ]
    return [{name: value for name, value in flag.items() if name != "flag_id"} for flag in flags]


def waiting_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """Rows and forms of the pupil that wait in quarantine, and why."""
    return _rows(
        con,
        f"""
        select delivery_id, row_no, reason_codes, column_names, held_at,
            quarantine_id in (select quarantine_id from quarantine.request) as asks_for_help
        from quarantine.row join core.delivery using (delivery_no)
        where (delivery_no, row_no) in (
                select (delivery_no, row_no) from quarantine.response where {_HERE}
            )
            or quarantine_id in (select quarantine_id from quarantine.trace where {_THEIRS})
            or quarantine_id in (select quarantine_id from quarantine.request where {_THEIRS})
        order by held_at, row_no
        """,
        who,
    )


def decided_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """Decisions of people, or the clock, on the pupil's forms."""
    return _rows(
        con,
        f"""
        select delivery_id, c.row_no, decision, why, decided_by, decided_at
        from quarantine.decided c join core.delivery d using (delivery_id)
        where (d.delivery_no, c.row_no) in (
            select (delivery_no, row_no) from {FORMS} where {_HERE}
        )
        order by decided_at, row_no
        """,
        who,
    )


def listed_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """The pupil's places on class lists, those that are over too."""
    return _rows(
        con,
        """
        select school_year, school_id, class_group, grade, enrolled_on, left_on,
            unlisted_by is null as in_force
        from core.enrolment
        where list_contains($schools, school_id) and (
            list_contains($pupils, pupil) or list_contains($pupils, person)
            or list_contains($persons, person)
        )
        order by all
        """,
        who,
        persons=list(who.persons),
    )


def choices_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """How many choices of class mates the pupil made, and how often others chose the pupil.

    Whom, and by whom, is about the others too, and is not told.
    """
    return _rows(
        con,
        f"""
        select wave_id, situation, count(*) filter ({_HERE}) as made,
            count(*) filter (list_contains($pupils, chosen)) as received
        from core.nomination join {FORMS} using (response_id)
        where list_contains($schools, school_id) and ({_THEIRS} or list_contains($pupils, chosen))
        group by all order by all
        """,
        who,
    )


def cases_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """The pupil's cases with all that was noted; of who helped it is told how many, not who."""
    cases = _rows(con, f"select * exclude (pupil) from core.support_case where {_HERE}", who)
    for name, columns in (
        ("case_event as events", "step, happened_on, event, actor_role, detail"),
        ("support_group as groups", "formed_on, size, picked_by, ended_on"),
        ("meeting as meetings", "step, kind, held_on, attended, agreed_actions"),
        ("scale_rating as ratings", "step, rated_on, question, value"),
        (
            "support_plan as plans",
            "written_on, problem, measures, carried_out_when, carried_out_by, evaluated_when",
        ),
    ):
        table, _, called = name.partition(" as ")
        rows = _rows(
            con,
            f"""
            select case_id, {columns} from core.{table}
            where case_id in (select case_id from core.support_case where {_HERE}) order by all
            """,
            who,
        )
        for case in cases:
            own = [row for row in rows if row["case_id"] == case["case_id"]]
            case[called] = [{key: row[key] for key in row if key != "case_id"} for row in own]
    return cases


def helped_of(con: duckdb.DuckDBPyConnection, who: Who) -> Rows:
    """The groups that the pupil helps in, by days; for whom is about the other pupil."""
    return _rows(
        con,
        f"""
        select school_id, joined_on, left_on, left_reason from core.group_member
        where {_HERE} order by joined_on
        """,
        who,
    )


def is_in_vault(con: duckdb.DuckDBPyConnection, who: Who) -> bool:
    """Whether the code itself is kept, for the reports."""
    return bool(
        con.execute(
            "select 1 from vault.code where pupil_code = $code"
            " and list_contains($schools, school_id)",
            {"code": who.code, "schools": list(who.schools)},
        ).fetchall()
    )


_THEIRS = "list_contains($pupils, pupil)"
_HERE = f"{_THEIRS} and list_contains($schools, school_id)"


def _rows(con: duckdb.DuckDBPyConnection, query: str, who: Who, **more: object) -> Rows:
    named = {"pupils": list(who.pupils), "schools": list(who.schools), **more}
    used = {name: value for name, value in named.items() if f"${name}" in query}
    found = con.execute(query, used)
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
