"""Measures the road over 10,000 files of three pupils: linear time, bounded memory, any order.

    python bench/many_files.py [--files 10000]

Every run is a process of its own over a home that was made before. A tenth of the files, then all
of them, then all of them under shuffled names; the last two must end with the same tables.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flows.home import Home

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

ROWS = 3
CPU_RATIO, MORE_MIB = 13.0, 150.0  # of ten times the files: 10 would be exactly linear


def make(root: Path, order: list[int], like: "Home | None") -> "Home":
    """A home with the files in its inbox, each named by its place in the order.

    Its keys are those of another home, `like`.
    """
    from tests.faults.compare import same_key
    from tests.support.home import csv_bytes, make_home, school_class

    home = make_home(root)
    if like:
        same_key(like, home)
    for place, number in enumerate(order):
        rows = school_class(
            ROWS,
            prefix=f"N{number}-",
            changes={1: {"safety": "1" if number % 10 == 0 else "5"}},
            school=f"S0{number % 2 + 1}",
            class_group=f"{number % 3 + 5}{number // 12}",
            grade=str(number % 3 + 5),
        )
        (home.inbox / f"{place:05}.csv").write_bytes(csv_bytes(rows))
    return home


def child(root: Path) -> None:
    from flows import road
    from flows.home import open_home
    from tests.support.home import NOW

    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    summary = road.run(open_home(root), now=NOW, settle=0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "files": len(summary.files),
        "wall": time.perf_counter() - started,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "peak_mib": after.ru_maxrss / 1024,
        "seconds": {step: round(took, 2) for step, took in summary.seconds.items()},
    }
    print(json.dumps(told))


def measure(root: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout.splitlines()[-1])
    print(f"{told['files']:6} files: {json.dumps(told)}", flush=True)
    return told


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--child", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child)
        return 0
    from flows.home import Home
    from tests.faults.compare import as_it_stands

    order = list(range(arguments.files))
    shuffled = random.Random(1).sample(order, len(order))
    with tempfile.TemporaryDirectory() as folder:
        few, many, other = (Path(folder, name) for name in ("few", "many", "other"))
        first = make(few, order[: len(order) // 10], None)
        make(many, order, first)
        make(other, shuffled, first)
        small, large, _ = (measure(root) for root in (few, many, other))
        tables = [as_it_stands(Home(root)) for root in (many, other)]
        same = tables[0] == tables[1]
    ratio, more = large["cpu"] / small["cpu"], large["peak_mib"] - small["peak_mib"]
    print(f"ten times the files: {ratio:.1f} times the CPU (limit {CPU_RATIO}),")
    print(f"{more:.0f} MiB more at the peak (limit {MORE_MIB:.0f}); any order the same: {same}")
    return int(not (same and ratio <= CPU_RATIO and more <= MORE_MIB))


if __name__ == "__main__":
    sys.exit(main())
