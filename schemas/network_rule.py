"""The class rule that looks at who chose whom (signal C7), as data.

It stands apart from the rules of shares: no share of the class is tested against other classes,
but the class against classes of equal choices, dealt at random.
"""

from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field

from schemas.declared import Declared
from schemas.rule import LOCAL_EDITIONS, RuleTexts, Situation, Source, edition

# Domain notes 5.2: with fewer, being chosen by nobody says nothing. A rule may ask for no less.
LEAST_ANSWERED = 10
LEAST_RESPONSE = 0.8

NETWORK = "network"
UNCHOSEN_IN = "network.unchosen_in"
NETWORK_INPUTS = frozenset({UNCHOSEN_IN})


class NetworkRule(Declared):
    """A class is a watch where at least `marks` of three hold.

    The class has fewer mutual pairs than all but `cohesion_below` of equal classes, `min_unchosen`
    pupils or more were chosen by nobody, it falls into `min_groups` groups or more. The same in
    `repeat_times` of the latest three waves of the school year is an alert (domain notes 8.2, C9).
    `off`: a municipality has decided that it speaks of no class.
    """

    target: Literal["class"] = "class"
    id: str = Field(pattern=r"^rule\.[a-z][a-z0-9_]*$")
    version: int = Field(ge=1, lt=LOCAL_EDITIONS)
    situation: Situation
    level: Literal["watch"] = "watch"
    cohesion_below: float = Field(gt=0, le=0.05)
    min_unchosen: int = Field(ge=3)
    min_groups: int = Field(ge=3)
    marks: int = Field(ge=2, le=3)
    repeat_times: int = Field(default=2, ge=2)
    off: bool = False
    texts: RuleTexts
    rationale: str
    source: Source

    @property
    def edition(self) -> str:
        """The version in words."""
        return edition(self.version)


class NetworkRuleFile(Declared):
    """`schemas/rules/network/class_network.toml`."""

    rule: NetworkRule


@cache
def network_rule() -> NetworkRule:
    """The rule that comes with Klassepuls."""
    file = files("schemas") / "rules" / "network" / "class_network.toml"
    return NetworkRuleFile.from_toml(file.read_text(encoding="utf-8"), name=file.name).rule
