"""Scores and flags one wave: scores, indicators, flags and the stage entry in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from schemas.instrument import Instrument
from schemas.rule import ClassRule, PupilRule
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.class_flags import control, indicate
from transforms.pupil_flags import (
    HISTORY_SQL,
    Inputs,
    condition_sql,
    evidence_sql,
    form_sql,
    inputs_of,
    rule_sql,
)
from transforms.scoring import score_sql
from warehouse.flag_life import settle_flags
from warehouse.instruments import answer_table, definition_sha256, score_table
from warehouse.stages import fingerprint, is_done, mark_done, wave_input
from warehouse.store import transaction

Rules = Sequence[PupilRule | ClassRule]


@dataclass(frozen=True, slots=True)
class Flagged:
    """What flagging a wave did. `raised` counts open flags by target, level and situation."""

    wave_id: str
    changed: bool
    raised: Mapping[tuple[str, str, str], int]
    new: int = 0
    withdrawn: int = 0
    pupil_flags_off: str | None = None
    fingerprint: str = ""


def score_and_flag(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    *,
    surveys: Mapping[str, Survey],
    instruments: Mapping[str, Instrument],
    rules: Rules,
    settings: Settings,
    now: datetime,
) -> Flagged:
    """Compute a wave anew if anything that it depends on has changed; else leave it alone.

    Pupil rules run only where the settings hold a routing decision, and see only surveys whose
    linkage is pseudonymous: other forms have no pupil.
    """
    off = None if settings.routing else "no routing decision in the settings"
    active = _active_rules(rules, settings)
    state = flag_state(con, wave_id, instruments=instruments, rules=rules, settings=settings)
    if is_done(con, "flagged", wave_id, state):
        return Flagged(
            wave_id,
            changed=False,
            raised=_open_flags(con, wave_id),
            pupil_flags_off=off,
            fingerprint=state,
        )
    with transaction(con):
        for key in _answered_instruments(con, wave_id, surveys):
            _score(con, wave_id, instruments[key])
        _prepare_forms(con, wave_id, active, instruments)
        _collect_pupil_flags(con, active, instruments)
        _collect_class_flags(con, wave_id, active, instruments)
        new, withdrawn = settle_flags(con, wave_id, now)
        mark_done(con, "flagged", wave_id, state, now=now)
    for table in ("form", "found", "found_evidence", "seen_before", "complete_before"):
        con.execute(f"drop table if exists temp.{table}").fetchall()
    return Flagged(
        wave_id,
        changed=True,
        raised=_open_flags(con, wave_id),
        new=new,
        withdrawn=withdrawn,
        pupil_flags_off=off,
        fingerprint=state,
    )


def flag_state(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    *,
    instruments: Mapping[str, Instrument],
    rules: Rules,
    settings: Settings,
) -> str:
    """The fingerprint of all that a wave's scores and flags depend on."""
    return fingerprint(
        wave_input(con, wave_id),
        {key: definition_sha256(instrument) for key, instrument in instruments.items()},
        [rule.model_dump() for rule in _active_rules(rules, settings)],
        settings.routing.model_dump() if settings.routing else None,
    )


def _active_rules(rules: Rules, settings: Settings) -> Rules:
    """Without a routing decision nobody may receive a pupil's flag, so none is computed."""
    return [rule for rule in rules if rule.target == "class" or settings.routing]


def _open_flags(con: duckdb.DuckDBPyConnection, wave_id: str) -> dict[tuple[str, str, str], int]:
    counted = con.execute(
        """
        select target, level, situation, count(*)
        from core.flag where wave_id = $wave and status = 'open' group by all order by all
        """,
        {"wave": wave_id},
    ).fetchall()
    return {(target, level, situation): n for target, level, situation, n in counted}


def _answered_instruments(
    con: duckdb.DuckDBPyConnection, wave_id: str, surveys: Mapping[str, Survey]
) -> list[str]:
    used = con.execute(
        "select distinct survey_id from core.response where wave_id = $wave", {"wave": wave_id}
    ).fetchall()
    # A survey that the home no longer declares keeps the scores that it has.
    known = [surveys[survey_id] for (survey_id,) in used if survey_id in surveys]
    return sorted({key for survey in known for key in survey.instruments})


def _score(con: duckdb.DuckDBPyConnection, wave_id: str, instrument: Instrument) -> None:
    if not instrument.scales:
        return
    table = score_table(instrument.key)
    con.execute(f"delete from {table} where wave_id = $wave", {"wave": wave_id}).fetchall()
    columns = ", ".join(
        expression for scale in instrument.scales for expression in score_sql(instrument, scale)
    )
    con.execute(
        f"""
        insert into {table}
        select response_id, wave_id, {columns}
        from core.response join {answer_table(instrument.key)} using (response_id)
        where wave_id = $wave
        """,
        {"wave": wave_id},
    ).fetchall()


def _prepare_forms(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    rules: Rules,
    instruments: Mapping[str, Instrument],
) -> None:
    """The temporary table `form`, and empty ones for what the rules find."""
    for statement in HISTORY_SQL.split(";"):
        con.execute(statement, {"wave": wave_id}).fetchall()
    tables = {
        name
        for (name,) in con.execute(
            "select table_name from duckdb_tables() where schema_name = 'core'"
        ).fetchall()
    }
    forms = form_sql(inputs_of(rules, instruments), instruments, tables)
    con.execute(f"create or replace temp table form as {forms}", {"wave": wave_id}).fetchall()
    con.execute("create or replace temp table found as from core.flag limit 0").fetchall()
    con.execute(
        "create or replace temp table found_evidence as from core.flag_evidence limit 0"
    ).fetchall()


# A flag keeps its id when the wave is computed again: it is made of what the flag is about.
_FLAG_ID = """
    'F' || upper(left(sha256(concat_ws('|', wave_id, survey_id, school_id, class_group,
        coalesce(pupil, ''), $rule_id)), 15))
"""


def _collect_pupil_flags(
    con: duckdb.DuckDBPyConnection, rules: Rules, instruments: Mapping[str, Instrument]
) -> None:
    inputs = inputs_of(rules, instruments)
    for rule in rules:
        if rule.target == "pupil":
            con.execute(
                f"""
                create or replace temp table hit as
                select *, {_FLAG_ID} as flag_id from ({rule_sql(rule, inputs)})
                """,
                {"rule_id": rule.id},
            ).fetchall()
            _add_pupil_evidence(con, rule, inputs)
            _add_pupil_flags(con, rule)
    con.execute("drop table if exists temp.hit").fetchall()


def _add_pupil_evidence(con: duckdb.DuckDBPyConnection, rule: PupilRule, inputs: Inputs) -> None:
    for step, condition, holds in evidence_sql(rule, inputs):
        con.execute(
            f"""
            insert into found_evidence
            select flag_id, $input, {inputs.column(condition.input)}, $threshold, null, null,
                wave_id
            from hit where step = $step and {holds}
            """,
            {"input": condition.input, "threshold": condition.threshold, "step": step},
        ).fetchall()


def _add_pupil_flags(con: duckdb.DuckDBPyConnection, rule: PupilRule) -> None:
    con.execute(
        """
        insert into found by name
        select flag_id, wave_id, survey_id, 'pupil' as target, school_id, class_group, grade,
            pupil, $levels[step + 1] as level, $situation as situation, $rule_id as rule_id,
            $version as rule_version, $route as route,
            (select count(*) from found_evidence e where e.flag_id = hit.flag_id)
                as evidence_count
        from hit
        """,
        {
            "levels": [step.level for step in rule.steps],
            "situation": rule.situation,
            "rule_id": rule.id,
            "version": rule.version,
            "route": rule.route,
        },
    ).fetchall()


def _collect_class_flags(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    rules: Rules,
    instruments: Mapping[str, Instrument],
) -> None:
    """Test every class with every class rule, control the family, and keep what stands out."""
    inputs = inputs_of(rules, instruments)
    class_rules = {rule.id: rule for rule in rules if rule.target == "class"}
    tested = [_test_classes(con, wave_id, rule, inputs) for rule in class_rules.values()]
    con.execute(
        "delete from core.class_indicator where wave_id = $wave", {"wave": wave_id}
    ).fetchall()
    if not tested:
        return
    indicators = control(pa.concat_tables(tested), class_rules)
    con.register("indicator", indicators)
    con.execute("""
        insert into core.class_indicator by name select * exclude (level) from indicator
    """).fetchall()
    for rule in class_rules.values():
        _add_class_flags(con, rule)
    con.unregister("indicator")


def _test_classes(
    con: duckdb.DuckDBPyConnection, wave_id: str, rule: ClassRule, inputs: Inputs
) -> pa.Table:
    answered = " or ".join(
        f"{inputs.column(condition.input)} is not null" for condition in rule.any_of
    )
    holds = " or ".join(condition_sql(condition, inputs) for condition in rule.any_of)
    counts = con.sql(
        f"""
        with per_class as (
            select wave_id, survey_id, school_id, class_group, mode(grade order by grade) as grade,
                count(*) filter ({answered})::integer as answered,
                count(*) filter ({holds})::integer as observed
            from form
            group by wave_id, survey_id, school_id, class_group
        )
        select p.*, $rule_id as rule_id, $version::integer as rule_version, c.enrolled
        from per_class p
        left join core.dim_class_group c
            on c.school_id = p.school_id and c.class_group = p.class_group
            and c.school_year = (select school_year from core.dim_wave where wave_id = $wave)
        order by all
        """,
        params={"wave": wave_id, "rule_id": rule.id, "version": rule.version},
    ).to_arrow_table()
    return indicate(counts, rule)


def _add_class_flags(con: duckdb.DuckDBPyConnection, rule: ClassRule) -> None:
    con.execute(
        f"""
        insert into found by name
        select {_FLAG_ID} as flag_id, wave_id, survey_id, 'class' as target, school_id,
            class_group, grade, level, $situation as situation, rule_id, rule_version,
            'health_service' as route, 1 as evidence_count
        from (select *, null::varchar as pupil from indicator)
        where rule_id = $rule_id and level is not null
        """,
        {"rule_id": rule.id, "situation": rule.situation},
    ).fetchall()
    con.execute(
        f"""
        insert into found_evidence
        select {_FLAG_ID}, rule_id, observed, baseline, answered, p_exact, wave_id
        from (select *, null::varchar as pupil from indicator)
        where rule_id = $rule_id and level is not null
        """,
        {"rule_id": rule.id},
    ).fetchall()
