"""The inputs of the benchmarks have the shape and the faults that their truth file states."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from schemas.instrument import Instrument, shipped_instruments
from schemas.settings import Settings
from schemas.survey import Survey

SCRIPT = Path(__file__).resolve().parents[2] / "bench" / "make_inputs.py"
ROWS = 4_000
CONTEXT = ("wave", "school", "class_group", "grade", "gender", "pupil_code", "submitted_on")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, str(SCRIPT), str(folder), "--pupils", str(ROWS)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def read_rows(paths):
    for path in paths:
        with path.open(encoding="utf-8", newline="") as lines:
            yield from csv.reader(lines, delimiter=";")


def files_of(folder, name):
    return sorted((folder / name).iterdir()) if name == "class_files" else [folder / name]


CASES = [
    ("nation.csv", "truth.json", "", "nation", 40),
    ("class_files", "class_files_truth.json", "class_files_home", "class_files", 22),
]


@pytest.mark.parametrize(("name", "truth", "home", "survey", "columns"), CASES)
def test_columns_are_the_context_and_the_items_of_the_survey(
    folder, name, truth, home, survey, columns
):
    settings = Settings.from_file(folder / home / "klassepuls.toml")
    asked = Survey.from_file(folder / home / "surveys" / f"{survey}.toml")
    own = [Instrument.from_file(path) for path in (folder / home / "instruments").iterdir()]
    known = {**shipped_instruments(), **{instrument.key: instrument for instrument in own}}
    items = [f"{key}.{item.id}" for key in asked.instruments for item in known[key].items]
    headings = {tuple(next(read_rows([path]))) for path in files_of(folder, name)}
    assert headings == {(*CONTEXT, *items)}
    assert len(CONTEXT) + len(items) == columns
    stated = json.loads((folder / truth).read_text(encoding="utf-8"))
    assert len(settings.schools) == stated["schools"]


@pytest.mark.parametrize(("name", "truth", "home", "survey", "columns"), CASES)
def test_rows_and_faults_are_those_of_the_truth(folder, name, truth, home, survey, columns):
    stated = json.loads((folder / truth).read_text(encoding="utf-8"))
    paths = files_of(folder, name)
    rows = [row for path in paths for row in list(read_rows([path]))[1:]]
    assert len(rows) == stated["rows"]
    whole = [row for row in rows if len(row) == columns]
    found = Counter(
        too_few_fields=sum(len(row) < columns for row in rows),
        too_many_fields=sum(len(row) > columns for row in rows),
        school_unknown=sum(row[1] == "X99" for row in whole),
        grade_bad=sum(row[3] == "99" for row in whole),
        code_missing=sum(row[5] == "" for row in whole),
        date_bad=sum(row[6] == "2026-02-30" for row in whole),
        text_in_item=sum("vet ikke" in row[7:] for row in whole),
        out_of_range=sum("9" in row[7:] for row in whole),
    )
    codes = Counter(row[5] for row in whole if row[5])
    twice = [row for row in whole if codes[row[5]] > 1]
    identical = sum(count - 1 for count in Counter(map(tuple, twice)).values())
    found["duplicate_identical"] = identical
    found["duplicate_conflicting"] = len(twice) - 2 * identical
    assert +found == Counter(stated["rows_by_fault"])
    assert stated["accepted"] + stated["quarantined"] + stated["dropped"] == stated["rows"]
    assert sum(stated["rows_by_reason"].values()) == sum(found.values())


def test_one_row_in_a_hundred_is_faulty_and_the_files_are_as_many_as_asked(folder):
    nation = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    classes = json.loads((folder / "class_files_truth.json").read_text(encoding="utf-8"))
    assert nation["rows"] == ROWS
    assert set(nation["rows_by_fault"].values()) == {5, 10, 2}
    assert (classes["files"], classes["rows"]) == (900, 20_000)
    assert len(files_of(folder, "class_files")) == 900
    assert set(classes["rows_by_fault"].values()) == {25, 50}
