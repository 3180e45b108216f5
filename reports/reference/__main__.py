"""`python -m reports.reference FOLDER` writes every reference page into a folder."""

import argparse
from pathlib import Path

from reports.reference.pages import write_pages


def main() -> None:
    """Write the pages into the folder that is named."""
    parser = argparse.ArgumentParser(prog="python -m reports.reference", description=__doc__)
    parser.add_argument("folder", type=Path)
    write_pages(parser.parse_args().folder)


if __name__ == "__main__":
    main()
