"""The flag report of one school, wave and route in one language: a single HTML file.

It carries no script and asks nothing of any network. Pupils stand under the codes of the nurse's
own list; a pseudonym is looked up on the way in and never comes out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache, partial
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from reports.charts import shape
from reports.model import ReportContext, ReportView
from reports.report_view import report_view
from reports.texts import Texts, read_texts
from schemas.instrument import Instrument
from schemas.network_rule import NetworkRule, network_rule
from schemas.rule import ClassRule, PupilRule
from schemas.settings import ReportLanguage, Settings
from schemas.survey import Survey
from warehouse.school_data import SchoolData


def report_context(
    *,
    settings: Settings,
    instruments: Mapping[str, Instrument],
    rules: Sequence[PupilRule | ClassRule],
    language: ReportLanguage,
    issued_on: date,
    surveys: Mapping[str, Survey],
    network: NetworkRule | None = None,
) -> ReportContext:
    """What many schools' reports in one language have in common: all but the codes."""
    return ReportContext(
        texts=read_texts(language),
        codes={},
        instruments=instruments,
        rules={f"{rule.id}@{rule.version}": rule for rule in rules},
        settings=settings,
        issued_on=issued_on,
        asked_in={survey_id: survey.asks for survey_id, survey in surveys.items()},
        survey_names={survey_id: survey.name for survey_id, survey in surveys.items()},
        network=network or network_rule(),
    )


def render_school_report(
    data: SchoolData, *, codes: Mapping[str, str], context: ReportContext
) -> str:
    """Write the report as HTML; `codes` maps a pseudonym to the code on the nurse's list.

    Raises ReportError where a rule or an instrument that flagged is not given, and where pupils
    are flagged although the municipality has not decided who receives pupil flags.
    """
    return render(report_view(data, replace(context, codes=codes)), context.texts)


def render(view: ReportView, texts: Texts, template: Template | None = None) -> str:
    """Place a report's view in its template."""
    return (template or report_template(texts)).render(view=view, css=_style())


@lru_cache(maxsize=4)
def report_template(texts: Texts, say: Callable[..., str] | None = None) -> Template:
    """The template with the words of one language in it.

    Words that are the same in every report are looked up and escaped once, when the template is
    compiled: a municipality's reports have a million of them. `say` takes the place of `texts.say`.
    """
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    level, spoken = cache(partial(_level, texts)), partial(_spoken, texts)
    environment.filters.update(
        say=say or (spoken if texts.partly else texts.say),
        word=say or texts.say,
        level=level,
        th=_heading,
    )
    environment.globals["draft"] = _draft(texts)
    return environment.get_template("school_report.html.j2")


def _spoken(texts: Texts, key: str, /, **values: object) -> str | Markup:
    """A fixed text, which says its language where that is not the page's."""
    if key not in texts.partly:
        return texts.say(key, **values)
    said = texts.partly[key].format_map(values)
    return Markup('<span lang="{}">{}</span>').format(texts.partly_in, said)


def _draft(texts: Texts) -> tuple[tuple[str, str], ...]:
    """That nobody has read a language's words yet, in it and in bokmål; empty for all others."""
    found = ((code, texts.partly.get(f"draft.{code}", "")) for code in (texts.partly_in, "nb"))
    return tuple((code, words) for code, words in found if words)


def _level(texts: Texts, name: str) -> Markup:
    said = _spoken(texts, f"level.{name}")
    return Markup('<span class="level {}">{} {}</span>').format(name, shape(name), said)


def _heading(word: str) -> Markup:
    return Markup('<th scope="col" role="columnheader">{}</th>\n').format(word)


@cache
def _style() -> Markup:
    # Our own file, and nothing from outside is put into it: the one text that is not escaped.
    css = (files("reports") / "templates" / "report.css").read_text(encoding="utf-8")
    return Markup(css)  # noqa: S704
