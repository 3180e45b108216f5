"""Class rules in the warehouse: what they look at, what they found, and the evidence of it."""

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from schemas.rule import ClassRule
from transforms.class_rules import EARLIER, ClassData, judge
from transforms.flag_inputs import Inputs
from warehouse.class_counts import count_classes

# The waves in which a rule could say something of a class: enough answered what it looks at.
JUDGED_SQL = """
    select distinct wave_id, school_id, class_group, rule_id
    from (
        select wave_id, school_id, class_group, rule_id from core.class_indicator
        where gate in ('tested', 'few_cases', 'whole_class')
        union all
        select wave_id, school_id, class_group, rule_id from core.class_network
        where gate = 'tested'
    )
"""
# A class keeps its name within a school year only: next year's 7A are other pupils. A form by which
# nobody can be judged, or another school's, makes no wave one of the latest.
_EARLIER_WAVES_SQL = f"""
    select wave_id, school_id, class_group, rule_id,
        row_number() over (
            partition by school_id, class_group, rule_id order by opens desc, wave_id
        )::tinyint as waves_ago
    from ({JUDGED_SQL}) join core.dim_wave w using (wave_id)
    where school_year = (select school_year from core.dim_wave where wave_id = $wave)
        and opens < (select opens from core.dim_wave where wave_id = $wave)
    qualify waves_ago <= 2
"""
_EARLIER_SQL = f"""
    select distinct school_id, class_group, rule_id, rule_version, waves_ago
    from core.flag join ({_EARLIER_WAVES_SQL}) using (wave_id, school_id, class_group, rule_id)
    where target = 'class' and status <> 'withdrawn'
    order by all
"""


def earlier_signals(con: duckdb.DuckDBPyConnection, wave_id: str) -> pa.Table:
    """Signals of earlier waves of the school year, in the columns of EARLIER.

    Of the two latest in which the rule could judge the class. A flag that has lapsed was raised all
    the same; one that was withdrawn never held.
    """
    return con.sql(_EARLIER_SQL, params={"wave": wave_id}).to_arrow_table().cast(EARLIER)


def class_data(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    rules: Sequence[ClassRule],
    inputs: Inputs,
) -> ClassData:
    """Count and score one wave for the rules; needs the temporary table `wave_form`."""
    counted = count_classes(con, rules, inputs)
    return replace(counted, earlier=earlier_signals(con, wave_id))


def find_classes(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    rules: Sequence[ClassRule],
    inputs: Inputs,
    *,
    about: str,
) -> None:
    """Judge every class by every rule, keep the indicators, and what stands out in `outstanding`.

    `about`: the SQL of what a class's flag is about. `kept` is the id under which the class has a
    flag of the rule in this wave already.
    """
    con.execute(
        "delete from core.class_indicator where wave_id = $wave", {"wave": wave_id}
    ).fetchall()
    if not rules:
        return
    found = judge(rules, class_data(con, wave_id, rules, inputs), seed=wave_id)
    con.register("indicator", found)
    con.execute(f"""
        insert into core.class_indicator by name
        select * exclude ({_ONLY_EVIDENCE}) from indicator
    """).fetchall()
    con.execute(
        f"""
        create or replace temp table outstanding as
        select i.*, {about} as about, kept
        from indicator i left join ({_KEPT_SQL}) using (school_id, class_group, rule_id)
        where level is not null
        """,
        {"wave": wave_id},
    ).fetchall()
    con.execute(_BEFORE_SQL, {"wave": wave_id}).fetchall()
    con.unregister("indicator")
    con.execute("drop table temp.judged_class").fetchall()


# A class has one flag of a rule in a wave. It keeps its id, its date and its clock when another
# survey comes and the flag is named by that. Of several that an earlier version raised, one stands.
_KEPT_SQL = """
    select school_id, class_group, rule_id,
        arg_min(flag_id, (status = 'withdrawn', raised_at, survey_id, flag_id)) as kept
    from core.flag where wave_id = $wave and target = 'class' group by all
"""
_ONLY_EVIDENCE = "level, waves, q_of_rule, value, bound, drawn, between_sd, within_sd, compared"

# What the same rule saw in the same class in the waves that made its signal a repeated one.
_BEFORE_SQL = f"""
    create or replace temp table outstanding_before as
    select o.about, o.kept, o.rule_id, e.* exclude (flag_id)
    from outstanding o
    join core.flag f using (school_id, class_group, rule_id, rule_version)
    join ({_EARLIER_WAVES_SQL}) w
        on w.wave_id = f.wave_id and w.school_id = f.school_id
        and w.class_group = f.class_group and w.rule_id = f.rule_id
    join core.flag_evidence e
        on e.flag_id = f.flag_id and e.wave_id = f.wave_id and e.item_or_scale = f.rule_id
    where f.target = 'class' and f.status <> 'withdrawn'
"""


def class_flags_sql(rule: ClassRule, flag_id: str) -> str:
    """The flags of one rule, in the columns of core.flag; `flag_id` as SQL."""
    return f"""
        select {flag_id} as flag_id, wave_id, survey_id, 'class' as target, school_id,
            class_group, grade, level, '{rule.situation}' as situation, rule_id, rule_version,
            'health_service' as route, waves::integer as evidence_count
        from outstanding where rule_id = '{rule.id}'
    """


def class_evidence_sql(rule: ClassRule, flag_id: str) -> list[str]:
    """What the flags of one rule rest on, a row a figure, in the columns of core.flag_evidence.

    The row that is named as the rule holds the class's own figure and what it was held against; the
    others hold what the level can be computed again from. A threshold of 0 is none.
    """
    rows = [
        f"""
        select {flag_id} as flag_id, concat('{rule.id}', '{name}') as item_or_scale,
            ({observed})::double as observed, ({threshold})::double as threshold,
            {"answered" if not name else "null"} as denominator,
            {"p_exact" if not name else "null"} as p_value, wave_id
        from outstanding where rule_id = '{rule.id}'
        """
        for name, observed, threshold in _figures(rule)
    ]
    before = f"""
        select {flag_id} as flag_id, * exclude (about, kept, rule_id)
        from outstanding_before where rule_id = '{rule.id}'
    """
    return [*rows, before]


def _figures(rule: ClassRule) -> list[tuple[str, str, str]]:
    """Name, observed and threshold of each row of evidence."""
    tested = [
        (".q_value", "q_value", f"{rule.alert_fdr!r}"),
        (".q_of_rule", "q_of_rule", f"{rule.watch_fdr!r}"),
    ]
    if rule.mean:
        return [
            ("", "value", "bound"),
            (".drawn", "drawn", "bound"),
            (".grade_mean", "baseline", "bound"),
            (".between_sd", "between_sd", f"{rule.mean.by_sd!r}"),
            (".within_sd", "within_sd", "0"),
            (".classes", "compared", f"{rule.mean.min_classes}"),
        ]
    if rule.spread:
        return [
            ("", "value", "baseline"),
            *tested,
            (".draws", f"{rule.spread.permutations}", "0"),
            (".pupils", "compared", "0"),
        ]
    if rule.newcomers:
        return [("", "observed", "baseline")]
    return [
        ("", "observed", "baseline"),
        *tested,
        (".own_band", "(baseline_from = 'grade_band')::integer", "0"),
    ]
