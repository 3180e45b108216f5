"""`--home`, which most commands take: where the municipality's home is."""

import argparse
import os
from pathlib import Path

from flows.home import HomeError


def add_home(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--home`, or else what KLASSEPULS_HOME says."""
    parser.add_argument(
        "--home",
        type=Path,
        default=os.environ.get("KLASSEPULS_HOME"),
        help="the municipality's home (or KLASSEPULS_HOME)",
    )


def home_of(parsed: argparse.Namespace) -> Path:
    """The folder that was given; HomeError where none was."""
    if parsed.home is None:
        raise HomeError("which home? Give --home HOME, or set KLASSEPULS_HOME")
    return Path(parsed.home)
