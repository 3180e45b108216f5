"""The page of flag rules, with every threshold in words."""

from collections.abc import Iterator, Mapping, Sequence

from reports.reference.markdown import bullets, code, page, table
from schemas.instrument import Instrument
from schemas.network_rule import (
    LEAST_ANSWERED,
    LEAST_RESPONSE,
    NETWORK_INPUTS,
    NetworkRule,
    network_rule,
)
from schemas.rule import NEW_PUPIL, ClassRule, Condition, PupilRule, PupilStep, RuleTexts, source_in
from schemas.rule_change import AnyRule
from schemas.rule_example import shipped_examples
from transforms.flag_inputs import NEW_FOR_DAYS
from warehouse.flag_life import EXPIRES_AFTER, REVIEW_WORKING_DAYS

Instruments = Mapping[str, Instrument]

_ROUTES = {
    "health_service": "the school health service's report",
    "adult_route": "a report of its own, for whom `bullied_by_adults_to` names",
}
_AGAIN = "alert (only when it comes again), watch"
_DIRECTIONS = {"at_least": ("or higher", "≥"), "at_most": ("or lower", "≤")}


def rules_page(rules: Sequence[PupilRule | ClassRule], instruments: Instruments) -> str:
    """Every rule: situation, level, thresholds in words, why, source, and its texts."""
    overview = [
        (f"[{code(rule.id)}](#{_anchor(rule)})", rule.target, code(rule.situation), _levels(rule))
        for rule in (*rules, network_rule())
    ]
    return page(
        "Flag rules",
        "A flag is a suggestion for a person to look. It must not be used later than"
        f" {EXPIRES_AFTER.days} days after it was raised. Why the rules are as they are stands in"
        " [why these flags](../explanation/why-these-flags.md).",
        table(("rule", "about a", "situation", "levels"), overview),
        *(part for rule in rules for part in _section(rule, instruments)),
        *_network_section(network_rule()),
    )


def _network_section(rule: NetworkRule) -> Iterator[str]:
    """The class rule that looks at choices, and what both rules of choices need."""
    yield f"## {rule.id} version {rule.version}"
    yield (
        f"**{rule.texts.name['en']}.** Situation: {code(rule.situation)}. Level: {rule.level}; the"
        f" same in {rule.repeat_times} of the latest three waves of the school year is an alert."
    )
    yield (
        f"At least {rule.marks} of three: fewer mutual pairs than all but {rule.cohesion_below:.0%}"
        " of classes with as many choices, dealt at random; at least"
        f" {rule.min_unchosen} pupils whom nobody chose; at least {rule.min_groups} groups."
    )
    yield (
        f"A situation is looked at where at least {LEAST_ANSWERED} pupils and {LEAST_RESPONSE:.0%}"
        f" of the class list chose a class mate; so it is for {code('rule.unchosen')}."
    )
    yield from _examples(rule.id)
    yield f"Rationale: {rule.rationale}"
    yield f"Source: {source_in(rule.source, 'en')[0]}."
    yield table(("text", "nb", "nn", "en"), _texts(rule.texts))


def _anchor(rule: AnyRule) -> str:
    return f"{rule.id}-version-{rule.version}".replace(".", "")


def _levels(rule: AnyRule) -> str:
    if isinstance(rule, PupilRule):
        return ", ".join(dict.fromkeys(step.level for step in rule.steps))
    if isinstance(rule, NetworkRule):
        return _AGAIN
    if rule.newcomers:
        return "watch"
    return "alert, watch" if rule.may_alert else _AGAIN


def _section(rule: PupilRule | ClassRule, instruments: Instruments) -> Iterator[str]:
    yield f"## {rule.id} version {rule.version}"
    yield f"**{rule.texts.name['en']}.** Situation: {code(rule.situation)}."
    if isinstance(rule, PupilRule):
        yield from _pupil_rule(rule, instruments)
    else:
        yield from _class_rule(rule, instruments)
    yield from _examples(rule.id)
    yield f"Rationale: {rule.rationale}"
    yield f"Source: {source_in(rule.source, 'en')[0]}."
    yield table(("text", "nb", "nn", "en"), _texts(rule.texts))


def _examples(rule_id: str) -> Iterator[str]:
    examples = shipped_examples().get(rule_id)
    if examples:
        yield "Examples, which `klassepuls rules assure` runs:"
        yield table(examples.heading, examples.rows)


def _texts(texts: RuleTexts) -> Iterator[tuple[str, str, str, str]]:
    by_level = {f"why, as a {level}": said for level, said in texts.why_at.items()}
    named = {"name": texts.name, "why": texts.why, **by_level, "does not mean": texts.not_meaning}
    for what, said in named.items():
        yield what, said.get("nb", ""), said.get("nn", ""), said.get("en", "")


def _pupil_rule(rule: PupilRule, instruments: Instruments) -> Iterator[str]:
    yield f"Goes to: {_ROUTES[rule.route]}. The highest level that holds counts."
    yield table(
        ("level", "review", "when"),
        [(step.level, _review(step.level), _all(step, instruments)) for step in rule.steps],
    )


def _review(level: str) -> str:
    days = REVIEW_WORKING_DAYS.get(level)
    return f"within {days} working day{'s' if days > 1 else ''}" if days else "no deadline"


def _all(step: PupilStep, instruments: Instruments) -> str:
    needed = [_words(condition, instruments) for condition in step.all_of]
    choices = " or ".join(_words(condition, instruments) for condition in step.any_of)
    if choices:
        needed.append(f"({choices})" if needed and len(step.any_of) > 1 else choices)
    needed += [f"not {_words(condition, instruments)}" for condition in step.none_of]
    return " and ".join(needed)


# The municipality's own grade, where FEWEST_ANSWERS have answered (docs/explanation/statistics.md).
_LOCAL = {
    "below_percentile": "among the lowest {limit} of 100 of the grade",
    "fallen_reliably": "fallen by more than {limit} standard errors since last time",
}


def _words(condition: Condition, instruments: Instruments) -> str:
    """A condition as the answer that the pupil read, and as the code that is stored."""
    if condition.input == NEW_PUPIL:
        return f"the pupil is new (enrolled at most {NEW_FOR_DAYS} days before the wave opened)"
    if condition.op == "fallen_by":
        return f"{code(condition.input)} fallen by {condition.threshold:g} since last time"
    then = "" if condition.wave == "this" else " last time too"
    if condition.is_local:
        said = _LOCAL[condition.op].format(limit=f"{condition.threshold:g}")
        return f"{code(condition.input)} {said}{then}"
    if condition.input in NETWORK_INPUTS:
        return f"nobody of the class chose the pupil in {condition.threshold:g} situations{then}"
    key, _, name = condition.input.partition(".")
    direction, sign = _DIRECTIONS[condition.op]
    limit = f"{sign} {condition.threshold:g}"
    instrument = instruments[key]
    if all(item.id != name for item in instrument.items):
        return f"{code(condition.input)} {limit}{then}"
    label = instrument.label(name, int(condition.threshold), "en")
    return f"{code(condition.input)} “{label}” {direction} ({limit}){then}"


def _class_rule(rule: ClassRule, instruments: Instruments) -> Iterator[str]:
    yield _looked_at(rule, instruments)
    yield bullets((_gate(rule), *_class_levels(rule)))
    if rule.baselines:
        yield _baselines(rule)


def _looked_at(rule: ClassRule, instruments: Instruments) -> str:
    if rule.mean:
        return (
            f"Looks at the class's mean of {code(rule.mean.scale)}, in which {rule.mean.worse} is"
            f" the worse side, among at least {rule.mean.min_classes} classes of the grade, or else"
            " of its band; where they are fewer, nothing is compared, and the report says so."
        )
    if rule.spread:
        return (
            f"Looks at the spread of {code(rule.spread.scale)} in the class, against"
            f" {rule.spread.permutations} classes of its size drawn from the grade, of which at"
            f" least {rule.spread.min_classes} classes can be compared."
        )
    holds = " or ".join(_words(condition, instruments) for condition in rule.counted)
    return f"Counts the pupils of a class for whom {holds}."


def _baselines(rule: ClassRule) -> str:
    return table(
        ("grades", "share while the own grade band is small", "source"),
        [
            (f"{low}–{high}", f"{baseline.share:.0%}", baseline.source)
            for baseline in rule.baselines
            for low, high in [baseline.grades]
        ],
    )


def _gate(rule: ClassRule) -> str:
    if rule.newcomers:
        return (
            f"Told where at least {rule.min_answered} answered, and at least"
            f" {rule.min_response:.0%} of the class list."
        )
    if rule.scale:
        return (
            f"Compared where at least {rule.min_answered} have a score, and at least"
            f" {rule.min_response:.0%} of the class list."
        )
    return (
        f"Tested where at least {rule.min_answered} answered, at least {rule.min_response:.0%} of"
        f" the class list answered, and it holds for at least {rule.min_count}."
    )


def _class_levels(rule: ClassRule) -> tuple[str, ...]:
    if rule.newcomers:
        return (
            (
                f"**watch** ({_review('watch')}): at least {rule.newcomers.at_least} new pupils,"
                f" and at most {rule.newcomers.at_most_share:.0%} of the class."
            ),
        )
    again = (
        f" The same signal in {rule.repeat_times} of the latest {rule.repeat_of} waves of the"
        " school year is an alert."
    )
    if rule.mean:
        watch = (
            f"the true mean is more than {rule.mean.by_sd:g} between-class standard deviations on"
            f" the worse side of the grade's with a probability above {rule.mean.watch_above:g}"
        )
        alert = f"that, above {rule.mean.alert_above:g}"
    else:
        test = "exact one-sided binomial" if rule.any_of else "permutation"
        unless = f", and {code(rule.unless)} says nothing" if rule.unless else ""
        watch = (
            f"{test} p below {rule.watch_below:g}, and it passes Benjamini-Hochberg at"
            f" {rule.watch_fdr:g} over every class of the wave{unless}"
        )
        alert = "never from one wave"
        if rule.may_alert:
            alert = f"that, and at {rule.alert_fdr:g} over every class and class rule of the wave"
    return (
        f"**watch** ({_review('watch')}): {watch}.",
        f"**alert** ({_review('alert')}): {alert}.{again}",
    )
