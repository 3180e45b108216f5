"""The pages for analysts, made from the published file and the declared floors alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from reports.pages.blocks import (
    Block,
    Bullets,
    Chart,
    Code,
    Facts,
    Folded,
    Heading,
    Link,
    Page,
    Paragraph,
    SubHeading,
    Table,
)
from reports.site.road_chart import road_chart
from reports.texts import Texts, read_texts
from schemas.indicator import Figure
from schemas.publication import publication_plan
from schemas.settings import DocLanguage, Settings
from warehouse.site_facts import PublishedFacts

LANGUAGES: tuple[DocLanguage, ...] = get_args(DocLanguage)
HIDDEN = ":"
_SHORT_ID = 12


@dataclass(frozen=True, slots=True)
class Source:
    """What the pages are made from; `figures` are those that are defined now, by id."""

    facts: PublishedFacts
    settings: Settings
    figures: Mapping[str, Figure]


def analyst_pages(source: Source) -> dict[str, Page]:
    """Every page by its path below the folder: `nb/tables.html`."""
    return {
        f"{language}/{name}.html": _page(source, read_texts(language, "site"), name)
        for language in LANGUAGES
        for name in _BLOCKS
    }


def _page(source: Source, texts: Texts, name: str) -> Page:
    facts, municipality = source.facts, source.settings.municipality.name
    return Page(
        language=texts.language,
        title=texts.say(f"{name}.title", municipality=municipality),
        kicker=texts.say("page.kicker"),
        about=texts.say(f"{name}.about"),
        blocks=tuple(_BLOCKS[name](source, texts)),
        footer=texts.say(
            "page.footer",
            publication=facts.publication_id[:_SHORT_ID],
            day=texts.full_day(facts.published_at.date()),
            version=facts.version,
        ),
        skip=texts.say("page.skip"),
        nav_name=texts.say("page.pages"),
        nav=tuple(
            Link(f"{other}.html", texts.say(f"page.{other}"), here=other == name)
            for other in _BLOCKS
        ),
        languages_name=texts.say("page.languages"),
        languages=language_links(texts, f"{name}.html"),
    )


def language_links(texts: Texts, file: str) -> tuple[Link, ...]:
    """Links to the same page in every language; each lies in a folder of its language."""
    return tuple(
        Link(
            f"../{language}/{file}",
            read_texts(language, "site").say("language.name"),
            here=language == texts.language,
            language=language,
        )
        for language in LANGUAGES
    )


def _index(source: Source, texts: Texts) -> Iterator[Block]:
    facts, say = source.facts, texts.say
    names = {wave.id: wave.name for wave in source.settings.waves}
    waves = [f"{wave} ({names[wave]})" if wave in names else wave for wave in facts.waves]
    yield Heading(say("index.edition"), "edition")
    yield Facts(
        (
            (say("index.id"), Code(facts.publication_id)),
            (say("index.published"), f"{facts.published_at:%Y-%m-%d %H:%M}"),
            (say("index.program"), facts.version),
            (say("index.waves"), texts.join(waves)),
            (say("index.file"), Code("klassepuls.duckdb")),
        )
    )
    yield Paragraph(say("index.sound"))
    yield Heading(say("index.rules"), "know")
    rules = ("rule_hidden", "rule_round", "rule_frozen", "rule_person")
    yield Bullets(tuple(say(f"index.{rule}") for rule in rules))
    yield Heading(say("index.ask"), "ask")
    yield Paragraph(say("index.command"))


def _tables(source: Source, texts: Texts) -> Iterator[Block]:
    facts, say = source.facts, texts.say
    told = _described(facts, texts)
    for table in facts.tables:
        name = table["table_name"]
        yield Heading(f"mart.{name}", name)
        yield Paragraph(told.get(("table", name, name)) or table["comment"])
        yield Paragraph(say("tables.rows", n=texts.decimal(facts.row_counts[name])), soft=True)
        yield Table(
            f"mart.{name}",
            (say("tables.column"), say("tables.type"), say("tables.holds")),
            tuple(
                (
                    Code(column["column_name"]),
                    Code(column["data_type"]),
                    told.get(("column", name, column["column_name"])) or column["comment"],
                )
                for column in facts.columns
                if column["table_name"] == name
            ),
        )
        if name == "outcome":
            yield from _measures(facts, texts)
    yield from _floors(source.settings, texts)


def _measures(facts: PublishedFacts, texts: Texts) -> Iterator[Block]:
    """What each measure of mart.outcome counts."""
    say, language = texts.say, texts.language
    rows = [row for row in facts.dictionary if row["entry"] == "outcome"]
    yield Table(
        say("tables.measures"),
        (say("tables.measure"), say("tables.called"), say("tables.counts")),
        tuple(
            (Code(row["name"]), row[f"label_{language}"], row[f"description_{language}"])
            for row in rows
        ),
    )


def _described(facts: PublishedFacts, texts: Texts) -> dict[tuple[str, str, str], str]:
    """The dictionary's text of each entry; where an older edition lacks ours, there is none."""
    key = f"description_{texts.language}"
    return {
        (row["entry"], row["table_name"], row["name"]): row[key]
        for row in facts.dictionary
        if row.get(key)
    }


def _floors(settings: Settings, texts: Texts) -> Iterator[Block]:
    say, limits = texts.say, settings.suppression
    yield Heading(say("tables.floors"), "floors")
    yield Paragraph(say("tables.floors_about"))
    shown = [
        place
        for place in publication_plan().places
        if place.id != "school_grade" or limits.grades_of_schools
    ]
    headings = ("place", "level", "pupils", "classes", "together")
    yield Table(
        say("tables.floors"),
        tuple(say(f"tables.{name}") for name in headings),
        tuple(
            (
                say(f"place.{place.id}"),
                Code(place.level),
                str(max(place.min_n, limits.min_n)),
                str(place.min_classes),
                str(place.min_hidden),
            )
            for place in shown
        ),
    )
    yield Paragraph(say("tables.also"))


def _figures(source: Source, texts: Texts) -> Iterator[Block]:
    facts, say = source.facts, texts.say
    entries = {row["name"]: row for row in facts.dictionary if row["entry"] == "indicator"}
    for figure in facts.figures:
        name = figure["indicator"]
        entry = entries.get(name, {})
        label = entry.get(f"label_{texts.language}") or entry.get("label_nb") or name
        yield Heading(label, name.replace(".", "-"))
        yield Facts(
            (
                (say("figures.name"), Code(name)),
                (
                    say("figures.definition"),
                    entry.get(f"description_{texts.language}") or entry.get("description_nb") or "",
                ),
                (say("figures.unit"), _unit(figure, source.figures.get(name), texts)),
                (say("figures.instrument"), Code(figure["instrument"])),
                (say("figures.waves"), texts.join(figure["waves"])),
            )
        )


def _unit(row: Mapping[str, Any], figure: Figure | None, texts: Texts) -> str:
    if row["statistic"] == "share":
        return texts.say("figures.share")
    if figure is None:
        return texts.say("figures.mean_only")
    low, high = texts.decimal(figure.minimum), texts.decimal(figure.maximum)
    return texts.say("figures.mean", minimum=low, maximum=high)


def _lineage(source: Source, texts: Texts) -> Iterator[Block]:
    facts, say = source.facts, texts.say
    whole = {row["wave_id"]: row["deliveries"] for row in facts.lineage if not row["indicator"]}
    counts = {
        "deliveries": sum(number or 0 for number in whole.values()),
        "figures": len(facts.figures),
        "waves": len(facts.waves),
    }
    yield Heading(say("lineage.chart"), "road")
    yield Chart(road_chart(counts, texts))
    yield SubHeading(say("lineage.steps"))
    steps = ("survey", "answer", "score", "flag", "gate", "mart")
    yield Bullets(tuple(say(f"lineage.step_{step}") for step in steps), numbered=True)
    for wave in facts.waves:
        yield from _wave_lineage(facts, wave, texts)


def _wave_lineage(facts: PublishedFacts, wave: str, texts: Texts) -> Iterator[Block]:
    say, name = texts.say, texts.say("lineage.wave", wave=wave)
    rows = [row for row in facts.lineage if row["wave_id"] == wave]
    headings = (
        "figure", "table", "definitions", "deliveries", "deliveries_sum", "definitions_sum"
    )  # fmt: skip
    yield Heading(name, f"wave-{wave}")
    yield Paragraph(say("lineage.wave_about"), soft=True)
    yield Table(
        name,
        tuple(say(f"lineage.{heading}") for heading in headings),
        tuple(
            (
                Code(row["indicator"] or row["table_name"]),
                Code(f"mart.{row['table_name']}"),
                _definitions(row, texts),
                texts.decimal(row["deliveries"] or 0),
                Code(row["deliveries_sha256"] or ""),
                Code(row["definitions_sha256"] or ""),
            )
            for row in rows
        ),
    )
    rules = [row["definitions"] for row in rows if row["table_name"] == "flag_count"]
    for said in filter(None, rules):
        lines = tuple(Code(rule) for rule in said.split(", "))
        yield Folded(say("lineage.rules_of", wave=wave), lines)


def _definitions(row: Mapping[str, Any], texts: Texts) -> str:
    if row["table_name"] != "flag_count":
        return Code(row["definitions"] or "")
    number = len((row["definitions"] or "").split(", ")) if row["definitions"] else 0
    return texts.say("lineage.all_rules", n=texts.decimal(number))


def _checks(source: Source, texts: Texts) -> Iterator[Block]:
    facts, say = source.facts, texts.say
    yield Heading(say("checks.passed"), "passed")
    yield Bullets(tuple(_passed(facts, texts)))
    yield Heading(say("checks.response"), "response")
    yield Paragraph(say("checks.response_about"), soft=True)
    yield Table(
        say("checks.response"),
        tuple(say(f"checks.{name}") for name in ("wave", "school", "listed", "answered", "share")),
        tuple(_response(source, row, texts) for row in facts.response),
    )
    yield Heading(say("checks.hidden"), "hidden")
    yield Paragraph(say("checks.hidden_about"), soft=True)
    yield Table(
        say("checks.hidden"),
        tuple(say(f"checks.{name}") for name in ("wave", "table", "place", "figures", "of_them")),
        tuple(
            (
                row["wave_id"],
                Code(f"mart.{row['table_name']}"),
                say(f"place.{row['place']}"),
                texts.decimal(row["figures"]),
                texts.decimal(row["hidden"]),
            )
            for row in facts.hidden
        ),
    )
    yield Paragraph(say("checks.rows"), soft=True)


def _passed(facts: PublishedFacts, texts: Texts) -> Iterator[str]:
    """What holds of the file, each looked at here; what does not hold is not said."""
    say = texts.say
    described = {row["name"] for row in facts.dictionary if row["entry"] == "indicator"}
    traced = {(row["wave_id"], row["indicator"]) for row in facts.lineage}
    figures = {(wave, row["indicator"]) for row in facts.figures for wave in row["waves"]}
    yield say("checks.passed_id")
    yield say("checks.passed_gate")
    if all(row["comment"] for row in (*facts.tables, *facts.columns)):
        yield say("checks.passed_comments", tables=len(facts.tables), columns=len(facts.columns))
    if {name for _, name in figures} <= described:
        yield say("checks.passed_dictionary", n=len(facts.figures))
    if figures <= traced:
        yield say("checks.passed_lineage", n=len(facts.lineage))


def _response(source: Source, row: Mapping[str, Any], texts: Texts) -> tuple[str, ...]:
    names = {school.id: school.name for school in source.settings.schools}
    school = row["school_id"]
    where = texts.say("checks.whole") if school is None else names.get(school, school)
    share = HIDDEN if row["value"] is None else texts.share(row["value"])
    return (
        row["wave_id"], where, row["enrolled_band"] or HIDDEN, row["answered_band"] or HIDDEN, share
    )  # fmt: skip


_BLOCKS: dict[str, Callable[[Source, Texts], Iterator[Block]]] = {
    "index": _index,
    "tables": _tables,
    "figures": _figures,
    "lineage": _lineage,
    "checks": _checks,
}
