"""The words of a report in one language: texts from a TOML file, dates and numbers by Babel.

A missing text or value is an error here and now, so that no reader ever meets a key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache, lru_cache
from importlib.resources import files
from tomllib import loads
from typing import Any

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal, format_percent

from schemas.instrument import Texts as Translations
from schemas.settings import DocLanguage, ReportLanguage

_LOCALES: dict[DocLanguage, str] = {"nb": "nb", "nn": "nn", "en": "en_GB"}
_HIGHEST_NUMBER_IN_WORDS = 12
_LEAST_SHARE = 0.001  # of shares with one decimal as per cent


# A report says the same few numbers and days hundreds of times.
_MANY = 4_096


@lru_cache(_MANY)
def _plural_form(locale: str, n: int) -> str:
    return Locale.parse(locale).plural_form(n)


@lru_cache(_MANY)
def _decimal(value: float, locale: str) -> str:
    return format_decimal(value, locale=locale)


@lru_cache(_MANY)
def _percent(value: float, locale: str) -> str:
    return format_percent(value, locale=locale)


@lru_cache(_MANY)
def _date(day: date, form: str, locale: str) -> str:
    return format_date(day, form, locale=locale)


@dataclass(frozen=True, slots=True, eq=False)  # a language's template is kept by its texts
class Texts:
    """One language's texts by dotted key, and how that language writes dates and numbers.

    `partly` are fixed words in another language, whose name is `partly_in`, that take the place of
    texts with the same key where a page shows them by themselves; never within a sentence.
    """

    language: DocLanguage
    entries: Mapping[str, str]
    partly: Mapping[str, str] = field(default_factory=dict)
    partly_in: str = ""

    @property
    def locale(self) -> str:
        """The Babel locale of the language."""
        return _LOCALES[self.language]

    def say(self, key: str, /, **values: object) -> str:
        """The text of a key with its values put in; KeyError where either is missing."""
        return self.entries[key].format_map(values)

    def count(self, key: str, n: int, /, **values: object) -> str:
        """The form of a text that goes with `n`; `{n}` is the number in words, `{N}` starts."""
        form = _plural_form(self.locale, n)
        word = self.number(n)
        return self.say(f"{key}.{form}", n=word, N=word[:1].upper() + word[1:], **values)

    def number(self, n: int) -> str:
        """A whole number: in words up to twelve, in digits above."""
        if 0 <= n <= _HIGHEST_NUMBER_IN_WORDS:
            return self.say(f"number.{n}")
        return _decimal(n, self.locale)

    def decimal(self, value: float) -> str:
        """A number with the language's decimal mark and no needless zeros."""
        return _decimal(value, self.locale)

    def share(self, value: float) -> str:
        """A share 0-1 as whole per cent."""
        return _percent(value, self.locale)

    def fine_share(self, value: float) -> str:
        """A share 0-1 as per cent, with one decimal where it has one; a small one is never 0."""
        pattern = Locale.parse(self.locale).percent_formats[None].pattern.replace("##0", "##0.#")
        if 0 < value < _LEAST_SHARE:
            return f"< {format_percent(_LEAST_SHARE, pattern, locale=self.locale)}"
        return format_percent(value, pattern, locale=self.locale)

    def p_value(self, p: float) -> str:
        """A p-value with three decimals, or that it is smaller than they can show."""
        sign, shown = ("<", 0.001) if p < 0.001 else ("=", p)  # noqa: PLR2004
        return f"p {sign} {format_decimal(shown, '0.000', locale=self.locale)}"

    def day(self, day: date) -> str:
        """A date for a narrow column, with the weekday: `tir. 24. nov.`."""
        return _date(day, self.say("date.short"), self.locale)

    def full_day(self, day: date) -> str:
        """A date for a sentence: `24. november 2026`."""
        return _date(day, "long", self.locale)

    def join(self, parts: Sequence[str]) -> str:
        """`a, b og c`."""
        return format_list(list(parts), locale=self.locale)

    def translated(self, translations: Translations) -> str:
        """The wording that a rule or an instrument brings along, in bokmål if it lacks ours."""
        return translations.get(self.language) or translations.get("nb", "")


@cache
def read_texts(language: ReportLanguage, subject: str = "") -> Texts:
    """The texts of one language: of the flag reports, or of another `subject` (a folder).

    A language that has only some of the texts comes with those of bokmål, and its own beside them.
    """
    if language == "se":
        return Texts("nb", _read("nb", subject), partly=_read("se", subject), partly_in="se")
    return Texts(language, _read(language, subject))


def _read(language: ReportLanguage, subject: str) -> dict[str, str]:
    folder = files("reports") / "texts" / subject
    text = (folder / f"{language}.toml").read_text(encoding="utf-8")
    return dict(_flattened(loads(text)))


def _flattened(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, str):
            found.append((prefix + key, value))
        else:
            found += _flattened(value, f"{prefix}{key}.")
    return found
