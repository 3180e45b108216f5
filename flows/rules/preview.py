"""Rules, tried on the waves that a home has, before they are switched on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flows.home import Config, HomeError, load_config, open_home
from schemas.declared import DeclarationError
from schemas.network_rule import network_rule
from schemas.rule import shipped_rules
from schemas.rule_change import AnyRule, RuleChanges, amend, amend_network
from transforms.preview import Flags, Line, Shown, lines, shown
from warehouse.preview import RuleSet, preview

Rules = Sequence[AnyRule]


@dataclass(frozen=True, slots=True)
class Preview:
    """What the rules would have flagged, wave by wave, and what waits in the home now."""

    waves: Sequence[str]
    rules: Rules
    lines: Sequence[Line]
    open_flags: Shown
    overdue: Shown
    pupil_flags_off: bool


def preview_home(
    folder: Path, *, rule_id: str | None, changes: Path | None, wave: str | None, now: datetime
) -> Preview:
    """Preview a home's rules, with those of a file of changes in place of its own.

    Without such a file a named rule that the home has switched off is previewed as it is shipped.
    """
    home = open_home(folder)
    config = load_config(home)
    if not (home.restricted / "warehouse.duckdb").exists():
        raise HomeError("no wave has been run in this home yet: there is nothing to preview on")
    previewed = _previewed(config, rule_id, changes)
    told = _told(config.all_rules, previewed.all, rule_id)
    found = preview(
        home.restricted,
        in_force=RuleSet(config.rules, config.network),
        previewed=previewed,
        instruments=config.instruments,
        settings=config.settings,
        now=config.local(now),
    )
    if wave is not None and wave not in found.waves:
        raise HomeError("nobody has answered such a wave: --wave takes the id of one")
    seen = Flags(found.waves, found.flags, found.forms, found.indicators, found.asked)
    of_waves = lines(seen, told, min_n=config.settings.suppression.min_n)
    return Preview(
        waves=[wave] if wave else found.waves,
        rules=told,
        lines=[line for line in of_waves if wave in (None, line.wave)],
        open_flags=shown(found.open_flags),
        overdue=shown(found.overdue),
        pupil_flags_off=config.settings.routing is None,
    )


def _previewed(config: Config, rule_id: str | None, changes: Path | None) -> RuleSet:
    if changes is not None:
        if not changes.is_file():
            raise HomeError("there is no file at --rules")
        decided = RuleChanges.from_file(changes)
        try:
            return RuleSet(
                amend(shipped_rules(), decided, config.instruments),
                amend_network(network_rule(), decided),
            )
        except ValueError as error:
            raise DeclarationError(f"{changes.name}: {error}") from None
    in_force = {rule.id for rule in config.rules}
    off = [rule for rule in shipped_rules() if rule.id == rule_id and rule.id not in in_force]
    is_named = config.network.off and config.network.id == rule_id
    network = network_rule() if is_named else config.network
    return RuleSet((*config.rules, *off), network)


def _told(in_force: Rules, previewed: Rules, rule_id: str | None) -> Rules:
    """The rules to tell of: all of either set, as they would be; or the one that was named."""
    told = {rule.id: rule for rule in (*in_force, *previewed)}
    if rule_id is None:
        return list(told.values())
    if rule_id not in told:
        raise HomeError("no rule has that id: docs/reference/rules.md lists them")
    return [told[rule_id]]
