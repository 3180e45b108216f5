"""What a flag report shows, ready to print: every field is text in one language, or a chart.

The templates only place it. No field holds a pseudonym.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from markupsafe import Markup

from reports.texts import Texts
from schemas.instrument import Instrument
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import ClassRule, PupilRule, RuleTexts
from schemas.settings import Settings

# From the one that cannot wait to the offer; never a measure of how a pupil is.
LEVEL_ORDER = ("prompt", "flag", "watch", "welcome")
TALK_LEVELS = frozenset({"prompt", "flag"})


class ReportError(Exception):
    """A report cannot be written as it should be; the message names what is missing."""


@dataclass(frozen=True, slots=True)
class ReportContext:
    """What turns codes into words: texts, instruments, rules, settings and the nurse's own list."""

    texts: Texts
    codes: Mapping[str, str] = field(repr=False)
    instruments: Mapping[str, Instrument]
    rules: Mapping[str, PupilRule | ClassRule]
    settings: Settings
    issued_on: date
    # Many pupils answer the same, and the line for it, chart included, is made once a wave.
    lines: dict[tuple[object, ...], "AnswerLine"] = field(
        default_factory=dict, repr=False, compare=False
    )
    # So is what many schools are told of a rule, and of the limits that their grades lack.
    rules_of: dict[tuple[object, ...], "RuleLine | None"] = field(
        default_factory=dict, repr=False, compare=False
    )
    notes: dict[tuple[object, ...], tuple[str, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )
    # What each survey asks: its instruments, and whom pupils like to be with.
    asked_in: Mapping[str, frozenset[str]] = field(default_factory=dict)
    survey_names: Mapping[str, str] = field(default_factory=dict)
    network: NetworkRule = field(default_factory=network_rule)  # as the municipality has it
    audit_head: str = ""  # of the log of decisions, when the report is written; empty: no event yet

    def pupil_rule(self, rule_id: str, version: int) -> PupilRule:
        """The pupil rule of this id and version; ReportError where it was not given."""
        rule = self.rules.get(f"{rule_id}@{version}")
        if not isinstance(rule, PupilRule):
            raise ReportError(f"no pupil rule {rule_id}@{version}: give the rules that flagged")
        return rule

    def class_rule(self, rule_id: str, version: int) -> ClassRule:
        """The class rule of this id and version; ReportError where it was not given."""
        rule = self.rules.get(f"{rule_id}@{version}")
        if not isinstance(rule, ClassRule):
            raise ReportError(f"no class rule {rule_id}@{version}: give the rules that flagged")
        return rule

    def class_texts(self, rule_id: str, version: int) -> RuleTexts:
        """The texts of a class rule, the one of choices too."""
        network = network_rule()
        if rule_id == network.id:  # a municipality's edition of it says the same
            return network.texts
        return self.class_rule(rule_id, version).texts


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """One answer in words, where the limit is, what was answered before, and the chart of it."""

    text: str
    limit: str
    earlier: str
    chart: Markup | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why one flag was raised, and what it does not mean."""

    name: str
    why: str
    answers: tuple[AnswerLine, ...]
    not_meaning: str
    trace: str
    situation: str


@dataclass(frozen=True, slots=True)
class PupilRow:
    """All flags of one pupil; `code` is None where the pupil is not on the nurse's list."""

    class_group: str
    code: str | None
    level: str
    has_asked: bool
    reasons: tuple[Reason, ...]
    status: tuple[str, ...]
    basis: str
    quality: tuple[str, ...]
    due_on: date | None
    due: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class AskingRow:
    """One pupil, or one form without a code; `place` is where the operator finds the form.

    `level` is prompt or flag.
    """

    code: str | None
    has_code: bool
    class_group: str
    says: tuple[tuple[str, str], ...]
    waits: tuple[str, ...]
    place: str
    level: str
    due: str
    due_on: date
    is_overdue: bool
    has_asked: bool


@dataclass(frozen=True, slots=True)
class LapsedRow:
    """What was raised for one pupil or one class (level and name) and has lapsed, and why."""

    class_group: str
    code: str | None
    is_class: bool
    raised: tuple[tuple[str, str], ...]
    why: str


@dataclass(frozen=True, slots=True)
class IndicatorRow:
    """One theme in one class; `level` is alert, watch, lapsed, none (tested) or untested."""

    name: str
    chart: Markup | None
    count: str
    share: str
    level: str
    sure: str
    due: str
    why: str
    not_meaning: str


@dataclass(frozen=True, slots=True)
class ClassOverview:
    """One line of the first page's table; `anchor` is empty where the class has no section."""

    class_group: str
    anchor: str
    answered: str
    notes: tuple[str, ...]
    tally: tuple[tuple[str, int], ...]
    signals: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the method, and when it is due."""

    what: str
    when: str


@dataclass(frozen=True, slots=True)
class ClassSection:
    """One class with at least one flag."""

    class_group: str
    title: str
    lead: tuple[str, ...]
    pupils: tuple[PupilRow, ...]
    indicators: tuple[IndicatorRow, ...]
    steps: tuple[Step, ...]
    has_duty: bool


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule in words."""

    rule: str
    name: str
    says: str
    levels: tuple[str, ...]
    source: str
    source_language: str


@dataclass(frozen=True, slots=True)
class ReportView:
    """The whole report."""

    language: str
    title: str
    kicker: str
    school: str
    about: str
    for_whom: str
    headline: str
    lead: tuple[str, ...]
    caveats: tuple[str, ...]
    since: tuple[str, ...]
    asking: tuple[AskingRow, ...]
    first: tuple[PupilRow, ...]
    anchors: Mapping[str, str]
    classes: tuple[ClassOverview, ...]
    levels: tuple[str, ...]
    sections: tuple[ClassSection, ...]
    lapsed: tuple[LapsedRow, ...]
    steps_caption: str
    rules: tuple[RuleLine, ...]
    method: tuple[str, ...]
    expires: str
    footer: str
    audit: str
