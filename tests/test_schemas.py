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
from schemas.settings import Settings
from schemas.survey import Survey

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


def test_the_default_core_and_who5_are_shipped():
    assert set(shipped_instruments()) == {"klassepuls_core_v1", "who5_v1"}


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
def test_every_option_and_name_has_its_words_in_three_languages(instrument):
    texts = [instrument.name, *(scale.label for scale in instrument.scales)]
    texts += [option.label for options in instrument.option_sets.values() for option in options]
    texts += [item.text for item in instrument.items if item.text]

    for text in texts:
        assert set(text) >= LANGUAGES
        assert all(words.strip() for words in text.values())


@pytest.mark.parametrize("instrument", INSTRUMENTS, ids=ids(INSTRUMENTS))
def test_a_scale_uses_items_of_its_instrument_and_reaches_its_ends(instrument):
    known = {item.id for item in instrument.items}
    for scale in instrument.scales:
        lows = [min(instrument.codes(item)) for item in scale.items]
        highs = [max(instrument.codes(item)) for item in scale.items]

        assert set(scale.items) <= known
        assert {item.id for item in instrument.items if item.is_reversed} <= known
        many = 1 if scale.formula == "sum" else len(scale.items)
        assert scale.minimum == sum(lows) * scale.multiply_by / many
        assert scale.maximum == sum(highs) * scale.multiply_by / many


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
}


@pytest.mark.parametrize(("old", "new"), FAULTY_INSTRUMENTS.values(), ids=FAULTY_INSTRUMENTS)
def test_a_faulty_instrument_is_refused_and_what_was_found_is_not_shown(old, new):
    with pytest.raises(DeclarationError) as caught:
        Instrument.from_toml(changed(WHO5_TEXT, old, new), name="mine.toml")

    assert str(caught.value).startswith("mine.toml: ")
    if f'"{PLANTED}" = ' not in new:  # a key is named, or nobody could find it
        assert PLANTED not in str(caught.value)


def test_two_scales_with_the_same_id_are_refused():
    scale = WHO5_TEXT[WHO5_TEXT.index("[[scales]]") :]

    with pytest.raises(DeclarationError, match="two scales have the same id"):
        Instrument.from_toml(WHO5_TEXT + "\n" + scale, name="mine.toml")


def test_items_of_different_spans_do_not_stand_for_each_other():
    short = '[[option_sets.short]]\ncode = 0\nlabel = { nb = "0" }\n\n[[items]]\n'
    text = changed(WHO5_TEXT, "[[items]]\n", short)
    text = changed(text, 'options = "time"', 'options = "short"')
    text = changed(text, "maximum = 100", "maximum = 80")

    assert Instrument.from_toml(text, name="mine.toml").scales[0].maximum == 80
    with pytest.raises(DeclarationError, match="min_answered must be all of them"):
        Instrument.from_toml(
            changed(text, "min_answered = 5", "min_answered = 4"), name="mine.toml"
        )


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
