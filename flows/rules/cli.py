"""`klassepuls rules`: what the rules say, and how well, for those who answer for the rules."""

import argparse
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flows.home_option import add_home, home_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.rule_change import AnyRule
    from warehouse.assure import Assured

_DONE, _NEEDS_A_PERSON = 0, 1


def add_rules(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The `rules` command."""
    rules = commands.add_parser("rules", help="the rules, tried before they are switched on")
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
    _add_preview(kinds)
    _add_backtest(kinds)


def _add_preview(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = kinds.add_parser(
        "preview", help="what rules would have flagged in the waves of this home; writes nothing"
    )
    add_home(parser)
    parser.add_argument("--rules", type=Path, help="a rules.toml that is not in force yet")
    parser.add_argument("--rule", help="only this rule, by its id; as shipped where it is off")
    parser.add_argument("--wave", help="only this wave")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(command=_preview)


def _add_backtest(kinds: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = kinds.add_parser(
        "backtest", help="how often the rules are right in invented worlds with a known truth"
    )
    parser.add_argument(
        "--world",
        default="all",
        help="null, sparse, clustered, drifting, no_effect, works, or all of them",
    )
    parser.add_argument("--rules", type=Path, help="with the changes of this rules.toml")
    parser.add_argument("--schools", type=int, default=20, help="how many schools to invent")
    parser.add_argument("--waves", type=int, default=4, help="how many rounds of the survey")
    parser.add_argument(
        "--tables", type=int, default=200, help="how many waves of 300 class tables to draw"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same number, the same pupils")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    parser.set_defaults(command=_backtest)


def _preview(parsed: argparse.Namespace) -> int:
    from flows.rules.preview import preview_home
    from flows.rules.tables import preview_as_dict, show_preview

    found = preview_home(
        home_of(parsed),
        rule_id=parsed.rule,
        changes=parsed.rules,
        wave=parsed.wave,
        now=datetime.now(UTC),
    )
    if parsed.json:
        print(json.dumps(preview_as_dict(found), ensure_ascii=False, indent=1))
    else:
        show_preview(found)
    return _DONE


def _backtest(parsed: argparse.Namespace) -> int:
    from flows.home import HomeError
    from flows.rules.backtest import run_backtest
    from flows.rules.tables import backtest_as_dict, show_backtest
    from transforms.synthetic.worlds import WORLDS

    if parsed.world not in (*WORLDS, "all"):
        raise HomeError(f"--world takes one of {', '.join(WORLDS)}, or all")
    found = run_backtest(
        list(WORLDS) if parsed.world == "all" else [parsed.world],
        changes=parsed.rules,
        schools=parsed.schools,
        waves=parsed.waves,
        seed=parsed.seed,
        tables=parsed.tables,
    )
    if parsed.json:
        print(json.dumps(backtest_as_dict(found), ensure_ascii=False, indent=1))
    else:
        show_backtest(found)
    return _DONE


def _assure(parsed: argparse.Namespace) -> int:
    from flows.rules.assure import assure_home, assure_shipped, without_table

    now = datetime.now(UTC)
    rules, found = assure_home(parsed.home, now=now) if parsed.home else assure_shipped(now=now)
    untold = without_table(rules, found)
    if parsed.json:
        print(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=2))
    else:
        _show(rules, found, untold)
    return _DONE if all(one.holds for one in found) and not untold else _NEEDS_A_PERSON


def _show(rules: "Sequence[AnyRule]", found: "Sequence[Assured]", untold: list[str]) -> None:
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
