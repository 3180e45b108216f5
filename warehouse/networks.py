"""Measures who chose whom: a row a pupil for the pupil rules, a row a class for the class rule.

The classes of a wave are measured one after the other, each as matrices; the rows of a class are
never looped over. Of earlier waves that asked for choices only what is said of pupils is measured
again, for a rule may look back at it.
"""

from collections.abc import Iterator, Mapping, Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.network_rule import NetworkRule
from transforms.flag_inputs import WAVES_BEFORE_SQL
from transforms.network_flags import Asked, ClassNetwork, measure_class, stands_out, unchosen_in
from transforms.sociometry import matrix_of
from warehouse.asked import ASKED_CLASS_SQL
from warehouse.class_rules import earlier_signals

Numbers = npt.NDArray[np.int64]

_CLASS = "wave_id, survey_id, school_id, class_group"

# The numbers of classes, situations and pupils run from 0, in the order of their names.
_NUMBERED_SQL = f"""
    create or replace temp table asked_class as
    with asked as (
        select {_CLASS}, mode(grade order by grade) as grade
        from core.response
        where wave_id = $wave and (wave_id, survey_id) in (
            select (wave_id, survey_id) from core.response semi join core.nomination
                using (response_id)
        )
        group by all
    )
    select (row_number() over (order by survey_id, a.school_id, a.class_group) - 1)::integer
            as class_no, a.*, c.enrolled
    from asked a left join ({ASKED_CLASS_SQL}) c
        on c.wave_id = a.wave_id and c.school_id = a.school_id and c.class_group = a.class_group;

    create or replace temp table asked_pupil as
    select class_no, m.pupil, any_value(r.response_id) as response_id,
        (row_number() over (partition by class_no order by m.pupil) - 1)::integer as pupil_no
    from asked_class c
        join core.class_member m on m.wave_id = c.wave_id and m.school_id = c.school_id
            and m.class_group = c.class_group
        left join core.response r on r.wave_id = c.wave_id and r.survey_id = c.survey_id
            and r.school_id = c.school_id and r.class_group = c.class_group and r.pupil = m.pupil
    group by class_no, m.pupil;

    create or replace temp table asked_choice as
    select p.class_no, p.pupil_no as chooser, chosen.pupil_no as chosen,
        (dense_rank() over (partition by p.class_no order by situation) - 1)::integer as situation
    from core.nomination n join asked_pupil p using (response_id)
        left join asked_pupil chosen on chosen.class_no = p.class_no and chosen.pupil = n.chosen
"""


_Columns = Mapping[str, npt.NDArray[np.int64]]


def measure_networks(con: duckdb.DuckDBPyConnection, wave_id: str, rule: NetworkRule) -> None:
    """Fill core.form_network for a wave and those before, and core.class_network for the wave.

    The temporary table `loose_class` has the classes that stand out, as core.class_network. Where
    nobody was ever asked there are none, and nothing is touched.
    """
    con.execute("""
        create or replace temp table loose_class as
        select *, 1::integer as waves from core.class_network limit 0
    """).fetchall()
    if not con.execute("select 1 from core.nomination limit 1").fetchall():
        return
    for before in _waves_before(con, wave_id):
        asked = list(_asked(con, before))
        _keep_pupils(con, before, [(one, form, unchosen_in(one)) for one, form in asked])
    networks = _measure(con, wave_id)
    con.execute(
        "delete from core.class_network where wave_id = $wave", {"wave": wave_id}
    ).fetchall()
    if networks:
        write_classes(con, networks, rule)
        _count_waves(con, wave_id)


def choices_input(con: duckdb.DuckDBPyConnection, wave_id: str) -> list[tuple[object, ...]]:
    """What a wave's networks depend on besides its forms: who may be chosen where."""
    found: list[tuple[object, ...]] = con.execute(
        """
        select wave_id, school_id, class_group, bit_xor(hash(pupil))::varchar
        from core.class_member join core.dim_wave w using (wave_id)
        where w.opens <= (select opens from core.dim_wave where wave_id = $wave)
            and exists (from core.nomination)
        group by all order by all
        """,
        {"wave": wave_id},
    ).fetchall()
    return found


def _waves_before(con: duckdb.DuckDBPyConnection, wave_id: str) -> list[str]:
    """Waves with choices that a rule may look back at."""
    found = con.execute(
        f"""
        select wave_id from ({WAVES_BEFORE_SQL})
        where wave_id in (
            select wave_id from core.response semi join core.nomination using (response_id)
        )
        order by opens, wave_id
        """,
        {"wave": wave_id},
    ).fetchall()
    return [before for (before,) in found]


def _measure(con: duckdb.DuckDBPyConnection, wave_id: str) -> list[ClassNetwork]:
    """Measure a wave's classes, in the order of `asked_class`, and keep what is said of pupils."""
    asked = list(_asked(con, wave_id))
    networks = [measure_class(one) for one, _ in asked]
    _keep_pupils(
        con,
        wave_id,
        [
            (one, form, network.unchosen_in)
            for (one, form), network in zip(asked, networks, strict=True)
        ],
    )
    return networks


def _keep_pupils(
    con: duckdb.DuckDBPyConnection, wave_id: str, classes: Sequence[tuple[Asked, Numbers, Numbers]]
) -> None:
    """Keep in how many situations nobody chose each pupil: class, forms and counts."""
    con.execute("delete from core.form_network where wave_id = $wave", {"wave": wave_id}).fetchall()
    forms = [
        pa.table({"response_id": form, "unchosen_in": counts}).filter(
            pa.array(asked.has_form & (counts >= 0))
        )
        for asked, form, counts in classes
    ]
    if not forms:
        return
    con.register("measured", pa.concat_tables(forms))
    con.execute(
        """
        insert into core.form_network by name
        select response_id, $wave as wave_id, unchosen_in::integer as unchosen_in from measured
        """,
        {"wave": wave_id},
    ).fetchall()
    con.unregister("measured")


def _asked(con: duckdb.DuckDBPyConnection, wave_id: str) -> Iterator[tuple[Asked, Numbers]]:
    """Each class as it was asked, and the id of each pupil's form, -1 where there is none.

    The temporary table `asked_class` has them in the same order.
    """
    for statement in _NUMBERED_SQL.split(";"):
        con.execute(statement, {"wave": wave_id} if "$wave" in statement else {}).fetchall()
    classes = con.execute("""
        select class_no, concat_ws('|', survey_id, school_id, class_group), enrolled
        from asked_class order by class_no
    """).fetchall()
    pupils = _by_class(con, "coalesce(response_id, -1) as form", "asked_pupil", "pupil_no")
    choices = _by_class(
        con, "situation, chooser, coalesce(chosen, -1) as chosen", "asked_choice", "situation"
    )
    for class_no, name, enrolled in classes:
        form, made = pupils[class_no]["form"], choices.get(class_no, _NO_CHOICES)
        situations = int(made["situation"].max(initial=-1)) + 1
        inside = made["chosen"] >= 0
        stack = [
            matrix_of(made["chooser"][own], made["chosen"][own], len(form))
            for own in (inside & (made["situation"] == at) for at in range(situations))
        ]
        told = np.stack(stack) if stack else np.zeros((0, len(form), len(form)), np.bool_)
        yield Asked(f"{wave_id}|{name}", told, form >= 0, enrolled), form


_NO_CHOICES: _Columns = {name: np.empty(0, np.int64) for name in ("situation", "chooser", "chosen")}


def _by_class(
    con: duckdb.DuckDBPyConnection, columns: str, table: str, order: str
) -> dict[int, _Columns]:
    """The columns of a table as whole numbers, apart for each class."""
    found = con.sql(f"""
        select class_no, {columns} from {table} order by class_no, {order}
    """).to_arrow_table()
    numbers = {name: found.column(name).to_numpy().astype(np.int64) for name in found.column_names}
    which, starts = np.unique(numbers.pop("class_no"), return_index=True)
    parts = {name: np.split(column, starts[1:]) for name, column in numbers.items()}
    return {
        class_no: {name: parts[name][at] for name in numbers}
        for at, class_no in enumerate(which.tolist())
    }


def write_classes(
    con: duckdb.DuckDBPyConnection, networks: list[ClassNetwork], rule: NetworkRule
) -> None:
    """Keep what was measured of the classes of `asked_class`, and put aside those that stand out.

    The temporary table `loose_class` has those, each for the first time.
    """
    rows = [
        {
            "class_no": class_no,
            "rule_id": rule.id,
            "rule_version": rule.version,
            "answered": network.answered,
            "unchosen": network.unchosen,
            "groups": network.groups,
            "cohesion": network.cohesion,
            "p_cohesion": network.p_cohesion,
            "gate": network.gate,
            "is_loose": not rule.off
            and stands_out(
                network,
                cohesion_below=rule.cohesion_below,
                min_unchosen=rule.min_unchosen,
                min_groups=rule.min_groups,
                marks=rule.marks,
            ),
        }
        for class_no, network in enumerate(networks)
    ]
    con.register("measured", pa.Table.from_pylist(rows, _MEASURED))
    for table, wanted, waves in (
        ("core.class_network", "true", ""),
        ("loose_class", "is_loose", "1 as waves,"),
    ):
        con.execute(f"""
            insert into {table} by name
            select {waves} * exclude (class_no, is_loose)
            from asked_class join measured using (class_no)
            where {wanted}
        """).fetchall()
    con.unregister("measured")


def _count_waves(con: duckdb.DuckDBPyConnection, wave_id: str) -> None:
    """In how many of the year's latest waves each class stood out, this one included."""
    con.register("earlier_signal", earlier_signals(con, wave_id))
    con.execute("""
        update loose_class l set waves = 1 + (
            select count(distinct e.waves_ago) from earlier_signal e
            where e.school_id = l.school_id and e.class_group = l.class_group
                and e.rule_id = l.rule_id and e.rule_version = l.rule_version
        )
    """).fetchall()
    con.unregister("earlier_signal")


_MEASURED = pa.schema(
    {
        "class_no": pa.int32(),
        "rule_id": pa.string(),
        "rule_version": pa.int32(),
        "answered": pa.int32(),
        "unchosen": pa.int32(),
        "groups": pa.int32(),
        "cohesion": pa.float64(),
        "p_cohesion": pa.float64(),
        "gate": pa.string(),
        "is_loose": pa.bool_(),
    }
)


def network_parts(rule: NetworkRule, *, about: str, flag_id: str) -> tuple[str, str]:
    """The class flags and their evidence, in the columns of core.flag and core.flag_evidence.

    `about` and `flag_id` are the expressions that make a flag's id.
    """
    loose = f"(select *, {about} as about from loose_class)"
    flags = f"""
        select {flag_id} as flag_id, wave_id, survey_id, 'class' as target, school_id,
            class_group, grade,
            case when waves >= {rule.repeat_times} then 'alert' else '{rule.level}' end as level,
            '{rule.situation}' as situation, rule_id, rule_version, 'health_service' as route,
            waves as evidence_count
        from {loose}
    """
    evidence = " union all by name ".join(
        f"""
        select {flag_id} as flag_id, 'network.{name}' as item_or_scale, {name} as observed,
            {threshold!r} as threshold, answered as denominator, {p_value} as p_value, wave_id
        from {loose}
        """
        for name, threshold, p_value in (
            ("unchosen", float(rule.min_unchosen), "null::double"),
            ("groups", float(rule.min_groups), "null::double"),
            ("cohesion", rule.cohesion_below, "p_cohesion"),
            ("waves", float(rule.repeat_times), "null::double"),
        )
    )
    return flags, evidence
