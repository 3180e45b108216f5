"""Measures the attacker on a table of classes, which is larger than any that is published.

    python bench/attack.py [--classes 900] [--indicators 12]

School > grade > class, each shown count rounded to five, handfuls hidden with a sibling or two: the
least and the most of every hidden line, exactly. Then the same with genders crossing the classes,
where a linear program is asked for each. Target: 900 classes x 12 indicators in 120 s on 2 cores.
"""

import argparse
import time

import numpy as np

from transforms.attack.bounds import bounds
from transforms.attack.swaps import sure_width
from transforms.attack.system import System, members
from transforms.attack.verdict import judge


def table(classes: int, seed: int, *, genders: bool) -> tuple[System, list[list[int]], np.ndarray]:
    """What is known, the hidden lines, and the true numbers."""
    random = np.random.default_rng(seed)
    parts = 2 if genders else 1
    sizes = random.integers(8, 29, classes * parts) // parts
    truth = random.binomial(sizes, random.choice([0.02, 0.06, 0.12, 0.3], classes).repeat(parts))
    own = np.arange(classes * parts)
    of_class = own // parts
    lines = [list(own)]
    lines += [list(own[of_class // 9 == school]) for school in range(-(-classes // 9))]
    lines += [list(own[of_class // 3 == grade]) for grade in range(-(-classes // 3))]
    lines += [list(own[of_class == one]) for one in range(classes)]
    lines += [list(own[own % parts == gender]) for gender in range(parts)] if genders else []
    sums = np.array([truth[line].sum() for line in lines])
    hidden = ((sums > 0) & (sums < 5)) | (random.random(len(lines)) < 0.2)
    shown = np.flatnonzero(~hidden)
    system = System(
        rows=members([lines[at] for at in shown], len(own)),
        low=np.maximum(sums[shown] - 2.0, 0),
        high=sums[shown] + 2.0,
        least=np.zeros(len(own)),
        most=sizes.astype(float),
    )
    return system, [lines[at] for at in np.flatnonzero(hidden)], truth.astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, default=900)
    parser.add_argument("--indicators", type=int, default=12)
    asked = parser.parse_args()
    for genders in (False, True):
        started, worked, hidden = time.perf_counter(), time.process_time(), 0
        for seed in range(asked.indicators):
            system, lines, truth = table(asked.classes, seed, genders=genders)
            targets = members(lines, len(truth))
            hidden += len(lines)
            if genders:
                sure = sure_width(system, targets, truth)
                judge(system, targets, np.full(len(lines), 5.0), sure=sure)
            else:
                bounds(system, targets)
        name = "with genders" if genders else "nested"
        seconds = time.perf_counter() - started
        cpu = time.process_time() - worked
        print(f"{name}: {hidden} hidden lines in {seconds:.1f} s, cpu {cpu:.1f} s (target 120)")


if __name__ == "__main__":
    main()
