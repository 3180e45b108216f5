"""The page of instruments."""

from collections.abc import Iterator, Mapping

from reports.reference.markdown import bullets, code, page, table
from schemas.instrument import Band, Instrument, Reliability, Scale

_USE = {"pupil": "pupils", "class": "classes only", "both": "pupils and classes"}
_SHIPS = {
    "questions": "The questions may be shipped and are.",
    "scoring": "Only the scoring is shipped, not the wording of the questions.",
    "scores": "Nothing is asked or scored here: only scores that your tool supplies are taken in.",
}
_LANGUAGES = {"nb": "bokmål", "nn": "nynorsk", "en": "English", "se": "Northern Sámi"}
_ROUNDING = {
    "half_away_from_zero": "a half goes away from zero",
    "half_to_even": "a half goes to the even neighbour",
}
_KINDS = {
    "alpha": "Cronbach's alpha",
    "omega": "McDonald's omega",
    "retest": "retest correlation",
    "icc": "intraclass correlation",
}


def instruments_page(instruments: Mapping[str, Instrument]) -> str:
    """Every instrument: licence, items, options, how items become scores, bands, reliability."""
    return page(
        "Instruments",
        "What comes with Klassepuls. A municipality may add its own in `HOME/instruments/`"
        " ([add an instrument](../how-to/add-an-instrument.md)). A changed question, option or"
        " formula is a new version, and scores are never compared across versions.",
        "Pupils below or above an instrument's grades get no score from it. Where no source names"
        " an age, the first grade is our judgement. What is for classes only flags no pupil.",
        _overview(instruments),
        *(part for instrument in instruments.values() for part in _section(instrument)),
    )


def _overview(instruments: Mapping[str, Instrument]) -> str:
    rows = [
        (
            f"[`{one.key}`](#{one.key})",
            one.name["en"],
            _USE[one.use_for],
            _grades(one),
            one.licence.may_ship + (", off by default" if one.off_by_default else ""),
        )
        for one in instruments.values()
    ]
    return table(("instrument", "name", "for", "grades", "ships"), rows)


def _grades(instrument: Instrument) -> str:
    return f"{instrument.min_grade}–{instrument.max_grade}"


def _section(instrument: Instrument) -> Iterator[str]:
    yield f"## {instrument.key}"
    yield (
        f"{instrument.name['en']}. For {_USE[instrument.use_for]}, grades {_grades(instrument)}."
        f" {_languages(instrument)}"
    )
    yield _licence(instrument)
    if instrument.off_by_default:
        yield (
            "Off by default: a survey that names it says in `[switched_on]` who decided so, when,"
            " and under which agreement."
        )
    if instrument.items:
        yield _items(instrument)
        yield _options(instrument)
    if instrument.scales:
        yield bullets(_scale(instrument, scale) for scale in instrument.scales)
        yield from _figures(instrument)


def _languages(instrument: Instrument) -> str:
    told = [
        _LANGUAGES[one] + (" (not reviewed, shown to nobody)" if is_draft else "")
        for one in instrument.languages
        for is_draft in [one in instrument.not_reviewed]
    ]
    return f"Texts in {', '.join(told)}." if told else ""


def _licence(instrument: Instrument) -> str:
    licence = instrument.licence
    return (
        f"Licence: {licence.name}. Source: {licence.source}."
        f" {_SHIPS[licence.may_ship]} {licence.note}".rstrip()
    )


def _items(instrument: Instrument) -> str:
    rows = [
        (
            code(f"{instrument.key}.{item.id}"),
            item.text.get("en") or "not shipped",
            item.options + (" (reversed)" if item.is_reversed else ""),
        )
        for item in instrument.items
    ]
    return table(("item", "question", "options"), rows)


def _options(instrument: Instrument) -> str:
    rows = [
        (code(name), ", ".join(f"{option.code} “{option.label['en']}”" for option in found))
        for name, found in instrument.option_sets.items()
    ]
    return table(("options", "code and answer"), rows)


def _scale(instrument: Instrument, scale: Scale) -> str:
    part = f" Part of {code(f'{instrument.key}.{scale.part_of}')}." if scale.part_of else ""
    return (
        f"Scale {code(f'{instrument.key}.{scale.id}')}, {scale.label['en']}: {_formula(scale)},"
        f" {scale.minimum:g} to {scale.maximum:g}. {_missing(scale)} {scale.decimals} decimals,"
        f" {_ROUNDING[scale.rounding]}.{part}"
    )


def _formula(scale: Scale) -> str:
    many = f"{len(scale.items)} items"
    times = "" if scale.multiply_by == 1 else f", times {scale.multiply_by:g}"
    return {
        "sum": f"the sum of {many}{times}",
        "mean": f"the mean of {many}{times}",
        "count": f"how many of {many} are at {scale.at_least} or above{times}",
        "any": f"1 if any of {many} is at {scale.at_least} or above, else 0",
        "table": f"the sum of {many}, looked up in a table of {len(scale.table)} rows",
        "supplied": "as the survey tool gives it",
    }[scale.formula]


def _missing(scale: Scale) -> str:
    if scale.formula == "supplied":
        return "A score outside the range is held."
    if scale.formula == "any":
        return f"A 1 whatever is missing; a 0 with {scale.min_answered} answers."
    if scale.min_answered == len(scale.items):
        return "Every item must be answered."
    stands_in = "" if scale.formula == "mean" else "; the mean of the others stands in"
    return f"At least {scale.min_answered} answered{stands_in}."


def _figures(instrument: Instrument) -> Iterator[str]:
    """Bands and reliability, each with whom it was found in and who says so."""
    scales = instrument.scales
    bands = [_band(scale, band) for scale in scales for band in scale.bands]
    if bands:
        yield table(("scale", "band", "scores", "population", "source"), bands)
    known = [_reliability(scale, said) for scale in scales for said in scale.reliability]
    if known:
        yield table(("scale", "reliability", "mean and SD", "population", "source"), known)


def _band(scale: Scale, band: Band) -> tuple[str, ...]:
    above = "" if band.above is None else f"above {band.above:g}, "
    ages = f", {band.ages[0]} to {band.ages[1]} years" if band.ages else ""
    return (
        code(scale.id),
        f"{code(band.id)} “{band.label['en']}”",
        f"{above}up to and including {band.at_most:g}",
        band.population + ages,
        band.source,
    )


def _reliability(scale: Scale, said: Reliability) -> tuple[str, ...]:
    size = f", n = {said.n}" if said.n else ""
    known = "not told" if said.sd is None else f"{said.mean:g} and {said.sd:g}"
    return (
        code(scale.id),
        f"{_KINDS[said.kind]} {said.value:.2f}",
        known,
        said.population + size,
        said.source,
    )
