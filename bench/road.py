"""Measures the road against the least that anyone would do with the same files, in one run.

    python bench/make_inputs.py DIR && python bench/road.py DIR

Every figure is a whole process, started anew, the two sides in turn; ratios are medians of pairs.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5


def floor_one_file(inputs: Path, work: Path) -> None:
    """Only load the nation's CSV with DuckDB: text columns into a table of a database file."""
    import duckdb

    con = duckdb.connect(str(work / "floor.duckdb"))
    con.execute(
        "create table t as from read_csv($file, delim=';', header=true, all_varchar=true,"
        " store_rejects=true)",
        {"file": str(inputs / "nation.csv")},
    ).fetchall()
    con.close()


def floor_many_files(inputs: Path, work: Path) -> None:
    """Only read the 900 class files with DuckDB's own glob, into a table of a database file."""
    import duckdb

    con = duckdb.connect(str(work / "floor.duckdb"))
    con.execute(
        "create table t as from read_csv($glob, delim=';', header=true, all_varchar=true,"
        " store_rejects=true)",
        {"glob": str(inputs / "class_files" / "*")},
    ).fetchall()
    con.close()


def road(home_files: Path, deliveries: list[Path], work: Path) -> None:
    """Inbox to loaded, scored, flagged and published; the files lie in the inbox already."""
    from datetime import UTC, datetime, timedelta

    # pandera loads hypothesis where it finds it; on a server, which has no tests, it does not.
    sys.modules["hypothesis"] = None

    from flows.home import load_config, open_home
    from flows.intake import ingest
    from flows.road import at_work, flag_waves, load_meanwhile, publish_waves
    from warehouse.stages import answered_waves

    load_meanwhile()
    home = open_home(work / "home")
    config = load_config(home)
    close = max(wave.closes for wave in config.settings.waves)
    now = datetime(close.year, close.month, close.day, 12, tzinfo=UTC) + timedelta(days=30)
    with at_work(home, config, now=now) as con:
        files = ingest(con, home, config, now=now, settle=0)
        waves = answered_waves(con)
        flag_waves(con, config, waves, now=now)
        publish_waves(con, home, config, waves, now=now)
    assert len(files) == len(deliveries)


def prepare(home_files: Path, deliveries: list[Path], work: Path) -> None:
    """A home with the files in its inbox, outside the measurement."""
    import shutil

    from flows.home import init_home

    home = init_home(work / "home")
    (home.surveys / "klassepuls.toml").unlink()
    shutil.copy(home_files / "klassepuls.toml", home.settings_file)
    shutil.copytree(home_files / "surveys", home.surveys, dirs_exist_ok=True)
    shutil.copytree(home_files / "instruments", home.instruments, dirs_exist_ok=True)
    for file in deliveries:
        shutil.copy(file, home.inbox / file.name)


def sides(inputs: Path) -> dict[str, tuple[Path, list[Path]]]:
    return {
        "nation": (inputs, [inputs / "nation.csv"]),
        "class_files": (
            inputs / "class_files_home",
            sorted((inputs / "class_files").iterdir()),
        ),
    }


def child(case: str, side: str, inputs: Path, work: Path) -> None:
    started = time.perf_counter()
    if side == "floor":
        {"nation": floor_one_file, "class_files": floor_many_files}[case](inputs, work)
    else:
        road(*sides(inputs)[case], work)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "inside": time.perf_counter() - started,
                "cpu": usage.ru_utime + usage.ru_stime,
                "peak_mib": usage.ru_maxrss / 1024,
            }
        )
    )


def measure(case: str, side: str, inputs: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if side == "road":
            prepare(*sides(inputs)[case], work)
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, __file__, str(inputs), "--child", case, side, str(work)],
            check=True,
            capture_output=True,
            text=True,
        )
        wall = time.perf_counter() - started
    return {"wall": wall, **json.loads(done.stdout.splitlines()[-1])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", type=Path)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--child", nargs=3)
    arguments = parser.parse_args()
    if arguments.child:
        case, side, work = arguments.child
        child(case, side, arguments.inputs, Path(work))
        return
    for case, limit in (("nation", 2.0), ("class_files", 1.0)):
        rounds = [
            (measure(case, "floor", arguments.inputs), measure(case, "road", arguments.inputs))
            for _ in range(arguments.rounds)
        ]
        for name in ("wall", "cpu"):
            ratio = statistics.median(ours[name] / floor[name] for floor, ours in rounds)
            floors = statistics.median(floor[name] for floor, _ in rounds)
            ours_s = statistics.median(ours[name] for _, ours in rounds)
            target = f" (target {limit:g})" if name == "wall" else ""
            print(f"{case} {name}: {ours_s:.2f} s / {floors:.2f} s = {ratio:.2f}{target}")
        peak = max(ours["peak_mib"] for _, ours in rounds)
        print(f"{case} peak memory: {peak:.0f} MiB (target 700)")


if __name__ == "__main__":
    main()
