"""The last gate before a publication: what is about to come out is handed to the attacker.

The printed lines are read back from the tables that will be published, so whatever left them there
is on trial. The true counts stay on this side: they say which lines must stay unknown, and let the
attacker prove without a linear program that a figure is open.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import polars as pl
from scipy import sparse

from transforms.attack.figures import Found, attack
from transforms.attack.lists import Figure, Lines, Prints
from transforms.attack.system import AttackError
from transforms.disclosure import SCORE_UNIT
from warehouse.counted import Counted

# What names a line in each table, and which of its columns say something of the numbers behind it:
# a number, a band of the pupils it is about, and a band of those for whom it holds.
_NAMES = {
    "indicator": ("wave_id", "school_id", "grade", "gender", "indicator"),
    "response_rate": ("wave_id", "school_id"),
    "flag_count": ("wave_id", "school_id", "target", "situation", "flag_level"),
    "outcome": ("wave_id", "school_id", "measure", "category"),
}
_PRINTED = {
    "indicator": ("value", "n_band", "null"),
    "response_rate": ("value", "enrolled_band", "answered_band"),
    "flag_count": ("null", "null", "n_band"),
    "outcome": ("value", "n_band", "null"),
}
_LISTS = {"school": "school_id", "grade": "grade", "gender": "gender"}


@dataclass(frozen=True, slots=True)
class Told:
    """What an attacker gets at of one figure of a wave; `figure` is what its cells are named by."""

    wave_id: str
    table: str
    figure: str
    found: Found


def why_not(
    mart: duckdb.DuckDBPyConnection,
    counted: Mapping[str, Counted],
    *,
    waves: Sequence[str],
    min_n: int,
) -> str:
    """Why these tables of `mart` must not come out, in words without a figure; '' if they may."""
    try:
        told = slips(mart, counted, waves=waves, min_n=min_n)
    except AttackError as error:
        return (
            f"{', '.join(waves)}: nothing is published, for it could not be proven"
            f" that no hidden figure can be worked out ({error});"
            " raise suppression.min_n in klassepuls.toml, or report this"
        )
    if not told:
        return ""
    places = dict.fromkeys((one.wave_id, one.table) for one in told)
    words = "; ".join(
        _in_words(wave_id, table, [one.found for one in told if (one.wave_id, one.table) == place])
        for place in places
        for wave_id, table in [place]
    )
    return (
        f"nothing is published, for more would be told than may be: {words};"
        " raise suppression.min_n in klassepuls.toml, or report this"
    )


def slips(
    mart: duckdb.DuckDBPyConnection,
    counted: Mapping[str, Counted],
    *,
    waves: Sequence[str],
    min_n: int,
) -> list[Told]:
    """The figures of these tables that the attacker gets on with; AttackError as below."""
    found: list[Told] = []
    for table, made_of in counted.items():
        try:
            told = list(attack_table(mart, table, made_of, waves=waves, min_n=min_n))
        except AttackError as error:
            raise AttackError(f"{table}: {error}") from None
        found += [one for one in told if one.found.anything]
    return found


def _in_words(wave_id: str, table: str, found: Sequence[Found]) -> str:
    kinds = {
        "shown that must be hidden": sum(one.shown for one in found),
        "whole shown beside fewer than three hidden schools": sum(one.rest for one in found),
        "hidden but can be worked out": sum(one.pinned for one in found),
        "hidden but nearly worked out": sum(one.narrowed for one in found),
    }
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    return f"{wave_id}, {table}: {counts}"


def attack_table(
    mart: duckdb.DuckDBPyConnection,
    table: str,
    counted: Counted,
    *,
    waves: Sequence[str],
    min_n: int,
) -> Iterator[Told]:
    """Attack the table of `mart`, a figure at a time; `counted` is what its lines were made of.

    Everything printed of these waves is used, whenever it was. Other waves ask other pupils or the
    same ones anew, and share no sum with them. AttackError where an attack came to no end.
    """
    names = list(_NAMES[table])
    cells = pl.DataFrame(counted.cells).sort("wave_id", "table", "level", *names)
    cells = cells.with_row_index("cell")
    printed = _read(mart, table, waves).join(
        cells.select("cell", "table", *names), on=names, how="left", nulls_equal=True
    )
    if printed["cell"].has_nulls():
        raise AttackError("a line stands in the table that was not counted")
    prints = printed.partition_by("table", as_dict=True)
    groups = counted.by_place()
    for (wave_id,), own in cells.group_by("wave_id", maintain_order=True):
        base = None if groups is None else groups.filter(pl.col("wave_id") == wave_id)
        membership = _Membership()
        for key, lines in own.group_by("table", maintain_order=True):
            sizes = _sizes(lines, base, counted.figures)
            members = membership.of(lines, sizes)
            figure = _figure(lines, prints.get(key, printed.clear()), members, sizes)
            found = attack(replace(figure, min_n=min_n))
            yield Told(str(wave_id), table, str(key[0]), found)


def _read(mart: duckdb.DuckDBPyConnection, table: str, waves: Sequence[str]) -> pl.DataFrame:
    """The lines that something is printed of, whatever they say of being hidden."""
    value, size, held = _PRINTED[table]
    rows = mart.sql(
        f"""
        select {", ".join(_NAMES[table])}, {value}::double as value,
            {size}::varchar as size_band, {held}::varchar as held_band
        from mart.{table}
        where list_contains(?, wave_id) and coalesce({value}::varchar, {size}, {held}) is not null
        """,
        params=[list(waves)],
    ).to_arrow_table()
    return pl.DataFrame(rows)


def _sizes(lines: pl.DataFrame, base: pl.DataFrame | None, figures: Sequence[str]) -> pl.DataFrame:
    """The groups behind one figure: n, total and what they are named by."""
    if base is None:
        return lines.filter(pl.col("level") == "school").select("school_id", "n", "total")
    i = figures.index(lines["indicator"][0])
    return base.select("school_id", "grade", "gender", n=f"n_{i}", total=f"t_{i}")


class _Membership:
    """Which groups each line adds up: made once for figures with the same lines."""

    def __init__(self) -> None:
        self._lines = pl.DataFrame()
        self._members = sparse.csr_array((0, 0))

    def of(self, lines: pl.DataFrame, groups: pl.DataFrame) -> sparse.csr_array:
        named = lines.select("level", *(name for name in _LISTS.values() if name in groups.columns))
        if not named.equals(self._lines):
            self._lines, self._members = named, _members(named, groups)
        return self._members


def _members(lines: pl.DataFrame, groups: pl.DataFrame) -> sparse.csr_array:
    line, group = lines.with_row_index("line"), groups.with_row_index("group")
    whole = line.filter(pl.col("level") == "municipality").select("line")
    pairs = [whole.join(group.select("group"), how="cross")]
    for level, name in _LISTS.items():
        if name in groups.columns:
            own = line.filter(pl.col("level") == level).select("line", name)
            pairs.append(own.join(group.select("group", name), on=name).select("line", "group"))
    crossed = line.filter(pl.col("level") == "school_grade")
    if crossed.height:
        place = ["school_id", "grade"]
        own = crossed.select("line", *place).join(group.select("group", *place), on=place)
        pairs.append(own.select("line", "group"))
    rows, columns = pl.concat(pairs).to_numpy().T
    return sparse.csr_array(
        (np.ones(len(rows)), (rows, columns)), shape=(lines.height, groups.height)
    )


def _figure(
    lines: pl.DataFrame, prints: pl.DataFrame, members: sparse.csr_array, sizes: pl.DataFrame
) -> Figure:
    """One figure of one wave, as the attacker takes it: means in points above the lowest."""
    kind, lowest, highest = lines.select("kind", "lowest", "highest").row(0)
    unit = SCORE_UNIT if kind == "mean" else 1
    above = (pl.col("total") - lowest * pl.col("n")) / unit
    return Figure(
        kind=kind,
        lowest=lowest / unit,
        reach=(highest - lowest) / unit,
        n=sizes["n"].to_numpy(),
        part=sizes.select(above).to_series().to_numpy(),
        lines=Lines(
            level=lines["level"].to_numpy(),
            members=members,
            n=lines["n"].to_numpy(),
            part=lines.select(above).to_series().to_numpy(),
            classes=lines["classes"].to_numpy(),
        ),
        prints=Prints(
            line=np.searchsorted(lines["cell"].to_numpy(), prints["cell"].to_numpy()),
            value=prints["value"].to_numpy(),
            n_band=prints["size_band"].to_numpy(),
            total_band=prints["held_band"].to_numpy(),
        ),
        min_n=0,
    )
