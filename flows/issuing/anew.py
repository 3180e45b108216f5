"""Writes flag reports anew where somebody asks for them, and tells the log of decisions so.

Where a home seals its reports these are sealed too, to the same recipients: whoever may run a
command is not for that reason one who may read of pupils.

The event stands in the log before the first file does: who was cut off in between has read nothing
that the log does not tell of. It holds school, wave, route, language and format, and no code.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from flows.hand import hand
from flows.home import Config, Home, HomeError, load_config
from flows.issuing.pages import Asked, Page, make_pages
from flows.road import at_work
from flows.sealing.age import padded, seal
from flows.sealing.filing import lies_at
from flows.sealing.recipients import seal_of
from schemas.settings import ReportLanguage
from warehouse import audit
from warehouse.stages import answered_waves, school_inputs
from warehouse.store import transaction

ACTION = "report.written"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command was given; None where it was not."""

    school: str | None
    wave: str | None
    language: ReportLanguage | None
    format: str
    route: str


def write_anew(home: Home, wanted: Wanted, folder: Path, *, now: datetime) -> list[Path]:
    """Write the reports into a folder, each readable for its owner only; gives their paths.

    Raises HomeError where there is no such report, and where a file of its name lies there.
    """
    if folder.resolve().is_relative_to(home.root.resolve()):
        raise HomeError("--out lies within the home, where runs write and remove: choose another")
    config = load_config(home)
    with at_work(home, config, now=now) as con:
        asked = _asked(con, config, wanted)
        pages = list(make_pages(con, config, asked, now=now))
        if not pages:
            raise HomeError("nothing to write: nobody is flagged on this route in the wave")
        contents = dict(_as_filed(config, page, folder, asked) for page in pages)
        if any(place.exists() for place in contents):
            raise HomeError("a report of that name lies there already: choose another folder")
        _tell(con, config, pages, asked, now=now)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for place, content in contents.items():
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    return list(contents)


def _as_filed(config: Config, page: Page, folder: Path, asked: Asked) -> tuple[Path, bytes]:
    """Where a page goes, and what is written there: sealed, where the home seals."""
    place = _place(folder, page, asked)
    to = seal_of(config.settings, page.school_id, page.route)
    if to is None:
        return place, page.content
    if not to.keys:
        raise HomeError(
            "klassepuls.toml names nobody who may open a report that is asked for: a school has to"
            " stand there with its [[school.recipients]]"
        )
    return lies_at(place, to), seal(padded(page.content, place.name), to.keys)


def _asked(con: duckdb.DuckDBPyConnection, config: Config, wanted: Wanted) -> Asked:
    waves = answered_waves(con)
    if not waves or (wanted.wave and wanted.wave not in waves):
        raise HomeError("no such wave has been answered: `klassepuls flags` lists those that were")
    wave_id = wanted.wave or waves[-1]
    known = list(school_inputs(con, wave_id))
    if wanted.school and wanted.school not in known:
        raise HomeError("that school has no report in the wave: nothing of it has come in")
    return Asked(
        wave_id=wave_id,
        school_ids=[wanted.school] if wanted.school else known,
        routes=[wanted.route],
        languages=[wanted.language] if wanted.language else config.settings.languages,
        format=wanted.format,
    )


def _place(folder: Path, page: Page, asked: Asked) -> Path:
    about = ".adults" if page.route == "adult_route" else ""
    name = f"{page.school_id}.{asked.wave_id}{about}.{page.language}.{asked.format}"
    return folder / name


def _tell(
    con: duckdb.DuckDBPyConnection,
    config: Config,
    pages: Sequence[Page],
    asked: Asked,
    *,
    now: datetime,
) -> None:
    """An event a school: whose report it was matters to whoever reads the log."""
    with transaction(con):
        for school_id in dict.fromkeys(page.school_id for page in pages):
            audit.append(
                con,
                by=hand(config),
                action=ACTION,
                subject=f"{asked.wave_id}/{school_id}",
                detail={
                    "route": asked.routes[0],
                    "languages": [one.language for one in pages if one.school_id == school_id],
                    "format": asked.format,
                },
                now=now,
            )
