"""Every text is there in every language, says the same, and follows the language's habits."""

import re
from datetime import date
from string import Formatter
from typing import get_args

import pytest

from reports.texts import Texts, read_texts
from schemas.settings import DocLanguage

LANGUAGES: tuple[DocLanguage, ...] = get_args(DocLanguage)
# Of the flag reports, the data docs, letters, the case board, and the programme owner's page.
SUBJECTS = ("", "site", "letters", "board", "outcome")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name} - {"n", "N"}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys(language: DocLanguage, subject: str) -> None:
    assert set(read_texts("nb", subject).entries) == set(read_texts(language, subject).entries)


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_is_given_the_same_values(language: DocLanguage, subject: str) -> None:
    other = read_texts(language, subject).entries
    unequal = [
        key
        for key, text in read_texts("nb", subject).entries.items()
        if placeholders(text) != placeholders(other[key])
    ]
    assert unequal == []


# Words that bokmål has and nynorsk has not.
BOKMAAL = re.compile(
    r"\b(ikke|elever|jeg|hva|hvor\w*|hvem|hvilken|fra|noen|noe|mye|bare|skole\w*|uke\w*|være|gjøre"
    r"|selv|flere|mer|sier|kommer|klasser|svarene|disse|dem|hver|innen)\b",
    re.IGNORECASE,
)
PROGRAMME = "Supportgrupper i skolen"


@pytest.mark.parametrize("subject", SUBJECTS)
def test_nynorsk_is_not_bokmaal_with_another_name(subject: str) -> None:
    nb, nn = read_texts("nb", subject).entries, read_texts("nn", subject).entries
    assert [key for key, text in nn.items() if BOKMAAL.search(text.replace(PROGRAMME, ""))] == []
    longer = [key for key, text in nb.items() if len(text.split()) > 7]
    assert [key for key in longer if nn[key] == nb[key]] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_with_a_number_has_all_plural_forms(language: str) -> None:
    keys = set(read_texts(language).entries)
    counted = {key.rpartition(".")[0] for key in keys if key.endswith((".one", ".other"))}
    assert {f"{key}.{form}" for key in counted for form in ("one", "other")} <= keys


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_empty_or_carries_markup(language: DocLanguage, subject: str) -> None:
    texts = read_texts(language, subject).entries.values()
    assert all(text.strip() and not set("<>&\\") & set(text) for text in texts)


def test_the_page_number_texts_cannot_break_out_of_the_style_sheet() -> None:
    for language in LANGUAGES:
        entries = read_texts(language).entries
        around = entries["page.number_before"] + entries["page.number_between"]
        assert not set("\"';{}<>&\\") & set(around)


def test_a_missing_key_is_an_error_and_never_shown() -> None:
    with pytest.raises(KeyError):
        read_texts("nb").say("no.such.key")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        Texts("nb", {"a": "Hei, {name}"}).say("a")


def test_a_value_with_braces_is_not_filled_in_again() -> None:
    assert Texts("nb", {"a": "Hei, {name}"}).say("a", name="{secret}") == "Hei, {secret}"


def test_small_numbers_are_words_and_large_ones_digits() -> None:
    texts = read_texts("nb")
    assert [texts.number(n) for n in (0, 1, 7, 12, 13)] == ["ingen", "én", "sju", "tolv", "13"]


def test_one_is_singular_and_a_sentence_starts_with_a_capital() -> None:
    texts = read_texts("nb")
    assert texts.count("summary.talk", 1).startswith("Én elev ")
    assert texts.count("summary.talk", 3).startswith("Tre elever ")


@pytest.mark.parametrize(
    ("language", "p", "shown"),
    [
        ("nb", 0.0051, "p = 0,005"),
        ("nb", 0.0004, "p < 0,001"),
        ("en", 0.0051, "p = 0.005"),
        ("en", 0.02, "p = 0.020"),
    ],
)
def test_a_p_value_has_three_decimals_and_the_right_mark(
    language: str, p: float, shown: str
) -> None:
    assert read_texts(language).p_value(p) == shown


def test_dates_shares_and_lists_follow_the_language() -> None:
    nb, en, day = read_texts("nb"), read_texts("en"), date(2026, 11, 24)
    nn = read_texts("nn")
    assert (nn.day(day), nn.full_day(day)) == ("ty. 24. nov.", "24. november 2026")
    assert (nn.share(0.286), nn.join(["a", "b", "c"])) == ("29\N{NO-BREAK SPACE}%", "a, b og c")
    assert nn.count("summary.talk", 1).startswith("Éin elev ")
    assert (nb.day(day), en.day(day)) == ("tir. 24. nov.", "Tue 24 Nov")
    assert (nb.full_day(day), en.full_day(day)) == ("24. november 2026", "24 November 2026")
    assert (nb.share(0.286), en.share(0.286)) == ("29\N{NO-BREAK SPACE}%", "29%")
    assert (nb.join(["a", "b", "c"]), en.join(["a", "b", "c"])) == ("a, b og c", "a, b and c")


@pytest.mark.parametrize(
    ("share", "says"),
    [(0.28, "28%"), (0.015, "1.5%"), (0.001, "0.1%"), (0.0009, "< 0.1%"), (0.0, "0%")],
)
def test_a_small_share_is_never_called_none(share: float, says: str) -> None:
    assert read_texts("en").fine_share(share) == says


def test_a_wording_that_english_lacks_is_shown_in_bokmaal() -> None:
    assert read_texts("en").translated({"nb": "Trygghet"}) == "Trygghet"
