"""What KoboToolbox and ODK have in common, both being servers for XForms: metadata and places."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from transforms.readers.cells import oslo_clock
from transforms.readers.reading import Codebook
from transforms.tools.labels import question_texts, short_names, unique_texts

# Questions that fill themselves in, under the names that form builders give them.
METADATA = {
    "username": Personal.ACCOUNT,
    "email": Personal.EMAIL,
    "phonenumber": Personal.PHONE,
    "subscriberid": Personal.DEVICE,
    "simserial": Personal.DEVICE,
    "deviceid": Personal.DEVICE,
    "imei": Personal.DEVICE,
    "audit": Personal.DEVICE,
    "start-geopoint": Personal.PLACE,
    "background-audio": Personal.FREE_TEXT,
    "instanceName": Personal.FREE_TEXT,  # put together of answers
}

# All that fill themselves in: these three tell nothing of a person.
SELF_FILLED = frozenset({*METADATA, "start", "end", "today"})


def metadata_columns(columns: Iterable[str], separator: str) -> dict[str, Personal]:
    """The columns whose own name, behind their groups, is that of personal metadata."""
    return {
        column: METADATA[name]
        for column in columns
        for name in _tails(column, separator)
        if name in METADATA
    }


def _tails(column: str, separator: str) -> list[str]:
    parts = column.split(separator)
    return [separator.join(parts[at:]) for at in range(len(parts))]


def identifying_columns(
    columns: Iterable[str], codebook: Codebook, *, separator: str
) -> dict[str, Personal]:
    """The columns whose question has a type that the codebook calls identifying.

    Each is looked at by itself: of two that claim one question both go.
    """
    found = {}
    known = known_names(codebook)
    for column in columns:
        name = known.of([column], separator)[0]
        if name in codebook and codebook[name].personal:
            found[column] = Personal.IDENTIFIER
    return found


@dataclass(frozen=True, slots=True)
class KnownNames:
    """What tells a column's question: its name, or a label that belongs to it alone."""

    exact: Mapping[str, str]
    texts: Mapping[str, str]

    def of(self, headings: Sequence[str], separator: str) -> list[str]:
        """The question's name for each heading, groups before it taken off."""
        return short_names(headings, self.exact, self.texts, separator=separator)


def known_names(codebook: Codebook, own: Iterable[str] = ()) -> KnownNames:
    """The names and labels of a form's questions, and the tool's `own` columns."""
    exact = {name: name for name in (*codebook, *own)}
    return KnownNames(exact, unique_texts(question_texts(codebook)))


def on_local_clock(table: pa.Table, column: str) -> pa.Table:
    """The server's times, which are in UTC whether they say so or not, as moments in Norway.

    What is no time is left as it stands, for validation to judge.
    """
    cells = table[column].cast(pa.string())
    zoned = (
        pl.Series(cells, dtype=pl.String)
        .str.replace(r"^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:\.\d+)?)Z?$", "${1}T${2}+00:00")
        .str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="ms")
    )
    at = table.column_names.index(column)
    return table.set_column(at, column, pc.coalesce(oslo_clock(zoned), cells))


def first_of(kinds: Iterable[Mapping[str, Personal]]) -> dict[str, Personal]:
    """One kind a column: the first that a mapping has for it."""
    found: dict[str, Personal] = {}
    for kind in kinds:
        found = {**kind, **found}
    return found
