"""The flag report of one school, wave and route in one language: a single HTML file.

It carries no script and asks nothing of any network. Pupils stand under the codes of the nurse's
own list; a pseudonym is looked up on the way in and never comes out.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports.charts import shape
from reports.model import ReportContext, ReportView
from reports.report_view import report_view
from reports.texts import Texts, read_texts
from schemas.instrument import Instrument
from schemas.rule import ClassRule, PupilRule
from schemas.settings import ReportLanguage, Settings
from warehouse.school_data import SchoolData


def render_school_report(
    data: SchoolData,
    *,
    codes: Mapping[str, str],
    settings: Settings,
    instruments: Mapping[str, Instrument],
    rules: Sequence[PupilRule | ClassRule],
    language: ReportLanguage,
    issued_on: date,
) -> str:
    """Write the report as HTML; `codes` maps a pseudonym to the code on the nurse's list.

    Raises ReportError where a rule or an instrument that flagged is not given, and where pupils
    are flagged although the municipality has not decided who receives pupil flags.
    """
    context = ReportContext(
        texts=read_texts(language),
        codes=codes,
        instruments=instruments,
        rules={f"{rule.id}@{rule.version}": rule for rule in rules},
        settings=settings,
        issued_on=issued_on,
    )
    return render(report_view(data, context), context.texts)


def render(view: ReportView, texts: Texts) -> str:
    """Place a report's view in its template."""
    template = _environment().get_template("school_report.html.j2")
    return template.render(view=view, t=texts.say, shape=shape, css=_style())


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _style() -> Markup:
    # Our own file, and nothing from outside is put into it: the one text that is not escaped.
    css = (files("reports") / "templates" / "report.css").read_text(encoding="utf-8")
    return Markup(css)  # noqa: S704
