"""A letter that tells one receiver of matters: what, where, and which section says what to do.

It has room for names of schools and waves and for nothing else: no count, no class, no pupil.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from pydantic import Field

from schemas.declared import Declared
from schemas.settings import ReportLanguage, Settings
from schemas.settings_notices import OF_SCHOOLS, NoticeKind

RUNBOOK = "docs/how-to/be-told.md"


@dataclass(frozen=True, slots=True)
class Line:
    """One matter of a letter: its kind, and the school or wave by its id; None for neither."""

    kind: NoticeKind
    school_id: str | None = None
    wave_id: str | None = None


class Wording(Declared):
    """The wording of one language: `reports/texts/notices/`."""

    subject: str = Field(min_length=1)
    subject_read: str = Field(min_length=1)
    for_role: str = Field(min_length=1)
    what_to_do: str = Field(min_length=1)
    foot: str = Field(min_length=1)
    unplaced: str = Field(min_length=1)
    line: dict[NoticeKind, str]


@cache
def wording(language: ReportLanguage) -> Wording:
    """The wording of a language."""
    text = (files("reports") / "texts" / "notices" / f"{language}.toml").read_text("utf-8")
    return Wording.from_toml(text, name=f"notices/{language}.toml")


def section(kind: NoticeKind) -> str:
    """The section of the runbook on a kind."""
    return kind.replace("_", "-")


def subject_of(lines: Sequence[Line], settings: Settings) -> str:
    """The subject in the first language: anybody may see it on a locked screen."""
    words = wording(settings.languages[0])
    is_to_read = all(line.kind in OF_SCHOOLS for line in lines)
    return words.subject_read if is_to_read else words.subject


def letter(lines: Sequence[Line], settings: Settings, *, owner: str) -> str:
    """The text in each of the municipality's languages, one below the other."""
    parts = ["\n".join(_in(language, lines, settings, owner)) for language in settings.languages]
    return "\n\n---\n\n".join(parts) + "\n"


def _in(
    language: ReportLanguage, lines: Sequence[Line], settings: Settings, owner: str
) -> Iterator[str]:
    words = wording(language)
    schools = {school.id: school.name for school in settings.schools}
    waves = {wave.id: wave.name for wave in settings.waves}
    yield words.for_role.format(owner=owner)
    for line in lines:
        school = schools.get(line.school_id or "", words.unplaced)
        wave = waves.get(line.wave_id or "", line.wave_id or "")
        yield ""
        yield words.line[line.kind].format(school=school, wave=wave)
        yield words.what_to_do.format(section=section(line.kind))
    yield ""
    yield words.foot.format(municipality=settings.municipality.name)
