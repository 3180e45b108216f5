"""What has changed since the last round that the school answered, in sentences."""

from collections.abc import Iterator

from reports.model import ReportContext
from reports.plan_words import standing_of
from reports.texts import Texts
from warehouse.school_data import SchoolData, WaveInfo
from warehouse.since import Since


def since_lines(data: SchoolData, context: ReportContext) -> tuple[str, ...]:
    """New, again, gone and silent, then classes; none where there is no earlier round.

    Under a new key nobody knows which pupil is which, so only classes are compared.
    """
    if data.since is None:
        return ()
    texts, wave = context.texts, _wave(data.since.wave_id, data.waves)
    pupils = () if data.is_first_of_key else _pupils(data.since, wave, texts)
    return (*pupils, *_plans(data, texts), *_classes(data.since, wave, texts))


def _wave(wave_id: str, waves: tuple[WaveInfo, ...]) -> str:
    return next(wave.name for wave in waves if wave.wave_id == wave_id)


def _pupils(since: Since, wave: str, texts: Texts) -> Iterator[str]:
    for key in ("new", "again", "gone", "silent"):
        count = getattr(since, key)
        if count:
            yield texts.count(f"since.{key}", count, wave=wave)


def _plans(data: SchoolData, texts: Texts) -> Iterator[str]:
    """How many flagged pupils have no plan; nothing where the school keeps no cases here."""
    without = {
        flag.pupil
        for flag in data.pupil_flags
        if not flag.has_lapsed and flag.follow_up and standing_of(flag.follow_up) == "no_plan"
    }
    if without:
        yield texts.count("since.no_plan", len(without))


def _classes(since: Since, wave: str, texts: Texts) -> Iterator[str]:
    for key, classes in (
        ("signals_new", since.signals_new),
        ("signals_again", since.signals_again),
        ("signals_gone", since.signals_gone),
    ):
        if classes:
            yield texts.say(f"since.{key}", classes=texts.join(classes), wave=wave)
