"""What a report says, as JSON for the Typst template: text stays text, charts stay SVG.

Nothing of it ever becomes markup: the template sets every string as it is.
"""

import json
import re
from dataclasses import asdict
from datetime import date
from functools import cache, lru_cache
from html import unescape
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from reports.charts import shape
from reports.model import LEVEL_ORDER, ReportView
from reports.texts import Texts

_TITLE = re.compile("<title>(.*?)</title>", re.DOTALL)
_WIDTH = re.compile(' width="([0-9.]+)"')


def payload(view: ReportView, texts: Texts) -> str:
    """The view, the marks of the levels and the fixed words of one language, as JSON."""
    told = {
        "view": asdict(view, dict_factory=_drawn),
        "marks": {level: _marked(level) for level in (*LEVEL_ORDER, "alert")},
        "words": dict(texts.entries),
        "partly": dict(texts.partly),
        "partly_in": texts.partly_in,
    }
    return json.dumps(told, ensure_ascii=False, default=_plainly)


def _drawn(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {key: _chart(str(value)) if isinstance(value, Markup) else value for key, value in pairs}


def _plainly(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


@lru_cache(4096)  # many pupils have the very same few answers
def _chart(svg: str) -> dict[str, object]:
    """A chart that stands by itself: with its style, its width in points, and what it finds."""
    title, width = _TITLE.search(svg), _WIDTH.search(svg)
    if title is None or width is None:
        raise ValueError("a chart without a title or a width")
    return {"svg": _alone(svg), "alt": unescape(title[1]), "width": float(width[1])}


def _alone(svg: str) -> str:
    head, _, rest = str(svg).partition(">")  # of Markup, every piece would be escaped again
    opened = head.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{opened}><style>{_style()}</style>{rest}"


@cache
def _marked(level: str) -> str:
    return _alone(shape(level))


@cache
def _style() -> str:
    return (files("reports.pdf") / "charts.css").read_text(encoding="utf-8")
