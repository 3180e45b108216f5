"""Forms that wait in quarantine and ask for help: a line a pupil, for somebody to talk to now.

Such a form is in no other figure of the report. What it asks is told in its rule's words, and the
line leaves when a person has mended or decided on the form: then the ordinary flag stands.
"""

from collections.abc import Sequence

from reports.model import AskingRow, ReportContext
from reports.pupil_rows import WISH_RULE
from schemas.reason import Reason, reason_names
from schemas.rule import PupilRule
from transforms.working_days import add_working_days
from warehouse.flag_life import REVIEW_WORKING_DAYS
from warehouse.school_data import AskingPupil, SchoolData


def asking_rows(data: SchoolData, context: ReportContext) -> tuple[AskingRow, ...]:
    """Who asks, then whose flag waits; nobody while no receiver has been decided on.

    Among those who ask, the pupils' own wish goes first.
    """
    if context.settings.routing is None:
        return ()
    rows = [_row(asking, context) for asking in data.asking]
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                row.level != "prompt",
                not row.has_asked,
                row.class_group,
                row.code or "~",
                row.place,
            ),
        )
    )


def _row(asking: AskingPupil, context: ReportContext) -> AskingRow:
    texts = context.texts
    level = "prompt" if asking.is_prompt else "flag"
    due_on = add_working_days(asking.since, REVIEW_WORKING_DAYS[level])
    due_on = min(due_on, asking.flag_due or due_on)
    return AskingRow(
        code=context.codes.get(asking.pupil) if asking.pupil else None,
        has_code=asking.pupil is not None,
        class_group=texts.join(asking.classes) if asking.classes else texts.say("asking.no_class"),
        says=tuple(_says(rule, level, context) for rule in asking.rules),
        waits=_waits(asking, context),
        place=texts.say("asking.place", delivery=asking.delivery, row=asking.row_no),
        level=level,
        due=texts.day(due_on),
        due_on=due_on,
        is_overdue=due_on < context.issued_on,
        has_asked=any(rule_id == WISH_RULE for rule_id, _ in asking.rules),
    )


def _says(named: tuple[str, int], level: str, context: ReportContext) -> tuple[str, str]:
    """A rule's name and why. Where it has changed since, its words of now say the same."""
    texts, rule_id = context.texts, named[0]
    known = [context.rules.get(f"{rule_id}@{named[1]}"), *context.rules.values()]
    for rule in known:
        if isinstance(rule, PupilRule) and rule.id == rule_id:
            has_level = any(step.level == level for step in rule.steps)
            why = rule.texts.why_of(level if has_level else "flag")
            return texts.translated(rule.texts.name), texts.translated(why)
    return texts.say("asking.rule_gone"), ""


def _waits(asking: AskingPupil, context: ReportContext) -> tuple[str, ...]:
    """Why the form waits, and that nobody has decided on one that was given up."""
    texts = context.texts
    said = []
    if asking.in_two_schools:
        said.append(texts.say("asking.two_schools"))
    if asking.is_changed:
        said.append(texts.say("asking.changed"))
    if asking.is_without_zeros:
        said.append(texts.say("asking.without_zeros"))
    # Forms of another school are another child's, most likely, and nobody contradicts herself.
    is_one_form = asking.in_two_schools or asking.is_changed or asking.is_without_zeros
    if asking.versions > is_one_form:
        told_in = "all" if asking.asks_in >= asking.versions else "some"
        told_in = told_in if asking.asks_in else "none"
        told_in += "" if asking.is_prompt or not asking.asks_in else "_flag"
        asks, versions = texts.number(asking.asks_in), texts.number(asking.versions)
        said.append(texts.say(f"asking.versions_{told_in}", asks=asks, versions=versions))
    names = [_reason(code, context) for code in asking.reasons]
    if names:
        said.append(texts.say("asking.flaws", flaws=texts.join(names)))
    if asking.is_given_up:
        said.append(texts.say("asking.given_up"))
    return tuple(said)


def _reason(code: str, context: ReportContext) -> str:
    name = reason_names()[Reason(code)]
    return {"nb": name.nb, "nn": name.nn, "en": name.en}[context.texts.language]


def asking_headline(rows: Sequence[AskingRow], data: SchoolData, context: ReportContext) -> str:
    """The sentence that goes before all others; empty where nobody asks for help now."""
    asks = sum(row.level == "prompt" for row in rows)
    if not asks:
        return ""
    page = "adult" if data.route == "adult_route" else "own"
    return context.texts.count(f"asking.{page}", asks)


def waiting_flags(rows: Sequence[AskingRow], context: ReportContext) -> str:
    """How many pupils have a flag that waits; empty where nobody has."""
    days = [row.due_on for row in rows if row.level == "flag"]
    if not days:
        return ""
    return context.texts.count("asking.flagged", len(days), day=context.texts.full_day(min(days)))
