"""A dry run of one file: what tool it comes from, and what would be held. Nothing is stored."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from flows.class_lists import preview
from flows.home import Config, Home, HomeError, load_config
from flows.inbox import Arrival, take
from flows.recognition import Delivery, recognise_arrival
from flows.validation import validated_blocks
from schemas.reason import Reason, reason_texts
from transforms.code_names import codes_may_be_names
from transforms.held import HeldRow
from transforms.oneroster import Roster
from transforms.readers.reading import FileProblem
from transforms.validate import Validated
from warehouse.damage import WarehouseBusyError
from warehouse.list_zeros import require_whole_codes, rows_without_zeros
from warehouse.look import reading

_NOTHING_KNOWN: Mapping[str, Any] = {
    "tool": None,
    "sure": None,
    "marks": [],
    "taken_away": {},
    "survey": None,
    "reason": None,
    "text": None,
    "column": None,
    "folders": {},
    "rows": 0,
    "sound": 0,
    "lacking": [],
    "added": 0,
    "held": 0,
    "reasons": {},
    "without_zeros": 0,
}


def check_file(home: Home, path: Path) -> dict[str, Any]:
    """What would become of the file: counts and reason codes."""
    if path.is_dir() and not path.is_symlink():
        raise HomeError("check takes one file, and this is a folder: name a file in it")
    config = load_config(home)
    arrivals: list[Arrival] = list(take([path]))
    if not arrivals:
        raise HomeError("no such file to check")
    report = dict(_NOTHING_KNOWN)
    try:
        delivery = recognise_arrival(arrivals[0], config)
        report |= _describe(delivery)
        return report | _count(delivery, config, home)
    except FileProblem as problem:
        return report | _refusal(problem, report["tool"])


def _count(delivery: Delivery, config: Config, home: Home) -> dict[str, Any]:
    """How many rows are sound and how many would be held, and why; FileProblem as a run raises.

    `without_zeros`: rows whose codes the home has with zeros in front; None where a run is at work,
    and nobody can look. Whether they are copies, which do not wait, is not looked up.
    """
    held: Sequence[HeldRow]
    cut: int | None = 0
    if delivery.class_list is not None:
        listed = preview(delivery.class_list, config)
        sound, held = listed.accepted, listed.held
        if not isinstance(delivery.class_list.content, Roster):
            cut = _look(home, lambda con: _require_zeros(con, listed.pupils, config))
    else:
        blocks = list(validated_blocks([delivery], config))
        sound = sum(block.accepted.num_rows for block in blocks)
        held = [row for block in blocks for row in block.held]
        _require_storable(blocks)
        if any("pupil_code" in block.accepted.column_names for block in blocks):
            codes = [block.accepted.select(["pupil_code", "school_id"]) for block in blocks]
            rows = pa.concat_tables(codes)
            cut = _look(home, lambda con: rows_without_zeros(con, rows, key=config.key))
    reasons = Counter(reason.value for row in held for reason in row.reasons)
    return {
        "rows": sound + len(held),
        "sound": sound,
        "held": len(held),
        "reasons": dict(sorted(reasons.items())),
        "without_zeros": cut,
    }


def _require_zeros(con: duckdb.DuckDBPyConnection, pupils: pa.Table, config: Config) -> int:
    require_whole_codes(con, pupils, key=config.key)
    return 0


def _look(home: Home, ask: Callable[[duckdb.DuckDBPyConnection], int]) -> int | None:
    """What the home's warehouse says; 0 where it has none yet, None where a run holds it."""
    try:
        with reading(home.restricted) as con:
            return 0 if con is None else ask(con)
    except WarehouseBusyError:
        return None


def _refusal(problem: FileProblem, tool: str | None) -> dict[str, Any]:
    return {
        "tool": problem.tool or tool,
        "reason": problem.reason.value,
        "text": reason_texts()[problem.reason].en,
        "column": problem.column,
        "lacking": list(problem.lacking),
        "added": problem.added,
        "folders": dict(problem.folders),
    }


def _require_storable(blocks: Sequence[Validated]) -> None:
    """Raise as a run would refuse the file whole: persons, names for codes, a changed form."""
    if any(block.persons for block in blocks):
        raise FileProblem(Reason.PERSONAL_DATA)
    if any(block.named for block in blocks):
        raise codes_may_be_names()
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
