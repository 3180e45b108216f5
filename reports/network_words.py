"""What class mates' choices say, in words: how many situations, and never who chose whom."""

from collections.abc import Iterator, Mapping, Sequence

from reports.class_rows import again, due, of_survey
from reports.model import AnswerLine, IndicatorRow, ReportContext
from reports.texts import Texts
from schemas.network_rule import NETWORK, network_rule
from warehouse.school_data import ClassFlag, ClassNetwork, Evidence, WaveInfo


def is_network(source: str) -> bool:
    """Whether a piece of evidence is what class mates chose, and no answer of the pupil."""
    return source.startswith(f"{NETWORK}.")


def choice_line(
    evidence: Evidence, waves: tuple[WaveInfo, ...], context: ReportContext
) -> AnswerLine:
    """In how many situations nobody of the class chose the pupil, now and the last time."""
    said = context.texts.count("network.unchosen", int(evidence.observed))
    before = evidence.before
    if before is None:
        return AnswerLine(said, context.texts.say("network.chance"), "", None)
    names = {wave.wave_id: wave.name for wave in waves}
    earlier = context.texts.say("network.before", wave=names[before.wave_id])
    return AnswerLine(said, earlier, "", None)


def _sure(found: ClassNetwork, texts: Texts) -> str:
    return texts.say("network.sure", share=texts.share(found.p_cohesion), groups=found.groups)


def network_rows(
    networks: Sequence[ClassNetwork],
    flags: Sequence[ClassFlag],
    context: ReportContext,
    *,
    surveys: Mapping[str, str],
) -> Iterator[IndicatorRow]:
    """A class that stands out by its choices, in counts; other classes have no row.

    `surveys` as for the other themes (reports/class_rows.py).
    """
    rule, texts = network_rule(), context.texts
    own = {flag.survey_id: flag for flag in flags if flag.rule_id == rule.id}
    for found in networks:
        flag = own.get(found.survey_id)
        if flag is None:
            continue
        name = texts.translated(rule.texts.name)
        yield IndicatorRow(
            name=of_survey(name, found.survey_id, surveys, texts),
            chart=None,
            count=texts.say("network.count", unchosen=found.unchosen, answered=found.answered),
            share="",
            level=flag.level,
            sure=" ".join(filter(None, (_sure(found, texts), again(flag, texts)))),
            due=due(flag, texts),
            why=texts.translated(rule.texts.why),
            not_meaning=texts.translated(rule.texts.not_meaning),
        )
