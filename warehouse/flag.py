"""Scores and flags one wave: scores, indicators, flags and the stage entry in one transaction."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from schemas.instrument import Instrument
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import ClassRule, Condition, PupilRule
from schemas.settings import Settings
from transforms.flag_inputs import Inputs, Limits, inputs_of, wave_form_sql
from transforms.linked_forms import (
    LINKED_FORM,
    is_of_the_register,
    linked_form_sql,
    once_sql,
    origin_of,
    own_step_sql,
)
from transforms.pupil_flags import evidence_sql, hit_sql, limit_sql
from transforms.use_for import as_instruments_allow
from transforms.yardsticks import as_far_as_measured
from warehouse.class_rules import class_evidence_sql, class_flags_sql, earlier_signals, find_classes
from warehouse.failpoint import reach
from warehouse.flag_life import settle_flags
from warehouse.instruments import flag_basis
from warehouse.networks import choices_input, measure_networks, network_parts
from warehouse.one_class import one_class_input, place_pupils
from warehouse.stages import fingerprint, is_done, mark_done, wave_input
from warehouse.store import transaction
from warehouse.yardsticks import keep_limits, measure_limits

Rules = Sequence[PupilRule | ClassRule]


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes with the rules: the one of choices, as a municipality has it.

    `limits` stand in for those that the wave's grades set, where examples say what they are.
    """

    network: NetworkRule = field(default_factory=network_rule)
    limits: Limits | None = None


@dataclass(frozen=True, slots=True)
class Flagged:
    """What flagging a wave did. `raised` counts open flags by target, level and situation.

    `relevelled` of the wave's flags got another level; `lapsed` of any wave lapsed or stand again,
    as newer answers came or went.
    """

    wave_id: str
    changed: bool
    raised: Mapping[tuple[str, str, str], int]
    new: int = 0
    withdrawn: int = 0
    taken_out: int = 0  # of the withdrawn: a person took the form out that they rested on
    relevelled: int = 0
    lapsed: int = 0
    pupil_flags_off: str | None = None
    fingerprint: str = ""


def score_and_flag(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    *,
    instruments: Mapping[str, Instrument],
    rules: Rules,
    settings: Settings,
    now: datetime,
    beside: Beside | None = None,
) -> Flagged:
    """Compute a wave anew if anything that it depends on has changed; else leave it alone.

    Pupil rules run only where the settings hold a routing decision, and see only surveys whose
    linkage is pseudonymous: other forms have no pupil.
    """
    beside = beside or Beside()
    off = None if settings.routing else "no routing decision in the settings"
    active = _active_rules(rules, instruments, settings)
    state = flag_state(
        con,
        wave_id,
        instruments=instruments,
        rules=rules,
        settings=settings,
        network=beside.network,
    )
    if is_done(con, "flagged", wave_id, state):
        return Flagged(
            wave_id,
            changed=False,
            raised=open_flags(con, wave_id),
            pupil_flags_off=off,
            fingerprint=state,
        )
    with transaction(con):
        _find(con, wave_id, active, instruments, beside)
        settled = settle_flags(con, wave_id, now)
        mark_done(con, "flagged", wave_id, state, now=now)
        reach("before-flag-commit")
    reach("after-flag-commit")
    _tidy(con)
    return Flagged(
        wave_id,
        changed=True,
        raised=open_flags(con, wave_id),
        new=settled.new,
        withdrawn=settled.withdrawn,
        taken_out=settled.taken_out,
        relevelled=settled.relevelled,
        pupil_flags_off=off,
        fingerprint=state,
    )


def _find(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    rules: Rules,
    instruments: Mapping[str, Instrument],
    beside: Beside,
) -> None:
    """The temporary tables `found` and `found_evidence`: all that the rules say of the wave."""
    limits = beside.limits
    if limits is None:
        limits = measure_limits(con, wave_id, rules, instruments)
        keep_limits(con, wave_id, limits)
    rules = as_far_as_measured(rules, limits)
    forms = _Forms(con, wave_id, inputs_of(rules, instruments, limits), instruments)
    measure_networks(con, wave_id, beside.network)
    _read_forms(forms)
    is_linked = _find_pupils(forms, [rule for rule in rules if rule.target == "pupil"])
    class_rules = [rule for rule in rules if rule.target == "class"]
    find_classes(con, wave_id, class_rules, forms.inputs, about=_about_class(class_rules))
    _gather(forms, rules, beside.network, is_linked=is_linked)


_TEMPORARY = (
    *("found", "found_evidence"),
    *("wave_form", LINKED_FORM, "hit", "seen_before", "complete_before", "listed_start", "before"),
    *("outstanding", "outstanding_before"),
    *("loose_class", "asked_class", "asked_pupil", "asked_choice"),
)


def _tidy(con: duckdb.DuckDBPyConnection) -> None:
    for table in _TEMPORARY:
        con.execute(f"drop table if exists temp.{table}").fetchall()


def flag_state(
    con: duckdb.DuckDBPyConnection,
    wave_id: str,
    *,
    instruments: Mapping[str, Instrument],
    rules: Rules,
    settings: Settings,
    network: NetworkRule | None = None,
) -> str:
    """The fingerprint of all that a wave's scores and flags depend on."""
    return fingerprint(
        wave_input(con, wave_id),
        one_class_input(con, wave_id),
        earlier_signals(con, wave_id).to_pylist(),
        {key: flag_basis(instrument) for key, instrument in instruments.items()},
        [rule.model_dump() for rule in _active_rules(rules, instruments, settings)],
        settings.routing.model_dump() if settings.routing else None,
        ((network or network_rule()).model_dump(), choices_input(con, wave_id)),
    )


def _active_rules(rules: Rules, instruments: Mapping[str, Instrument], settings: Settings) -> Rules:
    """Without a routing decision nobody may receive a pupil's flag, so none is computed.

    A rule sees only instruments that may be used for its target.
    """
    routed = [rule for rule in rules if rule.target == "class" or settings.routing]
    return as_instruments_allow(routed, instruments)


def open_flags(con: duckdb.DuckDBPyConnection, wave_id: str) -> dict[tuple[str, str, str], int]:
    """How many of a wave's flags are open, by target, level and situation."""
    counted = con.execute(
        """
        select target, level, situation, count(*)
        from core.flag where wave_id = $wave and status = 'open' group by all order by all
        """,
        {"wave": wave_id},
    ).fetchall()
    return {(target, level, situation): n for target, level, situation, n in counted}


@dataclass(frozen=True, slots=True)
class _Forms:
    """A wave's forms, and what the rules look at in them."""

    con: duckdb.DuckDBPyConnection
    wave_id: str
    inputs: Inputs
    instruments: Mapping[str, Instrument]


# A flag keeps its id when the wave is computed again: 60 bits of what the flag is about, turned by
# 60 of its rule. One digest a form serves all rules, for making them is half of the work. A pupil
# who moves class is the same pupil, so the class has no part in a pupil's flag. Nor has the survey
# where the register speaks: which of several has such a flag may change when another comes.
_ABOUT = "md5_number_lower(concat_ws('|', wave_id, {survey}, school_id, {whom})) >> 4"
_ABOUT_CLASS = _ABOUT.format(survey="survey_id", whom="class_group, ''")
_ABOUT_PUPIL = _ABOUT.format(survey="survey_id", whom="'', pupil")
_ABOUT_WHOEVER_ASKS = {
    "class": _ABOUT.format(survey="''", whom="class_group, ''"),
    "pupil": _ABOUT.format(survey="''", whom="'', pupil"),
}


def _flag_id(rule: PupilRule | ClassRule | NetworkRule, about: str = "about") -> str:
    turn = int.from_bytes(hashlib.sha256(rule.id.encode()).digest()[:8]) >> 4
    # Fifteen digits of sixty bits: a bit above them keeps the leading zeros, at half of the time
    # that `format` takes.
    return f"'F' || right(hex(xor({about}, {turn}::ubigint) + {1 << 60}::ubigint), 15)"


def _about_class(rules: Sequence[ClassRule]) -> str:
    """A class that got new pupils got them once, whatever it was asked in how many surveys."""
    once = ", ".join(f"'{rule.id}'" for rule in rules if rule.newcomers) or "null"
    return f"if(rule_id in ({once}), {_ABOUT_WHOEVER_ASKS['class']}, {_ABOUT_CLASS})"


def _id_of_pupil(rule: PupilRule) -> str:
    # Few forms have such a flag: theirs is digested when its id is asked for.
    about = _ABOUT_WHOEVER_ASKS["pupil"] if is_of_the_register(rule) else "about"
    return _flag_id(rule, about)


def _read_forms(forms: _Forms) -> None:
    for statement in wave_form_sql(forms.inputs, forms.instruments):
        forms.con.execute(statement, {"wave": forms.wave_id}).fetchall()
    place_pupils(forms.con, forms.wave_id)


def _find_pupils(forms: _Forms, rules: Sequence[PupilRule]) -> bool:
    """The temporary table `hit`: the forms that any rule flags.

    Returns whether pupils have forms of several surveys, which were read together.
    """
    is_linked = bool(rules and forms.inputs.names) and _have_several_surveys(forms.con)
    hits = hit_sql(rules, forms.inputs)
    if is_linked:
        linked = linked_form_sql(forms.inputs)
        forms.con.execute(f"create or replace temp table {LINKED_FORM} as {linked}").fetchall()
        hits = hit_sql(rules, forms.inputs, forms=LINKED_FORM, holds=own_step_sql)
        hits = once_sql(hits, rules)
    forms.con.execute(
        f"create or replace temp table hit as select *, {_ABOUT_PUPIL} as about from ({hits})"
    ).fetchall()
    return is_linked


def _have_several_surveys(con: duckdb.DuckDBPyConnection) -> bool:
    [(several,)] = con.execute("""
        select count(distinct survey_id) > 1 from wave_form where pupil is not null
    """).fetchall()
    return bool(several)


def _gather(forms: _Forms, rules: Rules, network: NetworkRule, *, is_linked: bool) -> None:
    """What was found, as temporary tables in the columns of core.flag and core.flag_evidence."""
    flags, evidence = ["(from core.flag limit 0)"], ["(from core.flag_evidence limit 0)"]
    pupil_rules = [rule for rule in rules if rule.target == "pupil"]
    for i, (rule, met) in enumerate(
        zip(pupil_rules, _steps_met(forms.con, len(pupil_rules)), strict=True)
    ):
        if met:
            flags.append(_flags_of(i, rule))
        evidence += _evidence_of(i, rule, forms.inputs, met, is_linked=is_linked)
    class_rules = [rule for rule in rules if rule.target == "class"]
    signalled = forms.con.execute(_SIGNALLED).fetchall() if class_rules else []
    for class_rule in class_rules:
        if (class_rule.id,) in signalled:
            flag_id = f"coalesce(kept, {_flag_id(class_rule)})"
            flags.append(class_flags_sql(class_rule, flag_id))
            evidence += class_evidence_sql(class_rule, flag_id)
    loose = network_parts(network, about=_ABOUT_CLASS, flag_id=_flag_id(network))
    flags.append(loose[0])
    evidence.append(loose[1])
    for name, parts in (("found", flags), ("found_evidence", evidence)):
        rows = " union all by name ".join(parts)
        forms.con.execute(f"create or replace temp table {name} as {rows}").fetchall()


_SIGNALLED = "select distinct rule_id from outstanding"


def _steps_met(con: duckdb.DuckDBPyConnection, rules: int) -> list[Collection[int]]:
    """For each pupil rule, which of its steps flags a form.

    To plan a statement with every condition of every rule takes longer than to carry it out, and
    few of them hold in a wave.
    """
    if not rules:
        return []
    steps = ", ".join(f"list(distinct step_{i})" for i in range(rules))
    [found] = con.execute(f"select {steps} from hit").fetchall()
    return [{step for step in one or () if step is not None} for one in found]


def _flags_of(i: int, rule: PupilRule) -> str:
    levels = " ".join(f"when {at} then '{step.level}'" for at, step in enumerate(rule.steps))
    return f"""
        select {_id_of_pupil(rule)} as flag_id, wave_id, survey_id, 'pupil' as target, school_id,
            class_group, grade, pupil, case step_{i} {levels} end as level,
            '{rule.situation}' as situation, '{rule.id}' as rule_id,
            {rule.version} as rule_version, '{rule.route}' as route,
            evidence_{i} as evidence_count
        from hit where step_{i} is not null
    """


def _evidence_of(
    i: int, rule: PupilRule, inputs: Inputs, met: Collection[int], *, is_linked: bool
) -> list[str]:
    """What each condition saw, and in which survey if not the flag's own; a fall is two rows."""
    return [
        f"""
        select {_id_of_pupil(rule)} as flag_id, '{condition.input}' as item_or_scale,
            {observed} as observed, {limit_sql(condition, inputs)} as threshold, {wave} as wave_id
            {_told_in(condition, inputs) if is_linked and wave == "wave_id" else ""}
        from hit where step_{i} = {step} and {holds}
        """
        for step, condition, holds in evidence_sql(rule, inputs)
        if step in met
        for wave, observed in _seen(condition, inputs)
    ]


def _told_in(condition: Condition, inputs: Inputs) -> str:
    return f", nullif({origin_of(condition, inputs)}, survey_id) as survey_id"


def _seen(condition: Condition, inputs: Inputs) -> list[tuple[str, str]]:
    """The waves that a condition looks at, and the value in each, as columns of `hit`."""
    seen = []
    if condition.wave == "this":
        seen.append(("wave_id", inputs.column(condition.input)))
    if condition.looks_back:
        seen.append((inputs.wave_before(condition.input), inputs.before(condition.input)))
    return seen
