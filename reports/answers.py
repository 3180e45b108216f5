"""A pupil's answers in words and as a chart: what was answered, the limit, and what was before."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from reports.charts import OrdinalScale, Point, sparkline
from reports.model import AnswerLine, ReportContext, ReportError
from reports.network_words import choice_line, is_network
from schemas.instrument import Instrument, Item, Scale
from schemas.rule import Condition, PupilRule
from warehouse.school_data import Evidence, PastAnswer, WaveInfo

REGISTER = "register"
MOST_WAVES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Answered:
    """One item as it was asked and answered, and from which answer on the rule looks at it.

    `limits` are levels and thresholds, the mildest first.
    """

    instrument: Instrument
    item_id: str
    question: str
    evidence: Evidence
    op: str
    limits: tuple[tuple[str, float], ...]
    has_fallen: bool

    @property
    def limit(self) -> float:
        """The mildest of the limits."""
        return self.limits[0][1]

    def label(self, code: int, context: ReportContext) -> str:
        return self.instrument.label(self.item_id, code, context.texts.language)

    def now(self, context: ReportContext) -> str:
        return self.label(int(self.evidence.observed), context)


def answer_line(
    evidence: Evidence,
    rule: PupilRule,
    waves: tuple[WaveInfo, ...],
    context: ReportContext,
    *,
    level: str,
    is_wish: bool,
) -> AnswerLine:
    """One piece of a flag's evidence as the reader sees it, with the limits up to its level.

    A wish to talk has no limit and no chart.
    """
    if is_network(evidence.source):
        return choice_line(evidence, waves, context)
    key, _, name = evidence.source.partition(".")
    instrument = context.instruments.get(key)
    if instrument is None:
        raise ReportError(f"no instrument {key}: give the instruments of the wave")
    op, limits = _limits(rule, evidence, level)
    is_lowest = op == "below_percentile"
    for scale in instrument.scales:
        if scale.id == name:
            line = _scale_line(evidence, scale, context)
            told = (
                _fall(evidence, waves, context)
                if has_fallen(evidence, rule)
                else _scale_limit(evidence, limits, waves, context, is_lowest=is_lowest)
            )
            return AnswerLine(line, told, "", None)
    if all(item.id != name for item in instrument.items):
        raise ReportError(f"no item or scale {evidence.source}: give the instruments of the wave")
    question = about_words(evidence.source, context)
    answered = _Answered(
        instrument, name, question, evidence, op, limits, has_fallen(evidence, rule)
    )
    earlier = _earlier(answered, waves, context)
    if is_wish:
        return AnswerLine(_said(answered, context), "", earlier if evidence.earlier else "", None)
    return AnswerLine(
        text=_said(answered, context),
        limit=_limit_sentence(answered, context),
        earlier=earlier,
        chart=_chart(answered, waves, context),
    )


def item_of(source: str, context: ReportContext) -> Item | None:
    """The question that a source is, or none where it is a scale or what others chose."""
    if is_network(source):
        return None
    key, _, name = source.partition(".")
    instrument = context.instruments.get(key)
    if instrument is None:
        raise ReportError(f"no instrument {key}: give the instruments of the wave")
    return next((item for item in instrument.items if item.id == name), None)


def items_of(source: str, context: ReportContext) -> set[str]:
    """The questions that an answer or a score rests on."""
    key, _, name = source.partition(".")
    instrument = context.instruments.get(key)
    scales = instrument.scales if instrument else ()
    items = next((scale.items for scale in scales if scale.id == name and scale.items), (name,))
    return {f"{key}.{item}" for item in items}


def about_words(source: str, context: ReportContext) -> str:
    """The wording of a question, or the name of a scale or of what others chose."""
    if is_network(source):
        return context.texts.say("network.about")
    key, _, name = source.partition(".")
    texts, item = context.texts, item_of(source, context)
    instrument = context.instruments[key]
    if item is None:
        scales = {scale.id: scale for scale in instrument.scales}
        return texts.translated(scales[name].label)
    # An instrument whose licence keeps its wording to itself is named instead.
    return texts.translated(item.text) or f"{texts.translated(instrument.name)}, {name}"


def limit_words(source: str, threshold: float, context: ReportContext) -> str:
    """A threshold as the answer's own wording, or as a number where it is no answer."""
    key, _, name = source.partition(".")
    instrument = context.instruments.get(key)
    if instrument is None or all(item.id != name for item in instrument.items):
        return context.texts.decimal(threshold)
    if threshold not in instrument.codes(name):
        return context.texts.decimal(threshold)
    return instrument.label(name, int(threshold), context.texts.language)


def counting_words(condition: Condition, context: ReportContext) -> list[str]:
    """Every answer for which a condition holds, in its own wording; a number where it is none."""
    key, _, name = condition.input.partition(".")
    instrument = context.instruments.get(key)
    if instrument is None or all(item.id != name for item in instrument.items):
        return [limit_words(condition.input, condition.threshold, context)]
    is_high = condition.op == "at_least"
    return [
        instrument.label(name, code, context.texts.language)
        for code in instrument.codes(name)
        if (code >= condition.threshold if is_high else code <= condition.threshold)
    ]


def has_fallen(evidence: Evidence, rule: PupilRule) -> bool:
    """Whether it is the fall since the last time that the rule flags."""
    before = evidence.before
    return before is not None and any(
        condition.is_fall
        and condition.input == evidence.source
        and (condition.is_local or condition.threshold == evidence.threshold)
        and before.value - evidence.observed >= evidence.threshold
        for step in rule.steps
        for condition in step.reasons
    )


def _limits(
    rule: PupilRule, evidence: Evidence, level: str
) -> tuple[str, tuple[tuple[str, float], ...]]:
    """The limits that an answer reached on the way to its level, the mildest first.

    A prompt begins further out than a flag: a reader has to see both.
    """
    found = [
        (step.level, condition)
        for step in reversed(rule.steps)
        for condition in (*step.any_of, *step.all_of)
        if condition.input == evidence.source
    ]
    if not found:
        raise ReportError(f"{rule.id}@{rule.version} does not look at {evidence.source}")
    found = [(of, part) for of, part in found if not part.looks_back] or found
    op = found[0][1].op
    if found[0][1].is_local:  # its threshold is not on the scale; what it was compared with is
        return op, ((level, evidence.threshold),)
    own: dict[str, float] = {of: part.threshold for of, part in found if part.op == op}
    reached: Iterator[str] = (of for of in own if own[of] == evidence.threshold)
    named = level if own.get(level) == evidence.threshold else next(reached, level)
    limits = {named: own.get(named, evidence.threshold)}
    if named == "prompt" and own.get("flag", limits[named]) != limits[named]:
        limits = {"flag": own["flag"], **limits}
    return op, tuple(limits.items())


def _said(answered: _Answered, context: ReportContext) -> str:
    return context.texts.say(
        "answer.on_question", answer=answered.now(context), question=answered.question
    )


def _limit_sentence(answered: _Answered, context: ReportContext) -> str:
    before = answered.evidence.before
    if answered.has_fallen and before is not None:
        fall = int(before.value - answered.evidence.observed)
        return context.texts.count("answer.fell", fall)
    return " ".join(_one_limit(answered, *limit, context) for limit in answered.limits)


def _one_limit(answered: _Answered, level: str, limit: float, context: ReportContext) -> str:
    named = context.texts.say(f"answer.for_{level}")
    if answered.evidence.observed == limit:
        return context.texts.say("answer.at_limit", level=named)
    words = limit_words(answered.evidence.source, limit, context)
    return context.texts.say("answer.limit", level=named, limit=words)


def _scale_line(evidence: Evidence, scale: Scale, context: ReportContext) -> str:
    texts = context.texts
    return texts.say(
        "answer.on_scale",
        scale=texts.translated(scale.label),
        value=texts.decimal(evidence.observed),
        low=texts.decimal(scale.minimum),
        high=texts.decimal(scale.maximum),
    )


def _scale_limit(
    evidence: Evidence,
    limits: tuple[tuple[str, float], ...],
    waves: tuple[WaveInfo, ...],
    context: ReportContext,
    *,
    is_lowest: bool,
) -> str:
    texts = context.texts
    said = "answer.scale_lowest" if is_lowest else "answer.scale_limit"
    told = " ".join(
        texts.say(said, level=texts.say(f"answer.for_{of}"), limit=texts.decimal(limit))
        for of, limit in limits
    )
    return f"{told} {_before(evidence, waves, context)}".rstrip()


def _before(evidence: Evidence, waves: tuple[WaveInfo, ...], context: ReportContext) -> str:
    if evidence.before is None:
        return ""
    texts, names = context.texts, {wave.wave_id: wave.name for wave in waves}
    return texts.say(
        "answer.scale_before",
        value=texts.decimal(evidence.before.value),
        wave=names[evidence.before.wave_id],
    )


def _fall(evidence: Evidence, waves: tuple[WaveInfo, ...], context: ReportContext) -> str:
    texts = context.texts
    limit = texts.say("answer.scale_fell", limit=texts.decimal(evidence.threshold))
    return f"{_before(evidence, waves, context)} {limit}"


def _earlier(answered: _Answered, waves: tuple[WaveInfo, ...], context: ReportContext) -> str:
    if not answered.evidence.earlier:
        return context.texts.say("answer.first")
    return context.texts.say("answer.earlier", answers=_list(answered, waves, context))


def _list(answered: _Answered, waves: tuple[WaveInfo, ...], context: ReportContext) -> str:
    names = {wave.wave_id: wave.name for wave in waves}
    shown = answered.evidence.earlier[-MOST_WAVES_SHOWN + 1 :]
    return ", ".join(_past(answered, past, names[past.wave_id], context) for past in shown)


def _past(answered: _Answered, past: PastAnswer, wave: str, context: ReportContext) -> str:
    texts = context.texts
    if past.value is None:
        missing = texts.say(f"answer.{past.missing or 'skipped'}")
        return texts.say("answer.earlier_missing", missing=missing, wave=wave)
    answer = answered.label(past.value, context)
    return texts.say("answer.earlier_one", answer=answer, wave=wave)


def _chart(
    answered: _Answered, waves: tuple[WaveInfo, ...], context: ReportContext
) -> Markup | None:
    codes = sorted(answered.instrument.codes(answered.item_id))
    if answered.limit not in codes:
        return None
    # The lowest place worries most, whichever way the codes run: a line that falls is bad news.
    ranked = codes if answered.op == "at_most" else codes[::-1]
    scale = OrdinalScale(
        count=len(ranked),
        flagged_below=ranked.index(int(answered.limit)) + 1,
        top=answered.label(ranked[-1], context),
        bottom=answered.label(ranked[0], context),
    )
    points = _points(answered.evidence, ranked, waves)
    return sparkline(points, scale, title=_chart_title(answered, waves, context))


def _points(
    evidence: Evidence, ranked: list[int], waves: tuple[WaveInfo, ...]
) -> tuple[Point, ...]:
    values = {past.wave_id: past.value for past in evidence.earlier}
    values[waves[-1].wave_id] = int(evidence.observed)
    asked = [wave for wave in waves if wave.wave_id in values][-MOST_WAVES_SHOWN:]
    return tuple(Point(wave.name, _place(values[wave.wave_id], ranked)) for wave in asked)


def _place(value: int | None, ranked: list[int]) -> int | None:
    return None if value is None else ranked.index(value)


def _chart_title(answered: _Answered, waves: tuple[WaveInfo, ...], context: ReportContext) -> str:
    values = {"question": answered.question, "answer": answered.now(context)}
    if not answered.evidence.earlier:
        return context.texts.say("answer.chart_first", **values)
    return context.texts.say(
        "answer.chart_with_earlier", answers=_list(answered, waves, context), **values
    )
