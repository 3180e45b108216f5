"""Writes the inputs of the benchmarks: `python bench/make_inputs.py DIR --pupils 650000`.

DIR/nation.csv            one file, 40 columns, 1 % value faults and 0.125 % malformed lines
DIR/truth.json            how many rows of each kind it holds, and what must become of them
DIR/klassepuls.toml, DIR/surveys/nation.toml, DIR/instruments/      the home for it
DIR/class_files/          900 files of one class each, 22 columns, 1 % value faults
DIR/class_files_truth.json, DIR/class_files_home/                   the same for those

The same seed writes the same bytes.
"""

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator, default_rng

from flows.simulate import settings_toml
from schemas.instrument import Instrument, shipped_instruments
from schemas.settings import School
from transforms.synthetic.answers import draw_answers, draw_careless
from transforms.synthetic.faults import (
    Damaged,
    RowFault,
    damage_rows,
    edit_lines,
    too_few_fields,
    too_many_fields,
)
from transforms.synthetic.formats import as_text, to_csv
from transforms.synthetic.municipality import Municipality, default_waves
from transforms.synthetic.names import pupil_codes, school_names
from transforms.synthetic.states import BULLYING, circumstances, draw_components

WAVE = default_waves(1)[0]
KINDS = (
    RowFault.OUT_OF_RANGE,
    RowFault.TEXT_IN_ITEM,
    RowFault.CODE_MISSING,
    RowFault.GRADE_BAD,
    RowFault.SCHOOL_UNKNOWN,
    RowFault.DATE_BAD,
    RowFault.DUPLICATE,
    RowFault.CONFLICT,
)
REPEATS = (RowFault.DUPLICATE, RowFault.CONFLICT)
FAULTY, MALFORMED = 0.01, 0.00125
CLASS_FILES, CLASS_FILE_PUPILS = 900, 20_000
PUPILS_A_CLASS, CLASSES_A_SCHOOL = 23.2, 10
LOWEST_GRADE, LETTERS = 5, 2


def bench_instrument(letter: str, items: int) -> str:
    """An instrument that exists for the benchmark only, as TOML; its 2nd and 4th are reversed."""
    key, all_but_one = f"bench_{letter}", max(items - 1, 1)
    options = [
        f'[[option_sets.agree]]\ncode = {code}\nlabel = {{ nb = "{code}" }}\n'
        for code in range(1, 6)
    ]
    names = [f"q{number}" for number in range(1, items + 1)]
    rows = [bench_item(name, is_reversed=name in ("q2", "q4")) for name in names]
    head = f'id = "{key}"\nversion = 1\nuse_for = "both"\nmin_grade = 1\n'
    licence = '[licence]\nname = "EUPL-1.2"\nsource = "Made up for the benchmark"\n'
    scale = (
        f'[[scales]]\nid = "total"\nitems = {json.dumps(names)}\nformula = "mean"\n'
        f"min_answered = {all_but_one}\ndecimals = 2\nminimum = 1\nmaximum = 5\n"
        f'label = {{ nb = "Samlet {letter}" }}\n'
    )
    return "\n".join([head, f'[name]\nnb = "Benk {letter}"\n', licence, *options, *rows, scale])


def bench_item(name: str, *, is_reversed: bool) -> str:
    mark = str(is_reversed).lower()
    return f'[[items]]\nid = "{name}"\noptions = "agree"\nis_reversed = {mark}\n'


NATION = {f"bench_{letter}": bench_instrument(letter, 5) for letter in "abcd"}
# Two items more than the shipped instruments have make 22 columns.
CLASSES = {"bench_e": bench_instrument("e", 2)}


@dataclass(frozen=True)
class Input:
    """Canonical rows with their faults, which class each belongs to, and the schools."""

    damaged: Damaged
    class_of_row: np.ndarray
    schools: tuple[School, ...]


def make_input(rng: Generator, rows: int, classes: int, instruments: list[Instrument]) -> Input:
    """Draw `rows` rows in all, those that are there twice included."""
    per_kind = round(rows * FAULTY / len(KINDS))
    pupils = rows - per_kind * len(REPEATS)
    class_of_pupil = np.repeat(np.arange(classes), class_sizes(rng, pupils, classes))
    count = -(-classes // CLASSES_A_SCHOOL)
    names = school_names(rng, count)
    schools = tuple(School(id=f"S{at:04}", name=name) for at, name in enumerate(names, 1))
    sound = as_text(draw_rows(rng, class_of_pupil, schools, instruments))
    damaged = damage_rows(sound, dict.fromkeys(KINDS, per_kind), rng)
    return Input(damaged, class_of_pupil[damaged.source], schools)


def class_sizes(rng: Generator, pupils: int, classes: int) -> np.ndarray:
    """18 to 28 pupils a class, give or take what makes the sum right."""
    sizes = rng.integers(18, 29, size=classes)
    lack = pupils - int(sizes.sum())
    return sizes + lack // classes + (np.arange(classes) < lack % classes)


def draw_rows(
    rng: Generator, class_of: np.ndarray, schools: tuple[School, ...], instruments: list[Instrument]
) -> pl.DataFrame:
    in_school = class_of % CLASSES_A_SCHOOL
    grade = LOWEST_GRADE + in_school // LETTERS
    pupils = len(class_of)
    theme = np.where(rng.random(class_of.max() + 1) < 0.01, BULLYING, "")[class_of]
    states = circumstances(draw_components(rng, pupils), grade=grade, theme=theme)
    answers = draw_answers(rng, instruments, states, careless=draw_careless(rng, pupils))
    letter = np.array(("A", "B"))[in_school % LETTERS]
    days = np.busday_offset(np.datetime64(WAVE.opens), rng.integers(0, 15, size=pupils))
    context = pl.DataFrame(
        {
            "school": pl.Series([s.id for s in schools]).gather(class_of // CLASSES_A_SCHOOL),
            "class_group": pl.Series(grade).cast(pl.String) + pl.Series(letter),
            "grade": grade,
            "gender": rng.choice(("girl", "boy", "other", ""), pupils, p=(0.485, 0.5, 0.005, 0.01)),
            "pupil_code": pupil_codes(rng, pupils),
            "submitted_on": days,
        }
    )
    return context.select(pl.lit(WAVE.id).alias("wave"), pl.all()).hstack(answers.get_columns())


def break_lines(rng: Generator, content: bytes, damaged: Damaged) -> tuple[bytes, dict[str, int]]:
    """Give some sound lines a field too few and as many one too many."""
    twice = damaged.source[np.isin(damaged.fault, REPEATS)]
    free = np.flatnonzero(damaged.sound & ~np.isin(damaged.source, twice))
    each = round(damaged.rows.height * MALFORMED / 2)
    lines = (rng.permutation(free)[: 2 * each] + 1).tolist()
    edits = dict.fromkeys(lines[:each], too_few_fields) | dict.fromkeys(
        lines[each:], too_many_fields
    )
    return edit_lines(content, edits), {"too_few_fields": each, "too_many_fields": each}


def truth(damaged: Damaged, malformed: dict[str, int], size: int) -> dict[str, object]:
    kinds, counts = np.unique(damaged.fault[damaged.fault != ""], return_counts=True)
    reasons = damaged.counts | ({"FIELD_COUNT": sum(malformed.values())} if malformed else {})
    dropped = reasons["DUPLICATE_ROW"]
    quarantined = sum(reasons.values()) - dropped
    rows = damaged.rows.height
    return {
        "rows": rows,
        "columns": damaged.rows.width,
        "bytes": size,
        "accepted": rows - quarantined - dropped,
        "quarantined": quarantined,
        "dropped": dropped,
        "rows_by_fault": dict(zip(kinds.tolist(), counts.tolist(), strict=True)) | malformed,
        "rows_by_reason": reasons,
    }


def write_home(
    home: Path, survey_id: str, schools: tuple[School, ...], instruments: dict[str, str]
) -> None:
    for folder in ("surveys", "instruments"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    for name, text in instruments.items():
        (home / "instruments" / f"{name}.toml").write_text(text, encoding="utf-8")
    nothing = pl.DataFrame()
    place = Municipality("9901", "Benken", schools, (WAVE,), nothing, nothing, nothing)
    (home / "klassepuls.toml").write_text(settings_toml(place), encoding="utf-8")
    keys = [*shipped_keys(), *(f"{name}_v1" for name in instruments)]
    survey = (
        f'id = "{survey_id}"\nname = "{survey_id}"\ntool = "canonical"\n'
        f'linkage = "pseudonymous"\ninstruments = {json.dumps(keys)}\n'
    )
    (home / "surveys" / f"{survey_id}.toml").write_text(survey, encoding="utf-8")


def shipped_keys() -> tuple[str, ...]:
    return ("klassepuls_core_v1", "who5_v1")


def instruments_of(texts: dict[str, str]) -> list[Instrument]:
    shipped = [shipped_instruments()[key] for key in shipped_keys()]
    return shipped + [Instrument.from_toml(text, name=name) for name, text in texts.items()]


def write_nation(folder: Path, pupils: int, seed: int) -> dict[str, object]:
    rng = default_rng([seed, 1])
    classes = max(round(pupils / PUPILS_A_CLASS), 1)
    drawn = make_input(rng, pupils, classes, instruments_of(NATION))
    content, malformed = break_lines(rng, to_csv(drawn.damaged.rows), drawn.damaged)
    (folder / "nation.csv").write_bytes(content)
    write_home(folder, "nation", drawn.schools, NATION)
    known = truth(drawn.damaged, malformed, len(content)) | {"classes": classes}
    return write_truth(folder / "truth.json", known | {"schools": len(drawn.schools)})


def write_class_files(folder: Path, pupils: int, files: int, seed: int) -> dict[str, object]:
    rng = default_rng([seed, 2])
    drawn = make_input(rng, pupils, files, instruments_of(CLASSES))
    (folder / "class_files").mkdir(parents=True, exist_ok=True)
    size = 0
    rows = drawn.damaged.rows.with_columns(pl.Series("file", drawn.class_of_row))
    for (at,), part in rows.partition_by("file", as_dict=True, include_key=False).items():
        content = to_csv(part)
        size += len(content)
        (folder / "class_files" / f"klasse_{at:04}.csv").write_bytes(content)
    write_home(folder / "class_files_home", "class_files", drawn.schools, CLASSES)
    known = truth(drawn.damaged, {}, size) | {"files": files, "schools": len(drawn.schools)}
    return write_truth(folder / "class_files_truth.json", known)


def write_truth(path: Path, known: dict[str, object]) -> dict[str, object]:
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--pupils", type=int, default=650_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    for name, known in (
        ("nation.csv", write_nation(asked.folder, asked.pupils, asked.seed)),
        (
            "class_files",
            write_class_files(asked.folder, CLASS_FILE_PUPILS, CLASS_FILES, asked.seed),
        ),
    ):
        print(name, json.dumps(known))
    print(f"{time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main()
