"""Removes reports in languages that are no longer written.

Nobody renews them: what has lapsed since would stand in them for ever, and a prompt that is new
would not. Only files that carry our own names go; whatever else lies in the folders stays.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import get_args

from flows.home import Home
from flows.reporting import ADULT_FOLDER
from flows.sealing.age import ENDING
from schemas.settings import SCHOOL_ID, ReportLanguage


def remove_old_languages(
    home: Home, languages: Iterable[ReportLanguage], wave_ids: Iterable[str]
) -> int:
    """Remove the waves' reports in any other language than these; how many there were."""
    kept = set(languages)
    gone = [language for language in get_args(ReportLanguage) if language not in kept]
    found = [path for wave_id in wave_ids for path in _reports(home, wave_id, gone)]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)


def _reports(home: Home, wave_id: str, languages: Iterable[str]) -> Iterator[Path]:
    """Reports of every school that has a folder, also of one that the settings have no more."""
    folders = [place / wave_id for place in home.health.iterdir() if _is_school(place.name)]
    adults = home.health / ADULT_FOLDER / wave_id
    for language, sealed in product(languages, ("", ENDING)):
        ending = f".{language}.html{sealed}"
        named = [folder / f"report{ending}" for folder in folders]
        named += [
            path for path in adults.glob(f"*{ending}") if _is_school(path.name.removesuffix(ending))
        ]
        yield from (path for path in named if path.is_file())


def _is_school(name: str) -> bool:
    return re.match(SCHOOL_ID, name) is not None
