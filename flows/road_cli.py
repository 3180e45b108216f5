"""The commands of the road: make a home, run, look at one file, and at what has come of it."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.home import HomeError, init_home, open_home
from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON = range(2)


def add_init(commands: "Commands") -> None:
    """`klassepuls init`."""
    parser = commands.add_parser("init", help="make a home: folders, settings to edit, a key")
    parser.add_argument("home", type=Path, help="the folder; what is there already stays")
    parser.set_defaults(command=_init)


def _init(parsed: argparse.Namespace) -> int:
    home = init_home(parsed.home)
    print(f"A home is ready in {home.root}.")
    print("Next: edit klassepuls.toml and surveys/klassepuls.toml, drop files in inbox/, and run")
    print(f"  klassepuls run --home {home.root}")
    return DONE


def add_run(commands: "Commands") -> None:
    """`klassepuls run`."""
    parser = commands.add_parser(
        "run", help="inbox -> loaded -> scored -> flagged -> reports -> published"
    )
    add_home(parser)
    parser.add_argument("--wave", help="only this wave, after the inbox")
    parser.add_argument("--json", action="store_true", help="the summary as JSON")
    parser.set_defaults(command=_run)


def _run(parsed: argparse.Namespace) -> int:
    from flows.display import progress_bars, run_as_dict, show_run
    from flows.notices.shown import checked_as_dict, show_checked
    from flows.notices.tell import tell_now, telling_of_failure
    from flows.road import run

    home = open_home(home_of(parsed))
    now = datetime.now(UTC)
    with progress_bars(silent=parsed.json) as progress, telling_of_failure(home, now=now):
        summary = run(home, now=now, wave=parsed.wave, progress=progress)
    if summary.publication and summary.publication.changed:
        from flows.data_docs import write_docs_of_edition

        write_docs_of_edition(home, summary.publication, now=now)
    checked = tell_now(home, now=now, walked="run")
    if parsed.json:
        told = run_as_dict(summary) | checked_as_dict(checked)
        print(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        show_run(summary)
        show_checked(checked)
    return NEEDS_A_PERSON if summary.needs_a_person or checked.needs_a_person else DONE


def add_check(commands: "Commands") -> None:
    """`klassepuls check`."""
    parser = commands.add_parser("check", help="dry run of one file: what would become of it")
    add_home(parser)
    parser.add_argument("file", type=Path, help="an export, anywhere on this machine")
    parser.add_argument("--json", action="store_true", help="the answer as JSON")
    parser.set_defaults(command=_check)


def _check(parsed: argparse.Namespace) -> int:
    from flows.check import check_file
    from flows.display import show_check

    report = check_file(open_home(home_of(parsed)), parsed.file)
    if parsed.json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        show_check(report)
    needs = report["reason"] or report["held"] or report["without_zeros"]
    return NEEDS_A_PERSON if needs else DONE


def add_survey(commands: "Commands") -> None:
    """`klassepuls survey draft`."""
    survey = commands.add_parser("survey", help="survey files: what an export's columns mean")
    tasks = survey.add_subparsers(required=True, metavar="TASK")
    parser = tasks.add_parser("draft", help="a first survey file from an export, to be looked at")
    add_home(parser)
    parser.add_argument("file", type=Path, help="an export, anywhere on this machine")
    parser.add_argument("--codebook", type=Path, help="its codebook, such as a .lss or .sps file")
    parser.add_argument("--out", type=Path, help="write it here; what is there already stays")
    parser.set_defaults(command=_survey_draft)


def _survey_draft(parsed: argparse.Namespace) -> int:
    from flows.draft import draft_from

    instruments = open_home(Path(parsed.home)).instruments if parsed.home else None
    text = draft_from(parsed.file, parsed.codebook, instruments)
    if parsed.out is None:
        print(text, end="")
        return DONE
    try:
        with parsed.out.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise HomeError("there is a file at --out already: choose another name") from None
    print("A draft is written. Decide on linkage and on every column, then try it with")
    print("  klassepuls check FILE")
    return DONE


def add_flags(commands: "Commands") -> None:
    """`klassepuls flags`."""
    parser = commands.add_parser("flags", help="counts of open flags")
    add_home(parser)
    parser.add_argument("--school", help="only this school's, by its id")
    parser.add_argument("--wave", help="only this wave's")
    parser.add_argument(
        "--level", choices=["prompt", "flag", "watch", "alert"], help="only those of this level"
    )
    parser.add_argument("--json", action="store_true", help="the counts as JSON")
    parser.set_defaults(command=_flags)


def _flags(parsed: argparse.Namespace) -> int:
    from flows.display import show_flags
    from flows.listing import open_flags

    rows = open_flags(
        open_home(home_of(parsed)),
        now=datetime.now(UTC),
        school=parsed.school,
        wave=parsed.wave,
        level=parsed.level,
    )
    if parsed.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        show_flags(rows)
    return DONE


def add_scales(commands: "Commands") -> None:
    """`klassepuls scales`."""
    parser = commands.add_parser(
        "scales", help="how each scale worked in a wave: floor, ceiling, alpha, omega"
    )
    add_home(parser)
    parser.add_argument("--wave", help="only this wave's")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(command=_scales)


def _scales(parsed: argparse.Namespace) -> int:
    from flows.display import show_scales
    from flows.listing import scales

    rows = scales(open_home(home_of(parsed)), now=datetime.now(UTC), wave=parsed.wave)
    if parsed.json:
        print(json.dumps(rows, ensure_ascii=False, indent=1))
    else:
        show_scales(rows)
    return DONE
