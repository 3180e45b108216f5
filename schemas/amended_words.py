"""The words of a pupil rule whose limit a municipality has moved: never those of the old one."""

from datetime import date

from schemas.instrument import Language, Texts
from schemas.rule import PupilRule, Source, source_in
from schemas.words import Words, words_of

_LANGUAGES: tuple[Language, ...] = ("nb", "nn", "en")


def in_own_words(rule: PupilRule, *, by: str, day: date) -> PupilRule:
    """The rule with a name, a reason and a source that hold at any limit; `by` decided on `day`."""
    words = words_of("amended.toml")
    told = (rule.id, rule.route, rule.situation)
    named = next((one for one in told if one in words), rule.situation)
    name = _texts(words[named]) if named in words else rule.texts.name
    said = rule.texts
    # A rule that has words for each level tells no limit in them.
    own = said if said.why_at else said.model_copy(update={"why": _texts(words["why"])})
    texts = own.model_copy(update={"name": name})
    return rule.model_copy(
        update={"texts": texts, "source": own_source(rule.source, by=by, day=day)}
    )


def own_source(shipped: Source, *, by: str, day: date) -> Texts:
    """Who decided on a municipality's own limit, and what the shipped one rests on."""
    return {
        language: text.format(by=by, day=day.isoformat(), shipped=source_in(shipped, language)[0])
        for language, text in _texts(words_of("amended.toml")["source"]).items()
    }


def _texts(words: Words) -> Texts:
    return {language: getattr(words, language) for language in _LANGUAGES}
