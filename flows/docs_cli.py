"""`klassepuls docs`: the data docs; with `--duties` what a municipality must have in writing."""

import argparse
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.home import open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = 0, 1


def add_docs(commands: "Commands") -> None:
    """Add `docs`."""
    parser = commands.add_parser(
        "docs", help="write the data docs: tables, figures, lineage and checks, as plain HTML"
    )
    add_home(parser)
    parser.add_argument(
        "--duties",
        choices=["nb", "nn", "en"],
        help="instead: article 30 record, DPIA input, internal control and information letters,"
        " from the settings, in this language",
    )
    parser.add_argument("--json", action="store_true", help="where they lie, as JSON")
    parser.set_defaults(command=_docs)


def _docs(parsed: argparse.Namespace) -> int:
    if parsed.duties:
        return _duties(parsed)
    from flows.data_docs import write_docs

    written = write_docs(open_home(home_of(parsed)), now=datetime.now(UTC))
    if parsed.json:
        told = {
            "analyst": str(written.analyst) if written.analyst else None,
            "operator": str(written.operator),
            "changed": written.changed,
        }
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return DONE
    if written.analyst:
        print(f"For analysts: {written.analyst / 'index.html'}")
    else:
        print("For analysts: nothing yet; waves are published some days after they close.")
    print(f"For the operator: {written.operator / 'index.html'}")
    print(f"{written.changed} file(s) changed.")
    return DONE


def _duties(parsed: argparse.Namespace) -> int:
    from flows.duties import write_duties

    made = write_duties(open_home(home_of(parsed)), parsed.duties)
    if parsed.json:
        told = {"folder": str(made.folder), "written": made.written, "left": made.left}
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        print(f"{len(made.written)} file(s) written in {made.folder}: drafts, to be read by your")
        print("data protection officer.")
        for name in made.left:
            print(f"  {name} was filled in by somebody and stays; move it to have a new draft")
    return NEEDS_A_PERSON if made.left else DONE
