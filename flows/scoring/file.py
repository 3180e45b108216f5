"""`klassepuls score`: the scores of one file, beside it, and counts for the terminal.

No home is needed and nothing is stored. The file is read, checked and scored by the very parts that
the road uses; of its columns only the instrument's and the grade are looked at.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from flows.home import HomeError
from flows.inbox import take
from flows.reading.export import read_export, read_table
from schemas.declared import DeclarationError
from schemas.instrument import Instrument, shipped_instruments
from schemas.reason import Reason
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.canonical import canonical_batch
from transforms.held import HeldRow
from transforms.readers.delimited import read_delimited
from transforms.readers.letters import as_utf8, from_cp1252
from transforms.readers.reading import FileProblem, Reading, batch_of
from transforms.readers.sniff import sniff
from transforms.recognise import Layout, item_columns, lay_out
from transforms.validate import Validated, Validator
from warehouse.scores_of_file import missing_counts, scale_counts, score_rows

# Below this a count says what one pupil answered (domain notes 6.7).
FEWEST_TOLD = 5
# Where a row stands does not matter to its score, and nothing of this is written anywhere.
_ANYWHERE = {"wave": "W", "school": "S", "class_group": "1"}
_SETTINGS = Settings.model_validate(
    {
        "municipality": {"number": "0000", "name": "-"},
        "school": [{"id": "S", "name": "-"}],
        "wave": [
            {
                "id": "W",
                "name": "-",
                "school_year": "2000-01",
                "opens": date(2000, 8, 1),
                "closes": date(2001, 7, 31),
            }
        ],
    }
)


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of the file: the scores, a row a row of it, and counts that may be shown."""

    scores: pa.Table
    told: dict[str, Any]


def find_instrument(named: str) -> Instrument:
    """A shipped instrument by key (`who5_v1`) or id (its newest version), or one in a TOML file."""
    if named.endswith(".toml"):
        return Instrument.from_file(Path(named))
    shipped = shipped_instruments()
    versions = [one for one in shipped.values() if named in (one.id, one.key)]
    if not versions:
        raise HomeError(
            f"no such instrument: name one of {', '.join(shipped)}, or the .toml file of your own"
        )
    return max(versions, key=lambda one: one.version)


def score_file(path: Path, instrument: Instrument, survey_file: Path | None = None) -> Scored:
    """Score every row; FileProblem where the file is no use, HomeError where columns are missing.

    Without a survey file its columns are named as ours: `instrument_key.item`, or the item alone.
    """
    if not instrument.scales:
        raise HomeError(f"{instrument.key} has no scale to score: each answer stands for itself")
    survey = Survey.from_file(survey_file) if survey_file else None
    if survey and instrument.key not in survey.instruments:
        raise DeclarationError(f"the survey file does not name {instrument.key}")
    reading = _read(path, survey, survey_file)
    asked = _survey_for(instrument, survey, reading)
    validated = _validate(reading, asked, instrument)
    scores = score_rows(instrument, validated.accepted)
    has_grade = "grade" not in asked.constants
    told = _tell(instrument, validated, scores, has_grade=has_grade)
    return Scored(_with_held(scores, validated.held), told)


def _read(path: Path, survey: Survey | None, survey_file: Path | None) -> Reading:
    content = _content(path)
    if survey is None:
        return read_export(content, None)[1]
    if survey.tool == "canonical":
        return _read_own(content, survey)
    tool, reading = read_export(content, _codebook(survey, survey_file))
    if tool != survey.tool:
        raise FileProblem(Reason.NOT_RECOGNISED)
    return reading


def _codebook(survey: Survey, survey_file: Path | None) -> bytes | None:
    """The codebook that lies beside the survey file."""
    if survey.codebook is None or survey_file is None:
        return None
    return _content(survey_file.parent / Path(survey.codebook).name)


def _read_own(content: bytes, survey: Survey) -> Reading:
    kind = sniff(content).format
    if kind == "delimited" and survey.encoding:
        try:
            return read_delimited(as_utf8(content))
        except FileProblem:
            return read_delimited(from_cp1252(content))
    return read_table(kind, content)


def _content(path: Path) -> bytes:
    for arrival in take([path]):
        if arrival.content is not None:
            return arrival.content
    raise HomeError("no such file, or not one that can be read")


def _survey_for(instrument: Instrument, survey: Survey | None, reading: Reading) -> Survey:
    """The part of a survey that scoring needs: the instrument's columns, and the grade."""
    present = set(reading.table.column_names)
    names = [f"{instrument.key}.{name}" for name in instrument.columns]
    constants, columns = dict(_ANYWHERE), {}
    if survey is None:
        items = {name: _heading(name, present) for name in names}
        grade, codes, tool = "grade", {}, "canonical"
    else:
        items = {name: survey.items.get(name, name) for name in names}
        grade = survey.columns.get("grade", "grade")
        codes = {name: survey.codes[name] for name in (*names, "grade") if name in survey.codes}
        tool = survey.tool
    if grade in present:
        columns["grade"] = grade
    else:
        given = survey.constants.get("grade") if survey else None
        constants["grade"] = given or str(instrument.min_grade)
    return Survey.model_validate(
        {
            "id": "scored",
            "name": "-",
            "tool": tool,
            "linkage": "none",
            "instruments": (instrument.key,),
            "columns": columns,
            "constants": constants,
            "items": items,
            "codes": codes,
            "not_asked": survey.not_asked if survey else (),
        }
    )


def _heading(name: str, present: set[str]) -> str:
    """The file's column of an item: our whole name for it, or the item alone."""
    alone = name.partition(".")[2]
    return alone if alone in present and name not in present else name


def _validate(reading: Reading, survey: Survey, instrument: Instrument) -> Validated:
    known = {instrument.key: instrument}
    layout = lay_out(reading.table.column_names, survey, known)
    if layout.missing:
        raise HomeError(
            f"no column for {len(layout.missing)} of {len(instrument.columns)} items"
            f" ({layout.missing[0]}): name the columns as the items, or give a --survey file"
        )
    items = item_columns(survey, known)
    source = {name: layout.source[name] for name in ("grade", *items) if name in layout.source}
    narrow = Layout(survey, source, missing=(), unknown=())
    batch = canonical_batch(batch_of(reading, 0), narrow, items)
    validated = Validator(survey, known, _SETTINGS).validate(batch)
    if validated.persons:
        raise FileProblem(Reason.PERSONAL_DATA)
    return validated


def _tell(
    instrument: Instrument, validated: Validated, scores: pa.Table, *, has_grade: bool
) -> dict[str, Any]:
    """Counts for a person or a program; of fewer than five pupils nothing is counted."""
    rows, held = validated.accepted.num_rows, len(validated.held)
    told: dict[str, Any] = {
        "instrument": instrument.key,
        "use_for": instrument.use_for,
        "rows": rows + held,
        "held": held,
        "grade_known": has_grade,
        "other_grades": _of_other_grades(instrument, validated.accepted),
        "missing": missing_counts(instrument, validated.accepted) if rows >= FEWEST_TOLD else None,
        "scales": [],
    }
    for counts in scale_counts(instrument, scores):
        is_told = counts.scored >= FEWEST_TOLD
        told["scales"].append(
            {
                "scale": counts.scale_id,
                "scored": counts.scored if is_told else None,
                "floor": counts.at_floor / counts.scored if is_told else None,
                "ceiling": counts.at_ceiling / counts.scored if is_told else None,
                "bands": counts.bands if is_told else None,
            }
        )
    return told


def _of_other_grades(instrument: Instrument, accepted: pa.Table) -> int:
    """Rows of grades that the instrument is not for: they have no score."""
    grade = accepted.column("grade")
    is_for = pc.and_(
        pc.greater_equal(grade, instrument.min_grade), pc.less_equal(grade, instrument.max_grade)
    )
    return int(accepted.filter(pc.invert(is_for)).num_rows)


def _with_held(scores: pa.Table, held: Iterable[HeldRow]) -> pa.Table:
    """The scores, and a row for each row of the file that was held, with why."""
    why = {row.row_no: " ".join(reason.value for reason in row.reasons) for row in held}
    sound = scores.append_column("held", pa.nulls(scores.num_rows, pa.string()))
    waiting = pa.table(
        {
            "row_no": pa.array(list(why), scores.schema.field("row_no").type),
            "held": pa.array(list(why.values()), pa.string()),
        }
    )
    return pa.concat_tables([sound, waiting], promote_options="default").sort_by("row_no")


def write_scores(scores: pa.Table, out: Path) -> None:
    """Write CSV or Parquet, by the name's ending, for the user alone; what is there stays."""
    write = {".csv": csv.write_csv, ".parquet": parquet.write_table}.get(out.suffix.lower())
    if write is None:
        raise HomeError("--out must end in .csv or .parquet")
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise HomeError(
            "there is a file of scores already: choose another name with --out"
        ) from None
    with os.fdopen(descriptor, "wb") as file:
        write(scores, file)
