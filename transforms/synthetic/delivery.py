"""One delivered file: its name, its bytes, and what must become of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from schemas.reason import Reason
from schemas.settings import School
from transforms.synthetic.faults import Damaged
from transforms.synthetic.formats import EXCEL, PLAIN, QUOTED, to_csv

Kind = Literal["answers", "class_list", "unknown"]
Outcome = Literal["loaded", "duplicate", "quarantined", "rejected"]

# A person's decision can save these; the others can only be exported again.
NEEDS_A_DECISION = frozenset(
    {Reason.NOT_RECOGNISED, Reason.HEADER_MISMATCH, Reason.CODEBOOK_MISSING}
)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the ledger must say. Rows are counted where the file could be read as a table.

    `bad_rows`: rows by reason code; those under DUPLICATE_ROW are dropped, all others quarantined.
    """

    kind: Kind
    outcome: Outcome
    reason: Reason | None = None
    rows: int = 0
    accepted: int = 0
    bad_rows: Mapping[str, int] = field(default_factory=dict)

    @property
    def dropped(self) -> int:
        """Rows that were there already."""
        return self.bad_rows.get(Reason.DUPLICATE_ROW, 0)

    @property
    def quarantined(self) -> int:
        """Rows that a person has to look at."""
        return sum(self.bad_rows.values()) - self.dropped


@dataclass(frozen=True, slots=True)
class Drops:
    """The moments of a wave: what comes first, what follows, and the first of the next wave."""

    first: str
    second: str
    next_first: str | None


@dataclass(frozen=True, slots=True)
class Unit:
    """What one export holds: the answers of a school, or of one class of it."""

    number: int
    school: School
    class_group: str | None
    rows: pl.DataFrame
    drops: Drops


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file that somebody drops. `wave`: whose answers it holds. `accepted_codes`: of whom."""

    drop: str
    name: str
    content: bytes
    expected: Expected
    about: str
    wave: str | None = None
    accepted_codes: tuple[str, ...] = ()


def loaded(unit: Unit, content: bytes, about: str = "as it should be") -> Delivery:
    """The unit's file, every row of which must be accepted, in the first drop."""
    return Delivery(
        drop=unit.drops.first,
        name=file_name(unit),
        content=content,
        expected=Expected("answers", "loaded", rows=unit.rows.height, accepted=unit.rows.height),
        about=about,
        wave=unit.rows["wave"][0],
        accepted_codes=tuple(unit.rows["pupil_code"]),
    )


def loaded_in_part(unit: Unit, content: bytes, damaged: Damaged, about: str) -> Delivery:
    """The unit's file after row faults: sound rows are accepted, the others have their reason."""
    codes = damaged.rows["pupil_code"].to_numpy()[damaged.sound]
    expected = Expected(
        "answers",
        "loaded",
        rows=damaged.rows.height,
        accepted=len(codes),
        bad_rows=damaged.counts,
    )
    wave = unit.rows["wave"][0]
    name = file_name(unit)
    return Delivery(unit.drops.first, name, content, expected, about, wave, tuple(codes.tolist()))


def held_back(drop: str, name: str, content: bytes, reason: Reason) -> Delivery:
    """A file of which nothing must be loaded, for a reason that is the whole file's."""
    outcome: Outcome = "quarantined" if reason in NEEDS_A_DECISION else "rejected"
    about = reason.value.lower().replace("_", " ")
    return Delivery(drop, name, content, Expected("unknown", outcome, reason), about)


_CLASS_NAMES = (
    "{group} {school}.csv",
    "klassepuls_{id}_{group}.csv",
    "Svar klasse {group} ({school}).csv",
    "{school} {group} – endelig.txt",
    "Kopi av {id} {group}.csv",
    "undersøkelse_{group}_{id}.CSV",
)
_SCHOOL_NAMES = ("{school}.csv", "Alle klasser på {school}.txt", "{id} samlet (2).csv")
_STYLES = (PLAIN, PLAIN, EXCEL, PLAIN, QUOTED)


def file_name(unit: Unit, extension: str = "") -> str:
    """A name as people give them; with `extension`, that one instead of the usual."""
    names = _CLASS_NAMES if unit.class_group else _SCHOOL_NAMES
    pattern = names[unit.number % len(names)]
    if extension:
        pattern = pattern.rpartition(".")[0] + extension
    return pattern.format(group=unit.class_group, id=unit.school.id, school=unit.school.name)


def unit_csv(unit: Unit) -> bytes:
    """The unit as CSV, in one of the styles that people's programs save it in."""
    return to_csv(unit.rows, _STYLES[unit.number % len(_STYLES)])
