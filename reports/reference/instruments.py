"""The page of instruments."""

from collections.abc import Iterator, Mapping

from reports.reference.markdown import bullets, code, page, table
from schemas.instrument import Instrument, Scale

_USE = {"pupil": "pupils", "class": "classes", "both": "pupils and classes"}


def instruments_page(instruments: Mapping[str, Instrument]) -> str:
    """Every instrument: licence, items, options, and how items become scores."""
    return page(
        "Instruments",
        "What comes with Klassepuls. A municipality may add its own in `HOME/instruments/`"
        " ([develop](../how-to/develop.md#add-an-instrument)). A changed question, option or"
        " formula is a new version, and scores are never compared across versions.",
        *(part for instrument in instruments.values() for part in _section(instrument)),
    )


def _section(instrument: Instrument) -> Iterator[str]:
    licence = instrument.licence
    yield f"## {instrument.key}"
    yield (
        f"{instrument.name['en']}. For {_USE[instrument.use_for]}, from grade"
        f" {instrument.min_grade}. Licence: {licence.name}. Source: {licence.source}."
        f" {licence.note}".rstrip()
    )
    items = [
        (
            code(f"{instrument.key}.{item.id}"),
            item.text.get("en") or "not shipped",
            item.options + (" (reversed)" if item.is_reversed else ""),
        )
        for item in instrument.items
    ]
    yield table(("item", "question", "options"), items)
    options = [
        (code(name), ", ".join(f"{option.code} “{option.label['en']}”" for option in found))
        for name, found in instrument.option_sets.items()
    ]
    yield table(("options", "code and answer"), options)
    if instrument.scales:
        yield bullets(_scale(instrument, scale) for scale in instrument.scales)


def _scale(instrument: Instrument, scale: Scale) -> str:
    times = "" if scale.multiply_by == 1 else f", times {scale.multiply_by:g}"
    bands = "".join(
        f" Band {code(band.id)} up to and including {band.at_most:g}"
        f" ({band.population}; {band.source})."
        for band in scale.bands
    )
    return (
        f"Scale {code(f'{instrument.key}.{scale.id}')}, {scale.label['en']}: the {scale.formula} of"
        f" {len(scale.items)} items{times}, {scale.minimum:g} to {scale.maximum:g}, with at least"
        f" {scale.min_answered} answered, {scale.decimals} decimals.{bands}"
    )
