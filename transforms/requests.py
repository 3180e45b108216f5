"""Which forms ask for help by their own answers alone, whatever else of them cannot be read.

That is every step of level `prompt` that looks at nothing but the form itself: no earlier wave, no
register and no class. Of the rules that nobody can decide away (`HELD`) it is the level `flag` as
well: what the duty to act rests on may not lie unseen because a form waits. The rules say it
(schemas/rules/), and nothing here names one of them.
"""

from collections.abc import Iterable, Mapping, Sequence

from schemas.instrument import LOWEST_OPTION, Instrument
from schemas.rule import ClassRule, PupilRule, PupilStep
from schemas.rule_change import HELD
from transforms.flag_inputs import Inputs, inputs_of, is_item
from transforms.pupil_flags import step_sql
from transforms.scoring import score_sql
from transforms.use_for import as_instruments_allow

# Behind the id of a rule that a form meets at the level `flag`; without it, it asks for help now.
AT_FLAG = "/flag"


def rules_of_a_form(
    rules: Iterable[PupilRule | ClassRule], instruments: Mapping[str, Instrument]
) -> list[PupilRule]:
    """The pupil rules with only those steps by which one form is heard while it waits."""
    allowed = as_instruments_allow(list(rules), instruments)
    found = []
    for rule in allowed:
        if isinstance(rule, PupilRule):
            levels = ("prompt", "flag") if rule.id in HELD else ("prompt",)
            steps = tuple(
                step for step in rule.steps if step.level in levels and _is_of_the_form(step)
            )
            found += [rule.model_copy(update={"steps": steps})] if steps else []
    return found


def _is_of_the_form(step: PupilStep) -> bool:
    looked_at = (*step.reasons, *step.none_of)
    return not any(
        condition.looks_back or condition.is_local or not condition.is_answered
        for condition in looked_at
    )


def request_sql(
    rules: Sequence[PupilRule], instruments: Mapping[str, Instrument], asked: Sequence[str]
) -> str:
    """Rows quarantine_id, rule_id, rule_version, route: each rule that a form of `unread` meets.

    The id has `AT_FLAG` behind it where no step of level `prompt` holds. `unread` has
    quarantine_id, grade and a column a canonical item (`asked`), null where its cell cannot be
    read; such a condition does not hold. `rules` as `rules_of_a_form` gives them.
    """
    inputs = inputs_of(rules, instruments)
    columns = [
        f"{_input_sql(name, instruments, asked)} as {inputs.column(name)}" for name in inputs.names
    ]
    sources = [
        f"left join ({_scores_sql(instruments[key], asked)}) score_{key} using (quarantine_id)"
        for key in _scored(inputs, instruments)
    ]
    hits = " union all ".join(_rule_sql(rule, inputs) for rule in rules)
    return f"""
        with form as (
            select quarantine_id, {", ".join(columns)} from unread {" ".join(sources)}
        )
        {hits}
    """


def _rule_sql(rule: PupilRule, inputs: Inputs) -> str:
    levels = " ".join(
        f"when {step_sql(step, inputs)} then '{rule.id}{AT_FLAG if step.level == 'flag' else ''}'"
        for step in rule.steps
    )
    return f"""
        select quarantine_id, case {levels} end as rule_id, {rule.version} as rule_version,
            '{rule.route}' as route
        from form where rule_id is not null
    """


def _scored(inputs: Inputs, instruments: Mapping[str, Instrument]) -> list[str]:
    return sorted(
        {name.partition(".")[0] for name in inputs.names if not is_item(name, instruments)}
    )


def _input_sql(name: str, instruments: Mapping[str, Instrument], asked: Sequence[str]) -> str:
    key, _, part = name.partition(".")
    if not is_item(name, instruments):
        return f"score_{key}.{part}"
    return f'case when "{name}" >= {LOWEST_OPTION} then "{name}" end' if name in asked else "null"


def _scores_sql(instrument: Instrument, asked: Sequence[str]) -> str:
    """The instrument's scores of `unread`. Where no grade can be read, the pupil may be heard."""
    answers = ", ".join(
        (f'"{name}"' if name in asked else "null::tinyint") + f" as {column}"
        for column in instrument.columns
        for name in [f"{instrument.key}.{column}"]
    )
    scores = ", ".join(score_sql(instrument, scale)[0] for scale in instrument.scales)
    grades = f"between {instrument.min_grade} and {instrument.max_grade}"
    return f"""
        select quarantine_id, {scores}
        from (
            select quarantine_id, {answers} from unread where grade is null or grade {grades}
        )
    """
