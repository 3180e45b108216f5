"""A school's flags put in reading order: first page, one section a class, how it was made."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from reports.asking import asking_headline, asking_rows, waiting_flags
from reports.class_rows import (
    axis_end,
    class_signals,
    indicator_rows,
    is_apart,
    overview,
    skipped_themes,
)
from reports.lapsed import lapsed_rows, standing
from reports.local_limits import limit_notes
from reports.method import adult_steps, asked_at, has_duty, method_lines, rule_lines, steps
from reports.model import (
    LEVEL_ORDER,
    TALK_LEVELS,
    AskingRow,
    ClassOverview,
    ClassSection,
    LapsedRow,
    PupilRow,
    ReportContext,
    ReportError,
    ReportView,
)
from reports.network_words import network_rows
from reports.pupil_rows import pupil_rows
from reports.since_words import since_lines
from reports.summary import Signals, caveats, headline, lead, pupil_sentences
from reports.texts import Texts
from warehouse.school_data import ClassCount, ClassFlag, SchoolData

ADULT_ROUTE = "adult_route"

_RowsByClass = Mapping[str, Sequence[PupilRow]]
_SignalsByClass = Mapping[str, tuple[tuple[str, str], ...]]


def report_view(every: SchoolData, context: ReportContext) -> ReportView:
    """Everything that the report shows, in words and charts; `every` has lapsed flags as well."""
    _require_routing(every, context)
    texts, lapsed, data = context.texts, lapsed_rows(every, context), standing(every)
    rows = pupil_rows(data.pupil_flags, data.waves, context)
    by_class, signals = _by_class(rows), _signals(data, context)
    anchors = _anchors(data, {*by_class, *signals})
    is_adult = data.route == ADULT_ROUTE
    asking = asking_rows(data, context)
    listed: Signals = [(name, signals[name]) for name in anchors if name in signals]
    rules = rule_lines(data, context)
    return ReportView(
        language=texts.language,
        title=_page(data, "title", texts),
        kicker=_page(data, "kicker", texts),
        school=data.school_name,
        about=_about(data, context),
        for_whom=_for_whom(data, context),
        headline=asking_headline(asking, data, context) or headline(every, rows, listed, context),
        lead=_lead(asking, rows, listed, data, context),
        caveats=(*caveats(data, context), *_lapsed_caveat(lapsed, texts)),
        since=since_lines(every, context),
        asking=asking,
        first=() if is_adult else tuple(row for row in rows if row.level == "prompt"),
        anchors=anchors,
        classes=() if is_adult else _overviews(data, by_class, signals, anchors, context),
        levels=("prompt",) if is_adult else (*LEVEL_ORDER, "alert"),
        sections=_sections(every, by_class, signals, anchors, context),
        lapsed=lapsed,
        steps_caption=texts.say("adult_steps.caption" if is_adult else "steps.caption"),
        rules=rules,
        method=(
            *method_lines(data.route, rules, context),
            *limit_notes(data, asked_at(data, context), context),
        ),
        expires=_expires(data, texts),
        footer=_footer(data, context),
        audit=texts.say("page.audit", head=context.audit_head) if context.audit_head else "",
    )


def _lead(
    asking: Sequence[AskingRow],
    rows: Sequence[PupilRow],
    signals: Signals,
    data: SchoolData,
    context: ReportContext,
) -> tuple[str, ...]:
    """What follows the headline: who asks in a waiting form takes the ordinary one's place."""
    said, flags = lead(data, rows, signals, context), waiting_flags(asking, context)
    if asking_headline(asking, data, context):
        nobody = not rows and not signals
        other = headline(data, rows, signals, context)
        said = context.texts.say("asking.else_none") if nobody else other, *said
    return (flags, *said) if flags else said


def _require_routing(data: SchoolData, context: ReportContext) -> None:
    if data.pupil_flags and context.settings.routing is None:
        raise ReportError("pupil flags, but no [routing]: say in klassepuls.toml who receives them")


def _by_class(rows: Sequence[PupilRow]) -> dict[str, list[PupilRow]]:
    found: defaultdict[str, list[PupilRow]] = defaultdict(list)
    for row in rows:
        found[row.class_group].append(row)
    return dict(found)


def _signals(data: SchoolData, context: ReportContext) -> dict[str, tuple[tuple[str, str], ...]]:
    flagged = dict.fromkeys(flag.class_group for flag in data.class_flags)
    return {name: class_signals(_class_flags(data, name), context) for name in flagged}


def _class_flags(data: SchoolData, class_group: str) -> list[ClassFlag]:
    return [flag for flag in data.class_flags if flag.class_group == class_group]


def _anchors(data: SchoolData, flagged: set[str]) -> dict[str, str]:
    strays = flagged - {count.class_group for count in data.classes}
    if strays:
        raise ReportError(f"{len(strays)} flagged class(es) without answers: score the wave again")
    ordered = [count.class_group for count in data.classes if count.class_group in flagged]
    return {class_group: f"class-{i}" for i, class_group in enumerate(ordered, start=1)}


def _page(data: SchoolData, key: str, texts: Texts) -> str:
    page = "adult_page" if data.route == ADULT_ROUTE else "page"
    return texts.say(f"{page}.{key}", school=data.school_name, wave=data.wave.name)


def _about(data: SchoolData, context: ReportContext) -> str:
    texts = context.texts
    return texts.say(
        "page.about",
        wave=data.wave.name,
        opens=texts.full_day(data.wave.opens),
        closes=texts.full_day(data.wave.closes),
        issued=texts.full_day(context.issued_on),
    )


def _for_whom(data: SchoolData, context: ReportContext) -> str:
    routing = context.settings.routing
    if data.route != ADULT_ROUTE or routing is None:
        return context.texts.say("page.for_whom")
    receiver = {"health_service_lead": "lead", "school_owner": "owner"}
    return context.texts.say(f"adult_page.for_whom_{receiver[routing.bullied_by_adults_to]}")


def _overviews(
    data: SchoolData,
    by_class: _RowsByClass,
    signals: _SignalsByClass,
    anchors: Mapping[str, str],
    context: ReportContext,
) -> tuple[ClassOverview, ...]:
    return tuple(
        overview(
            count,
            by_class.get(count.class_group, ()),
            signals.get(count.class_group, ()),
            anchor=anchors.get(count.class_group, ""),
            texts=context.texts,
            skipped=skipped_themes(
                count,
                [one for one in data.indicators if one.class_group == count.class_group],
                context,
            ),
        )
        for count in data.classes
    )


def _sections(
    data: SchoolData,
    by_class: _RowsByClass,
    signals: _SignalsByClass,
    anchors: Mapping[str, str],
    context: ReportContext,
) -> tuple[ClassSection, ...]:
    end = axis_end(data.indicators, context)
    return tuple(
        _section(
            data,
            count,
            by_class.get(count.class_group, ()),
            signals.get(count.class_group, ()),
            context,
            end=end,
        )
        for count in data.classes
        if count.class_group in anchors
    )


def _section(
    data: SchoolData,
    count: ClassCount,
    rows: Sequence[PupilRow],
    signals: tuple[tuple[str, str], ...],
    context: ReportContext,
    *,
    end: float,
) -> ClassSection:
    texts = context.texts
    ours = [found for found in data.indicators if found.class_group == count.class_group]
    raised = _class_flags(data, count.class_group)
    flags = [flag for flag in raised if not flag.has_lapsed]
    surveys = _named_surveys(data, context)
    networks = [found for found in data.networks if found.class_group == count.class_group]
    is_adult = data.route == ADULT_ROUTE
    return ClassSection(
        class_group=count.class_group,
        title=texts.say("section.title", class_group=count.class_group, grade=count.grade),
        lead=() if is_adult else _section_lead(rows, signals, context),
        pupils=tuple(rows),
        indicators=(
            *indicator_rows(
                ours, raised, context, end=end, surveys=surveys, are_apart=is_apart(count)
            ),
            *network_rows(networks, flags, context, surveys=surveys if len(networks) > 1 else {}),
        ),
        steps=adult_steps(texts) if is_adult else steps(rows, flags, texts),
        has_duty=not is_adult and has_duty(rows),
    )


def _named_surveys(data: SchoolData, context: ReportContext) -> dict[str, str]:
    """The names of the surveys of the wave at the school; none where there is only one."""
    if len(data.surveys) < 2:  # noqa: PLR2004
        return {}
    return {survey: context.survey_names.get(survey, survey) for survey in data.surveys}


def _section_lead(
    rows: Sequence[PupilRow], signals: tuple[tuple[str, str], ...], context: ReportContext
) -> tuple[str, ...]:
    texts = context.texts
    talk = sum(row.level in TALK_LEVELS for row in rows)
    said = [texts.count("summary.talk", talk)] if talk else []
    said += pupil_sentences(rows, context)
    if signals:
        named = texts.join([_signal_words(level, name, texts) for level, name in signals])
        said.append(texts.count("section.class_signal", len(signals), signals=named))
    if not rows:
        said.append(texts.say("section.no_pupils"))
    return tuple(said)


def _signal_words(level: str, name: str, texts: Texts) -> str:
    theme = name[:1].lower() + name[1:]
    return texts.say(
        "summary.class_signal", about=theme, signal=texts.say(f"level.{level}").lower()
    )


def _lapsed_caveat(lapsed: Sequence[LapsedRow], texts: Texts) -> tuple[str, ...]:
    return (texts.count("lapsed.told", len(lapsed)),) if lapsed else ()


def _expires(data: SchoolData, texts: Texts) -> str:
    days = [flag.expires_on for flag in data.pupil_flags]
    days += [flag.expires_on for flag in data.class_flags]
    return texts.say("page.expires", day=texts.full_day(min(days))) if days else ""


def _footer(data: SchoolData, context: ReportContext) -> str:
    return context.texts.say(
        "page.footer",
        municipality=context.settings.municipality.name,
        school=data.school_name,
        wave=data.wave.name,
    )
