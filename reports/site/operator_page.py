"""The operator's page: what became of files and rows, and which deliveries figures rest on.

It names no school, class or file. Rows that wait are pupils, so small numbers of them are not told.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from reports.pages.blocks import Block, Code, Folded, Heading, Page, Paragraph, Table
from reports.site.analyst_pages import LANGUAGES, language_links
from reports.texts import Texts, read_texts
from schemas.reason import Reason, reason_names
from schemas.settings import Settings
from warehouse.site_facts import DeliveryFacts

_ROWS = ("delivered", "accepted", "quarantined", "dropped")
_NEAREST = 5


def operator_pages(facts: DeliveryFacts, settings: Settings) -> dict[str, Page]:
    """The page in every language, by its path below the folder."""
    return {
        f"{language}/index.html": _page(facts, settings, read_texts(language, "site"))
        for language in LANGUAGES
    }


def rows_told(n: int, min_n: int, texts: Texts) -> str:
    """A number of rows as the floors allow: none, few, or rounded to the nearest five."""
    if n == 0:
        return "0"
    if n < min_n:
        return texts.say("operator.few", min_n=min_n)
    return texts.decimal((n + _NEAREST // 2) // _NEAREST * _NEAREST)


def _page(facts: DeliveryFacts, settings: Settings, texts: Texts) -> Page:
    say, min_n = texts.say, settings.suppression.min_n
    return Page(
        language=texts.language,
        title=say("operator.title", municipality=settings.municipality.name),
        kicker=say("operator.kicker"),
        about=say("operator.about", min_n=min_n),
        seal=(say("operator.seal"), say("operator.for_whom")),
        blocks=(
            *_files(facts, min_n, texts),
            *_reasons(facts, min_n, texts),
            *_behind(facts, texts),
        ),
        footer=say("operator.kicker"),
        skip=say("page.skip"),
        languages_name=say("page.languages"),
        languages=language_links(texts, "index.html"),
    )


def _files(facts: DeliveryFacts, min_n: int, texts: Texts) -> Iterator[Block]:
    say = texts.say
    yield Heading(say("operator.files"), "files")
    headings = ("outcome", "kind", "survey", "number", *_ROWS)
    yield Table(
        say("operator.files"),
        tuple(say(f"operator.{name}") for name in headings),
        tuple(
            (
                say(f"outcome.{row['outcome']}"),
                say(f"kind.{row['kind']}"),
                Code(row["survey_id"] or "–"),
                texts.decimal(row["files"]),
                *(rows_told(row[name], min_n, texts) for name in _ROWS),
            )
            for row in facts.files
        ),
    )
    yield Paragraph(say("operator.sums"), soft=True)


def _reasons(facts: DeliveryFacts, min_n: int, texts: Texts) -> Iterator[Block]:
    say = texts.say
    yield Heading(say("operator.reasons"), "reasons")
    if not facts.reasons:
        yield Paragraph(say("operator.none"))
        return
    yield Table(
        say("operator.reasons"),
        tuple(say(f"operator.{name}") for name in ("reason", "means", "number", "rows")),
        tuple(
            (
                Code(row["reason_code"]),
                _meaning(row["reason_code"], texts),
                texts.decimal(row["files"]),
                rows_told(row["rows"], min_n, texts),
            )
            for row in facts.reasons
        ),
    )


def _meaning(code: str, texts: Texts) -> str:
    """The short name of a reason; a code that this version has no longer stands for itself."""
    known = {reason.value for reason in Reason}
    return str(getattr(reason_names()[Reason(code)], texts.language)) if code in known else code


def _behind(facts: DeliveryFacts, texts: Texts) -> Iterator[Block]:
    say = texts.say
    yield Heading(say("operator.behind"), "behind")
    if not facts.behind:
        yield Paragraph(say("operator.nothing"))
        return
    yield Paragraph(say("operator.behind_about"), soft=True)
    headings = ("wave", "forms", "state", "number", "checksum")
    yield Table(
        say("operator.behind"),
        tuple(say(f"operator.{name}") for name in headings),
        tuple(
            (
                row["wave_id"],
                _forms(row, texts),
                say("operator.same" if row["is_as_published"] else "operator.changed"),
                texts.decimal(len(row["deliveries"])),
                Code(row["digest"]),
            )
            for row in facts.behind
        ),
    )
    for row in facts.behind:
        number = texts.decimal(len(row["deliveries"]))
        summary = say("operator.list", n=number, wave=row["wave_id"], forms=_forms(row, texts))
        yield Folded(summary, tuple(Code(delivery) for delivery in row["deliveries"]))


def _forms(row: Mapping[str, Any], texts: Texts) -> str:
    name: str = row["forms"]
    if name == "core.response":
        return texts.say("operator.all_forms")
    return name.removeprefix("core.answer_")
