"""A class in words and charts: how many answered, and each theme against comparable classes.

A count below the rule's own floor is never shown, nor drawn: the chart would give it away.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType

from markupsafe import Markup

from reports.charts import dot_and_interval, share_interval
from reports.model import ClassOverview, IndicatorRow, PupilRow, ReportContext
from reports.texts import Texts
from schemas.rule import ClassRule
from warehouse.school_data import ClassCount, ClassFlag, ClassIndicator

LOW_RESPONSE = 0.6
_AXIS_ENDS = (0.6, 1.0)
_TICKS = {0.6: (0.0, 0.2, 0.4, 0.6), 1.0: (0.0, 0.25, 0.5, 0.75, 1.0)}
_CLASS_LEVELS = ("alert", "watch")

_Test = tuple[str, str]  # a survey and a rule


def is_low(count: ClassCount) -> bool:
    """Whether so few of the class list answered that the class cannot be judged."""
    return _is_short(count, count.answered + count.apart)


def is_apart(count: ClassCount) -> bool:
    """Whether it cannot be judged because nobody can tell how many pupils its forms are of."""
    return _is_short(count, count.answered) and not is_low(count)


def _is_short(count: ClassCount, answered: int) -> bool:
    return bool(count.enrolled) and answered < LOW_RESPONSE * (count.enrolled or 0)


def overview(
    count: ClassCount,
    pupils: Sequence[PupilRow],
    signals: Sequence[tuple[str, str]],
    *,
    anchor: str,
    texts: Texts,
    skipped: Sequence[str] = (),
) -> ClassOverview:
    """One class on the first page."""
    levels = [row.level for row in pupils]
    return ClassOverview(
        class_group=count.class_group,
        anchor=anchor,
        answered=_answered(count, texts),
        notes=(*_notes(count, texts), *_skips(skipped, texts)),
        tally=tuple((level, levels.count(level)) for level in dict.fromkeys(levels)),
        signals=tuple(signals),
    )


def _answered(count: ClassCount, texts: Texts) -> str:
    if not count.enrolled:
        return texts.say("classes.answered_unknown", answered=count.answered)
    share = texts.share(count.answered / count.enrolled)
    return texts.say(
        "classes.answered", answered=count.answered, enrolled=count.enrolled, share=share
    )


def _notes(count: ClassCount, texts: Texts) -> tuple[str, ...]:
    careless = (texts.count("classes.careless", count.careless),) if count.careless else ()
    return (*_response_notes(count, texts), *careless)


def _skips(themes: Sequence[str], texts: Texts) -> tuple[str, ...]:
    if not themes:
        return ()
    limit = texts.share(LOW_RESPONSE)
    return (texts.say("classes.many_skips", limit=limit, themes=", ".join(themes)),)


def skipped_themes(
    count: ClassCount, indicators: Sequence[ClassIndicator], context: ReportContext
) -> tuple[str, ...]:
    """Themes that under 60 % of those who answered the survey answered: a data note, no risk.

    None where the class answered several: a theme may have been put to some of them only.
    """
    if count.surveys > 1:
        return ()
    found = [
        context.class_rule(one.rule_id, one.rule_version)
        for one in indicators
        if one.answered < LOW_RESPONSE * count.answered
    ]
    named = (context.texts.translated(rule.texts.name) for rule in found if rule.any_of)
    return tuple(dict.fromkeys(named))


def _response_notes(count: ClassCount, texts: Texts) -> tuple[str, ...]:
    if not count.enrolled:
        return (texts.say("classes.no_list"),)
    if not count.answered:
        return (texts.say("classes.nobody"),)
    if count.answered > count.enrolled:
        return (texts.say("classes.more_than_listed"),)
    if is_apart(count):
        return (texts.count("classes.apart", count.apart),)
    if is_low(count):
        return (texts.say("classes.low_response", limit=texts.share(LOW_RESPONSE)),)
    return ()


def axis_end(indicators: Sequence[ClassIndicator], context: ReportContext) -> float:
    """The end of the one axis that every chart of a report uses; scales have no chart."""
    highs = [
        max(share_interval(found.observed, found.answered)[1], found.baseline)
        for found in indicators
        if found.gate == "tested"
        and context.class_rule(found.rule_id, found.rule_version).measure == "share"
    ]
    return _AXIS_ENDS[0] if max(highs, default=0.0) <= _AXIS_ENDS[0] else _AXIS_ENDS[1]


def indicator_rows(
    indicators: Sequence[ClassIndicator],
    flags: Sequence[ClassFlag],
    context: ReportContext,
    *,
    end: float,
    surveys: Mapping[str, str] = MappingProxyType({}),
    are_apart: bool = False,
) -> tuple[IndicatorRow, ...]:
    """The themes of one class, in the rules' order, each flag on its own row.

    A class stands once with a theme, in however many surveys it was asked; a wave that an earlier
    version judged has a row for each, and these say which of `surveys` they are of. `flags` has
    lapsed ones too; `are_apart` as `is_apart` of the class.
    """
    standing = {_of(flag): flag for flag in flags if not flag.has_lapsed}
    lapsed = {_of(flag) for flag in flags if flag.has_lapsed}
    order = {key.partition("@")[0]: i for i, key in enumerate(context.rules)}
    told = [found for found in indicators if _is_told(found, standing, context)]
    ordered = sorted(told, key=lambda found: order.get(found.rule_id, len(order)))
    rows_of = Counter(found.rule_id for found in told)
    named = [
        (
            found,
            of_survey(
                _theme(found, context),
                found.survey_id,
                surveys if rows_of[found.rule_id] > 1 else {},
                context.texts,
            ),
        )
        for found in ordered
    ]
    # A signal that has lapsed was one all the same: the rule that gave way to it gave way to it.
    spoken = {flag.rule_id for flag in flags}
    rows = (
        _row(
            found, name, standing.get(_of(found)), context, end, spoken=spoken, are_apart=are_apart
        )
        for found, name in named
    )
    return tuple(
        _lapsed(row, context.texts) if _of(found) in lapsed else row
        for found, row in zip(ordered, rows, strict=True)
    )


def _of(found: ClassFlag | ClassIndicator) -> _Test:
    """What a class was tested on, and in which survey: a wave may have several."""
    return found.survey_id, found.rule_id


def _theme(found: ClassIndicator, context: ReportContext) -> str:
    rule = context.class_rule(found.rule_id, found.rule_version)
    return context.texts.translated(rule.texts.name)


def of_survey(name: str, survey_id: str, surveys: Mapping[str, str], texts: Texts) -> str:
    """A theme with the name of the survey in which it was asked, where surveys are to be named."""
    if survey_id not in surveys:
        return name
    return texts.say("indicator.of_survey", theme=name, survey=surveys[survey_id])


def _lapsed(row: IndicatorRow, texts: Texts) -> IndicatorRow:
    """The row of a theme whose signal has lapsed: it had one, and a newer round stands."""
    return replace(row, level="lapsed", sure=texts.say("lapsed.by_class"))


def _is_told(
    found: ClassIndicator, flags: Mapping[_Test, ClassFlag], context: ReportContext
) -> bool:
    """Shares always; a scale or new pupils where they stand out, or classes are too few to say."""
    rule = context.class_rule(found.rule_id, found.rule_version)
    return rule.measure == "share" or _of(found) in flags or found.gate == "few_classes"


def class_signals(
    flags: Sequence[ClassFlag], context: ReportContext
) -> tuple[tuple[str, str], ...]:
    """Level and theme of the class's flags, alerts first; a theme of two surveys stands once."""
    named = [(flag.level, _name(flag, context)) for flag in flags]
    ordered = sorted(named, key=lambda signal: (_CLASS_LEVELS.index(signal[0]), signal[1]))
    highest = {name: level for level, name in reversed(ordered)}
    return tuple(signal for signal in dict.fromkeys(ordered) if highest[signal[1]] == signal[0])


def _name(flag: ClassFlag, context: ReportContext) -> str:
    return context.texts.translated(context.class_texts(flag.rule_id, flag.rule_version).name)


def _row(
    found: ClassIndicator,
    name: str,
    flag: ClassFlag | None,
    context: ReportContext,
    end: float,
    *,
    spoken: Set[str],
    are_apart: bool,
) -> IndicatorRow:
    texts = context.texts
    rule = context.class_rule(found.rule_id, found.rule_version)
    is_told = rule.unless in spoken
    if rule.measure != "share":
        return replace(_unlike_row(found, flag, rule, texts), name=name)
    is_shown = found.gate == "tested" and found.observed >= rule.min_count
    level = flag.level if flag else ("none" if found.gate == "tested" else "untested")
    return IndicatorRow(
        name=name,
        chart=_chart(found, name, context, end) if is_shown else None,
        count=_count(found, rule, texts),
        share=_share(found, texts) if is_shown else "",
        level=level,
        sure=" ".join(
            filter(
                None,
                (
                    _sure(found, rule, level, texts, is_told=is_told)
                    if found.gate != "low_response" or not are_apart
                    else texts.say("indicator.apart"),
                    again(flag, texts),
                    _list_note(found, texts),
                ),
            )
        ),
        due=due(flag, texts),
        why=texts.translated(rule.texts.why) if flag else "",
        not_meaning=texts.translated(rule.texts.not_meaning) if flag else "",
    )


def _unlike_row(
    found: ClassIndicator, flag: ClassFlag | None, rule: ClassRule, texts: Texts
) -> IndicatorRow:
    """A scale or new pupils: a figure and what it was held against, and no chart of a share."""
    if flag is None or flag.value is None:
        sure = texts.say("indicator.few_classes")
    else:
        sure = texts.say(
            f"indicator.{rule.measure}",
            value=texts.decimal(round(flag.value, 1)),
            others=texts.decimal(round(found.baseline, 1)),
            sure=texts.share(1 - (found.p_exact or 0)),
            p=texts.p_value(found.p_exact or 0),
        )
    return IndicatorRow(
        name=texts.translated(rule.texts.name),
        chart=None,
        count=texts.say("indicator.scored", answered=found.answered),
        share="",
        level=flag.level if flag else "untested",
        sure=" ".join(filter(None, (sure, again(flag, texts), _list_note(found, texts)))),
        due=due(flag, texts),
        why=texts.translated(rule.texts.why) if flag else "",
        not_meaning=texts.translated(rule.texts.not_meaning) if flag else "",
    )


def again(flag: ClassFlag | None, texts: Texts) -> str:
    """That the signal came in more than one wave, where that makes it an alert."""
    if flag is None or flag.waves <= 1 or flag.level != "alert":
        return ""
    return texts.say("indicator.again", waves=texts.number(flag.waves))


def _count(found: ClassIndicator, rule: ClassRule, texts: Texts) -> str:
    if found.gate == "few_answers":
        return texts.say("indicator.count_none")
    if found.observed < rule.min_count:
        limit = texts.number(rule.min_count)
        return texts.say("indicator.count_few", limit=limit, answered=found.answered)
    return texts.say("indicator.count", count=found.observed, answered=found.answered)


def _share(found: ClassIndicator, texts: Texts) -> str:
    low, high = share_interval(found.observed, found.answered)
    share = texts.share(found.observed / found.answered)
    return texts.say("indicator.share", share=share, low=texts.share(low), high=texts.share(high))


def _baseline(found: ClassIndicator, rule: ClassRule, texts: Texts) -> str:
    is_ours = found.baseline_from == "published" and any(
        one.is_estimate and one.share == found.baseline for one in rule.baselines
    )
    key = f"indicator.baseline_{'estimate' if is_ours else found.baseline_from}"
    return texts.say(key, share=texts.fine_share(found.baseline))


def _sure(
    found: ClassIndicator, rule: ClassRule, level: str, texts: Texts, *, is_told: bool
) -> str:
    """How sure it is; `is_told`: the rule that this one gives way to has a signal of the class."""
    if found.gate != "tested":
        return _why_untested(found, rule, texts)
    baseline = _baseline(found, rule, texts)
    p = found.p_exact
    if p is None or (level == "none" and p >= rule.watch_below):
        return texts.say("indicator.same", baseline=baseline)
    if level == "none" and is_told:
        return texts.say("indicator.same_elsewhere", baseline=baseline, p=texts.p_value(p))
    chance = _chance(p, baseline, texts)
    return f"{chance} {texts.say(f'indicator.{_holds(found, rule, level)}')}"


def _holds(found: ClassIndicator, rule: ClassRule, level: str) -> str:
    """What to say of the check for all classes and themes. An alert may rest on earlier rounds."""
    q = found.q_value
    if level == "alert":
        return "alert" if q is None or q < rule.alert_fdr else "alert_repeated"
    if q is None or q >= rule.alert_fdr:
        return "watch"
    if level == "none":
        return "theme"
    return "watch" if rule.may_alert else "watch_only"


def _list_note(found: ClassIndicator, texts: Texts) -> str:
    return "" if found.enrolled else texts.say("indicator.unknown_response")


def _chance(p: float, baseline: str, texts: Texts) -> str:
    odds, shown = round(p * 1000), texts.p_value(p)
    if odds < 1:
        return texts.say("indicator.chance_rare", baseline=baseline, p=shown)
    return texts.say("indicator.chance", baseline=baseline, odds=odds, p=shown)


def _why_untested(found: ClassIndicator, rule: ClassRule, texts: Texts) -> str:
    limits = {
        "few_answers": texts.number(rule.min_answered),
        "low_response": texts.share(rule.min_response),
        "few_cases": texts.number(rule.min_count),
    }
    return texts.say(f"indicator.{found.gate}", limit=limits[found.gate])


def due(flag: ClassFlag | None, texts: Texts) -> str:
    """The day by which somebody looks at it; a watch has none."""
    if flag is None or flag.review_due is None:
        return ""
    return texts.say("indicator.due", day=texts.full_day(flag.review_due))


def _chart(found: ClassIndicator, name: str, context: ReportContext, end: float) -> Markup:
    texts = context.texts
    low, high = share_interval(found.observed, found.answered)
    title = texts.say(
        "indicator.chart",
        name=name,
        share=texts.share(found.observed / found.answered),
        low=texts.share(low),
        high=texts.share(high),
        baseline=_baseline(found, context.class_rule(found.rule_id, found.rule_version), texts),
    )
    labels = tuple(texts.share(tick) for tick in _TICKS[end])
    return dot_and_interval(
        found.observed, found.answered, found.baseline, axis_end=end, labels=labels, title=title
    )
