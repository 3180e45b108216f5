"""Measures what sealing costs: reports of 500 classes rendered, sealed and filed.

    python bench/seal.py [--schools 20]

Twenty-five classes a school, in two languages. Every measurement is a process of its own that
writes all reports of the wave: in the open, sealed, and sealed of a fifth of the schools, for the
memory. The three homes are filled before. Ends with 1 where a limit is passed.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

CLASSES, PUPILS = 25, 22
SECONDS, RATIO, MORE_MIB = 120.0, 1.3, 60.0


def make(root: Path, schools: int, *, sealed: bool) -> None:
    """A home that has loaded and flagged its wave; one pupil in eleven is flagged."""
    from tests.sealing.sealed import seal_settings
    from tests.support.home import csv_bytes, drop, make_home, run, school_class

    names = [f"S{number:02}" for number in range(schools)]
    home = make_home(root, schools=names)
    if sealed:
        seal_settings(home, schools=names)
    for school in names:
        rows = [
            row
            for number in range(CLASSES)
            for row in school_class(
                PUPILS,
                prefix=f"{school}-{number}-",
                school=school,
                class_group=f"{number % 7 + 1}{'ABCD'[number // 7]}",
                grade=str(number % 7 + 1),
                changes={3: {"safety": "1"}, 9: {"bullied_by_adults": "4"}},
            )
        ]
        drop(home, f"{school}.csv", csv_bytes(rows))
    run(home)


def child(root: Path) -> None:
    from flows.home import load_config, open_home
    from flows.reporting import write_reports
    from flows.road import at_work
    from tests.support.home import AUTUMN, NOW

    home = open_home(root)
    config = load_config(home)
    for path in home.health.rglob("*.*"):
        path.unlink()
    with at_work(home, config, now=NOW) as con:
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
        files, _ = write_reports(con, home, config, AUTUMN, now=NOW)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "files": files,
        "mib": sum(path.stat().st_size for path in home.health.rglob("*.*")) / 2**20,
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": peak_mib(),
    }
    print(json.dumps({name: round(value, 2) for name, value in told.items()}))


def peak_mib() -> float:
    """Of this program alone: what `getrusage` says begins with the peak of who started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(root: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"{root.name}: {json.dumps(told)}", flush=True)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schools", type=int, default=20)
    parser.add_argument("--child", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        few, plain, sealed = (Path(folder, name) for name in ("few", "open", "sealed"))
        make(few, max(1, arguments.schools // 5), sealed=True)
        make(plain, arguments.schools, sealed=False)
        make(sealed, arguments.schools, sealed=True)
        small = measure(few)
        # In turns, and the best of three each: the machine may have other things to do.
        runs = [(measure(plain), measure(sealed)) for _ in range(3)]
    cpu = [min(told["cpu"] for told in side) for side in zip(*runs, strict=True)]
    wall = min(told["wall"] for _, told in runs)
    more = runs[0][1]["peak_mib"] - small["peak_mib"]
    ratio = cpu[1] / cpu[0]
    print(f"{arguments.schools * CLASSES} classes sealed in {wall:.1f} s (limit {SECONDS:.0f}),")
    print(f"{ratio:.2f} times the CPU of the same in the open (limit {RATIO}),")
    print(f"{more:.0f} MiB more at the peak than for a fifth (limit {MORE_MIB:.0f})")
    return int(wall > SECONDS or ratio > RATIO or more > MORE_MIB)


if __name__ == "__main__":
    sys.exit(main())
