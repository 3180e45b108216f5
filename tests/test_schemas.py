"""What the shipped declarations say, and what a declaration may not say."""

import re
from importlib.resources import files

import duckdb
import pytest
from pydantic import ValidationError

from schemas.declared import DeclarationError
from schemas.instrument import (
    DONT_KNOW,
    HIGHEST_OPTION,
    LOWEST_OPTION,
    RESERVED_WORDS,
    SKIPPED,
    Instrument,
    shipped_instruments,
)
from schemas.reason import Reason, reason_texts
from schemas.rule import RuleFile
from schemas.settings import Security, Settings
from schemas.survey import Survey
from warehouse.instruments import definition_sha256, flag_basis

INSTRUMENTS = list(shipped_instruments().values())
LANGUAGES = {"nb", "nn", "en"}
EXAMPLES = files("schemas") / "examples"
PLANTED = "Kari Nordmann 01010112345"


def ids(instruments):
    return [instrument.key for instrument in instruments]


def changed(text, old, new):
    """The text with one place changed; the place must be there."""
    assert old in text
    return text.replace(old, new, 1)


# Instruments.


def test_these_instruments_are_shipped_and_what_needs_an_agreement_is_off():
    assert set(shipped_instruments()) == {
        "klassepuls_core_v1",
        "who5_v1",
        "stirling_v1",
        "pisa_bullying_v1",
        "pisa_belonging_v1",
        "ucla3_v1",
        "swemwbs_v1",
        "sdq_v1",
        "kidscreen10_v1",
    }
    off = {one.key for one in INSTRUMENTS if one.off_by_default}
    assert off == {one.key for one in INSTRUMENTS if one.supplied} == {"sdq_v1", "kidscreen10_v1"}


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=ids(INSTRUMENTS))
def test_options_are_told_apart_and_never_taken_for_a_missing_answer(instrument):
    for options in instrument.option_sets.values():
        codes = [option.code for option in options]

        assert codes == list(range(min(codes), max(codes) + 1))
        assert min(codes) >= LOWEST_OPTION
        assert max(codes) <= HIGHEST_OPTION
        assert not {SKIPPED, DONT_KNOW} & set(codes)
        assert len({option.label["nb"] for option in options}) == len(options)


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=ids(INSTRUMENTS))
def test_every_text_is_there_in_every_language_of_the_instrument(instrument):
    texts = [instrument.name, *(scale.label for scale in instrument.scales)]
    texts += [option.label for options in instrument.option_sets.values() for option in options]
    texts += [item.text for item in instrument.items if item.text]
    texts += [band.label for scale in instrument.scales for band in scale.bands]

    assert set(instrument.languages) >= LANGUAGES
    for text in texts:
        assert set(text) == set(instrument.languages)
        assert all(words.strip() for words in text.values())


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=ids(INSTRUMENTS))
def test_a_scale_uses_items_of_its_instrument_and_reaches_its_ends(instrument):
    known = {item.id for item in instrument.items}
    for scale in instrument.scales:
        assert set(scale.items) <= known
        if scale.formula in ("sum", "mean"):
            lows = [min(instrument.codes(item)) for item in scale.items]
            highs = [max(instrument.codes(item)) for item in scale.items]
            many = 1 if scale.formula == "sum" else len(scale.items)
            assert scale.minimum == sum(lows) * scale.multiply_by / many
            assert scale.maximum == sum(highs) * scale.multiply_by / many
        if scale.formula == "table":
            scores = [score for _, score in scale.table]
            assert scores == sorted(scores)
            assert (scale.minimum, scale.maximum) == (scores[0], scores[-1])


def test_items_are_reversed_where_the_sources_say_so_and_nowhere_else():
    found = {
        one.key: {item.id for item in one.items if item.is_reversed}
        for one in INSTRUMENTS
        if any(item.is_reversed for item in one.items)
    }
    assert found == {"pisa_belonging_v1": {"outsider", "awkward", "lonely"}}


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=ids(INSTRUMENTS))
def test_every_figure_names_its_population_and_source_and_every_licence_its_terms(instrument):
    said = [instrument.licence.name, instrument.licence.source, instrument.licence.note]
    for scale in instrument.scales:
        for figure in (*scale.bands, *scale.reliability):
            said += [figure.population, figure.source]
    assert all(len(text.strip()) > 5 for text in said)


def test_only_the_core_ships_its_questions_and_scores_without_items_are_only_taken_in():
    ships = {one.key: one.licence.may_ship for one in INSTRUMENTS}
    assert [key for key, what in ships.items() if what == "questions"] == ["klassepuls_core_v1"]
    assert {key for key, what in ships.items() if what == "scores"} == {"sdq_v1", "kidscreen10_v1"}


# What these measure must not change: homes hold answers to them, and a new meaning is a version 2.
REGISTERED = {
    "klassepuls_core_v1": "57c0386fc74b2d5d40c641806c8cdc210324ce4fc919d771ce45813a1dab8d68",
    "who5_v1": "69493217ae39f76e22f186d8e513e7b26d237b2268f2f7e7445f3fdf4a2efa3a",
}


@pytest.mark.parametrize("key", REGISTERED)
def test_an_instrument_that_homes_have_registered_still_measures_the_same(key):
    assert definition_sha256(shipped_instruments()[key]) == REGISTERED[key]


@pytest.mark.parametrize(
    ("key", "change", "is_another"),
    [
        ("swemwbs_v1", {"table": ((7, 7.0),)}, True),
        ("pisa_bullying_v1", {"at_least": 2}, True),
        ("stirling_v1", {"rounding": "half_to_even"}, True),
        ("stirling_v1", {"reliability": ()}, False),
        ("stirling_v1", {"label": {"nb": "x"}}, False),
    ],
)
def test_a_changed_formula_is_another_definition_and_mended_words_are_not(key, change, is_another):
    instrument = shipped_instruments()[key]
    scales = (instrument.scales[0].model_copy(update=change), *instrument.scales[1:])
    changed_one = instrument.model_copy(update={"scales": scales})

    found = definition_sha256(changed_one) != definition_sha256(instrument)
    assert found == is_another
    if change.get("reliability") == ():  # yet flags follow from it
        assert flag_basis(changed_one) != flag_basis(instrument)


def test_northern_sami_is_there_and_shown_to_nobody_before_it_is_reviewed():
    core = shipped_instruments()["klassepuls_core_v1"]
    read = core.model_copy(update={"not_reviewed": ()})

    assert core.not_reviewed == ("se",)
    assert core.label("safety", 5, "se") == core.label("safety", 5, "nb") == "alltid"
    assert read.label("safety", 5, "se") == "álo"


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=ids(INSTRUMENTS))
def test_bands_have_a_population_and_a_source_and_leave_no_score_out(instrument):
    for scale in instrument.scales:
        assert all(band.source.strip() and band.population.strip() for band in scale.bands)
        if scale.bands:
            ends = [band.at_most for band in scale.bands]
            assert ends == sorted(ends)
            assert [band.above for band in scale.bands] == [None, *ends[:-1]]
            assert ends[-1] == scale.maximum


def test_who5_ships_its_scoring_and_none_of_its_words():
    who5 = shipped_instruments()["who5_v1"]

    assert all(item.text == {} for item in who5.items)
    assert (who5.scales[0].minimum, who5.scales[0].maximum) == (0, 100)
    assert [(band.id, band.at_most) for band in who5.scales[0].bands] == [
        ("low", 50),
        ("not_low", 100),
    ]


def test_the_core_runs_from_worst_to_best_and_bullying_from_never_to_weekly():
    core = shipped_instruments()["klassepuls_core_v1"]

    assert core.label("thriving", 1, "en") == "do not like it at all"
    assert core.label("safety", 1, "en") == "never"
    assert core.label("company_in_breaks", 5, "en") == "always"
    assert core.label("bullied_by_pupils", 1, "en") == "not at all"
    assert core.label("bullied_by_pupils", 3, "en") == "2–3 times a month"
    assert core.label("wants_talk", 0, "en") == "no"
    assert core.label("thriving", 1, "se") == core.label("thriving", 1, "nb")


WHO5_TEXT = (files("schemas") / "instruments" / "who5.toml").read_text(encoding="utf-8")
FAULTY_INSTRUMENTS = {
    "a scale with an item that is not there": ('items = ["who5_1",', f'items = ["{PLANTED}",'),
    "a scale with an item twice": ('items = ["who5_1", "who5_2",', 'items = ["who5_1", "who5_1",'),
    "more answers than items": ("min_answered = 5", "min_answered = 6"),
    "an end that the items do not reach": ("maximum = 100", "maximum = 99"),
    "two items with the same id": (
        "[[scales]]\n",
        '[[items]]\nid = "who5_1"\noptions = "time"\n[[scales]]\n',
    ),
    "an option set that is not there": ('options = "time"', f'options = "{PLANTED}"'),
    "an option twice": ("code = 1\n", "code = 0\n"),
    "an option that means missing": ("code = 0", f"code = {SKIPPED}"),
    "a code that is a word": ("code = 0", f'code = "{PLANTED}"'),
    "an unknown formula": ('formula = "sum"', f'formula = "{PLANTED}"'),
    "an unknown language": ("label = { nb", f'label = {{ "{PLANTED}" = "x", nb'),
    "a misspelt key": ("multiply_by = 4", "multiply = 4"),
    "a name with capitals": ('id = "who5"', f'id = "{PLANTED}"'),
    "no source for a band": ('population = "Adults and adolescents"\n', ""),
    "a grade below the first": ("min_grade = 4", "min_grade = 0"),
    "no TOML": ("version = 1", f"version = {PLANTED}"),
    "a scale without items": ('items = ["who5_1", "who5_2", "who5_3", "who5_4", "who5_5"]\n', ""),
    "no answer needed": ("min_answered = 5", "min_answered = 0"),
    "a limit that a sum has no use for": ("multiply_by = 4", "multiply_by = 4\nat_least = 3"),
    "a count without its limit": ('formula = "sum"', 'formula = "count"'),
    "a table without rows": ('formula = "sum"', 'formula = "table"'),
    "rows that no formula reads": ("multiply_by = 4", "multiply_by = 4\ntable = [[0, 0.0]]"),
    "a yes that is multiplied": ('formula = "sum"', 'formula = "any"\nat_least = 3'),
    "a score supplied and made of items": ('formula = "sum"', 'formula = "supplied"'),
    "a language that lacks a text": ('languages = ["nb", "nn", "en"]', 'languages = ["se"]'),
    "a draft in no language of it": ("min_grade = 4", 'min_grade = 4\nnot_reviewed = ["se"]'),
    "bokmål as a draft": ("min_grade = 4", 'min_grade = 4\nnot_reviewed = ["nb"]'),
    "grades the wrong way round": ("min_grade = 4", "min_grade = 4\nmax_grade = 3"),
    "wording that may not be shipped": (
        'id = "who5_1"\n',
        'id = "who5_1"\ntext = { nb = "x", nn = "x", en = "x" }\n',
    ),
    "items where only scores may be shipped": ('may_ship = "scoring"', 'may_ship = "scores"'),
    "a part of no scale": ("decimals = 0", f'decimals = 0\npart_of = "{PLANTED}"'),
    "a part of itself": ("decimals = 0", 'decimals = 0\npart_of = "wellbeing"'),
    "a reliability above one": ("value = 0.80", "value = 1.2"),
    "a reliability without a source": ('source = "Karger 2025, doi 10.1159/000543728"\n', ""),
}


@pytest.mark.parametrize(("old", "new"), FAULTY_INSTRUMENTS.values(), ids=FAULTY_INSTRUMENTS)
def test_a_faulty_instrument_is_refused_and_what_was_found_is_not_shown(old, new):
    with pytest.raises(DeclarationError) as caught:
        Instrument.from_toml(changed(WHO5_TEXT, old, new), name="mine.toml")

    assert str(caught.value).startswith("mine.toml: ")
    if f'"{PLANTED}" = ' not in new:  # a key is named, or nobody could find it
        assert PLANTED not in str(caught.value)


def test_two_scales_with_the_same_id_are_refused():
    scale = WHO5_TEXT[WHO5_TEXT.index("[[scales]]\n") :]

    with pytest.raises(DeclarationError, match="two scales have the same id"):
        Instrument.from_toml(WHO5_TEXT + "\n" + scale, name="mine.toml")


def test_items_of_different_spans_do_not_stand_for_each_other():
    label = 'label = { nb = "0", nn = "0", en = "0" }'
    short = f"[[option_sets.short]]\ncode = 0\n{label}\n\n[[items]]\n"
    text = changed(WHO5_TEXT, "[[items]]\n", short)
    text = changed(text, 'options = "time"', 'options = "short"')
    text = changed(text, "maximum = 100", "maximum = 80")

    assert Instrument.from_toml(text, name="mine.toml").scales[0].maximum == 80
    with pytest.raises(DeclarationError, match="min_answered must be all of them"):
        Instrument.from_toml(
            changed(text, "min_answered = 5", "min_answered = 4"), name="mine.toml"
        )


SWEMWBS_TEXT = (files("schemas") / "instruments" / "swemwbs.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[7, 7.00], ", ""),
        ("[35, 35.00],\n", ""),
        ("[20, 18.59], ", ""),
        ("[20, 18.59], ", "[20, 18.59], [20, 18.60], "),
        ("[35, 35.00],\n", "[35, 35.00], [36, 36.0],\n"),
        ("min_answered = 7", "min_answered = 6"),
    ],
)
def test_a_table_has_one_row_for_each_sum_and_needs_every_item(old, new):
    with pytest.raises(DeclarationError, match="table"):
        Instrument.from_toml(changed(SWEMWBS_TEXT, old, new), name="mine.toml")


@pytest.mark.parametrize("at_least", [1, 5])
def test_a_limit_that_every_answer_or_none_reaches_is_refused(at_least):
    text = (files("schemas") / "instruments" / "pisa_bullying.toml").read_text(encoding="utf-8")
    with pytest.raises(DeclarationError, match="divide the options"):
        Instrument.from_toml(
            changed(text, "at_least = 3", f"at_least = {at_least}"), name="mine.toml"
        )


SUPPLIED = """
id = "theirs"
version = 1
use_for = "class"
min_grade = 5
name = { nb = "Deres" }
licence = { name = "theirs", source = "them", may_ship = "scores" }
[[scales]]
id = "total"
formula = "supplied"
decimals = 1
minimum = 0
maximum = 40
label = { nb = "I alt" }
"""


def test_supplied_scores_need_no_items_and_a_range_that_a_score_fits_in():
    made = Instrument.from_toml(SUPPLIED, name="mine.toml")

    assert made.columns == ("total",)
    assert made.codes("total") == ()
    for old, new in (
        ("maximum = 40", "maximum = 0"),
        ("maximum = 40", f"maximum = {HIGHEST_OPTION + 1}"),
        ("minimum = 0", f"minimum = {LOWEST_OPTION - 1}"),
        ("decimals = 1", "decimals = 1\nmin_answered = 1"),
        ("decimals = 1", "decimals = 1\nmultiply_by = 2"),
    ):
        with pytest.raises(DeclarationError):
            Instrument.from_toml(changed(SUPPLIED, old, new), name="mine.toml")


def test_an_instrument_without_items_and_scores_is_refused():
    text = SUPPLIED[: SUPPLIED.index("[[scales]]")]
    with pytest.raises(DeclarationError, match="neither an item nor a supplied score"):
        Instrument.from_toml(text, name="mine.toml")


# Reasons.


def test_every_reason_code_has_its_words_in_three_languages():
    texts = reason_texts()

    assert set(texts) == set(Reason)
    for text in texts.values():
        assert all(words.strip().endswith(".") for words in (text.nb, text.nn, text.en))


def test_a_text_promises_no_value_of_the_file():
    for reason, text in reason_texts().items():
        for words in (text.nb, text.nn, text.en):
            assert not re.search(r"[{}%]|\$", words), reason


def test_a_reason_code_is_written_as_it_is_named():
    assert [reason.value for reason in Reason] == [reason.name for reason in Reason]


# Settings and surveys.


def example(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


SETTINGS_TEXT = example("klassepuls.toml")


def test_the_example_settings_are_settings_and_turn_pupil_flags_off():
    settings = Settings.from_toml(SETTINGS_TEXT, name="klassepuls.toml")

    assert settings.routing is None
    assert settings.suppression.min_n == 5


def test_the_example_routing_is_a_routing_once_a_person_has_signed_it():
    lines = SETTINGS_TEXT.splitlines()
    start = lines.index("# [routing]")
    signed = [line.removeprefix("# ") for line in lines[start:]]

    settings = Settings.from_toml("\n".join(lines[:start] + signed), name="klassepuls.toml")

    assert settings.routing is not None


def test_the_example_security_is_one_once_a_person_has_signed_it():
    lines = SETTINGS_TEXT.splitlines()
    start = lines.index("# [security]")
    end = lines.index("", start)
    signed = [line.removeprefix("# ") for line in lines[start:end]]

    settings = Settings.from_toml("\n".join(lines[:start] + signed), name="klassepuls.toml")

    assert settings.security is not None


@pytest.mark.parametrize(
    ("key", "value"), [("encrypted_volume", '"yes"'), ("why", '"because"'), ("decided_by", '""')]
)
def test_encryption_that_nobody_signs_for_is_no_answer(key, value):
    said = {
        "encrypted_volume": '"checked"',
        "decided_by": '"IKT-leder"',
        "decided_on": "2026-10-15",
        "why": '"LUKS, seen with lsblk"',
    }
    text = "\n".join(f"{name} = {word}" for name, word in said.items())
    assert Security.from_toml(text, name="x").encrypted_volume == "checked"
    text = "\n".join(f"{name} = {word}" for name, word in (said | {key: value}).items())
    with pytest.raises(DeclarationError, match=key):
        Security.from_toml(text, name="x")


def test_the_example_survey_is_a_survey_of_shipped_instruments():
    survey = Survey.from_toml(example("survey_klassepuls.toml"), name="klassepuls.toml")

    assert set(survey.instruments) <= set(shipped_instruments())
    assert survey.linkage == "pseudonymous"


WAVE = SETTINGS_TEXT[SETTINGS_TEXT.index("[[wave]]") : SETTINGS_TEXT.index("[schedule]")]
ROUTING = """
[routing]
decided_by = "kommunedirektøren"
decided_on = 2026-10-15
pupil_flags_to = "health_service"
bullied_by_adults_to = "school_owner"
"""
FAULTY_SETTINGS = {
    "min_n below 5": ("min_n = 5", "min_n = 4"),
    "a wave that closes before it opens": ("closes = 2026-11-20", "closes = 2026-11-01"),
    "a municipality number of words": ('number = "0000"', f'number = "{PLANTED}"'),
    "a school id with spaces": ('id = "S01"', f'id = "{PLANTED}"'),
    "a date that is none": ("opens = 2026-11-02", f'opens = "{PLANTED}"'),
    "a language without a catalogue": ('languages = ["nb", "en"]', f'languages = ["{PLANTED}"]'),
    "a school year of one number": ('school_year = "2026-27"', 'school_year = "2026"'),
    "a misspelt key": ("min_n = 5", "minimum_n = 5"),
    "a number that is a word": ("min_n = 5", f'min_n = "{PLANTED}"'),
    "days that run backwards": ("days_after_close = 7", "days_after_close = -1"),
}


@pytest.mark.parametrize(("old", "new"), FAULTY_SETTINGS.values(), ids=FAULTY_SETTINGS)
def test_faulty_settings_are_refused_and_what_was_found_is_not_shown(old, new):
    with pytest.raises(DeclarationError) as caught:
        Settings.from_toml(changed(SETTINGS_TEXT, old, new), name="klassepuls.toml")

    assert PLANTED not in str(caught.value)


@pytest.mark.parametrize(
    ("opens", "closes", "is_refused"),
    [
        ("2026-11-20", "2026-12-04", True),  # the day on which the other one closes
        ("2026-11-21", "2026-12-04", False),
        ("2026-10-19", "2026-11-02", True),  # the day on which the other one opens
        ("2026-10-19", "2026-11-01", False),
        ("2026-01-01", "2026-12-31", True),
        ("2026-11-09", "2026-11-13", True),
    ],
)
def test_a_day_belongs_to_one_wave_at_most(opens, closes, is_refused):
    other = WAVE
    for old, new in (
        ("2026-autumn", "other"),
        ("opens = 2026-11-02", f"opens = {opens}"),
        ("closes = 2026-11-20", f"closes = {closes}"),
    ):
        other = changed(other, old, new)
    text = changed(SETTINGS_TEXT, "[schedule]", other + "[schedule]")
    if is_refused:
        with pytest.raises(DeclarationError, match="overlap"):
            Settings.from_toml(text, name="klassepuls.toml")
    else:
        assert len(Settings.from_toml(text, name="klassepuls.toml").waves) == 2


def test_an_id_stands_once():
    for section in ('[[school]]\nid = "S01"\nname = "x"\n\n', WAVE):
        text = changed(SETTINGS_TEXT, "[schedule]", section + "[schedule]")
        with pytest.raises(DeclarationError, match="same id"):
            Settings.from_toml(text, name="klassepuls.toml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('decided_by = "kommunedirektøren"\n', ""),
        ("decided_on = 2026-10-15\n", ""),
        ('pupil_flags_to = "health_service"\n', ""),
        ('pupil_flags_to = "health_service"', f'pupil_flags_to = "{PLANTED}"'),
        ('bullied_by_adults_to = "school_owner"', 'bullied_by_adults_to = "contact_teacher"'),
    ],
)
def test_a_routing_says_who_decided_when_and_where_flags_go(old, new):
    assert Settings.from_toml(SETTINGS_TEXT + ROUTING, name="klassepuls.toml").routing

    with pytest.raises(DeclarationError) as caught:
        Settings.from_toml(SETTINGS_TEXT + changed(ROUTING, old, new), name="klassepuls.toml")
    assert PLANTED not in str(caught.value)


SURVEY = {
    "id": "mine",
    "name": "Min",
    "tool": "nettskjema",
    "linkage": "pseudonymous",
    "instruments": ["who5_v1"],
    "columns": {"pupil_code": "Kode"},
}
FAULTY_SURVEYS = {
    "no linkage": ({}, "linkage"),
    "linkage that is neither": ({"linkage": "anonymous"}, None),
    "linked without a code": ({"columns": {}}, None),
    "a code although nothing is linked": ({"linkage": "none"}, None),
    "a column mapped and constant": ({"constants": {"pupil_code": "x"}}, None),
    "a column of no kind": ({"columns": {"pupil_code": "Kode", "colour": "Farge"}}, None),
    "no instrument": ({"instruments": []}, None),
    "an unknown tool": ({"tool": "paper"}, None),
}


@pytest.mark.parametrize(("change", "left_out"), FAULTY_SURVEYS.values(), ids=FAULTY_SURVEYS)
def test_a_survey_says_plainly_whether_codes_can_be_linked(change, left_out):
    assert Survey.model_validate(SURVEY)
    declared = {key: value for key, value in (SURVEY | change).items() if key != left_out}

    with pytest.raises(ValueError, match="validation error"):
        Survey.model_validate(declared)


# Messages.


def test_a_file_that_is_not_utf_8_or_not_there_is_named_and_not_shown(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_bytes(f'name = "{PLANTED} å"'.encode("latin-1"))

    with pytest.raises(DeclarationError, match=r"settings\.toml: not UTF-8 text") as caught:
        Settings.from_file(file)
    assert PLANTED not in str(caught.value)
    with pytest.raises(DeclarationError, match=r"other\.toml: cannot be read"):
        Settings.from_file(tmp_path / "other.toml")


def test_a_line_that_is_no_toml_is_told_by_its_place():
    with pytest.raises(DeclarationError, match="at line 2, column 8"):
        Settings.from_toml(f"languages = []\nname = {PLANTED}", name="klassepuls.toml")


def test_a_rule_of_no_kind_is_refused_without_quoting_it():
    text = (files("schemas") / "rules" / "class.toml").read_text(encoding="utf-8")

    with pytest.raises(DeclarationError, match="none of the kinds") as caught:
        RuleFile.from_toml(
            changed(text, 'target = "class"', f'target = "{PLANTED}"'), name="x.toml"
        )
    assert PLANTED not in str(caught.value)


def test_every_word_that_the_database_reserves_is_refused_as_an_id():
    reserved = duckdb.sql(
        "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
    ).fetchall()
    assert {word for (word,) in reserved} <= RESERVED_WORDS


def test_item_whose_id_is_a_reserved_word_is_refused():
    definition = shipped_instruments()["who5_v1"].model_dump()
    definition["items"] = [{**definition["items"][0], "id": "order"}]
    definition["scales"] = []
    with pytest.raises(ValidationError, match="reserves"):
        Instrument.model_validate(definition)
