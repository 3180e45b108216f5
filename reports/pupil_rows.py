"""One row a pupil: the highest level, every reason, and the nearest deadline.

Rows stand by level, then those who asked to talk, then code. Nobody is ranked or given a score.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from reports.answers import REGISTER, about_words, answer_line, has_fallen, items_of
from reports.class_rows import of_survey
from reports.model import LEVEL_ORDER, AnswerLine, PupilRow, Reason, ReportContext
from reports.network_words import is_network
from reports.plan_words import plan_lines
from schemas.rule import LOCAL_EDITIONS, edition
from warehouse.school_data import Evidence, PupilFlag, WaveInfo

WISH_RULE = "rule.wants_talk"
_REFERENCE_LENGTH = 8


def pupil_rows(
    flags: Iterable[PupilFlag], waves: tuple[WaveInfo, ...], context: ReportContext
) -> tuple[PupilRow, ...]:
    """The rows of all flagged pupils, by level, then own wish, then class, then code."""
    by_pupil: defaultdict[tuple[str, str], list[PupilFlag]] = defaultdict(list)
    for flag in flags:
        by_pupil[flag.class_group, flag.pupil].append(flag)
    rows = (_row(found, waves, context) for found in by_pupil.values())
    return tuple(sorted(rows, key=_reading_order))


def _reading_order(row: PupilRow) -> tuple[int, bool, int, str, bool, str]:
    rank = LEVEL_ORDER.index(row.level)
    digits = re.match(r"\d*", row.class_group)
    grade = int(digits[0]) if digits and digits[0] else 0  # 5A before 10A
    return rank, not row.has_asked, grade, row.class_group, row.code is None, row.code or ""


def _row(
    flags: Sequence[PupilFlag], waves: tuple[WaveInfo, ...], context: ReportContext
) -> PupilRow:
    ordered = sorted(flags, key=_reason_order)
    due_on = min((flag.review_due for flag in ordered if flag.review_due), default=None)
    return PupilRow(
        class_group=ordered[0].class_group,
        code=context.codes.get(ordered[0].pupil),
        level=_level(ordered),
        has_asked=any(flag.rule_id == WISH_RULE for flag in ordered),
        reasons=_reasons(ordered, waves, context),
        status=(*_status(ordered, waves, context), *plan_lines(ordered, context.texts)),
        basis=_basis(ordered, context),
        quality=_quality(ordered, context),
        due_on=due_on,
        due=context.texts.day(due_on) if due_on else context.texts.say("pupils.no_due"),
        is_overdue=due_on is not None and due_on < context.issued_on,
    )


def _reason_order(flag: PupilFlag) -> tuple[bool, bool, int, int, str, str]:
    # An answer that two rules share belongs with the one that rests on fewer. Being new comes last.
    rank, is_new = LEVEL_ORDER.index(shown_level(flag)), flag.situation == "new_pupil"
    sources = len({part.source for part in flag.evidence})
    return flag.rule_id != WISH_RULE, is_new, rank, sources, flag.rule_id, flag.flag_id


def shown_level(flag: PupilFlag) -> str:
    """The level that a reader sees: a new pupil is welcomed and not watched."""
    is_welcome = flag.situation == "new_pupil" and flag.level == "watch"
    return "welcome" if is_welcome else flag.level


def _level(flags: Sequence[PupilFlag]) -> str:
    return min((shown_level(flag) for flag in flags), key=LEVEL_ORDER.index)


def _reasons(
    flags: Sequence[PupilFlag], waves: tuple[WaveInfo, ...], context: ReportContext
) -> tuple[Reason, ...]:
    shown: set[tuple[object, ...]] = set()
    told: set[tuple[str, float]] = set()
    low: set[tuple[str, float]] = set()  # told for what it is, and not only for having fallen
    surveys = _surveys(flags, context)
    found = []
    for flag in flags:
        rule, lines = context.pupil_rule(flag.rule_id, flag.rule_version), []
        for part in _answers(flag):
            answer, is_fall = (part.source, part.observed), has_fallen(part, rule)
            # A limit that a municipality has moved stands nowhere else in the row.
            own = part.threshold if rule.version >= LOCAL_EDITIONS else None
            about = (*answer, is_fall, own)
            if about in shown or (own is None and not is_fall and answer in low):
                continue
            lines.append(_line(part, flag, waves, context, is_known=answer in told))
            shown.add(about)
            told.add(answer)
            if not is_fall:
                low.add(answer)
        found.append(_reason(flag, lines, surveys, context))
    return tuple(found)


def _surveys(flags: Sequence[PupilFlag], context: ReportContext) -> dict[str, str]:
    """The names of the surveys that the flags come from, where there are several of a pupil."""
    found = {flag.survey_id for flag in flags if flag.situation != "new_pupil"}
    if len(found) < 2:  # noqa: PLR2004
        return {}
    return {survey: context.survey_names.get(survey, survey) for survey in found}


def _answers(flag: PupilFlag) -> list[Evidence]:
    return [part for part in flag.evidence if not part.source.startswith(f"{REGISTER}.")]


def _reason(
    flag: PupilFlag,
    lines: Sequence[AnswerLine],
    surveys: Mapping[str, str],
    context: ReportContext,
) -> Reason:
    rule = context.pupil_rule(flag.rule_id, flag.rule_version)
    name = context.texts.translated(rule.texts.name)
    if flag.situation != "new_pupil":  # the register says it, and no survey
        name = of_survey(name, flag.survey_id, surveys, context.texts)
    is_told = bool(lines) and flag.level not in rule.texts.why_at
    return Reason(
        name=name,
        why="" if is_told else context.texts.translated(rule.texts.why_of(flag.level)),
        answers=tuple(lines),
        not_meaning=context.texts.translated(rule.texts.not_meaning),
        trace=_trace(flag, context),
        situation=flag.situation,
    )


def _line(
    part: Evidence,
    flag: PupilFlag,
    waves: tuple[WaveInfo, ...],
    context: ReportContext,
    *,
    is_known: bool,
) -> AnswerLine:
    """The answer in words; `waves` are the same for all reports of a wave.

    An answer that is known from a line above is not told again, only what else is true of it: the
    line names the question, for other answers may stand between the two.
    """
    rule = context.pupil_rule(flag.rule_id, flag.rule_version)
    if is_known and not has_fallen(part, rule):
        part = replace(part, before=None)
    about = (part, rule.id, rule.version, flag.level, waves[-1].wave_id)
    if about not in context.lines:
        is_wish = rule.id == WISH_RULE
        context.lines[about] = answer_line(
            part, rule, waves, context, level=flag.level, is_wish=is_wish
        )
    line = context.lines[about]
    if not is_known:
        return line
    named = context.texts.say("answer.about_again", question=about_words(part.source, context))
    return replace(line, text=named, earlier="", chart=None)


def _trace(flag: PupilFlag, context: ReportContext) -> str:
    reference = flag.flag_id[:_REFERENCE_LENGTH]
    # Should a flag's id ever be made from the pseudonym, it must not come out this way.
    return context.texts.say(
        "pupils.trace",
        situation=context.texts.say(f"situation.{flag.situation}"),
        rule=f"{flag.rule_id.removeprefix('rule.')}@{edition(flag.rule_version)}",
        reference="–" if reference in flag.pupil else reference,
    )


def _status(
    flags: Sequence[PupilFlag], waves: tuple[WaveInfo, ...], context: ReportContext
) -> tuple[str, ...]:
    since = {_known_since(flag, waves) for flag in flags}
    if len(since) == 1:
        wave = since.pop()
        return (_status_line(None, wave, context),)
    return tuple(
        dict.fromkeys(_status_line(flag, _known_since(flag, waves), context) for flag in flags)
    )


def _known_since(flag: PupilFlag, waves: tuple[WaveInfo, ...]) -> str | None:
    return next((wave.name for wave in waves if wave.wave_id in flag.known_in), None)


def _status_line(flag: PupilFlag | None, wave: str | None, context: ReportContext) -> str:
    texts = context.texts
    if flag is None:
        return texts.say("pupils.known", wave=wave) if wave else texts.say("pupils.new")
    name = texts.translated(context.pupil_rule(flag.rule_id, flag.rule_version).texts.name)
    reason = name[:1].lower() + name[1:]
    if wave:
        return texts.say("pupils.known_reason", wave=wave, reason=reason)
    return texts.say("pupils.new_reason", reason=reason)


def _basis(flags: Sequence[PupilFlag], context: ReportContext) -> str:
    answers = {
        part.source for flag in flags if flag.rule_id != WISH_RULE for part in _answers(flag)
    }
    own = {item for one in answers if not is_network(one) for item in items_of(one, context)}
    if own:
        return context.texts.count("pupils.basis", len(own))
    if answers:
        return context.texts.say("pupils.basis_choices")
    if any(flag.rule_id == WISH_RULE for flag in flags):
        return context.texts.say("pupils.basis_asked")
    return context.texts.say("pupils.basis_register")


def _quality(flags: Sequence[PupilFlag], context: ReportContext) -> tuple[str, ...]:
    """How a form was filled in, where that is striking, and that it proves nothing."""
    marks = sorted({mark for flag in flags for mark in flag.marks})
    if not marks:
        return ()
    lines = [context.texts.say(f"quality.{mark}") for mark in marks]
    return (*lines, context.texts.say("quality.ask"))


def earliest(rows: Iterable[PupilRow]) -> date | None:
    """The nearest deadline of some rows."""
    return min((row.due_on for row in rows if row.due_on), default=None)
