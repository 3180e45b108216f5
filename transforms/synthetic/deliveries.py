"""What the schools of a municipality drop in the inbox, wave by wave.

Each wave has two drops: what comes first, and what follows because it was missing, came twice or
had to be sent again. Nothing is written here: a delivery is a name, its bytes and its outcome.
"""

from collections.abc import Iterator
from dataclasses import replace

import polars as pl
from numpy.random import Generator, default_rng

from transforms.synthetic.delivery import (
    Delivery,
    Drops,
    Expected,
    Unit,
    file_name,
    loaded,
    unit_csv,
)
from transforms.synthetic.formats import to_csv, to_ndjson, to_parquet, to_xlsx
from transforms.synthetic.municipality import Municipality
from transforms.synthetic.troubles import ENOUGH_ROWS, TROUBLES, stray_files

# How the schools deliver, in turn; one XLSX and one Parquet school are enough of those.
_FIRST_HABITS = ("class", "school", "xlsx", "ndjson", "class", "parquet", "class", "school")
_LATER_HABITS = ("class", "school", "class", "ndjson", "class")
# Every fifth school's export does not say when a pupil started.
_NO_ENROLLED_ON = 5
_TROUBLED_AT_MOST = 0.5


def make_deliveries(municipality: Municipality, *, seed: int) -> Iterator[Delivery]:
    """Every file of every wave, in the order of the drops; the same seed gives the same bytes."""
    drops = [f"{wave.id}-1" for wave in municipality.waves]
    held_over: list[Delivery] = []
    for number, wave in enumerate(municipality.waves):
        moment = Drops(
            first=drops[number],
            second=f"{wave.id}-2",
            next_first=drops[number + 1] if number + 1 < len(drops) else None,
        )
        rng = default_rng([seed, 100 + number])
        here = [*held_over, *_wave_deliveries(rng, municipality, number, moment)]
        yield from (file for file in here if file.drop == moment.first)
        yield from (file for file in here if file.drop == moment.second)
        held_over = [file for file in here if file.drop == moment.next_first]


def _wave_deliveries(
    rng: Generator, municipality: Municipality, number: int, drops: Drops
) -> list[Delivery]:
    wave = municipality.waves[number]
    units = _units(municipality, wave.id, drops)
    troubled = _troubled(rng, municipality, wave.id, units)
    files = _class_list(municipality, number, drops)
    for unit in units:
        trouble = troubled.get(unit.number)
        files += TROUBLES[trouble](unit, rng) if trouble else [_plain(municipality, unit)]
    heading = to_csv(units[0].rows.clear()) if number == 0 else None
    return files + stray_files(drops.first, wave.name, heading)


def _units(municipality: Municipality, wave_id: str, drops: Drops) -> list[Unit]:
    answers = municipality.answers.filter(pl.col("wave") == wave_id)
    of_school = answers.partition_by("school", as_dict=True)
    units: list[Unit] = []
    for at, school in enumerate(municipality.schools):
        rows = of_school.get((school.id,), answers.clear())
        if at % _NO_ENROLLED_ON == _NO_ENROLLED_ON - 1:
            rows = rows.drop("enrolled_on")
        parts = rows.partition_by("class_group") if _habit(at) == "class" else [rows]
        for part in parts:
            if part.height:
                group = part["class_group"][0] if _habit(at) == "class" else None
                units.append(Unit(len(units), school, group, part, drops))
    return units


def _habit(school_at: int) -> str:
    if school_at < len(_FIRST_HABITS):
        return _FIRST_HABITS[school_at]
    return _LATER_HABITS[school_at % len(_LATER_HABITS)]


def _plain(municipality: Municipality, unit: Unit) -> Delivery:
    match _habit(municipality.schools.index(unit.school)):
        case "xlsx":
            return replace(loaded(unit, to_xlsx(unit.rows)), name=file_name(unit, ".xlsx"))
        case "ndjson":
            return replace(loaded(unit, to_ndjson(unit.rows)), name=file_name(unit, ".json"))
        case "parquet":
            return replace(loaded(unit, to_parquet(unit.rows)), name=file_name(unit, ".parquet"))
        case _:
            return loaded(unit, unit_csv(unit))


def _troubled(
    rng: Generator, municipality: Municipality, wave_id: str, units: list[Unit]
) -> dict[int, str]:
    """Which unit has which trouble: class files only, and none with something planted in it."""
    planted = municipality.classes.filter(
        (pl.col("wave") == wave_id) & (pl.col("elevated").is_not_null() | pl.col("low_response"))
    )
    spared = set(zip(planted["school"], planted["class_group"], strict=True))
    able = [
        unit.number
        for unit in units
        if unit.class_group
        and unit.rows.height >= ENOUGH_ROWS
        and (unit.school.id, unit.class_group) not in spared
    ]
    chosen = rng.permutation(able)[: max(1, int(len(able) * _TROUBLED_AT_MOST))].tolist()
    return dict(zip(chosen, TROUBLES, strict=False))


def _class_list(municipality: Municipality, number: int, drops: Drops) -> list[Delivery]:
    """How many pupils each class has, once a school year, with the year's first wave."""
    wave = municipality.waves[number]
    if any(earlier.school_year == wave.school_year for earlier in municipality.waves[:number]):
        return []
    rows = municipality.classes.filter(pl.col("wave") == wave.id).select(
        "school_year", "school", "class_group", "grade", "enrolled"
    )
    expected = Expected("class_list", "loaded", rows=rows.height, accepted=rows.height)
    name = f"Klasseliste {wave.school_year}.csv"
    return [Delivery(drops.first, name, to_csv(rows), expected, "class list of the school year")]
