"""`klassepuls survey draft`: a first survey file from an export, to be looked at and saved."""

import re
from pathlib import Path

from flows.home import HomeError
from flows.inbox import take
from flows.reading.export import read_export
from schemas.instrument import Instrument, shipped_instruments
from schemas.reason import reason_texts
from transforms.readers.foreign import told_better
from transforms.readers.reading import FileProblem
from transforms.revealing import revealing
from transforms.survey_draft import draft_survey


def draft_from(export: Path, codebook: Path | None, instruments: Path | None = None) -> str:
    """The text of a survey file; HomeError, with the reason in words, where a file is no use."""
    content = _content(export)
    book = _content(codebook) if codebook else None
    try:
        tool, reading = read_export(content, book)
        return draft_survey(
            reading,
            {**shipped_instruments(), **_own_instruments(instruments)},
            tool=tool,
            survey_id=_id_of(export),
            codebook=_name_of(codebook) if codebook else None,
        )
    except FileProblem as problem:
        reason = told_better(problem, content).reason
        raise HomeError(f"{reason.value}: {reason_texts()[reason].en}") from None


def _content(path: Path) -> bytes:
    for arrival in take([path]):
        if arrival.content is not None:
            return arrival.content
    raise HomeError("no such file, or not one that can be read")


def _own_instruments(folder: Path | None) -> dict[str, Instrument]:
    paths = sorted(folder.glob("*.toml")) if folder else []
    own = [Instrument.from_file(path) for path in paths]
    return {instrument.key: instrument for instrument in own}


def _id_of(export: Path) -> str:
    """A survey id made of the letters of the file's name, unless that may be a person's."""
    if _may_be_a_person(export.stem):
        return "survey"
    words = re.sub(r"[^a-z0-9]+", "_", export.stem.lower()).strip("_")
    return re.sub(r"^[^a-z]+", "", words)[:40].rstrip("_") or "survey"


def _name_of(codebook: Path) -> str:
    return "codebook" + codebook.suffix if _may_be_a_person(codebook.stem) else codebook.name


def _may_be_a_person(name: str) -> bool:
    """Whether a file was named by somebody's data: "Kari Nordmann", or a number with its class."""
    spaced = re.sub(r"[_.-]+", " ", name)
    return bool(revealing([spaced, *spaced.split()]))
