"""`klassepuls demo` and `simulate`: an invented municipality, with the road or without."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE = 0


def _add_size(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--schools", type=int, default=20, help="how many schools to invent")
    parser.add_argument("--waves", type=int, default=3, help="how many rounds of the survey")
    parser.add_argument("--seed", type=int, default=1, help="the same number, the same pupils")


def add_simulate(commands: "Commands") -> None:
    """`klassepuls simulate`."""
    parser = commands.add_parser("simulate", help="only the synthetic deliveries and their truth")
    parser.add_argument("folder", type=Path, help="where the files are written")
    _add_size(parser)
    parser.set_defaults(command=_simulate)


def _simulate(parsed: argparse.Namespace) -> int:
    from flows.demo import simulate

    manifest = simulate(parsed.folder, schools=parsed.schools, waves=parsed.waves, seed=parsed.seed)
    print(f"{len(manifest.files)} files in {len(manifest.drops)} drops under {parsed.folder}")
    return DONE


def add_demo(commands: "Commands") -> None:
    """`klassepuls demo`."""
    parser = commands.add_parser(
        "demo", help="a synthetic municipality with planted truth through the whole pipeline"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path("demo"), help="where it is made; an older demo there goes"
    )
    _add_size(parser)
    parser.set_defaults(command=_demo)


def _demo(parsed: argparse.Namespace) -> int:
    from flows.demo import demo

    return demo(parsed.dir, schools=parsed.schools, waves=parsed.waves, seed=parsed.seed)
