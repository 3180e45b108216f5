"""Takes one tool's export of the class on the road, and tells what a home then holds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.check import check_file
from flows.home import Home
from flows.keys.files import files_in
from flows.outcome import Outcome
from tests.support.eight_pupils import GENDERS, PUPILS, Export, Pupil
from tests.support.home import AUTUMN, drop, make_home, outcomes, run
from tests.support.state import warehouse_of
from transforms.pseudonym import KEY_BYTES, PseudonymKey, pseudonym

KEY = bytes(range(KEY_BYTES))
RESPONSE = "survey_id, wave_id, school_id, class_group, grade, gender, pupil"
Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Ran:
    """A home in which one export went the road."""

    home: Home
    export: Export
    file: str
    checked: dict[str, Any]
    outcome: Outcome


def home_for(root: Path, export: Export) -> Home:
    """A home with the export's survey and codebook, and a key that is the same in all of them."""
    home = make_home(root, survey=export.survey)
    if export.codebook:
        name = next(line for line in export.survey.splitlines() if line.startswith("codebook"))
        (home.surveys / name.split('"')[1]).write_bytes(export.codebook)
    for path in files_in(home.vault).values():
        path.chmod(0o600)
        path.write_bytes(KEY)
        path.chmod(0o400)
    return home


def go(home: Home, export: Export, file: str) -> Ran:
    path = drop(home, file, export.content)
    checked = check_file(home, path)
    return Ran(home, export, file, checked, outcomes(run(home))[file])


def look(home: Home, query: str) -> Rows:
    with warehouse_of(home) as con:
        return con.execute(query).fetchall()


def answers(home: Home) -> Rows:
    query = f"select {RESPONSE}, item_id, value, missing from core.answer"  # noqa: S608 - our own
    return look(home, f"{query} order by all")


def responses(home: Home) -> Rows:
    query = f"select {RESPONSE}, submitted_on, enrolled_on from core.response"  # noqa: S608 - our own
    return look(home, f"{query} order by pupil")


def known_as(code: str) -> str:
    """The pseudonym of a pupil of the class, in every home of these tests."""
    key = PseudonymKey(KEY, version=1, municipality="9901")
    return pseudonym(code, key=key, domain="pupil")


def form_of(pupil: Pupil) -> tuple[object, ...]:
    """What stands before the answers in every row, in the order of `RESPONSE`."""
    gender = GENDERS.get(pupil.gender)
    return ("klasse", AUTUMN, "S01", "7A", 7, gender, known_as(pupil.code))


def expected_responses() -> Rows:
    rows = [(*form_of(pupil), pupil.sent.date(), pupil.enrolled) for pupil in PUPILS]
    return sorted(rows, key=lambda row: str(row[6]))


def expected_answers() -> list[str]:
    """The answers of the class as it was invented, each as a text: no reader had a hand in it."""
    return sorted(
        repr((*form_of(pupil), item, *((int(said), None) if said.isdigit() else (None, said))))
        for pupil in PUPILS
        for item, said in pupil.answers.items()
    )


def missing_of(home: Home, code: str) -> dict[str, str | None]:
    """Why each answer of one pupil that is none is none."""
    with warehouse_of(home) as con:
        found = con.execute(
            "select item_id, missing from core.answer where pupil = $pupil and value is null",
            {"pupil": known_as(code)},
        ).fetchall()
    return dict(found)
