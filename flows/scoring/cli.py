"""`klassepuls score`: arguments in, counts and exit codes out; never a code or an answer."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DONE, NEEDS_A_PERSON, USAGE, REFUSED = 0, 1, 2, 4


def add_score(commands: "Commands") -> None:
    """`klassepuls score FILE --instrument ID`."""
    parser = commands.add_parser("score", help="the scores of any file, without a home")
    parser.add_argument("file", type=Path, help="an export, anywhere on this machine")
    parser.add_argument(
        "--instrument",
        required=True,
        help="a shipped instrument such as who5_v1, or the .toml file of your own",
    )
    parser.add_argument(
        "--survey", type=Path, help="what the columns mean; without it they are named as the items"
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="write the scores here, .csv or .parquet; else beside the file as NAME.scores.csv",
    )
    parser.add_argument("--json", action="store_true", help="the counts as JSON")
    parser.set_defaults(command=_score)


def _score(parsed: argparse.Namespace) -> int:
    from flows.scoring.file import find_instrument, score_file, write_scores
    from schemas.reason import Reason, reason_texts
    from transforms.readers.reading import FileProblem

    instrument = find_instrument(parsed.instrument)
    try:
        scored = score_file(parsed.file, instrument, parsed.survey)
    except FileProblem as problem:
        reason = problem.reason
        print(f"not scored: {reason.value}. {reason_texts()[reason].en}", file=sys.stderr)
        return REFUSED if reason is Reason.PERSONAL_DATA else USAGE
    write_scores(scored.scores, parsed.out or parsed.file.with_suffix(".scores.csv"))
    if parsed.json:
        print(json.dumps(scored.told, ensure_ascii=False, indent=1))
    else:
        _show(scored.told, is_beside=parsed.out is None)
    return NEEDS_A_PERSON if scored.told["held"] else DONE


def _show(told: Mapping[str, Any], *, is_beside: bool) -> None:
    print(f"{told['instrument']}. Rows: {told['rows']}. Held: {told['held']}.")
    if told["held"]:
        print("Held rows are not scored. The scores say which rows they are, and why.")
    if not told["grade_known"]:
        print("There is no grade: every row is taken to be of a grade that the instrument is for.")
    if told["other_grades"]:
        others = told["other_grades"]
        print(f"Of a grade that the instrument is not for, without a score: {others}.")
    if told["use_for"] == "class":
        print("The instrument is for classes: a single row's score says nothing of a pupil.")
    if told["missing"] is not None:
        kinds = ", ".join(f"{kind} {count}" for kind, count in told["missing"].items())
        print(f"Answers missing: {kinds}.")
    for scale in told["scales"]:
        _show_scale(scale)
    print(
        "Scores by row are written"
        + (" beside the file, as NAME.scores.csv." if is_beside else ".")
    )


def _show_scale(scale: Mapping[str, Any]) -> None:
    if scale["scored"] is None:
        print(f"{scale['scale']}: fewer than five scores, so nothing is counted.")
        return
    bands = "".join(f", {band} {count}" for band, count in scale["bands"].items())
    print(
        f"{scale['scale']}: {scale['scored']} scores, {scale['floor']:.0%} at the floor,"
        f" {scale['ceiling']:.0%} at the ceiling{bands}."
    )
