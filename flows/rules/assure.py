"""The example tables of the shipped rules, or of a municipality's, run and gathered."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from flows.home import load_config, open_home
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import shipped_rules
from schemas.rule_change import AnyRule
from schemas.rule_example import ExampleTable, read_examples, shipped_examples
from warehouse.assure import Assured, assure
from warehouse.assure_network import assure_network

EXAMPLES = "rules_examples.md"
Rules = Sequence[AnyRule]


def assure_shipped(*, now: datetime) -> tuple[Rules, list[Assured]]:
    """The shipped rules and every example beside them."""
    rules, tables = shipped_rules(), shipped_examples()
    found = assure(rules, tables, shipped_instruments(), now=now)
    return (*rules, network_rule()), found + _of_choices(network_rule(), tables, now=now)


def _of_choices(
    rule: NetworkRule, tables: Mapping[str, ExampleTable], *, now: datetime
) -> list[Assured]:
    """The examples of the class rule of choices, which reads no answers."""
    is_told = not rule.off and rule.id in tables
    return assure_network(rule, tables[rule.id], now=now) if is_told else []


def assure_home(folder: Path, *, now: datetime) -> tuple[Rules, list[Assured]]:
    """A home's rules; a table in its `rules_examples.md` stands instead of the shipped one.

    So a municipality that has changed a threshold sees which shipped examples no longer hold, and
    writes down what it wants instead.
    """
    home = open_home(folder)
    config = load_config(home)
    tables, own = shipped_examples(), home.root / EXAMPLES
    rules = config.all_rules
    if own.is_file():
        try:
            text = own.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise DeclarationError(f"{EXAMPLES}: not UTF-8 text") from None
        written = read_examples(text, name=EXAMPLES)
        strangers = sorted(set(written) - {rule.id for rule in rules})
        if strangers:
            raise DeclarationError(
                f"{EXAMPLES}: no rule in use has the id of {len(strangers)} table(s)"
            )
        tables = {**tables, **written}
    found = assure(config.rules, tables, config.instruments, now=now)
    return rules, found + _of_choices(config.network, tables, now=now)


def without_table(rules: Rules, found: Sequence[Assured]) -> list[str]:
    """Rules that have no example."""
    told = {one.rule_id for one in found}
    return [rule.id for rule in rules if rule.id not in told]
