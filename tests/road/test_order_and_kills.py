"""The order of files and the kill of a run change nothing in the end."""

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl

from flows.home import Home
from tests.conftest import ROOT
from tests.faults.compare import as_it_stands, same_key
from tests.support.home import (
    AUTUMN,
    SPRING,
    class_list,
    csv_bytes,
    drop,
    form,
    make_home,
    run,
    school_class,
)
from tests.support.state import IN_NOTE, LEDGER, contents, filed, hashes, note_of, reports_below
from transforms.synthetic.formats import to_xlsx


def troubled_files() -> dict[str, bytes]:
    """A few dozen small files with copies, contradictions, twins, bad rows and broken files."""
    files = {"00 list.csv": class_list(("S01", "7A", 20), ("S02", "7A", 20))}
    for number in range(24):
        school, wave = f"S0{number % 2 + 1}", (AUTUMN, SPRING)[number // 12]
        day = "2025-11-05" if wave == AUTUMN else "2026-03-10"
        rows = school_class(
            5,
            prefix=f"K{number % 12:02}-",
            changes={1: {"safety": "1"}, 2: {"safety": "9"}, 3: {"wants_talk": "1"}},
            school=school,
            wave=wave,
            submitted_on=day,
        )
        files[f"{number + 1:02} class.csv"] = csv_bytes(rows)
        if number % 6 == 0:
            files[f"{number + 2:02} twin.xlsx"] = to_xlsx(pl.DataFrame(rows))
        if number % 6 == 1:
            rows[0] = rows[0] | {"safety": "4"}
            files[f"{number + 3:02} contradicts.csv"] = csv_bytes(rows[:2])
        if number % 6 == 2:
            files[f"{number + 2:02} broken.csv"] = csv_bytes(rows).replace(b"girl", b'"girl', 1)
    return files


def without_order(home: Home) -> dict[str, list[tuple[object, ...]]]:
    """What must not depend on the order of files: all but which of two copies came first."""
    return contents(home, without=[*LEDGER, "core.stage"])


def test_order_of_the_files_does_not_matter(tmp_path):
    files = list(troubled_files().items())
    homes = []
    for order in (range(len(files)), reversed(range(len(files)))):
        home = make_home(tmp_path / f"home{len(homes)}")
        if homes:
            same_key(homes[0], home)
        for place, number in enumerate(order):
            name, text = files[number]
            drop(home, f"{place:03} {name}", text)
        run(home)
        homes.append(home)
    assert without_order(homes[0]) == without_order(homes[1])
    counts = [contents(home)["core.delivery"] for home in homes]
    assert len(counts[0]) == len(counts[1]) == len(files)


def in_drops(folder: Path, files: dict[str, bytes], count: int) -> list[Path]:
    drops = []
    for number in range(count):
        drops.append(folder / f"{number:02}")
        drops[-1].mkdir(parents=True)
        for name in sorted(files)[number::count]:
            (drops[-1] / f"{number:02} {name}").write_bytes(files[name])
    return drops


def test_killed_runs_end_where_an_undisturbed_one_does(tmp_path):
    drops = in_drops(tmp_path / "drops", troubled_files(), 12)
    disturbed, undisturbed = make_home(tmp_path / "one"), make_home(tmp_path / "two")
    same_key(disturbed, undisturbed)
    command = [sys.executable, "-m", "tests.support.killing", disturbed.root, tmp_path / "drops"]
    done = subprocess.run(
        [*map(str, command), "1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr[:400]) == (0, "")
    early, late = map(int, done.stdout.split())
    assert (early > 1, late > 0) == (True, True), "the runs were killed at too few places"
    for folder in drops:
        for file in sorted(folder.iterdir()):
            shutil.copyfile(file, undisturbed.inbox / file.name)
        run(undisturbed)
    assert as_it_stands(disturbed) == as_it_stands(undisturbed)
    assert reports_below(disturbed) == reports_below(undisturbed)
    assert filed(disturbed) == filed(undisturbed)
    for name in filed(disturbed):
        one, two = note_of(disturbed, name), note_of(undisturbed, name)
        assert [one[count] for count in IN_NOTE[:-1]] == [two[count] for count in IN_NOTE[:-1]]
    assert not list(disturbed.root.rglob("*.partial"))


def as_a_stopped_run_leaves_it(home: Home) -> None:
    """Loaded, and not yet said to be put away."""
    with duckdb.connect(str(home.restricted / "warehouse.duckdb")) as con:
        con.execute("update core.delivery set filed_at = null").fetchall()


def test_file_that_was_loaded_and_not_put_away_is_put_away_with_its_counts(tmp_path):
    home = make_home(tmp_path / "home")
    text = csv_bytes([form("P001"), form("P002", safety="9")])
    drop(home, "7A.csv", text)
    run(home)
    before, note = hashes(home), note_of(home, "7A.csv")
    as_a_stopped_run_leaves_it(home)
    (home.outcome / "loaded" / "7A.csv").rename(home.inbox / "7A.csv")
    drop(home, "8A kopi.csv", text)
    run(home)
    assert filed(home) == {"7A.csv": "loaded", "8A kopi.csv": "duplicate"}
    assert note_of(home, "7A.csv") == note
    assert hashes(home) == before


def test_file_that_was_put_away_and_not_marked_is_known_when_it_comes_again(tmp_path):
    home = make_home(tmp_path / "home")
    text = csv_bytes([form("P001")])
    drop(home, "7A.csv", text)
    run(home)
    before = hashes(home)
    as_a_stopped_run_leaves_it(home)
    run(home)
    assert hashes(home) == before
    drop(home, "7A igjen.csv", text)
    run(home)
    assert filed(home) == {"7A.csv": "loaded", "7A igjen.csv": "duplicate"}
