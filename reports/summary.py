"""The sentences a report begins with: who needs a talk, who asked for it, and what is unsure."""

from collections.abc import Sequence

from reports.class_rows import LOW_RESPONSE, is_apart, is_low
from reports.model import TALK_LEVELS, PupilRow, ReportContext
from reports.pupil_rows import earliest
from reports.texts import Texts
from warehouse.school_data import ClassCount, SchoolData

Signals = Sequence[tuple[str, Sequence[tuple[str, str]]]]


def headline(
    data: SchoolData, rows: Sequence[PupilRow], signals: Signals, context: ReportContext
) -> str:
    """The one sentence to read if only one is read; `rows` and `signals` are of open flags."""
    texts = context.texts
    talk = _at(rows, *TALK_LEVELS)
    if data.route == "adult_route":
        return _adult_headline(talk, data, context)
    if talk:
        return texts.count("summary.talk", len(talk))
    if not rows and not signals:
        return texts.say("lapsed.all" if _all_lapsed(data) else "summary.none")
    return texts.say("summary.no_talk") if _sees_pupils(data, context) else _classes(signals, texts)


def lead(
    data: SchoolData, rows: Sequence[PupilRow], signals: Signals, context: ReportContext
) -> tuple[str, ...]:
    """The sentences that follow the headline."""
    texts = context.texts
    if data.route == "adult_route":
        return texts.say("adult_summary.why"), texts.say("adult_summary.apart")
    if not rows and not signals:
        return (texts.say("summary.none_means"),)
    said = pupil_sentences(rows, context)
    if _sees_pupils(data, context):
        said.append(_classes(signals, texts))
    return (*said, texts.say("summary.not_all"))


def pupil_sentences(rows: Sequence[PupilRow], context: ReportContext) -> list[str]:
    """Who asked, who cannot wait, who is listed and who is new, as far as there are any."""
    texts = context.texts
    talk, prompt = _at(rows, *TALK_LEVELS), _at(rows, "prompt")
    said = _asked(talk, texts)
    due = earliest(prompt)
    if due is not None:
        key = "summary.prompt" if len(prompt) < len(talk) else "summary.prompt_all"
        said.append(texts.count(key, len(prompt), day=texts.full_day(due)))
        if due < context.issued_on:
            said.append(texts.say("summary.late.text"))
    watched = _at(rows, "watch")
    new = [row for row in rows if any(one.situation == "new_pupil" for one in row.reasons)]
    for key, found in (("watch", watched), ("welcome", new)):
        if found:
            said.append(texts.count(f"summary.{key}", len(found)))
    return said


def caveats(data: SchoolData, context: ReportContext) -> tuple[str, ...]:
    """What the report cannot see, and why."""
    texts = context.texts
    said = []
    if context.settings.routing is None:
        said.append(texts.say("summary.unrouted"))
    elif not data.is_linked:
        said.append(texts.say("summary.unlinked"))
    elif data.is_first_of_key:
        said.append(texts.say("summary.new_key"))
    said += _response_caveats(data.classes, texts)
    if data.held:
        said.append(texts.count("summary.held", data.held))
    if data.held_shared:
        said.append(texts.count("summary.held_shared", data.held_shared))
    if data.held_codes:
        said.append(texts.count("summary.held_codes", data.held_codes))
    return tuple(said)


def _sees_pupils(data: SchoolData, context: ReportContext) -> bool:
    return data.is_linked and context.settings.routing is not None


def _at(rows: Sequence[PupilRow], *levels: str) -> list[PupilRow]:
    return [row for row in rows if row.level in levels]


def _all_lapsed(data: SchoolData) -> bool:
    """Whether flags were raised in the wave that nobody is to act on any longer."""
    pupils = any(flag.has_lapsed for flag in data.pupil_flags)
    return pupils or any(flag.has_lapsed for flag in data.class_flags)


def _adult_headline(talk: Sequence[PupilRow], data: SchoolData, context: ReportContext) -> str:
    if not talk:
        return context.texts.say("lapsed.all" if _all_lapsed(data) else "adult_summary.none")
    day = context.texts.full_day(earliest(talk) or context.issued_on)
    return context.texts.count("adult_summary.talk", len(talk), day=day)


def _asked(talk: Sequence[PupilRow], texts: Texts) -> list[str]:
    asked = sum(row.has_asked for row in talk)
    if not asked:
        return []
    if asked < len(talk):
        return [texts.count("summary.asked", asked)]
    return [texts.say("summary.the_one_asked" if asked == 1 else "summary.all_asked")]


def _classes(signals: Signals, texts: Texts) -> str:
    if not signals:
        return texts.say("summary.classes_none")
    named = [
        texts.say(
            "summary.class_signal",
            about=class_group,
            signal=texts.say(f"level.{found[0][0]}").lower(),
        )
        for class_group, found in signals
    ]
    return texts.count("summary.classes", len(named), classes=texts.join(named))


def _response_caveats(classes: Sequence[ClassCount], texts: Texts) -> list[str]:
    low = [count.class_group for count in classes if is_low(count)]
    unlisted = [count.class_group for count in classes if not count.enrolled]
    said = []
    if low:
        limit = texts.share(LOW_RESPONSE)
        said.append(texts.say("summary.low_response", limit=limit, classes=texts.join(low)))
    apart = [count.class_group for count in classes if is_apart(count)]
    if apart:
        said.append(texts.say("summary.apart", classes=texts.join(apart)))
    if unlisted:
        said.append(texts.say("summary.no_list", classes=texts.join(unlisted)))
    return said
