"""A page as one HTML file: no script, nothing from a network, equal blocks give equal bytes."""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reports.pages.blocks import Cell, Code, Page

_SUM = 64  # signs of a checksum, which may be broken anywhere


def page_html(page: Page) -> str:
    """Write the page as HTML that opens from disk."""
    return _environment().get_template("page.html.j2").render(page=page, css=_style())


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = _cell
    environment.tests["of"] = lambda block, name: type(block).__name__ == name
    return environment


def _cell(text: Cell) -> Markup:
    if isinstance(text, Code):
        long = ' class="sum"' if len(text) >= _SUM else ""
        return Markup(f"<code{long}>{{}}</code>").format(str(text))  # noqa: S704 - of our own
    return escape(text)


@cache
def _style() -> Markup:
    # Our own files, and nothing from outside is put into them: the one text that is not escaped.
    folder = files("reports") / "templates"
    parts = [(folder / name).read_text(encoding="utf-8") for name in ("report.css", "page.css")]
    return Markup("\n".join(parts))  # noqa: S704
