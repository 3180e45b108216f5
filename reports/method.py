"""What a report says about itself: the steps to take, the rules that were used, and how sure."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial, reduce

from reports.answers import REGISTER, about_words, counting_words, item_of
from reports.local_limits import is_measured
from reports.model import TALK_LEVELS, PupilRow, ReportContext, RuleLine, Step
from reports.texts import Texts
from schemas.network_rule import NETWORK, NetworkRule
from schemas.rule import ClassRule, Condition, PupilRule, PupilStep, shipped_rules, source_in
from transforms.use_for import allowed_part, part_that_sees
from warehouse.school_data import ClassFlag, SchoolData

_SIGNS = {"at_least": "≥", "at_most": "≤"}
_TALK_STEPS = ("talk", "propose", "guardians", "meeting", "weekly", "check")
_ADULT_STEPS = ("read", "talk", "notify", "plan", "guardians", "follow")
_DUTY = frozenset({"bullying", "unsafe"})


def steps(rows: Sequence[PupilRow], flags: Sequence[ClassFlag], texts: Texts) -> tuple[Step, ...]:
    """The steps of Supportgrupper i skolen that one class's flags call for."""
    has_deadline = any(row.due_on for row in rows) or any(flag.review_due for flag in flags)
    names = ["read" if has_deadline else "look"]
    if any(row.level in TALK_LEVELS for row in rows):
        names += _TALK_STEPS
    if flags:
        names.append("climate")
    if any(reason.situation == "new_pupil" for row in rows for reason in row.reasons):
        names.append("welcome")
    return _named("steps", names, texts)


def adult_steps(texts: Texts) -> tuple[Step, ...]:
    """The steps when a pupil answers that adults at school bully them."""
    return _named("adult_steps", _ADULT_STEPS, texts)


def has_duty(rows: Iterable[PupilRow]) -> bool:
    """Whether a flag may trigger the school's duty to act."""
    return any(reason.situation in _DUTY for row in rows for reason in row.reasons)


def rule_lines(data: SchoolData, context: ReportContext) -> tuple[RuleLine, ...]:
    """The rules of the report's route in words, pupil rules first: what its forms could tell.

    A rule about a scale that nobody here was asked is left out, and so is that part of another.
    """
    asked = asked_at(data, context)
    flagged = {(flag.rule_id, flag.rule_version) for flag in data.pupil_flags}
    flagged.update((flag.rule_id, flag.rule_version) for flag in data.class_flags)
    flagged.update(*(pupil.rules for pupil in data.asking))
    ours = [rule for rule in context.rules.values() if _route(rule) == data.route]
    ours.sort(key=lambda rule: rule.target != "pupil")
    lines = [
        _asked_line(rule, asked, data, context, is_flagged=(rule.id, rule.version) in flagged)
        for rule in ours
    ]
    if data.route == "health_service" and _tells_choices(asked, flagged, context):
        lines.append(_network_line(context.network, context.texts))
    return tuple(line for line in lines if line)


def asked_at(data: SchoolData, context: ReportContext) -> frozenset[str]:
    """All that the surveys of the school ask."""
    return frozenset[str]().union(*(context.asked_in.get(one, ()) for one in data.surveys))


def _tells_choices(
    asked: frozenset[str], flagged: Collection[tuple[str, int]], context: ReportContext
) -> bool:
    """Whether the class rule of choices could say something here, or has said it."""
    rule = context.network
    is_used = not rule.off and (NETWORK in asked or not asked)
    return is_used or any(rule_id == rule.id for rule_id, _ in flagged)


def _network_line(rule: NetworkRule, texts: Texts) -> RuleLine:
    """The class rule of choices in words, with its own limits."""
    source, language = source_in(rule.source, texts.language)
    watch = texts.say(
        "method.limit_choices",
        marks=texts.number(rule.marks),
        below=texts.share(rule.cohesion_below),
        unchosen=texts.number(rule.min_unchosen),
        groups=texts.number(rule.min_groups),
    )
    alert = _repeated(rule.repeat_times, 3, texts)
    return RuleLine(
        rule=f"{rule.id.removeprefix('rule.')}@{rule.edition}",
        name=texts.translated(rule.texts.name),
        says=texts.translated(rule.texts.why),
        levels=(
            texts.say("method.limits", level=texts.say("level.watch"), limits=watch),
            texts.say("method.limits", level=texts.say("level.alert"), limits=alert),
        ),
        source=source,
        source_language=language,
    )


def _repeated(times: int, of: int, texts: Texts) -> str:
    return texts.say("method.limit_repeated", times=texts.number(times), of=texts.number(of))


def _asked_line(
    rule: PupilRule | ClassRule,
    asked: frozenset[str],
    data: SchoolData,
    context: ReportContext,
    *,
    is_flagged: bool,
) -> RuleLine | None:
    """The rule as far as it could hold here: of what was asked, with the limits that were set."""
    key = f"{rule.id}@{rule.version}", asked, data.limits, is_flagged
    if key not in context.rules_of:
        part = part_that_sees(rule, partial(_is_asked, asked)) if asked else rule
        if part is not None and asked:
            part = allowed_part(part, partial(is_measured, data=data))
        # Who asks for help in a form that waits may do so in a survey of which nothing is in yet.
        told = part or (rule if is_flagged else None)
        context.rules_of[key] = _rule_line(told, context) if told else None
    return context.rules_of[key]


def _is_asked(asked: frozenset[str], name: str) -> bool:
    source = name.partition(".")[0]
    return source == REGISTER or source in asked


def method_lines(route: str, told: Sequence[RuleLine], context: ReportContext) -> tuple[str, ...]:
    """How the list is ordered, what the deadlines are, how sure the signals are.

    `told`: the rules that the report lists; tests that none of them uses are not explained.
    """
    texts = context.texts
    said = [texts.say("method.order"), texts.say("method.clock"), texts.say("method.single")]
    rules = [rule for rule in context.rules.values() if isinstance(rule, ClassRule)]
    listed = {line.rule for line in told}
    used = [rule for rule in rules if _named_as(rule) in listed and rule.measure != "newcomers"]
    if used and route == "health_service":
        said += _class_method(used, rules, texts)
    routing = context.settings.routing
    if routing is not None:
        day = texts.full_day(routing.decided_on)
        said.append(texts.say("method.routing", by=routing.decided_by, day=day))
    return tuple(said)


def _named(table: str, names: Iterable[str], texts: Texts) -> tuple[Step, ...]:
    return tuple(
        Step(texts.say(f"{table}.{name}"), texts.say(f"{table}.{name}_when")) for name in names
    )


def _route(rule: PupilRule | ClassRule) -> str:
    return rule.route if isinstance(rule, PupilRule) else "health_service"


def _rule_line(rule: PupilRule | ClassRule, context: ReportContext) -> RuleLine:
    texts = context.texts
    found = rule.steps if isinstance(rule, PupilRule) else ()
    source, language = source_in(rule.source, texts.language)
    return RuleLine(
        rule=_named_as(rule),
        name=texts.translated(rule.texts.name),
        says=texts.translated(rule.texts.why),
        levels=(
            *(_level_line(step, rule, context) for step in found),
            *(_class_limits(rule, texts) if isinstance(rule, ClassRule) else ()),
        ),
        source=source,
        source_language=language,
    )


def _class_limits(rule: ClassRule, texts: Texts) -> Iterator[str]:
    """Where a class stands out by a test, level by level; none for a rule that tests nothing."""
    if rule.measure not in {"share", "spread"}:
        return
    own, below = texts.share(rule.watch_fdr), texts.decimal(rule.watch_below)
    watch = texts.say("method.limit_watch", below=below, own=own)
    yield texts.say("method.limits", level=texts.say("level.watch"), limits=watch)
    if rule.may_alert:
        alert = texts.say("method.limit_alert", every=texts.share(rule.alert_fdr))
    else:
        alert = _repeated(rule.repeat_times, rule.repeat_of, texts)
    yield texts.say("method.limits", level=texts.say("level.alert"), limits=alert)


def _level_line(step: PupilStep, rule: PupilRule | ClassRule, context: ReportContext) -> str:
    texts = context.texts
    is_welcome = rule.situation == "new_pupil" and step.level == "watch"
    level = texts.say("level.welcome" if is_welcome else f"level.{step.level}")
    return texts.say("method.limits", level=level, limits=_step_limits(step, context))


def _step_limits(step: PupilStep, context: ReportContext) -> str:
    """All that must be so, one after the other; of several that will do, any one."""
    texts = context.texts
    answers = [part for part in step.reasons if not _is_register(part)]
    musts = [part for part in step.all_of if not _is_register(part)]
    parts = [texts.say("method.limit_new")] if len(answers) < len(step.reasons) else []
    # Answers that stand by themselves are all of one kind: any of them will do.
    is_choice = not step.none_of and len(musts) + bool(step.any_of) <= 1
    if is_choice and all(_is_plain(part, context) for part in answers):
        words = [_answers(answers, step, context)] if answers else []
    else:
        words = list(_limits(musts, step, context))
        words += [_joined(_limits(step.any_of, step, context), context)] if step.any_of else []
    return reduce(
        lambda first, rest: texts.say("method.limit_extra", register=first, limits=rest),
        [*parts, *words],
    )


def _is_plain(condition: Condition, context: ReportContext) -> bool:
    return not condition.looks_back and item_of(condition.input, context) is not None


def _joined(limits: Iterable[str], context: ReportContext) -> str:
    return context.texts.say("method.limit_join").join(limits)


def _answers(conditions: Sequence[Condition], step: PupilStep, context: ReportContext) -> str:
    """The answers for which any of the conditions holds, but none that the step leaves out."""
    out = {(part.input, words) for part in step.none_of for words in counting_words(part, context)}
    found = dict.fromkeys(
        context.texts.say("method.limit_item", answer=words)
        for part in conditions
        for words in counting_words(part, context)
        if (part.input, words) not in out
    )
    return _joined(found, context)


def _limits(
    conditions: Sequence[Condition], step: PupilStep, context: ReportContext
) -> Iterator[str]:
    """Each condition with the question or the scale that it is about."""
    for condition in conditions:
        said = _limit(condition, step, context)
        looks = condition.wave == "previous"
        yield context.texts.say("method.limit_before", what=said) if looks else said


def _limit(condition: Condition, step: PupilStep, context: ReportContext) -> str:
    texts, about = context.texts, about_words(condition.input, context)
    limit = texts.decimal(condition.threshold)
    if condition.op == "fallen_by":
        return texts.say("method.limit_fall", what=about, limit=limit)
    if condition.op == "fallen_reliably":
        return texts.say("method.limit_error", what=about, limit=limit)
    if condition.op == "below_percentile":
        return texts.say("method.limit_lowest", scale=about, limit=limit)
    if item_of(condition.input, context) is None:
        return texts.say("method.limit_scale", scale=about, sign=_SIGNS[condition.op], limit=limit)
    answers = _answers([condition], step, context)
    return texts.say("method.limit_of", answers=answers, question=about)


def _is_register(condition: Condition) -> bool:
    return condition.input.startswith(f"{REGISTER}.")


def _named_as(rule: PupilRule | ClassRule) -> str:
    return f"{rule.id.removeprefix('rule.')}@{rule.edition}"


def _class_method(used: Sequence[ClassRule], rules: Sequence[ClassRule], texts: Texts) -> list[str]:
    said = []
    if any(rule.any_of for rule in used):
        said.append(texts.say("method.tests"))
    answered = _range([texts.number(rule.min_answered) for rule in used])
    count = _range([texts.number(rule.min_count) for rule in used])
    response = _range([texts.share(rule.min_response) for rule in used])
    said.append(texts.say("method.gates", answered=answered, response=response, count=count))
    said.append(texts.say("method.suppression", answered=answered, count=count))
    if any(rule.scale for rule in used):
        said.append(texts.say("method.scales"))
    # The count of false signals was simulated for the shipped limits (why-these-flags.md).
    shipped = shipped_rules()
    if all(rule in shipped for rule in rules) and any(rule.any_of for rule in used):
        said.append(texts.say("method.false_signals"))
    return said


def _range(values: Iterable[str]) -> str:
    return "/".join(dict.fromkeys(values))
