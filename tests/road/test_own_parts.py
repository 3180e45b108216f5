"""A whole school's codes with each pupil's grade, or year of birth: in answers and in a list."""

import pytest

from tests.support.home import csv_bytes, drop, form, make_home, run

LIST = "school_year;school;class_group;grade;pupil_code\n"


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "home")


def test_birth_dates_behind_the_grade_are_refused(home):
    pupils = [
        (grade, f"S01-{grade:02}-{day:02}{month:02}{20 - grade:02}")
        for grade in (5, 7, 10)
        for day, month in zip(range(3, 27, 2), range(1, 13), strict=True)
    ]
    rows = [form(code, grade=f"{grade}", class_group=f"{grade}A") for grade, code in pupils]
    listed = "".join(f"2025-26;S01;{grade}A;{grade};{code}\n" for grade, code in pupils)
    drop(home, "a.csv", csv_bytes(rows))
    drop(home, "l.csv", (LIST + listed).encode())
    assert [one.reason for _, one in run(home).files] == ["PERSONAL_DATA"] * 2


@pytest.mark.parametrize("way", ["{name}-{grade}", "{grade}-{name}", "{name}{born}"])
def test_names_with_their_grade_or_year_of_birth_wait(home, way):
    pupils = [
        (grade, way.format(name=name, grade=grade, born=20 - grade))
        for grade, names in ((5, "KARI OLA JAKOB"), (7, "NORA ELIAS IDA"), (10, "AKSEL LI THEA"))
        for name in names.split()
    ]
    rows = [form(code, grade=f"{grade}", class_group=f"{grade}A") for grade, code in pupils]
    listed = "".join(f"2025-26;S01;{grade}A;{grade};{code}\n" for grade, code in pupils)
    drop(home, "a.csv", csv_bytes(rows))
    drop(home, "l.csv", (LIST + listed).encode())
    assert [one.reason for _, one in run(home).files] == ["CODES_MAY_BE_NAMES"] * 2
