"""The example tables of the shipped rules, or of a municipality's, run and gathered."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from flows.home import load_config, open_home
from schemas.declared import DeclarationError
from schemas.instrument import shipped_instruments
from schemas.rule import ClassRule, PupilRule, shipped_rules
from schemas.rule_example import read_examples, shipped_examples
from warehouse.assure import Assured, assure

EXAMPLES = "rules_examples.md"
Rules = Sequence[PupilRule | ClassRule]


def assure_shipped(*, now: datetime) -> tuple[Rules, list[Assured]]:
    """The shipped rules and every example beside them."""
    rules = shipped_rules()
    return rules, assure(rules, shipped_examples(), shipped_instruments(), now=now)


def assure_home(folder: Path, *, now: datetime) -> tuple[Rules, list[Assured]]:
    """A home's rules; a table in its `rules_examples.md` stands instead of the shipped one.

    So a municipality that has changed a threshold sees which shipped examples no longer hold, and
    writes down what it wants instead.
    """
    home = open_home(folder)
    config = load_config(home)
    tables, own = shipped_examples(), home.root / EXAMPLES
    if own.is_file():
        try:
            text = own.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise DeclarationError(f"{EXAMPLES}: not UTF-8 text") from None
        written = read_examples(text, name=EXAMPLES)
        strangers = sorted(set(written) - {rule.id for rule in config.rules})
        if strangers:
            raise DeclarationError(
                f"{EXAMPLES}: no rule in use has the id of {len(strangers)} table(s)"
            )
        tables = {**tables, **written}
    return config.rules, assure(config.rules, tables, config.instruments, now=now)


def without_table(rules: Rules, found: Sequence[Assured]) -> list[str]:
    """Rules that have no example."""
    told = {one.rule_id for one in found}
    return [rule.id for rule in rules if rule.id not in told]
