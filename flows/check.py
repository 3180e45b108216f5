"""A dry run of one file: what tool it comes from, and what would be held. Nothing is stored."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flows.class_lists import preview
from flows.home import Home, HomeError, load_config
from flows.inbox import Arrival, take
from flows.recognition import Delivery, recognise_arrival, validated_blocks
from schemas.reason import Reason, reason_texts
from transforms.readers.reading import FileProblem
from transforms.validate import Validated


def check_file(home: Home, path: Path) -> dict[str, Any]:
    """What would become of the file: counts and reason codes."""
    if path.is_dir() and not path.is_symlink():
        raise HomeError("check takes one file, and this is a folder: name a file in it")
    config = load_config(home)
    report: dict[str, Any] = {
        "tool": None,
        "sure": None,
        "marks": [],
        "taken_away": {},
        "survey": None,
        "reason": None,
        "text": None,
        "column": None,
        "rows": 0,
        "sound": 0,
        "held": 0,
        "reasons": {},
    }
    arrivals: list[Arrival] = list(take([path]))
    if not arrivals:
        raise HomeError("no such file to check")
    try:
        delivery = recognise_arrival(arrivals[0], config)
        report |= _describe(delivery)
        if delivery.class_list is not None:
            listed = preview(delivery.class_list, config)
            sound, held_rows = listed.accepted, list(listed.held)
        else:
            blocks = list(validated_blocks([delivery], config))
            sound = sum(block.accepted.num_rows for block in blocks)
            held_rows = [row for block in blocks for row in block.held]
            _require_storable(blocks)
    except FileProblem as problem:
        text = reason_texts()[problem.reason].en
        return report | {
            "tool": problem.tool or report["tool"],
            "reason": problem.reason.value,
            "text": text,
            "column": problem.column,
        }
    reasons: dict[str, int] = {}
    for row in held_rows:
        for reason in row.reasons:
            reasons[reason.value] = reasons.get(reason.value, 0) + 1
    return report | {
        "rows": sound + len(held_rows),
        "sound": sound,
        "held": len(held_rows),
        "reasons": dict(sorted(reasons.items())),
    }


def _require_storable(blocks: Sequence[Validated]) -> None:
    """Raise as a run would refuse the file whole: for persons in it, or for a changed form."""
    if any(block.persons for block in blocks):
        raise FileProblem(Reason.PERSONAL_DATA)
    if any(block.strangers for block in blocks):
        raise FileProblem(Reason.OPTIONS_CHANGED)


def _describe(delivery: Delivery) -> dict[str, Any]:
    if delivery.layout is None:
        return {"tool": "class list"}
    found: dict[str, Any] = {
        "tool": delivery.layout.survey.tool,
        "survey": delivery.layout.survey.id,
    }
    if delivery.evidence:
        found |= {"sure": delivery.evidence.sure, "marks": list(delivery.evidence.marks)}
    if delivery.reading:
        taken = delivery.reading.dropped
        found["taken_away"] = {kind.value: count for kind, count in taken.items()}
    return found
