"""A home whose autumn is published, with rows that wait, a late file, and codes to look for."""

from pathlib import Path
from shutil import copytree

import pytest

from flows.home import Home
from tests.support.home import AUTUMN, csv_bytes, drop, make_home, run, school_class

SCHOOLS = ("S01", "S02", "S03")
CLASSES = ("7QAX", "7QBX")  # names that stand nowhere but where classes are told
PREFIX = "KXQ"
WAITING = 3


def rows_of(school: str, group: str) -> list[dict[str, str]]:
    number = f"{SCHOOLS.index(school)}{CLASSES.index(group)}"
    unsure = {0: {"bullied_by_pupils": "4"}, 1: {"safety": "1"}}
    return school_class(
        14, prefix=f"{PREFIX}{number}", school=school, class_group=group, changes=unsure
    )


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Home:
    home = make_home(tmp_path_factory.mktemp("site") / "home", schools=SCHOOLS, waves=(AUTUMN,))
    (home.settings_file).write_text(
        home.settings_file.read_text(encoding="utf-8")
        + f'\n[classes]\nnames = ["{CLASSES[0]}", "{CLASSES[1]}"]\n',
        encoding="utf-8",
    )
    for school in SCHOOLS:
        for group in CLASSES:
            drop(home, f"{school}-{group}.csv", csv_bytes(rows_of(school, group)))
    listed = {"school_year": "2025-26", "grade": "7", "enrolled": "20"}
    drop(
        home,
        "lists.csv",
        csv_bytes([listed | {"school": s, "class_group": c} for s in SCHOOLS for c in CLASSES]),
    )
    wrong = school_class(WAITING, prefix="KXQ9", class_group=CLASSES[0])
    drop(home, "wrong.csv", csv_bytes([row | {"grade": "77"} for row in wrong]))
    run(home)
    return home


@pytest.fixture
def home(finished: Home, tmp_path: Path) -> Home:
    copytree(finished.root, tmp_path / "home")
    return Home(tmp_path / "home")
