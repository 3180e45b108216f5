"""Every text has a reader, and no reader meets a key."""

from dataclasses import replace
from datetime import date
from typing import Any

from jinja2 import pass_context

from reports.model import ReportContext
from reports.report_view import report_view
from reports.school_report import render, report_template
from reports.texts import Texts, read_texts
from schemas.instrument import shipped_instruments
from schemas.rule import shipped_rules
from schemas.settings import Settings
from tests.reports.page import Page, School
from tests.reports.records import answer, flag, indicator, scale_rule
from warehouse.school_data import (
    AskingPupil,
    Before,
    ClassCount,
    ClassFlag,
    ClassNetwork,
    Evidence,
    FollowUp,
    LocalLimit,
    PastAnswer,
    SchoolData,
)
from warehouse.since import Since


class Recorder(dict[str, str]):
    """Texts that remember which of them were said."""

    def __init__(self, entries: Any) -> None:
        super().__init__(entries)
        self.said: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.said.add(key)
        return super().__getitem__(key)


def worlds(data: SchoolData, adult: SchoolData) -> list[SchoolData]:
    """Reports that between them have something of everything to say."""
    unsure = PastAnswer("2025-H", None, "dont_know")
    both = (answer("bullied_by_pupils", 3, 3, unsure), answer("bullied_digitally", 4, 3))
    marks = ("all_extremes", "identical", "straight_line", "too_fast")
    watched = flag("rule.bullied_by_pupils", "watch", "psn-w", evidence=both, marks=marks)
    asks = flag("rule.wants_talk", "prompt", "psn-x", evidence=(answer("wants_talk", 1, 1),))
    score = (Evidence("who5_v1.wellbeing", 44, 50),)
    scored = replace(flag("rule.unsafe", "flag", "psn-y", evidence=score), rule_id="rule.low_who5")
    before = Before("2025-H", 76)
    fell = flag(
        "rule.wellbeing_fell",
        "flag",
        "psn-u",
        evidence=(
            Evidence("who5_v1.wellbeing", 44, 24, before=before),
            Evidence("who5_v1.wellbeing", 44, 50, before=before),
        ),
    )
    thrived = replace(answer("thriving", 3, 2), before=Before("2025-H", 5))
    less = flag("rule.thriving_less", "watch", "psn-t", evidence=(thrived,))
    some = flag(
        "rule.sometimes_alone", "watch", "psn-m", evidence=(answer("company_in_breaks", 2, 3),)
    )
    lowest = (Evidence("stirling_v1.wellbeing", 30, 33),)
    low = flag("rule.low_childrens_wellbeing", "watch", "psn-p", evidence=lowest)
    unchosen = Evidence("network.unchosen_in", 2, 2)
    again = replace(unchosen, before=Before("2025-H", 2))
    alone = flag("rule.unchosen", "watch", "psn-s", evidence=(unchosen,))
    still = flag("rule.unchosen", "flag", "psn-r", evidence=(again,))
    known = flag("rule.not_thriving", "flag", "psn-z", known_in=("2025-H",))
    odd = (
        ClassCount("7B", 7, 25, 24),
        ClassCount("8A", 8, 0, 22),
        ClassCount("8B", 8, 20, 22, careless=2),
        ClassCount("8C", 8, 11, 20, apart=12, surveys=2),
    )
    watch = ClassFlag(
        "7B", "watch", "rule.class_bullied", 1, None, date(2027, 3, 23), survey_id="pulse"
    )
    wish, adults = ("rule.wants_talk", 1), ("rule.bullied_by_adults", 1)
    since = date(2026, 11, 20)
    twice = AskingPupil(
        "psn-q", ("7B",), (wish,), (), 2, 2, since, is_given_up=False,
        delivery="535b85dfedbd", row_no=5,
    )  # fmt: skip
    once = replace(twice, pupil="psn-r", asks_in=1, rules=(("rule.gone", 1),))
    stood = replace(twice, pupil="psn-p", asks_in=0, is_prompt=False)
    shared = replace(twice, pupil="psn-t", versions=1, asks_in=1, in_two_schools=True)
    retyped = replace(twice, pupil="psn-w", versions=1, asks_in=1, is_changed=True)
    saved = replace(twice, pupil="psn-z", versions=1, asks_in=1, is_without_zeros=True)
    flawed = replace(
        twice, pupil=None, classes=(), reasons=("CLASS_INVALID",), versions=0, is_given_up=True
    )
    loose = replace(watch, rule_id="rule.class_network")
    registered = replace(known, pupil="psn-o", situation="vulnerable_situation")
    gone = replace(watch, has_lapsed=True)
    limit = LocalLimit("stirling_v1.wellbeing", "below_percentile", 10.0, "this", 8)
    over = replace(known, has_lapsed=True, expires_on=date(2026, 11, 1))
    network = ClassNetwork(
        "7B", answered=20, unchosen=3, groups=2, p_cohesion=0.012, survey_id="pulse"
    )
    unlisted = indicator(4, gate="tested", enrolled=None, baseline_from="published")
    unlike = ("rule.class_wellbeing", "rule.class_wellbeing_spread", "rule.class_new_pupils")
    far = tuple(replace(watch, rule_id=rule_id, value=3.0, waves=2) for rule_id in unlike)
    scales = tuple(indicator(0, gate="tested", rule_id=rule_id) for rule_id in unlike)
    estimated = indicator(
        4, gate="tested", rule_id="rule.class_unsafe", baseline=0.04, baseline_from="published"
    )
    seen = indicator(6, gate="tested", rule_id="rule.class_witnessed", p_exact=0.001, q_value=0.01)
    apart = (*data.classes[:-1], ClassCount("7B", 7, 9, 20, apart=9, surveys=2))
    unlikely = indicator(6, gate="tested", p_exact=0.001, q_value=0.01)
    short = indicator(6, gate="low_response", answered=9)
    witnessed = (replace(data.class_flags[0], level="watch", rule_id="rule.class_witnessed"),)
    few = indicator(0, gate="few_classes", rule_id="rule.class_belonging")
    skipped = indicator(0, gate="few_answers", answered=7, rule_id="rule.class_unsafe")
    return [
        replace(data, class_flags=far, indicators=(*scales, few, skipped)),
        data,
        adult,
        replace(adult, pupil_flags=()),
        replace(data, pupil_flags=(), class_flags=()),
        replace(data, pupil_flags=(), is_linked=False),
        replace(data, is_first_of_key=True),
        replace(data, pupil_flags=(over, replace(asks, has_lapsed=True)), class_flags=(gone,)),
        replace(data, class_flags=(gone,)),
        replace(
            data, pupil_flags=(watched, asks), classes=odd, held=1, held_shared=2, held_codes=2
        ),
        replace(data, pupil_flags=(asks, replace(asks, pupil="psn-v"), scored, known, fell, less)),
        replace(data, pupil_flags=(registered, some)),
        replace(data, pupil_flags=(low,)),
        replace(data, pupil_flags=(asks, replace(asks, pupil="psn-v")), class_flags=(watch,)),
        replace(data, pupil_flags=(watched,), class_flags=()),
        replace(
            data,
            pupil_flags=tuple(
                replace(asks, pupil=f"psn-f{at}", follow_up=FollowUp(*made))
                for at, made in enumerate(
                    (
                        ("accepted", "K-1", "offered"),
                        (None, "K-1", "opened"),
                        (None, None, None),
                        ("dismissed", "K-1", "dismissed"),
                        ("accepted", "K-1", "closed"),
                    )
                )
            ),
        ),
        replace(
            data,
            class_flags=(replace(watch, level="alert", waves=2),),
            indicators=(indicator(6, gate="tested", p_exact=0.02, q_value=0.3),),
        ),
        replace(data, indicators=(indicator(6, gate="tested", p_exact=0.02),)),
        replace(data, class_flags=(), indicators=(unlisted,)),
        *(
            replace(data, class_flags=flags, indicators=(seen,))
            for flags in (data.class_flags, witnessed)
        ),
        replace(data, class_flags=(), indicators=(estimated,)),
        replace(data, class_flags=(), indicators=(unlikely,)),
        replace(data, classes=apart, class_flags=(), indicators=(short,)),
        replace(data, surveys=("core", "pulse"), grades=(7,)),
        replace(
            data,
            surveys=("core", "pulse"),
            indicators=(few, replace(few, survey_id="core")),  # as an earlier version judged
        ),
        replace(data, surveys=("core",), grades=(7, 8)),
        replace(data, surveys=("core",), grades=(8,), limits=(limit,)),
        replace(data, surveys=("core",), grades=(7, 8), limits=(limit, replace(limit, grade=7))),
        replace(data, asking=(twice, once, shared, retyped, saved, flawed)),
        replace(data, pupil_flags=(), class_flags=(), asking=(twice,)),
        replace(data, asking=(stood,)),
        replace(data, asking=(replace(stood, asks_in=1), replace(stood, asks_in=2))),
        replace(adult, asking=(replace(twice, rules=(adults,)),)),
        replace(data, pupil_flags=(alone, still), class_flags=(loose,), networks=(network,)),
        replace(
            data,
            since=Since("2026-V", 2, 1, 3, 1, ("5A",), ("6A",), ("7B",)),
            pupil_flags=(replace(asks, follow_up=FollowUp(None, None, None)),),
        ),
    ]


def test_every_text_is_used_and_no_key_is_shown(
    warehouse: Any, fjordvik: School, settings: Settings
) -> None:
    entries = Recorder(read_texts("nb").entries)
    texts = Texts("nb", entries)
    for n in range(13):
        texts.number(n)
    # Said when the page is made: a text in a branch that no page reaches has no reader.
    template = report_template(
        texts, pass_context(lambda _, key, **values: texts.say(key, **values))
    )
    assert settings.routing is not None
    owner = settings.routing.model_copy(update={"bullied_by_adults_to": "school_owner"})
    rules = {
        f"{rule.id}@{rule.version}": rule for rule in (*shipped_rules(), scale_rule("wellbeing"))
    }
    shown = ""
    for routing in (settings.routing, owner, None):
        for data in worlds(fjordvik[0], warehouse.read("adult_route")):
            given = data if routing else replace(data, pupil_flags=())
            context = ReportContext(
                texts=texts,
                codes=fjordvik[1],
                instruments=shipped_instruments(),
                rules=rules,
                settings=settings.model_copy(update={"routing": routing}),
                issued_on=date(2026, 11, 25),
                audit_head="ab" * 32,
                asked_in={"core": frozenset({"stirling_v1"})},
            )
            shown += Page(render(report_view(given, context), texts, template)).text
    forms = (".one", ".other")
    unused = {
        key
        for key in set(entries) - entries.said
        if not (
            key.endswith(forms) and any(key.rpartition(".")[0] + f in entries.said for f in forms)
        )
    }
    assert unused == set()
    assert not [key for key in entries if key in shown]
