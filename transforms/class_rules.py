"""All class rules of one wave in one step: counts and scores in, indicators and levels out.

The nightly road, the examples and the simulated worlds all come through `judge`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemas.rule import ClassRule
from transforms.class_flags import control, indicate, indicate_newcomers
from transforms.class_scales import indicate_scale
from transforms.statistics.control_charts import persistent

# What names a class in a wave, and what names it again in an earlier wave of the school year.
CLASS = ("wave_id", "survey_id", "school_id", "class_group")
_AGAIN = ("school_id", "class_group", "rule_id", "rule_version")
EARLIER = pa.schema(
    [
        ("school_id", pa.string()),
        ("class_group", pa.string()),
        ("rule_id", pa.string()),
        ("rule_version", pa.int32()),
        ("waves_ago", pa.int8()),
    ]
)


@dataclass(frozen=True, slots=True)
class ClassData:
    """A wave as class rules see it.

    `classes` has one row a class: CLASS, grade, enrolled (null where no class list has come), and
    for rule number i that counts pupils `answered_i` and `observed_i`. `scores` has for each scale
    a row a class and score: `class_no` (a row of classes, from 0), `score`, `pupils`. `earlier`
    are the signals of earlier waves of the school year, columns of EARLIER; the wave before this
    one is 1 wave ago. Waves that nobody answered do not count.
    """

    classes: pa.Table
    scores: Mapping[str, pa.Table]
    earlier: pa.Table


def judge(rules: Sequence[ClassRule], data: ClassData, *, seed: str) -> pa.Table:
    """One row a class and rule that anybody answered in the class's survey, with level and why.

    Columns: CLASS, grade, rule_id, rule_version, answered, observed, enrolled, baseline,
    baseline_from, p_exact, p_mid, q_value, q_of_rule, gate, value, bound, drawn, between_sd,
    within_sd, compared, level (null where nothing stands out) and waves (in how many of the latest
    waves the class had this signal). `seed` names the random draws, so that the same wave draws the
    same.
    """
    if not rules:
        return _NOTHING
    found = pa.concat_tables(
        (_indicated(i, rule, data, seed) for i, rule in enumerate(rules)), promote_options="default"
    )
    known = {rule.id: rule for rule in rules}
    asked = control(found.filter(_is_asked(found)), known)
    return _repeated(_left_to_others(asked, known), data.earlier, known)


_DETAILS = ("value", "bound", "drawn", "between_sd", "within_sd", "compared")
_NOTHING = pa.table(
    {
        **{name: pa.array([], pa.string()) for name in (*CLASS, "rule_id", "gate", "level")},
        **{name: pa.array([], pa.float64()) for name in _DETAILS},
    }
)


def _indicated(i: int, rule: ClassRule, data: ClassData, seed: str) -> pa.Table:
    named = data.classes.select([*CLASS, "grade", "enrolled"])
    if rule.scale:
        found = indicate_scale(named, data.scores[rule.scale], rule, seed=seed)
    else:
        for name in ("answered", "observed"):
            named = named.append_column(name, data.classes.column(f"{name}_{i}"))
        found = (indicate_newcomers if rule.newcomers else indicate)(named, rule)
        for name in _DETAILS:
            found = found.append_column(name, pa.nulls(found.num_rows, pa.float64()))
    return found.append_column("rule_id", pa.repeat(rule.id, found.num_rows)).append_column(
        "rule_version", pa.repeat(pa.scalar(rule.version, pa.int32()), found.num_rows)
    )


def _is_asked(found: pa.Table) -> pa.Array:
    """Rows of rules that look at what somebody answered in that survey of the wave."""
    key = _key(found, ("survey_id", "rule_id"))
    answered = found.column("answered").to_numpy() > 0
    return pa.array(np.isin(key, np.unique(key[answered])))


def _key(table: pa.Table, names: Sequence[str]) -> npt.NDArray[np.str_]:
    parts = [table.column(name).cast(pa.string()) for name in names]
    joined = pc.binary_join_element_wise(*parts, "\N{UNIT SEPARATOR}")
    return np.asarray(joined.to_numpy(zero_copy_only=False), np.str_)


def _left_to_others(found: pa.Table, rules: Mapping[str, ClassRule]) -> pa.Table:
    """Take the level from a class that the rule named in `unless` speaks of already."""
    rule_id, key = _key(found, ("rule_id",)), _key(found, CLASS)
    level = found.column("level").to_numpy(zero_copy_only=False)
    has_level = found.column("level").is_valid().to_numpy()
    for rule in rules.values():
        spoken = key[has_level & (rule_id == rule.unless)] if rule.unless else key[:0]
        has_level &= ~((rule_id == rule.id) & np.isin(key, spoken))
    return _with(found, "level", pa.array(level, pa.string(), mask=~has_level))


def _repeated(found: pa.Table, earlier: pa.Table, rules: Mapping[str, ClassRule]) -> pa.Table:
    """Raise a signal to an alert where the class had it in enough of the latest waves."""
    key, now = _key(found, _AGAIN), found.column("level").is_valid().to_numpy()
    before, ago = _key(earlier, _AGAIN), earlier.column("waves_ago").to_numpy()
    waves = np.stack([*(np.isin(key, before[ago == back]) for back in (2, 1)), now])
    level = found.column("level").to_numpy(zero_copy_only=False).astype(object)
    rule_id = _key(found, ("rule_id",))
    for rule in rules.values():
        own = (rule_id == rule.id) & now
        if not rule.newcomers:
            again = persistent(waves, at_least=rule.repeat_times, of=rule.repeat_of)[-1]
            level[own & again] = "alert"
    raised = _with(found, "level", pa.array(level, pa.string()))
    return raised.append_column("waves", pa.array(waves.sum(axis=0), pa.int8()))


def _with(table: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, column)
