"""Every delivered file holds what the manifest says; counted here by hand, a row at a time."""

import csv
import io
import json
import re
from collections import Counter
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from flows.simulate import write_deliveries, write_home_settings
from schemas.instrument import shipped_instruments
from schemas.reason import Reason
from schemas.settings import Settings
from schemas.survey import CONTEXT_COLUMNS, Survey
from transforms.synthetic.delivery import NEEDS_A_DECISION
from transforms.synthetic.faults import (
    REASON_OF,
    RowFault,
    cut_off,
    damage_rows,
    edit_lines,
    too_few_fields,
    too_many_fields,
)
from transforms.synthetic.municipality import INSTRUMENTS, default_waves, make_municipality

ITEMS = [f"{key}.{item.id}" for key in INSTRUMENTS for item in shipped_instruments()[key].items]
OPTIONS = {
    f"{key}.{item.id}": {str(code) for code in shipped_instruments()[key].codes(item.id)}
    for key in INSTRUMENTS
    for item in shipped_instruments()[key].items
}


def make(schools=8, waves=2, seed=4):
    grades = range(5, 11)
    return make_municipality(schools=schools, grades=grades, waves=default_waves(waves), seed=seed)


@pytest.fixture(scope="module")
def municipality():
    return make()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("deliveries")


@pytest.fixture(scope="module")
def manifest(municipality, folder):
    return write_deliveries(folder, municipality, seed=9)


@pytest.fixture(scope="module")
def home(municipality, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    write_home_settings(home, municipality)
    return home


def lines_of(path):
    """Heading and records of any of our formats, every cell as canonical text."""
    content = path.read_bytes()
    if content.startswith(b"PK"):
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
        rows = sheet.to_python()
        return rows[0], [[cell_text(cell) for cell in row] for row in rows[1:]]
    if content.startswith(b"PAR1"):
        table = pq.read_table(path)
        rows = [[cell_text(cell) for cell in row.values()] for row in table.to_pylist()]
        return table.column_names, rows
    if content.startswith(b"{"):
        records = [json.loads(line) for line in content.decode().splitlines()]
        return list(records[0]), [list(record.values()) for record in records]
    heading, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";")
    return heading, rows


def cell_text(cell):
    if cell is None:
        return ""
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def fault_of(heading, cells, municipality):
    """The first thing wrong with a row, or None: what a careful person would find."""
    if len(cells) != len(heading):
        return Reason.FIELD_COUNT
    row = dict(zip(heading, cells, strict=True))
    code = row["pupil_code"]
    checks = {
        Reason.WAVE_UNKNOWN: row["wave"] in {wave.id for wave in municipality.waves},
        Reason.SCHOOL_UNKNOWN: row["school"] in {school.id for school in municipality.schools},
        Reason.CLASS_INVALID: row["class_group"] not in ("", "7A/7B"),
        Reason.GRADE_INVALID: row["grade"].isdigit() and 1 <= int(row["grade"]) <= 13,
        Reason.PUPIL_CODE_MISSING: code != "",
        Reason.PUPIL_CODE_INVALID: re.fullmatch("[A-Z0-9]{4,6}|", code) is not None,
        Reason.DATE_INVALID: is_date(row["submitted_on"]),
        Reason.ANSWER_NOT_AN_OPTION: all(row[item] in OPTIONS[item] | {""} for item in ITEMS),
    }
    wrong = [reason for reason, holds in checks.items() if not holds]
    assert len(wrong) <= 1, "one fault a row was planted"
    return wrong[0] if wrong else None


def is_date(text):
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


class NaiveWarehouse:
    """Takes files in the order that they arrive, and one row at a time."""

    def __init__(self, municipality):
        self.municipality = municipality
        self.held = {}

    def load(self, path):
        heading, rows = lines_of(path)
        bad, sound = Counter(), {}
        for cells in rows:
            fault = fault_of(heading, cells, self.municipality)
            if fault:
                bad[fault.value] += 1
                continue
            row = dict(zip(heading, cells, strict=True))
            answers = tuple(row[item] for item in ITEMS)
            sound.setdefault((row["wave"], row["pupil_code"]), []).append(answers)
        accepted = 0
        for pupil, given_answers in sound.items():
            if len({*given_answers, *self.held.get(pupil, ())}) > 1:
                bad[Reason.CONFLICTING_ANSWERS.value] += len(given_answers)
                continue
            is_new = pupil not in self.held
            accepted += is_new
            if len(given_answers) - is_new:
                bad[Reason.DUPLICATE_ROW.value] += len(given_answers) - is_new
            self.held[pupil] = set(given_answers)
        return len(rows), accepted, dict(bad)


def test_a_careful_person_finds_the_rows_that_the_manifest_states(municipality, folder, manifest):
    naive = NaiveWarehouse(municipality)
    for file in manifest.files:
        if file.kind == "answers":
            found = naive.load(folder / file.path)
            assert found == (file.rows, file.accepted, file.bad_rows), file.about
    truth = pl.read_parquet(folder / "truth.parquet").filter("accepted")
    assert set(naive.held) == set(truth.select("wave", "pupil_code").iter_rows())


def test_every_row_is_accounted_for(manifest):
    for file in manifest.files:
        assert file.accepted + file.quarantined + file.dropped == file.rows
        assert set(file.bad_rows) <= set(Reason)


def test_each_sort_of_trouble_comes_with_its_outcome(manifest):
    outcomes = {(file.outcome, file.reason) for file in manifest.files}
    assert outcomes == {
        ("loaded", None),
        ("duplicate", "ALREADY_DELIVERED"),
        ("quarantined", "HEADER_MISMATCH"),
        ("quarantined", "NOT_RECOGNISED"),
        ("rejected", "EMPTY_FILE"),
        ("rejected", "NO_ROWS"),
        ("rejected", "INCOMPLETE_UPLOAD"),
        ("rejected", "UNTERMINATED_QUOTE"),
        ("rejected", "HEADER_REPEATED"),
        ("rejected", "NOT_A_TABLE"),
    }
    assert {reason for file in manifest.files for reason in file.bad_rows} == {
        *(reason.value for reason in REASON_OF.values()),
        "FIELD_COUNT",
    }
    assert {Reason("NOT_RECOGNISED"), Reason("HEADER_MISMATCH")} <= NEEDS_A_DECISION


def test_manifest_on_disk_names_every_file_once(folder, manifest):
    stored = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    paths = [file["path"] for file in stored["files"]]
    on_disk = [path for drop in manifest.drops for path in (folder / drop).iterdir()]
    assert sorted(paths) == sorted(path.relative_to(folder).as_posix() for path in on_disk)
    assert paths == [file.path for file in manifest.files]
    assert sum(len(manifest.of_drop(drop)) for drop in manifest.drops) == len(paths)


def test_drops_come_in_the_order_of_the_waves(municipality, manifest):
    first, second = (wave.id for wave in municipality.waves)
    assert manifest.drops == (f"{first}-1", f"{first}-2", f"{second}-1", f"{second}-2")
    late = [file for file in manifest.files if file.about == "late"]
    assert late
    assert all((file.wave, file.drop) == (first, f"{second}-1") for file in late)


def test_broken_files_break_as_they_should(folder, manifest):
    broken = {file.reason: (folder / file.path).read_bytes() for file in manifest.files}
    assert broken["EMPTY_FILE"] == b""
    assert broken["NO_ROWS"].count(b"\n") == 1
    assert broken["UNTERMINATED_QUOTE"].count(b'"') == 1
    assert broken["NOT_A_TABLE"].startswith(b"\x89PNG")
    assert broken["INCOMPLETE_UPLOAD"].startswith(b"PK")
    assert b"PK\x05\x06" not in broken["INCOMPLETE_UPLOAD"]
    heading = broken["HEADER_REPEATED"].splitlines()[0].split(b";")
    assert len(heading) == len(set(heading)) + 1
    mismatch = broken["HEADER_MISMATCH"].decode().splitlines()[0].split(";")
    assert set(mismatch) - {*CONTEXT_COLUMNS, *ITEMS} == {"kommentar"}


def test_what_broke_is_sent_again_whole(manifest):
    again = Counter(file.drop for file in manifest.files if file.about == "sent again, whole")
    assert dict(again) == {drop: 4 for drop in manifest.drops if drop.endswith("-2")}


def test_duplicates_are_the_same_bytes_or_the_same_answers(folder, manifest):
    loaded = [file for file in manifest.files if file.outcome == "loaded"]
    known = {(folder / file.path).read_bytes() for file in loaded}
    for file in manifest.files:
        if file.outcome == "duplicate":
            is_copy = (folder / file.path).read_bytes() in known
            assert is_copy == (file.about == "the same bytes under another name")


def test_every_format_and_odd_names_are_there(folder, manifest):
    names = [file.path for file in manifest.files]
    assert {name.rpartition(".")[2] for name in names} >= {
        "csv",
        "CSV",
        "txt",
        "xlsx",
        "json",
        "parquet",
    }
    assert any(" " in name for name in names)
    assert any(not name.isascii() for name in names)
    starts = {(folder / name).read_bytes()[:3] for name in names}
    assert {b"\xef\xbb\xbf", b"PAR"} <= starts
    assert any(b"\r\n" in (folder / name).read_bytes() for name in names if name.endswith(".csv"))


def test_class_list_has_every_class_of_the_school_year_once(municipality, folder, manifest):
    lists = [file for file in manifest.files if file.kind == "class_list"]
    assert [file.drop for file in lists] == [f"{wave.id}-1" for wave in municipality.waves]
    for file, wave in zip(lists, municipality.waves, strict=True):
        heading, rows = lines_of(folder / file.path)
        assert heading == ["school_year", "school", "class_group", "grade", "enrolled"]
        classes = municipality.classes.filter(pl.col("wave") == wave.id)
        expected = classes.select("school_year", "school", "class_group", "grade", "enrolled")
        assert rows == [[str(cell) for cell in row] for row in expected.iter_rows()]
        assert file.rows == file.accepted == classes.height


def test_planted_classes_arrive_whole_and_in_time(municipality, folder):
    truth = pl.read_parquet(folder / "truth.parquet")
    planted = pl.read_parquet(folder / "truth_classes.parquet").drop_nulls("elevated")
    pupils = truth.join(planted, on=["wave", "school", "class_group"])
    assert pupils["answered"].to_list() == pupils["accepted"].to_list()
    assert truth.height == municipality.pupils.height
    assert not (truth["accepted"] & ~truth["answered"]).any()


def test_same_seed_writes_the_same_bytes(municipality, folder, manifest, tmp_path):
    again = write_deliveries(tmp_path, make(), seed=9)
    assert again == manifest
    for path in sorted(tmp_path.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), (
                path.name
            )


def test_another_seed_breaks_other_files(municipality, manifest, tmp_path):
    assert write_deliveries(tmp_path, municipality, seed=10) != manifest


def test_settings_and_survey_are_what_the_schemas_ask_for(municipality, home):
    known = Settings.from_file(home / "klassepuls.toml")
    assert known.schools == municipality.schools
    assert known.waves == municipality.waves
    assert known.municipality.number == municipality.number
    assert known.routing is not None
    survey = Survey.from_file(home / "surveys" / "klassepuls.toml")
    assert (survey.tool, survey.linkage) == ("canonical", "pseudonymous")
    assert survey.instruments == INSTRUMENTS
    assert not survey.items


def test_smallest_municipality_delivers_some_of_each_outcome(tmp_path):
    files = write_deliveries(tmp_path, make(schools=1, waves=1), seed=1).files
    assert {"loaded", "quarantined", "rejected"} <= {file.outcome for file in files}


KINDS = st.dictionaries(st.sampled_from(list(RowFault)), st.integers(0, 3), max_size=12)


def sound_rows(count):
    return pl.DataFrame(
        {
            "wave": ["2026H"] * count,
            "school": ["S01"] * count,
            "class_group": ["7A"] * count,
            "grade": ["7"] * count,
            "gender": ["girl"] * count,
            "pupil_code": [f"K{number:03}" for number in range(count)],
            "submitted_on": ["2026-11-05"] * count,
            **{
                f"x_v1.q{item}": [str(1 + number % 5) for number in range(count)]
                for item in range(5)
            },
        }
    )


@settings(max_examples=60, deadline=None)
@given(plan=KINDS, seed=st.integers(0, 2**32 - 1))
def test_damage_is_what_was_planned_and_nothing_else(plan, seed):
    before = sound_rows(40)
    damaged = damage_rows(before, plan, np.random.default_rng(seed))
    repeats = plan.get(RowFault.DUPLICATE, 0) + plan.get(RowFault.CONFLICT, 0)
    assert damaged.rows.height == before.height + repeats
    planned = Counter()
    for fault, count in plan.items():
        planned[REASON_OF[fault].value] += count * (2 if fault == RowFault.CONFLICT else 1)
    assert damaged.counts == {reason: count for reason, count in planned.items() if count}
    rows, was = damaged.rows.rows(), before.rows()
    for row, fault, source in zip(rows, damaged.fault, damaged.source, strict=True):
        changed = sum(now != then for now, then in zip(row, was[source], strict=True))
        may_change = {"": {0}, RowFault.DUPLICATE: {0}, RowFault.CONFLICT: {0, 1}}
        assert changed in may_change.get(fault, {1})


@settings(max_examples=60, deadline=None)
@given(plan=KINDS, seed=st.integers(0, 2**32 - 1))
def test_repeated_rows_stand_behind_their_first(plan, seed):
    damaged = damage_rows(sound_rows(40), plan, np.random.default_rng(seed))
    seen = set()
    codes = {}
    for place, (source, fault) in enumerate(zip(damaged.source, damaged.fault, strict=True)):
        if fault == RowFault.DUPLICATE:
            assert source in seen
        if fault == RowFault.CONFLICT:
            codes.setdefault(int(source), []).append(place)
        seen.add(source)
    rows = damaged.rows.rows()
    for first, second in codes.values():
        assert rows[first] != rows[second]


def test_more_damage_than_rows_is_refused():
    with pytest.raises(ValueError, match="damages 5 of 4 rows"):
        damage_rows(sound_rows(4), {RowFault.DATE_BAD: 5}, np.random.default_rng(1))


@given(
    lines=st.lists(st.text("ab;", min_size=1, max_size=6).map(lambda t: t + ";"), min_size=1),
    data=st.data(),
)
def test_edited_lines_are_those_and_no_others(lines, data):
    where = st.dictionaries(
        st.integers(0, len(lines) - 1), st.sampled_from([too_few_fields, too_many_fields])
    )
    edits = data.draw(where)
    content = "".join(line + "\n" for line in lines).encode()
    edited = edit_lines(content, edits).decode().split("\n")[:-1]
    fields = [edited[at].count(";") - line.count(";") for at, line in enumerate(lines)]
    assert fields == [
        {too_few_fields: -1, too_many_fields: 1}.get(edits.get(at), 0) for at in range(len(lines))
    ]


def test_upload_that_was_cut_is_a_beginning():
    whole = bytes(range(200))
    parts = [cut_off(whole, share) for share in (0.1, 0.5, 0.9)]
    assert all(whole.startswith(part) for part in parts)
    assert all(len(short) < len(long) for short, long in pairwise([*parts, whole]))
