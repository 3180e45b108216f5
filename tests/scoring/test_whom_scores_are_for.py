"""Which pupils get a score, what may be flagged from it, and that versions never mix."""

from dataclasses import replace

import pyarrow.compute as pc
import pytest

from schemas.indicator import Figure
from schemas.instrument import Instrument
from schemas.rule import ClassRule, PupilRule
from schemas.survey import Survey
from tests.support.home import AUTUMN, NOW
from tests.support.loading import SETTINGS, deliver, full_config, memory_warehouse, tiny_config
from transforms.use_for import as_instruments_allow
from warehouse.aggregates import Scope, count_indicators
from warehouse.flag import flag_state, score_and_flag

OURS = """
id = "ours"
version = 1
use_for = "both"
min_grade = 5
max_grade = 7
name = { nb = "Vår" }
licence = { name = "EUPL-1.2", source = "written for these tests" }
option_sets.agree = [
    { code = 1, label = { nb = "nei" } },
    { code = 2, label = { nb = "litt" } },
    { code = 3, label = { nb = "ja" } },
]
items = [{ id = "first", options = "agree" }, { id = "second", options = "agree" }]
[[scales]]
id = "whole"
items = ["first", "second"]
formula = "sum"
min_answered = 2
decimals = 0
minimum = 2
maximum = 6
label = { nb = "I alt" }
"""


def ours(**changes):
    return Instrument.from_toml(OURS, name="ours.toml").model_copy(update=changes)


def survey_of(*keys, more=None):
    return Survey.model_validate(
        {
            "id": "pulse",
            "name": "Puls",
            "tool": "canonical",
            "linkage": "pseudonymous",
            "instruments": keys,
            **(more or {}),
        }
    )


def config_of(*instruments, survey=None):
    known = {instrument.key: instrument for instrument in instruments}
    chosen = survey or survey_of(*known)
    return replace(tiny_config(), instruments=known, surveys={chosen.id: chosen})


def form(code, *, grade="6", **answers):
    return {
        "wave": AUTUMN,
        "school": "S01",
        "class_group": f"{grade}A",
        "grade": grade,
        "pupil_code": code,
        **{name.replace("__", "."): said for name, said in answers.items()},
    }


def scores(con):
    """{(grade, instrument, scale): score} of everybody."""
    found = con.execute("select grade, instrument_key, scale_id, score from core.score").fetchall()
    return {(grade, key, scale): score for grade, key, scale, score in found}


def test_a_pupil_below_or_above_the_grades_of_an_instrument_has_no_score():
    config = config_of(ours())
    con = memory_warehouse(config)
    deliver(
        con,
        config,
        [
            form(f"P00{grade}", grade=str(grade), ours_v1__first="3", ours_v1__second="2")
            for grade in (4, 5, 6, 7, 8)
        ],
    )
    assert scores(con) == {(grade, "ours_v1", "whole"): 5 for grade in (5, 6, 7)}
    assert con.execute("select count(*) from core.answer where value = 3").fetchall() == [(5,)]
    con.close()


def flag_pupils_of_grades(grades):
    """Everybody answers the lowest; the grades of the pupils whom a score alone gives a flag."""
    config = config_of(ours())
    con = memory_warehouse(config)
    settings = SETTINGS.model_copy(update={"routing": full_config().settings.routing})
    lowest = {"ours_v1__first": "1", "ours_v1__second": "1"}
    deliver(con, config, [form(f"P{at:03}", grade=str(at), **lowest) for at in grades])
    given = {"instruments": config.instruments, "settings": settings, "now": NOW}
    score_and_flag(con, AUTUMN, rules=[pupil_rule({"level": "flag", "any_of": [LOW]})], **given)
    return con, [grade for (grade,) in con.execute("select grade from core.flag").fetchall()]


def test_no_score_flags_a_pupil_below_or_above_the_grades_of_an_instrument():
    con, flagged = flag_pupils_of_grades(range(3, 10))
    assert sorted(flagged) == [5, 6, 7]
    con.close()


def test_no_figure_counts_a_score_of_a_pupil_below_or_above_the_grades_of_an_instrument():
    con, _ = flag_pupils_of_grades(range(3, 10))
    own = {"instrument": "ours_v1", "scale": "whole", "label": NAMED, "definition": NAMED}
    figures = [
        Figure(id="mean", statistic="mean", minimum=2, maximum=6, **own),
        Figure(id="low", statistic="share", band="low", **own),
    ]

    cells = count_indicators(con, figures, Scope(waves=(AUTUMN,), schools=("S01",))).cells

    whole = pc.and_(pc.is_null(cells.column("school_id")), pc.is_null(cells.column("grade")))
    rows = cells.filter(pc.and_(whole, pc.is_null(cells.column("gender")))).to_pylist()
    assert {row["statistic"]: row["n"] for row in rows} == {"mean": 3, "share": 3}
    con.close()


def test_a_score_is_made_of_one_version_only():
    second = ours(version=2)
    config = config_of(ours(), second)
    con = memory_warehouse(config)
    half_of_each = survey_of(
        "ours_v1", "ours_v2", more={"not_asked": ["ours_v1.second", "ours_v2.first"]}
    )
    config = replace(config, surveys={"pulse": half_of_each})
    deliver(con, config, [form("P001", ours_v1__first="3", ours_v2__second="3")])

    assert scores(con) == {(6, "ours_v1", "whole"): None, (6, "ours_v2", "whole"): None}
    con.close()


def test_two_versions_in_one_wave_each_have_their_own_score():
    config = config_of(ours(), ours(version=2))
    con = memory_warehouse(config)
    answers = {"ours_v1__first": "1", "ours_v1__second": "1"}
    deliver(con, config, [form("P001", **answers, ours_v2__first="3", ours_v2__second="3")])

    assert scores(con) == {(6, "ours_v1", "whole"): 2, (6, "ours_v2", "whole"): 6}
    con.close()


NAMED = {"nb": "x", "nn": "x", "en": "x"}
TEXTS = {"name": {"nb": "x"}, "why": {"nb": "x"}, "not_meaning": {"nb": "x"}}
LOW = {"input": "ours_v1.whole", "op": "at_most", "threshold": 3}
SAD = {"input": "ours_v1.first", "op": "at_most", "threshold": 1}
OTHER = {"input": "klassepuls_core_v1.safety", "op": "at_most", "threshold": 2}


def pupil_rule(*steps):
    return PupilRule.model_validate(
        {
            "target": "pupil",
            "id": "rule.made_up",
            "version": 1,
            "situation": "not_thriving",
            "steps": steps,
            "texts": TEXTS,
            "rationale": "x",
            "source": "x",
        }
    )


def class_rule(*conditions):
    return ClassRule.model_validate(
        {
            "target": "class",
            "id": "rule.made_up_class",
            "version": 1,
            "situation": "not_thriving",
            "any_of": conditions,
            "baselines": [{"grades": [1, 13], "share": 0.06, "source": "x"}],
            "texts": TEXTS,
            "rationale": "x",
            "source": "x",
        }
    )


PUPIL_RULE = pupil_rule({"level": "flag", "any_of": [LOW, SAD]})
CLASS_RULE = class_rule(LOW)


@pytest.mark.parametrize(
    ("use_for", "flagged"),
    [
        ("both", {"pupil": 10, "class": 1}),
        ("class", {"class": 1}),
        ("pupil", {"pupil": 10}),
    ],
)
def test_an_instrument_flags_only_what_it_may_be_used_for(use_for, flagged):
    config = config_of(ours(use_for=use_for))
    con = memory_warehouse(config)
    settings = SETTINGS.model_copy(update={"routing": full_config().settings.routing})
    answers = {"ours_v1__first": "1", "ours_v1__second": "1"}
    deliver(con, config, [form(f"P{number:03}", **answers) for number in range(10)])
    con.execute("insert into core.dim_class_group values ('S01', '6A', '2025-26', 6, 10)")

    done = score_and_flag(
        con,
        AUTUMN,
        instruments=config.instruments,
        rules=[PUPIL_RULE, CLASS_RULE],
        settings=settings,
        now=NOW,
    )

    counted = {}
    for (target, _, _), count in done.raised.items():
        counted[target] = counted.get(target, 0) + count
    assert counted == flagged
    con.close()


def test_a_wave_is_due_again_when_an_instrument_may_be_used_for_less():
    con = memory_warehouse(config_of(ours()))
    states = {
        flag_state(con, AUTUMN, instruments={"ours_v1": one}, rules=[CLASS_RULE], settings=SETTINGS)
        for one in (ours(), ours(use_for="pupil"), ours(min_grade=4), ours(max_grade=8))
    }
    assert len(states) == 4
    con.close()


# A rule's steps -> what is left of them where `ours` is for classes only.
STEPS = [
    ("one of two is left", [{"level": "flag", "any_of": [LOW, OTHER]}], [(0, 1)]),
    ("none is left", [{"level": "flag", "any_of": [LOW, SAD]}], None),
    ("all of them were needed", [{"level": "flag", "all_of": [LOW, OTHER]}], None),
    ("what is needed beside it stays", [{"level": "flag", "all_of": [OTHER]}], [(1, 0)]),
    ("no choice is left", [{"level": "flag", "all_of": [OTHER], "any_of": [LOW]}], None),
    (
        "a lower step is left",
        [{"level": "flag", "any_of": [LOW]}, {"level": "watch", "any_of": [OTHER]}],
        [(0, 1)],
    ),
]


@pytest.mark.parametrize(
    ("steps", "left"), [case[1:] for case in STEPS], ids=[case[0] for case in STEPS]
)
def test_what_is_left_of_a_pupil_rule_without_an_instrument_for_classes(steps, left):
    rule = pupil_rule(*steps)
    known = {"ours_v1": ours(use_for="class")}

    found = as_instruments_allow([rule], known)

    sizes = [(len(step.all_of), len(step.any_of)) for one in found for step in one.steps]
    assert sizes == (left or [])
    assert all("ours_v1" not in one.model_dump_json() for one in found)
    assert list(as_instruments_allow([rule], {"ours_v1": ours()})) == [rule]


def test_a_class_rule_keeps_what_may_be_used_for_classes():
    known = {"ours_v1": ours(use_for="pupil")}

    [found] = as_instruments_allow([class_rule(LOW, OTHER)], known)

    assert [condition.input for condition in found.any_of] == [OTHER["input"]]
    assert list(as_instruments_allow([class_rule(LOW)], known)) == []
