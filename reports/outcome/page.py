"""Did it help, for whoever owns the programme: made from the published file and nothing else.

So nothing can stand here that has not passed the disclosure gate, and two editions of the page
differ by whole waves only.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, get_args

from reports.pages.blocks import (
    Block,
    Bullets,
    Cell,
    Facts,
    Folded,
    Heading,
    Link,
    Page,
    Paragraph,
    SubHeading,
    Table,
)
from reports.texts import Texts, read_texts
from schemas.case_life import case_life
from schemas.instrument import shipped_instruments
from schemas.outcome import Claim, outcome_plan
from schemas.settings import DocLanguage, Settings
from schemas.words import Words
from transforms.did_it_help.figures import categories_of
from warehouse.did_it_help.published import PublishedOutcome

LANGUAGES: tuple[DocLanguage, ...] = get_args(DocLanguage)
HIDDEN = ":"
_SHORT_ID = 12
_Row = dict[str, Any]


def outcome_page(facts: PublishedOutcome, settings: Settings, language: DocLanguage) -> Page:
    """The page in one language; its links lead to `outcome.LANG.html` beside it."""
    texts = read_texts(language, "outcome")
    say = texts.say
    return Page(
        language=language,
        title=say("page.title"),
        kicker=say("page.kicker", municipality=settings.municipality.name),
        about=say("page.about"),
        blocks=tuple(_blocks(facts, settings, texts)),
        footer=say(
            "page.footer",
            publication=facts.publication_id[:_SHORT_ID],
            day=texts.full_day(facts.published_at.date()),
        ),
        skip=say("page.skip"),
        languages_name=say("page.languages"),
        languages=tuple(
            Link(
                f"outcome.{other}.html",
                read_texts(other, "outcome").say("language.name"),
                here=other == language,
                language=other,
            )
            for other in LANGUAGES
        ),
    )


def _blocks(facts: PublishedOutcome, settings: Settings, texts: Texts) -> Iterator[Block]:
    told = {row["wave_id"] for row in facts.changes}
    names = {wave.id: wave.name for wave in settings.waves}
    if not told:
        yield Paragraph(texts.say("wave.none"))
    opened = {wave.id: wave.opens for wave in settings.waves}
    newest = sorted(facts.waves, key=lambda wave: (opened.get(wave, date.min), wave), reverse=True)
    for number, wave in enumerate(newest, start=1):
        yield Heading(names.get(wave, wave), f"wave-{number}")
        if wave in told:
            yield from _wave(facts, wave, names, texts)
        else:
            yield from _waits(settings, wave, texts)
    yield Heading(texts.say("know.heading"), "know")
    confidence = texts.share(outcome_plan().limits.confidence)
    lines = ("followed", "adjusted", "itself", "chosen", "hidden", "never")
    yield Bullets(tuple(texts.say(f"know.{line}", confidence=confidence) for line in lines))


def _waits(settings: Settings, wave: str, texts: Texts) -> Iterator[Block]:
    days = timedelta(days=outcome_plan().limits.ripe_days + 1)
    for known in settings.waves:
        if known.id == wave:
            yield Paragraph(texts.say("wave.waits", day=texts.full_day(known.closes + days)))


def _wave(
    facts: PublishedOutcome, wave: str, names: dict[str, str], texts: Texts
) -> Iterator[Block]:
    shares = [row for row in facts.shares if row["wave_id"] == wave]
    changes = {row["outcome"]: row for row in facts.changes if row["wave_id"] == wave}
    yield SubHeading(texts.say("wave.answer"))
    yield from _answer(changes["primary"], shares, names, texts)
    yield SubHeading(texts.say("wave.claims"))
    yield _claims(changes, texts)
    yield SubHeading(texts.say("wave.done"))
    yield from _shares(shares, texts)


def _answer(row: _Row, shares: list[_Row], names: dict[str, str], texts: Texts) -> Iterator[Block]:
    plan, say = outcome_plan(), texts.say
    verdict = _in(plan.verdicts[row["verdict"]], texts)
    reason = _in(plan.reasons[row["reason"]], texts)
    yield Paragraph(say("answer.verdict", verdict=verdict, reason=reason))
    pairs: list[tuple[str, Cell]] = []
    if row["difference"] is not None:
        pairs += [
            (say("answer.difference"), _interval(row, texts)),
            (say("answer.scale"), _scale(row["scale"], texts)),
            (say("answer.next_wave"), str(names.get(row["next_wave"], row["next_wave"]))),
            (say("answer.followed"), row["followed_band"]),
            (say("answer.waited"), row["waited_band"]),
        ]
    if row["rise"] is not None:
        pairs += [
            (say("answer.rise"), _signed(row["rise"], texts)),
            (say("answer.by_itself"), _signed(row["rise_by_itself"], texts)),
        ]
    improved = next((one["value"] for one in shares if one["measure"] == "improved"), None)
    if improved is not None and row["improved_by_itself"] is not None:
        value = say(
            "answer.improved_value",
            share=texts.share(improved),
            expected=texts.share(row["improved_by_itself"]),
        )
        pairs.append((say("answer.improved"), value))
    if row["days_to_first_meeting"] is not None:
        pairs.append((say("answer.days"), texts.decimal(row["days_to_first_meeting"])))
    if pairs:
        yield Facts(tuple(pairs))


def _claims(changes: dict[str, _Row], texts: Texts) -> Table:
    say, plan = texts.say, outcome_plan()
    names = ("claim", "measured", "says", "difference")
    return Table(
        say("wave.claims"),
        tuple(say(f"column.{name}") for name in names),
        tuple(_claim(claim, changes.get(claim.id), texts) for claim in plan.claims),
    )


def _claim(claim: Claim, row: _Row | None, texts: Texts) -> tuple[Cell, ...]:
    label, measured = _in(claim.label, texts), _in(claim.measured, texts)
    if row is None:
        return label, measured, "–", "–"
    plan = outcome_plan()
    verdict = _in(plan.verdicts[row["verdict"]], texts)
    reason = _in(plan.reasons[row["reason"]], texts)
    difference = HIDDEN if row["difference"] is None else _interval(row, texts)
    says = texts.say("answer.verdict", verdict=verdict, reason=reason).partition(": ")[2]
    return label, measured, says, difference


def _shares(rows: list[_Row], texts: Texts) -> Iterator[Block]:
    if not rows:
        yield Paragraph(texts.say("wave.nothing"))
        return
    plan, found = outcome_plan(), {(row["measure"], row["category"]): row for row in rows}
    lines = [
        (measure, category, found[measure.id, category])
        for measure in plan.measures
        for category in (*categories_of(measure), None)
        if (measure.id, category) in found
    ]
    named = [
        (_in(one.label, texts) + (f": {_category(part, texts)}" if part else ""), one, row)
        for one, part, row in lines
    ]
    yield Table(
        texts.say("wave.done"),
        tuple(texts.say(f"column.{name}") for name in ("measure", "share", "of")),
        tuple(
            (name, texts.share(row["value"]), f"{row['n_band']} {_in(one.of, texts)}")
            for name, one, row in named
            if row["value"] is not None
        ),
    )
    hidden = tuple(name for name, _, row in named if row["value"] is None)
    if hidden:
        yield Folded(texts.say("wave.hidden", n=len(hidden)), hidden)


def _category(category: str, texts: Texts) -> str:
    plan, life = outcome_plan(), case_life()
    if category in plan.questions:
        return _in(plan.questions[category], texts)
    if category in life.codes_of("outcome"):
        return _in(life.code("outcome", category).label, texts)
    return read_texts(texts.language).say(f"situation.{category}").lower()


def _scale(name: str, texts: Texts) -> str:
    """What a scale is called; its name where the instrument is one of the municipality's own."""
    key, _, part = name.partition(".")
    known = shipped_instruments().get(key)
    for scale in known.scales if known else ():
        if scale.id == part:
            return texts.translated(scale.label)
    return name


def _interval(row: _Row, texts: Texts) -> str:
    numbers = {"value": row["difference"], "low": row["low"], "high": row["high"]}
    told = {name: _signed(number, texts) for name, number in numbers.items()}
    return texts.say("answer.interval", **told)


def _signed(number: float, texts: Texts) -> str:
    """A difference: which way it goes is the point of it."""
    sign = "+" if number > 0 else "−" if number < 0 else ""
    return f"{sign}{texts.decimal(abs(number))}"


def _in(words: Words, texts: Texts) -> str:
    return str(getattr(words, texts.language))
