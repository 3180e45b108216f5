"""All class rules of one wave in one step: counts and scores in, indicators and levels out.

The nightly road, the examples and the simulated worlds all come through `judge`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.rule import ClassRule
from transforms.class_flags import control, indicate, indicate_newcomers
from transforms.class_scales import indicate_scale
from transforms.statistics.control_charts import persistent
from transforms.statistics.numbers import Counts, Marks

CLASS = ("wave_id", "survey_id", "school_id", "class_group")  # what names a class in a wave
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
    are the signals of earlier waves of the school year, columns of EARLIER; the last one in which
    the rule could judge the class is 1 wave ago. `surveys`, of a wave with several, has a row a
    class too: `survey_i` is the one that rule number i's row is named by, null where the class was
    not asked. Without it, `classes` says the one survey of each class.
    """

    classes: pa.Table
    scores: Mapping[str, pa.Table]
    earlier: pa.Table
    surveys: pa.Table | None = None


def judge(rules: Sequence[ClassRule], data: ClassData, *, seed: str) -> pa.Table:
    """One row a class and rule that anybody answered in the class's surveys, with level and why.

    Columns: CLASS, grade, rule_id, rule_version, answered, observed, enrolled, baseline,
    baseline_from, p_exact, p_mid, q_value, q_of_rule, gate, value, bound, drawn, between_sd,
    within_sd, compared, level (null where nothing stands out) and waves (in how many of the latest
    waves the class had this signal). `seed` names the random draws, so that the same wave draws the
    same.
    """
    if not rules:
        return _NOTHING
    # Rules that nobody answered anything for say nothing, and are most of them in many a wave.
    asked = [(i, rule) for i, rule in enumerate(rules) if _is_answered(i, rule, data)]
    asked = asked or list(enumerate(rules))  # for the columns' sake
    rules = [rule for _, rule in asked]
    tables = [_indicated(i, rule, data, seed) for i, rule in asked]
    kept = [_asked_in(i, table, data) for (i, _), table in zip(asked, tables, strict=True)]
    rows = (table.take(at) for table, at in zip(tables, kept, strict=True))
    found = pa.concat_tables(rows, promote_options="default")
    place = _places(kept, data.classes.num_rows)
    controlled = control(found, {rule.id: rule for rule in rules})
    return _repeated(_left_to_others(controlled, place, rules), place, data, rules)


def _is_answered(i: int, rule: ClassRule, data: ClassData) -> bool:
    if rule.scale:
        return int(data.scores[rule.scale].num_rows) > 0
    return int(pc.sum(data.classes.column(f"answered_{i}")).as_py() or 0) > 0


@dataclass(frozen=True, slots=True)
class _Places:
    """The rule and the class of each row, as numbers: far quicker to look up than their names."""

    rule: Counts
    class_no: Counts
    classes: int


def _asked_in(i: int, found: pa.Table, data: ClassData) -> Counts:
    """The classes of the surveys in which somebody answered what a rule looks at."""
    if data.surveys is not None:
        return np.flatnonzero(data.surveys.column(f"survey_{i}").is_valid().to_numpy())
    survey = (
        data.classes.column("survey_id").combine_chunks().dictionary_encode().indices.to_numpy()
    )
    answered = np.bincount(survey, weights=found.column("answered").to_numpy())
    return np.flatnonzero(answered[survey] > 0)


def _places(kept: Sequence[Counts], classes: int) -> _Places:
    rule = np.repeat(np.arange(len(kept)), [len(rows) for rows in kept])
    return _Places(rule, np.concatenate(kept), classes)


_DETAILS = ("value", "bound", "drawn", "between_sd", "within_sd", "compared")
_NOTHING = pa.table(
    {
        **{name: pa.array([], pa.string()) for name in (*CLASS, "rule_id", "gate", "level")},
        **{name: pa.array([], pa.float64()) for name in _DETAILS},
    }
)


def _indicated(i: int, rule: ClassRule, data: ClassData, seed: str) -> pa.Table:
    named = data.classes.select([*CLASS, "grade", "enrolled"])
    if data.surveys is not None:
        at = named.column_names.index("survey_id")
        named = named.set_column(at, "survey_id", data.surveys.column(f"survey_{i}"))
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


def _left_to_others(found: pa.Table, place: _Places, rules: Sequence[ClassRule]) -> pa.Table:
    """Take the level from a class that the rule named in `unless` speaks of already."""
    number = {rule.id: at for at, rule in enumerate(rules)}
    speaks = np.zeros((len(rules), place.classes), np.bool_)
    speaks[place.rule, place.class_no] = found.column("level").is_valid().to_numpy()
    for at, rule in enumerate(rules):
        if rule.unless in number:
            speaks[at] &= ~speaks[number[rule.unless]]
    keeps = pa.array(speaks[place.rule, place.class_no])
    return _with_level(found, pc.if_else(keeps, found.column("level"), None))


def _repeated(
    found: pa.Table, place: _Places, data: ClassData, rules: Sequence[ClassRule]
) -> pa.Table:
    """Raise a signal to an alert where the class had it in enough of the latest waves."""
    now = found.column("level").is_valid().to_numpy()
    earlier = _earlier(data, rules)[:, place.rule, place.class_no]
    waves = np.concatenate([earlier, now[None]])
    again = np.zeros(len(now), np.bool_)
    for at, rule in enumerate(rules):
        own = place.rule == at
        if not rule.newcomers:
            signals = waves[:, own]
            again[own] = persistent(signals, at_least=rule.repeat_times, of=rule.repeat_of)[-1]
    level = pc.if_else(pa.array(now & again), "alert", found.column("level"))
    raised = _with_level(found, level)
    return raised.append_column("waves", pa.array(waves.sum(axis=0), pa.int8()))


def _earlier(data: ClassData, rules: Sequence[ClassRule]) -> Marks:
    """Whether a rule spoke of a class two waves and one wave ago: an array [2, rules, classes]."""
    name = _class_name(data.classes).dictionary_encode()
    of = pc.index_in(_class_name(data.earlier), name.dictionary).to_numpy(zero_copy_only=False)
    spoke = np.zeros((2, len(rules), len(name.dictionary)), np.bool_)
    ago = data.earlier.column("waves_ago").to_numpy()
    version = data.earlier.column("rule_version").to_numpy()
    for at, rule in enumerate(rules):
        own = pc.equal(data.earlier.column("rule_id"), rule.id).to_numpy()
        own = own & (version == rule.version) & (ago <= len(spoke)) & ~np.isnan(of)
        spoke[2 - ago[own], at, of[own].astype(np.int64)] = True
    return spoke[:, :, name.indices.to_numpy()]


def _class_name(table: pa.Table) -> pa.StringArray:
    """A class as it is named again in the other waves of a school year."""
    parts = (table.column(name) for name in ("school_id", "class_group"))
    joined = pc.binary_join_element_wise(*parts, "\N{UNIT SEPARATOR}")
    return joined.combine_chunks()


def _with_level(table: pa.Table, level: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index("level"), "level", level)
