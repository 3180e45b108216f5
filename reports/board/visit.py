"""One request of somebody who is signed in: what they sent, who they are, in which language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import cast, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from reports.board.office import Office
from reports.charts import shape
from reports.texts import Texts, read_texts
from schemas.settings import ReportLanguage
from schemas.words import Words
from warehouse.board.door import Session, User

LANGUAGES: tuple[ReportLanguage, ...] = get_args(ReportLanguage)
LANGUAGE_NAMES = {"nb": "Bokmål", "nn": "Nynorsk", "en": "English"}
SUBJECT = "board"
_DONE = re.compile(r"[a-z_]{2,30}")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request; `typed` holds the fields of a form, each with all its values."""

    office: Office
    session: Session
    secret: str = field(repr=False)  # of the session's cookie
    path: Mapping[str, str]
    query: Mapping[str, str]
    typed: Mapping[str, list[str]] = field(default_factory=dict, repr=False)

    @property
    def user(self) -> User:
        """Who it is."""
        return self.session.user

    @property
    def texts(self) -> Texts:
        """The words of the board in the language of the session."""
        return board_texts(self.session.language)

    def word(self, words: Words) -> str:
        """What the life of a case calls something, in the language of the session."""
        return str(getattr(words, self.session.language))

    def one(self, name: str) -> str:
        """The field of a form that has one value; empty where it was not sent."""
        return self.typed.get(name, [""])[-1].strip()

    def page(self, name: str, *, status: int = 200, **values: object) -> Response:
        """A page of the board."""
        done = self.query.get("done", "")
        return render(
            name,
            self.texts,
            status=status,
            visit=self,
            done=done if _DONE.fullmatch(done) else "",
            **values,
        )


def board_texts(language: str) -> Texts:
    """The words of the board in one language."""
    return read_texts(cast("ReportLanguage", language), SUBJECT)


def render(name: str, texts: Texts, *, status: int = 200, **values: object) -> Response:
    """A page of the board; `visit` is among the values where somebody is signed in."""
    template = _environment(texts.language).get_template(f"{name}.html.j2")
    absent = {"visit": None, "done": "", "was_link": False, "was_here": False}
    page = template.render({"t": texts, "languages": LANGUAGE_NAMES} | absent | values)
    return HTMLResponse(page, status_code=status)


def back_to(path: str, done: str = "") -> Response:
    """After something was done: another page is asked for, so that a reload does it not again."""
    return RedirectResponse(f"{path}?done={done}" if done else path, status_code=303)


@cache
def _environment(language: ReportLanguage) -> Environment:
    environment = Environment(
        loader=PackageLoader("reports", "board/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    levels = read_texts(language)

    def level(name: str) -> Markup:
        said = levels.say(f"level.{name}")
        return Markup('<span class="level {}">{} {}</span>').format(name, shape(name), said)

    environment.filters["level"] = level
    environment.filters["first_up"] = lambda words: words[:1].upper() + words[1:]
    environment.globals["words"] = lambda label: getattr(label, language)
    environment.globals["report_says"] = levels.say
    return environment


@cache
def style() -> str:
    """The style sheet: that of the reports, and what pages that are acted on need besides."""
    report = files("reports") / "templates" / "report.css"
    board = files("reports") / "board" / "static" / "board.css"
    return "\n".join(part.read_text(encoding="utf-8") for part in (report, board))
