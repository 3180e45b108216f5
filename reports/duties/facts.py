"""What settings and code say, in words: the values that the documents are filled in with."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain

from reports.duties.wording import TableName, Wording, wording
from reports.pages.blocks import Cell, Code
from reports.texts import Texts, read_texts
from schemas.instrument import Instrument
from schemas.network_rule import NETWORK, NetworkRule
from schemas.publication import (
    GENDER_MIN_N_FLOOR,
    MIN_CLASSES_FLOOR,
    SCHOOLS_IN_A_REST_FLOOR,
    publication_plan,
)
from schemas.rule import ClassRule, Condition, PupilRule, PupilStep
from schemas.settings import DocLanguage, Settings
from schemas.survey import CONTEXT_COLUMNS, Survey
from transforms.pseudonym import HEX_DIGITS, KEY_BYTES

_BITS_OF_A_DIGIT = 4
_SIGNS = {
    "at_least": "≥",
    "at_most": "≤",
    "fallen_by": "↓ ≥",
    "below_percentile": "< P",
    "fallen_reliably": "↓ > SE ·",
}


@dataclass(frozen=True, slots=True)
class Municipality:
    """All that a home declares and that the documents tell of."""

    settings: Settings
    surveys: Sequence[Survey]
    instruments: Mapping[str, Instrument]
    rules: Sequence[PupilRule | ClassRule | NetworkRule]


@dataclass(frozen=True, slots=True)
class Told:
    """The values to fill in, and the tables whose rows come from the settings."""

    words: Wording
    texts: Texts
    values: Mapping[str, str]
    rows: Mapping[TableName, tuple[tuple[Cell, ...], ...]]


def told(of: Municipality, language: DocLanguage) -> Told:
    """Everything that may stand in a document, in one language."""
    words, texts = wording(language), read_texts(language)
    values = _limits(of.settings) | _names(of, texts) | _statements(of, words, texts)
    rows: dict[TableName, tuple[tuple[Cell, ...], ...]] = {
        "schools": tuple((one.name, Code(one.id)) for one in of.settings.schools),
        "waves": _waves(of.settings, texts),
        "surveys": tuple(_survey(one, of.instruments, words, texts) for one in of.surveys),
        "instruments": _instruments(of, words, texts),
        "rules": tuple(_rules(of, values["adults_to"], words, texts)),
    }
    return Told(words, texts, values, rows)


def _limits(settings: Settings) -> dict[str, str]:
    plan = publication_plan()
    limit = settings.suppression.min_n
    numbers = {
        "min_n": limit,
        "gender_min_n": max(GENDER_MIN_N_FLOOR, plan.place("gender").min_n, limit),
        "min_classes": max(MIN_CLASSES_FLOOR, plan.place("municipality").min_classes),
        "schools_together": max(SCHOOLS_IN_A_REST_FLOOR, plan.place("school").min_hidden),
        "raw_days": settings.retention.raw_days,
        "report_days": settings.retention.report_days,
        "pupil_years": settings.retention.pupil_years,
        "smallest_group": settings.cases.smallest_group,
        "largest_group": settings.cases.largest_group,
        "helper_days": settings.cases.helper_days,
        "quarantine_days": settings.quarantine.keep_days,
        "publish_days": settings.publication.days_after_close,
        "key_bytes": KEY_BYTES,
        "pseudonym_bits": HEX_DIGITS * _BITS_OF_A_DIGIT,
    }
    return {name: str(number) for name, number in numbers.items()}


def _names(of: Municipality, texts: Texts) -> dict[str, str]:
    asked = dict.fromkeys(chain.from_iterable(survey.instruments for survey in of.surveys))
    named = [texts.translated(of.instruments[key].name) for key in asked if key in of.instruments]
    return {
        "municipality": of.settings.municipality.name,
        "number": of.settings.municipality.number,
        "schools": texts.join([school.name for school in of.settings.schools]),
        "languages": texts.join(
            [read_texts(one, "site").say("language.name") for one in of.settings.languages]
        ),
        "timezone": of.settings.schedule.timezone,
        "instruments": texts.join(named),
        "version": version("klassepuls"),
    }


def _statements(of: Municipality, words: Wording, texts: Texts) -> dict[str, str]:
    """Sentences that say one thing or another, as it was decided."""
    fact, settings = words.fact, of.settings
    to = _recipients(settings, words)
    routed, linked = _routed(settings, texts, to), _is_linked(of.surveys)
    local = sum("local" in rule.edition for rule in of.rules)
    letters, column = settings.pupil_codes.of_letters, settings.class_lists.pupil_code
    return {
        **to,
        "routing": fact["routing" if routed else "routing_none"].format_map(routed),
        # Without a code on any form there is no pupil to be told of, whoever would be told.
        **{
            name: fact[name if routed and linked else f"{name}_none"].format_map(routed)
            for name in ("letter_routing", "pupil_routing")
        },
        **{
            name: fact[name if linked else f"{name}_none"]
            for name in ("linked", "letter_linked", "pupil_linked")
        },
        "chosen": _chosen(of.surveys, words, texts),
        "encryption": _encryption(settings, words, texts),
        "sealing": _sealing(settings, words, texts),
        "codes": fact["codes_letters" if letters else "codes_plain"].format(said=letters),
        "register": fact["register_none" if column == "none" else "register_code"].format(
            column=column
        ),
        "grades": fact["grades_on" if settings.suppression.grades_of_schools else "grades_off"],
        "local_rules": fact["local_rules" if local else "local_rules_none"].format(n=local),
    }


def _recipients(settings: Settings, words: Wording) -> dict[str, str]:
    """Who receives flags: nobody, as long as the municipality has not decided it."""
    routing = settings.routing
    if routing is None:
        return {"pupils_to": words.word["nobody"], "adults_to": words.word["nobody"]}
    return {
        "pupils_to": words.word[routing.pupil_flags_to],
        "adults_to": words.word[routing.bullied_by_adults_to],
    }


def _routed(settings: Settings, texts: Texts, to: Mapping[str, str]) -> dict[str, str]:
    routing = settings.routing
    if routing is None:
        return {}
    return {**to, "by": routing.decided_by, "on": texts.full_day(routing.decided_on)}


def _is_linked(surveys: Sequence[Survey]) -> bool:
    return any(survey.linkage == "pseudonymous" for survey in surveys)


def _chosen(surveys: Sequence[Survey], words: Wording, texts: Texts) -> str:
    situations = [asked.situation for survey in surveys for asked in survey.nominations]
    if not situations:
        return words.fact["chosen_none"]
    return words.fact["chosen"].format(situations=texts.join(list(dict.fromkeys(situations))))


def _encryption(settings: Settings, words: Wording, texts: Texts) -> str:
    said = settings.security
    if said is None:
        return words.fact["encryption_none"]
    return words.fact[f"encryption_{said.encrypted_volume}"].format(
        by=said.decided_by, on=texts.full_day(said.decided_on), why=said.why
    )


def _sealing(settings: Settings, words: Wording, texts: Texts) -> str:
    """Who can open sealed reports, by name or role."""
    named = [one.name for school in settings.schools for one in school.recipients]
    if not named:
        return words.fact["sealing_none"]
    delivery = settings.delivery
    adults = [one.name for one in delivery.bullied_by_adults] if delivery else []
    escrow = [one.name for one in delivery.escrow] if delivery else []
    return words.fact["sealing_on"].format(
        names=texts.join(list(dict.fromkeys(named))),
        adults=texts.join(adults) if adults else words.word["nobody"],
        escrow=texts.join(escrow) if escrow else words.word["nobody"],
    )


def _waves(settings: Settings, texts: Texts) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (
            wave.name,
            Code(wave.id),
            wave.school_year,
            texts.full_day(wave.opens),
            texts.full_day(wave.closes),
        )
        for wave in settings.waves
    )


def _survey(
    survey: Survey, instruments: Mapping[str, Instrument], words: Wording, texts: Texts
) -> tuple[Cell, ...]:
    names = [texts.translated(instruments[key].name) for key in survey.instruments]
    other = [name for name in CONTEXT_COLUMNS if name in survey.columns or name in survey.constants]
    links = {"pseudonymous": "pseudonymous", "none": "unlinked"}
    return (
        survey.name,
        Code(survey.tool),
        words.word[links[survey.linkage]],
        texts.join(names),
        Code(", ".join(other)) if other else words.word["own_columns"],
        words.word["yes" if survey.free_text else "no"],
        Code(", ".join(survey.dropped)) if survey.dropped else words.word["none"],
    )


def _instruments(of: Municipality, words: Wording, texts: Texts) -> tuple[tuple[Cell, ...], ...]:
    switched = {key: who for survey in of.surveys for key, who in survey.switched_on.items()}
    asked = dict.fromkeys(chain.from_iterable(survey.instruments for survey in of.surveys))
    return tuple(
        (
            texts.translated(of.instruments[key].name),
            Code(key),
            of.instruments[key].licence.name,
            switched.get(key, words.word["none"]),
        )
        for key in asked
    )


def _rules(
    of: Municipality, adults_to: str, words: Wording, texts: Texts
) -> Iterator[tuple[Cell, ...]]:
    """The rules that can say anything, by what the surveys ask, with the limits that count."""
    asked = {"register", *chain.from_iterable(survey.asks for survey in of.surveys)}
    for rule in of.rules:
        if isinstance(rule, PupilRule):
            steps = [step for step in rule.steps if _can_hold(step, asked)]
            levels = dict.fromkeys(texts.say(f"level.{step.level}") for step in steps)
            about = texts.join(list(levels))
            about = f"{about} → {adults_to}" if rule.route == "adult_route" else about
            looked = [condition for step in steps for condition in step.reasons]
            limits = [_limit(one) for one in looked if _asks_of(one.input) in asked]
        else:
            about, limits = words.word["of_classes"], _class_limits(rule, asked)
        if limits:
            shown = "; ".join(dict.fromkeys(limits))
            yield texts.translated(rule.texts.name), Code(rule.edition), about, Code(shown)


def _asks_of(name: str) -> str:
    """The instrument of an item or scale, or `network` or `register`."""
    return name.partition(".")[0]


def _can_hold(step: PupilStep, asked: Collection[str]) -> bool:
    """Whether all that a step needs is asked about."""
    whole = all(_asks_of(condition.input) in asked for condition in step.all_of)
    some = [_asks_of(condition.input) in asked for condition in step.any_of]
    return whole and (any(some) or not some)


def _class_limits(rule: ClassRule | NetworkRule, asked: Collection[str]) -> list[str]:
    """What a class is held against; nothing where nobody is asked about it."""
    if isinstance(rule, NetworkRule):
        return [f"{NETWORK}: {rule.marks}/3"] if NETWORK in asked else []
    limits = [_limit(one) for one in rule.any_of if _asks_of(one.input) in asked]
    looked = rule.mean or rule.spread
    if looked and _asks_of(looked.scale) in asked:
        limits.append(looked.scale)
    if rule.newcomers:
        limits.append(f"register.new_pupil ≥ {rule.newcomers.at_least}")
    return [*limits, f"n ≥ {rule.min_answered}"] if limits else []


def _limit(condition: Condition) -> str:
    then = " (t-1)" if condition.wave == "previous" else ""
    return f"{condition.input} {_SIGNS[condition.op]} {condition.threshold:g}{then}"
