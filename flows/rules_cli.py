"""`klassepuls rules`: what the rules say of invented pupils, for those who answer for the rules."""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.rule import ClassRule, PupilRule
    from warehouse.assure import Assured

_DONE, _NEEDS_A_PERSON = 0, 1


def add_rules(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The `rules` command."""
    rules = commands.add_parser("rules", help="the rules, tried on invented pupils")
    kinds = rules.add_subparsers(required=True, metavar="WHAT")
    parser = kinds.add_parser(
        "assure", help="run the example tables beside the rules; 1 where one does not hold"
    )
    parser.add_argument(
        "--home",
        type=Path,
        help="also with this home's rules.toml, and its own tables in rules_examples.md",
    )
    parser.add_argument("--json", action="store_true", help="every example as JSON")
    parser.set_defaults(command=_assure)


def _assure(parsed: argparse.Namespace) -> int:
    from flows.assure import assure_home, assure_shipped, without_table

    now = datetime.now(UTC)
    rules, found = assure_home(parsed.home, now=now) if parsed.home else assure_shipped(now=now)
    untold = without_table(rules, found)
    if parsed.json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        _show(rules, found, untold)
    return _DONE if all(one.holds for one in found) and not untold else _NEEDS_A_PERSON


def _show(
    rules: "Sequence[PupilRule | ClassRule]", found: "Sequence[Assured]", untold: list[str]
) -> None:
    for rule in rules:
        ours = [one for one in found if one.rule_id == rule.id]
        if ours:
            right = sum(one.holds for one in ours)
            print(f"{rule.id}@{rule.edition}: {right} of {len(ours)} examples hold")
        for one in ours:
            if not one.holds:
                said = f"expected {one.expected or 'nothing'}, got {one.got or 'nothing'}"
                print(f"    {one.who}: {said}")
    for rule_id in untold:
        print(f"{rule_id}: no examples")
