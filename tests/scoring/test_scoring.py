"""Scale scores: tables to read, and the query expressions against exact fractions."""

import itertools
import json
import math
from fractions import Fraction
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.instrument import DONT_KNOW, SKIPPED, Instrument, shipped_instruments
from tests.scoring import plain_scorer
from transforms.scoring import score_sql

WHO5 = shipped_instruments()["who5_v1"]


@pytest.fixture(scope="module", autouse=True)
def _connection():
    yield
    database().close()
    database.cache_clear()  # a worker may come back to this module for a stolen test


@cache
def database():
    return duckdb.connect()


def scored(instrument, forms, scale=None):
    """[(score, answered, band)] of each form, for the (first) scale, by the query."""
    scale = scale or instrument.scales[0]
    ids = [item.id for item in instrument.items]
    answers = pa.table(
        {name: pa.array([form.get(name) for form in forms], pa.int8()) for name in ids}
    )
    query = database().from_arrow(answers).project(", ".join(score_sql(instrument, scale)))
    return query.fetchall()


def reach_of(options, declared):
    """The lowest and the highest score of items with these options."""
    if declared["formula"] in ("count", "any"):
        return 0, (1 if declared["formula"] == "any" else len(options)) * declared["multiply_by"]
    low, high = sum(map(min, options)), sum(map(max, options))
    if declared["formula"] == "table":
        scores = [score for _, score in declared["table"]]
        return min(scores), max(scores)
    many = len(options) if declared["formula"] == "mean" else 1
    return low / many * declared["multiply_by"], high / many * declared["multiply_by"]


def instrument_of(items, **scale):
    """An instrument of one scale; `items` maps an item to (codes, is_reversed)."""
    sets = {
        name: [{"code": code, "label": {"nb": "x"}} for code in codes]
        for name, (codes, _) in items.items()
    }
    declared = {"formula": "sum", "multiply_by": 1.0, "min_answered": 1, "decimals": 0} | scale
    low, high = reach_of([codes for codes, _ in items.values()], declared)
    return Instrument.model_validate(
        {
            "id": "made_up",
            "version": 1,
            "name": {"nb": "x"},
            "use_for": "both",
            "min_grade": 1,
            "licence": {"name": "none", "source": "made up"},
            "option_sets": sets,
            "items": [
                {"id": name, "options": name, "is_reversed": is_reversed}
                for name, (_, is_reversed) in items.items()
            ],
            "scales": [
                declared
                | {
                    "id": "scale",
                    "items": list(items),
                    "minimum": low,
                    "maximum": high,
                    "label": {"nb": "x"},
                }
            ],
        }
    )


def exact(instrument, answers):
    """The first scale's score in exact fractions."""
    return plain_scorer.score(instrument, instrument.scales[0], answers)


# WHO-5: five items from 0 to 5, their sum times four; 50 or below is low.
WHO5_FORMS = [
    # answers            score  answered  band
    ((0, 0, 0, 0, 0), 0, 5, "low"),
    ((1, 1, 1, 2, 2), 28, 5, "low"),
    ((3, 3, 3, 2, 1), 48, 5, "low"),
    ((3, 3, 3, 3, 1), 52, 5, "not_low"),
    ((5, 5, 5, 5, 5), 100, 5, "not_low"),
    ((5, 5, 5, 5, SKIPPED), None, 4, None),
    ((5, 5, 5, 5, DONT_KNOW), None, 4, None),
    ((5, 5, 5, 5, None), None, 4, None),
    ((None,) * 5, None, 0, None),
    ((SKIPPED,) * 5, None, 0, None),
]


def who5_form(codes):
    return {item.id: code for item, code in zip(WHO5.items, codes, strict=True)}


@pytest.mark.parametrize(("codes", "score", "answered", "band"), WHO5_FORMS)
def test_who5_is_the_sum_times_four_and_low_up_to_50(codes, score, answered, band):
    assert scored(WHO5, [who5_form(codes)]) == [(score, answered, band)]


def test_every_who5_form_has_four_times_its_sum():
    forms = list(itertools.product(range(6), repeat=5))

    found = scored(WHO5, [who5_form(codes) for codes in forms])

    assert [score for score, *_ in found] == [4 * sum(codes) for codes in forms]


def test_who5_scores_are_those_that_others_published(shared):
    # pedscience/clinicalsignificance, data-raw/claus-2020.xlsx (numbers only)
    case = published(shared, "who5-items-to-score")

    found = scored(WHO5, [who5_form(codes) for codes in case["input"]])

    assert [score for score, *_ in found] == [row["percent"] for row in case["expected"]]


def published(shared, case_id):
    cases = json.loads((shared / "cases" / "statistics.json").read_text())["cases"]
    return next(case for case in cases if case["id"] == case_id)


def test_five_items_with_reversed_ones_are_prorated_as_the_official_rules_say(shared):
    # SDQ self-report (pmhc-scoring-sdq.pdf, tables 1 and 3): rules only, no item texts
    rules = published(shared, "sdq-self-rules")["expected"]
    for numbers in rules["scales"].values():
        items = {f"q{n}": ((0, 1, 2), n in rules["reversed"]) for n in numbers}
        made = instrument_of(items, min_answered=3)
        forms = [
            dict(zip(items, codes, strict=True))
            for codes in itertools.product((0, 1, 2, None), repeat=5)
        ]
        expected = [sdq_score(form, rules["reversed"]) for form in forms]

        assert [score for score, *_ in scored(made, forms)] == expected


def sdq_score(form, turned):
    known = [
        2 - code if int(name[1:]) in turned else code
        for name, code in form.items()
        if code is not None
    ]
    return (
        math.floor(Fraction(sum(known) * 5, len(known)) + Fraction(1, 2))
        if len(known) >= 3
        else None
    )


# Reversed items, missing answers and rounding: one scale of three items from 1 to 5.
SCALE_FORMS = [
    # what it shows                        scale                                  answers    score
    ("a sum", {"formula": "sum"}, (1, 2, 3), 6),
    ("a mean", {"formula": "mean", "decimals": 2}, (1, 2, 2), 1.67),
    ("a third missing is prorated", {"formula": "sum"}, (2, 3, None), 8),
    ("skipped is missing, not lowest", {"formula": "sum"}, (4, 4, SKIPPED), 12),
    ("too few answers", {"formula": "sum", "min_answered": 2}, (5, None, SKIPPED), None),
    ("just enough answers", {"formula": "sum", "min_answered": 2}, (5, 5, None), 15),
    ("half is rounded up", {"formula": "mean"}, (2, 3, None), 3),
    ("and up again, not to even", {"formula": "mean"}, (1, 2, None), 2),
    (
        "half of a hundredth",
        {"formula": "mean", "multiply_by": 0.25, "decimals": 2},
        (1, 1, 1),
        0.25,
    ),
]


@pytest.mark.parametrize(
    ("scale", "codes", "score"),
    [case[1:] for case in SCALE_FORMS],
    ids=[case[0] for case in SCALE_FORMS],
)
def test_how_a_scale_is_scored(scale, codes, score):
    made = instrument_of(dict.fromkeys("abc", ((1, 2, 3, 4, 5), False)), **scale)
    form = dict(zip("abc", codes, strict=True))

    assert scored(made, [form])[0][0] == score


def test_a_reversed_item_counts_from_the_other_end():
    made = instrument_of({"a": ((1, 2, 3, 4, 5), False), "b": ((1, 2, 3, 4, 5), True)})

    found = scored(made, [{"a": 1, "b": 5}, {"a": 5, "b": 1}, {"a": 2, "b": 2}])

    assert [score for score, *_ in found] == [2, 10, 6]


def test_a_reversed_item_that_was_skipped_is_missing_and_not_extreme():
    made = instrument_of({"a": ((0, 1, 2), False), "b": ((0, 1, 2), True)}, formula="mean")

    assert scored(made, [{"a": 1, "b": SKIPPED}])[0] == (1, 1, None)


def test_codes_below_zero_round_away_from_zero():
    made = instrument_of(dict.fromkeys("ab", ((-2, -1, 0, 1, 2), False)), formula="mean")

    found = scored(made, [{"a": -2, "b": -1}, {"a": 2, "b": 1}, {"a": -1, "b": 0}])

    assert [score for score, *_ in found] == [-2, 2, -1]


def test_a_sum_of_large_codes_does_not_overflow():
    names = [f"q{n}" for n in range(30)]
    made = instrument_of(dict.fromkeys(names, ((-99, 127), False)))

    found = scored(made, [dict.fromkeys(names, 127), dict.fromkeys(names, -99)])

    assert [score for score, *_ in found] == [30 * 127, 30 * -99]


def test_a_score_between_two_bands_belongs_to_neither():
    bands = [
        {"id": "high", "above": 3, "at_most": 4},
        {"id": "low", "at_most": 1},
    ]
    about = {"label": {"nb": "x"}, "population": "made up", "source": "made up"}
    made = instrument_of({"a": ((0, 1, 2, 3, 4), False)}, bands=[band | about for band in bands])

    found = scored(made, [{"a": code} for code in (0, 1, 2, 3, 4)])

    assert [band for *_, band in found] == ["low", "low", None, None, "high"]


def test_a_half_is_a_half_in_whatever_order_it_is_reached():
    # 23 / 5 * 12.5 is 57.49999999999999 to a computer, and 23 * 12.5 / 5 is 57.5.
    names = [f"q{n}" for n in range(11)]
    for formula, times, size in itertools.product(("sum", "mean"), (2.5, 4.5, 12.5), (3, 5, 9, 11)):
        made = instrument_of(
            dict.fromkeys(names[:size], ((0, 1, 2, 3, 4, 5), False)),
            formula=formula,
            multiply_by=times,
        )
        forms = [
            dict(zip(names, [5] * fives + [1] * ones + [None] * size, strict=False))
            for fives in range(size + 1)
            for ones in range(size - fives + 1)
        ]

        assert scored(made, forms) == [exact(made, form) for form in forms]


def test_a_scale_gives_a_score_a_count_and_a_band():
    query = database().from_arrow(pa.table({name: [1] for name in WHO5.scales[0].items}))
    named = query.project(", ".join(score_sql(WHO5, WHO5.scales[0]))).columns
    assert named == ["wellbeing", "wellbeing_n", "wellbeing_band"]


# What PISA calls exposed: any of six at "a few times a month" (3) or more.
PISA = shipped_instruments()["pisa_bullying_v1"]
EXPOSED, KINDS = PISA.scales
PISA_FORMS = [
    # answers             exposed  kinds
    ((1, 1, 1, 1, 1, 1), 0, 0),
    ((2, 2, 2, 2, 2, 2), 0, 0),
    ((1, 1, 3, 1, 1, 1), 1, 1),
    ((4, 3, 2, 1, 1, 4), 1, 3),
    ((4, 4, 4, 4, 4, 4), 1, 6),
    # One answer is enough to say that it happens, and five are not enough to say that nothing does.
    ((3, None, None, SKIPPED, DONT_KNOW, None), 1, None),
    ((1, 1, 1, 1, 1, None), None, None),
    ((None,) * 6, None, None),
]


@pytest.mark.parametrize(("codes", "exposed", "kinds"), PISA_FORMS)
def test_exposed_is_any_of_six_a_few_times_a_month_or_more(codes, exposed, kinds):
    form = dict(zip([item.id for item in PISA.items], codes, strict=True))

    assert scored(PISA, [form], EXPOSED)[0][0] == exposed
    assert scored(PISA, [form], KINDS)[0][0] == kinds


def test_belonging_turns_the_three_lonely_statements_round_and_needs_four_answers():
    belonging = shipped_instruments()["pisa_belonging_v1"]
    names = [item.id for item in belonging.items]  # outsider, makes_friends, belongs, awkward, ...
    forms = [
        dict(zip(names, codes, strict=True))
        for codes in (
            (1, 4, 4, 1, 4, 1),  # belongs as much as can be
            (4, 1, 1, 4, 1, 4),
            (1, 4, 4, 1, None, None),
            (1, 4, 4, None, None, None),
            (4, 4, 4, 4, 4, 4),  # the same answer everywhere says nothing
        )
    ]
    assert [score for score, *_ in scored(belonging, forms)] == [4, 1, 4, None, 2.5]


def test_stirling_stands_in_for_two_missing_items_and_not_for_three():
    stirling = shipped_instruments()["stirling_v1"]
    wellbeing, desirability = stirling.scales
    answered = dict.fromkeys((item.id for item in stirling.items), 4)
    one_missing = answered | {wellbeing.items[0]: SKIPPED, wellbeing.items[1]: 5}
    two_missing = answered | dict.fromkeys(wellbeing.items[:2], None)
    three_missing = answered | dict.fromkeys(wellbeing.items[:3], SKIPPED)

    assert set(desirability.items) == {"scwbs_2", "scwbs_7", "scwbs_13"}
    assert not set(desirability.items) & set(wellbeing.items)
    found = scored(stirling, [answered, one_missing, two_missing, three_missing])
    # 10 fours and a five of 11 answers: 45 / 11 * 12 = 49.09...
    assert found == [(48, 12, None), (49.1, 11, None), (48, 10, None), (None, 9, None)]


def test_swemwbs_is_looked_up_in_the_published_table(shared):
    # Stewart-Brown 2009, table 3, as four public files have it; row 29 differs between them
    case = published(shared, "swemwbs-raw-to-metric")
    swemwbs = shipped_instruments()["swemwbs_v1"]
    names = [item.id for item in swemwbs.items]
    forms = [form_with_sum(names, raw) for raw in case["input"]]

    assert [score for score, *_ in scored(swemwbs, forms)] == case["expected"]
    lacking = dict.fromkeys(names[1:], 5)
    assert scored(swemwbs, [lacking]) == [(None, 6, None)]


def form_with_sum(names, raw):
    """Answers from 1 to 5 that sum up to `raw`."""
    form, left = dict.fromkeys(names, 1), raw - len(names)
    for name in names:
        form[name] += min(4, left)
        left -= min(4, left)
    return form


def test_bands_of_supplied_sdq_scores_are_the_published_ones(shared):
    bands = published(shared, "sdq-self-rules")["expected"]["bands_self"]
    sdq = shipped_instruments()["sdq_v1"]
    assert {scale.id for scale in sdq.scales} == set(bands)
    for scale in sdq.scales:
        every = pa.table({scale.id: range(int(scale.maximum) + 1)})
        found = database().from_arrow(every).project(", ".join(score_sql(sdq, scale)))
        by_band = {}
        for score, answered, band in found.fetchall():
            assert answered is None
            by_band.setdefault(band, []).append(score)
        told = {band: [min(scores), max(scores)] for band, scores in by_band.items()}
        ordered = ("usual", "borderline", "outermost")
        assert [told[band] for band in ordered] == bands[scale.id]


@pytest.mark.parametrize("left_out", [SKIPPED, DONT_KNOW, None])
def test_a_supplied_score_that_is_missing_is_no_score(left_out):
    sdq = shipped_instruments()["sdq_v1"]
    rows = database().from_arrow(pa.table({"total": pa.array([left_out], pa.int32())}))

    assert rows.project(", ".join(score_sql(sdq, sdq.scales[0]))).fetchall() == [(None, None, None)]


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [("half_away_from_zero", [1, 2, 3, -1]), ("half_to_even", [0, 2, 2, 0])],
)
def test_halves_are_rounded_as_the_scale_declares(rounding, expected):
    made = instrument_of(
        dict.fromkeys("ab", ((-1, 0, 1, 2, 3), False)), formula="mean", rounding=rounding
    )
    pairs = [(0, 1), (1, 2), (2, 3), (-1, 0)]

    found = scored(made, [{"a": a, "b": b} for a, b in pairs])

    assert [score for score, *_ in found] == expected


@st.composite
def instruments(draw):
    size = draw(st.integers(1, 7))
    formula = draw(st.sampled_from(["sum", "mean", "count", "any", "table"]))
    min_answered = size if formula == "table" else draw(st.integers(1, size))
    spans = st.tuples(st.integers(-3, 3), st.integers(2, 6))
    span = draw(spans)
    items = {}
    for number in range(size):
        is_free = min_answered == size and formula in ("sum", "mean", "table")
        low, width = draw(spans) if is_free else span
        items[f"q{number}"] = (tuple(range(low, low + width)), draw(st.booleans()))
    at = sorted(draw(st.lists(st.integers(-20, 60), min_size=3, max_size=3, unique=True)))
    about = {"label": {"nb": "x"}, "population": "made up", "source": "made up"}
    bands = [
        {"id": "low", "at_most": at[0]},
        {"id": "high", "above": at[1], "at_most": at[2]},
    ]
    declared = {
        "formula": formula,
        "min_answered": min_answered,
        "decimals": draw(st.integers(0, 3)),
        "rounding": draw(st.sampled_from(["half_away_from_zero", "half_to_even"])),
        "bands": draw(st.sampled_from([[], [band | about for band in bands]])),
    }
    if formula in ("sum", "mean", "count"):
        declared["multiply_by"] = draw(st.sampled_from([1.0, 4.0, 0.5, 2.5, 0.1, 100 / 8]))
    if formula in ("count", "any"):
        declared["at_least"] = draw(st.integers(span[0] + 1, span[0] + span[1] - 1))
    if formula == "table":
        options = [codes for codes, _ in items.values()]
        raws = range(sum(map(min, options)), sum(map(max, options)) + 1)
        metric = st.integers(-900, 9_000).map(lambda hundredths: hundredths / 100)
        rows = draw(st.lists(metric, min_size=len(raws), max_size=len(raws)))
        declared["table"] = list(zip(raws, rows, strict=True))
    return instrument_of(items, **declared)


def forms_of(instrument):
    return st.lists(
        st.fixed_dictionaries(
            {
                item.id: st.sampled_from([None, SKIPPED, DONT_KNOW, *instrument.codes(item.id)])
                for item in instrument.items
            }
        ),
        min_size=1,
        max_size=10,
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), made=instruments())
def test_the_query_scores_as_exact_fractions_do(data, made):
    forms = data.draw(forms_of(made))
    scale = made.scales[0]

    found = scored(made, forms)

    assert found == [exact(made, form) for form in forms]
    for score, *_ in found:
        rounding = 0.5 / 10**scale.decimals
        assert score is None or scale.minimum - rounding <= score <= scale.maximum + rounding


SHIPPED = [
    pytest.param(instrument, scale, id=f"{key}.{scale.id}")
    for key, instrument in shipped_instruments().items()
    for scale in instrument.scales
    if scale.formula != "supplied"
]


@pytest.mark.parametrize(("instrument", "scale"), SHIPPED)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_shipped_scale_is_scored_as_the_plain_scorer_does(instrument, scale, data):
    forms = data.draw(forms_of(instrument))

    found = scored(instrument, forms, scale)

    assert found == [plain_scorer.score(instrument, scale, form) for form in forms]
    for score, answered, band in found:
        assert score is None or scale.minimum <= score <= scale.maximum
        assert (band is not None) == (score is not None and bool(scale.bands))
        assert answered >= scale.min_answered or score is None or scale.formula == "any"
