"""Small charts as SVG: text stays text, each says its finding, equal data give equal bytes.

Colours come from the style sheet's classes; shape, place and words carry the meaning, so a chart
reads the same in grey. Lengths are in CSS pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from markupsafe import Markup, escape

from transforms.statistics.proportions import wilson_interval

_SHAPES: Mapping[str, tuple[str, str]] = {
    "prompt": ("M1 1H11V11H1Z", "solid"),
    "flag": ("M6 1 11.5 11H.5Z", "solid"),
    "alert": ("M6 1 11.5 11H.5Z", "solid"),
    "watch": ("M6 1.5A4.5 4.5 0 1 1 6 10.5A4.5 4.5 0 1 1 6 1.5Z", "hollow"),
    "welcome": ("M6 .8 11.2 6 6 11.2.8 6Z", "hollow"),
}

_STEP = 54
_LEFT = 8
_TOP = 9
_PLOT = 32
_LINE = 11
_LONGEST_WORD = 10

_AXIS_LEFT, _AXIS_WIDTH = 12, 168
_AXIS_Y = 13


@dataclass(frozen=True, slots=True)
class Point:
    """One wave on a sparkline: its name and the answer's place, or None where there is none."""

    wave: str
    place: int | None


@dataclass(frozen=True, slots=True)
class OrdinalScale:
    """Answer options by place, the one that worries least on top.

    Places are ranks, not codes: the options have an order, the distances mean nothing.
    `flagged_from` is the lowest place that still gives no flag.
    """

    count: int
    flagged_below: int
    top: str
    bottom: str


@lru_cache(maxsize=4096)  # a school's few counts come back in every class, language and route
def share_interval(count: int, n: int) -> tuple[float, float]:
    """The 95 % interval of one share as plain numbers, for texts and charts."""
    low, high = wilson_interval(count, n)
    return float(low), float(high)


def shape(level: str) -> Markup:
    """The mark of a level; the word always stands beside it, so screen readers skip the mark."""
    path, look = _SHAPES[level]
    return Markup(  # noqa: S704
        f'<svg class="shape {look}" width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">'
        f'<path d="{path}"/></svg>'
    )


def sparkline(points: Sequence[Point], scale: OrdinalScale, *, title: str) -> Markup:
    """Answers over waves on the item's own options, with the stretch that gives a flag shaded."""
    return _drawn(tuple(points), scale, title)


@lru_cache(maxsize=4096)  # many pupils of a wave have the very same few answers
def _drawn(points: tuple[Point, ...], scale: OrdinalScale, title: str) -> Markup:
    names = [_wrapped(point.wave) for point in points]
    right = _LEFT + _STEP * len(points)
    height = _TOP + _PLOT + 4 + _LINE * max(len(lines) for lines in names)
    parts = [_flag_zone(scale, right), _track(points, scale), *_dots(points, scale)]
    parts += [_name(lines, _x(i)) for i, lines in enumerate(names)]
    parts.append(_text(right + 4, _TOP + 3, scale.top, "end-label"))
    parts.append(_text(right + 4, _TOP + _PLOT, scale.bottom, "end-label"))
    longest = max(len(scale.top), len(scale.bottom))
    return _svg("spark", right + 8 + round(longest * 5.2), height, title, parts)


def dot_and_interval(
    count: int, n: int, baseline: float, *, axis_end: float, labels: tuple[str, ...], title: str
) -> Markup:
    """A class's share with its 95 % interval, and the baseline, on an axis from 0 to `axis_end`.

    `labels` are the axis texts from 0 to the end, evenly spaced.
    """
    low, high = (_on_axis(bound, axis_end) for bound in share_interval(count, n))
    dot, base = _on_axis(count / n, axis_end), _on_axis(baseline, axis_end)
    parts = [
        _tag("rect", "track", x=_AXIS_LEFT, y=_AXIS_Y - 2, width=_AXIS_WIDTH, height=4),
        _tag("line", "base", x1=base, x2=base, y1=_AXIS_Y - 10, y2=_AXIS_Y + 10),
        _tag("line", "interval", x1=low, x2=high, y1=_AXIS_Y, y2=_AXIS_Y),
        Markup('<path class="dot" d="M{} {}l6 7-6 7-6-7z"/>').format(_n(dot), _n(_AXIS_Y - 7)),
    ]
    step = _AXIS_WIDTH / (len(labels) - 1)
    for i, label in enumerate(labels):
        parts.append(_text(_AXIS_LEFT + i * step, _AXIS_Y + 22, label, "tick"))
    return _svg("share", _AXIS_LEFT * 2 + _AXIS_WIDTH, _AXIS_Y + 26, title, parts)


def _on_axis(share: float, axis_end: float) -> float:
    return _AXIS_LEFT + min(share / axis_end, 1.0) * _AXIS_WIDTH


def _x(i: int) -> float:
    return _LEFT + _STEP * (i + 0.5)


def _y(place: float, scale: OrdinalScale) -> float:
    return _TOP + _PLOT * (1 - place / (scale.count - 1))


def _flag_zone(scale: OrdinalScale, right: int) -> Markup:
    cut = _y(scale.flagged_below - 0.5, scale)
    bottom = _TOP + _PLOT + 4
    zone = _tag("rect", "zone", x=_LEFT, y=cut, width=right - _LEFT, height=bottom - cut)
    return zone + _tag("line", "cut", x1=_LEFT, x2=right, y1=cut, y2=cut)


def _track(points: Sequence[Point], scale: OrdinalScale) -> Markup:
    lines = Markup("")
    for i, (here, there) in enumerate(pairwise(points)):
        if here.place is not None and there.place is not None:
            ends = {"y1": _y(here.place, scale), "y2": _y(there.place, scale)}
            lines += _tag("line", "path", x1=_x(i), x2=_x(i + 1), **ends)
    return lines


def _dots(points: Sequence[Point], scale: OrdinalScale) -> list[Markup]:
    last = len(points) - 1
    return [
        _tag("circle", "now" if i == last else "then", cx=_x(i), cy=_y(point.place, scale), r=3.4)
        for i, point in enumerate(points)
        if point.place is not None
    ]


def _name(lines: Sequence[str], x: float) -> Markup:
    top = _TOP + _PLOT + 3
    parts = (_text(x, top + _LINE * (i + 1), line, "wave") for i, line in enumerate(lines))
    return Markup("").join(parts)


def _wrapped(name: str) -> tuple[str, ...]:
    words = name.split() or ["–"]
    return tuple(
        word if len(word) <= _LONGEST_WORD else word[: _LONGEST_WORD - 1] + "…" for word in words
    )


# Kinds, names and numbers are our own; only words are escaped. Markup.format would escape every
# part on its own, and a municipality's reports have tens of thousands of parts.
def _svg(kind: str, width: float, height: float, title: str, parts: Sequence[Markup]) -> Markup:
    w, h = _n(width), _n(height)
    return Markup(  # noqa: S704
        f'<svg class="chart {kind}" role="img" width="{w}" height="{h}" viewBox="0 0 {w} {h}"'
        f"><title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup(  # noqa: S704
        f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escape(text)}</text>'
    )


def _tag(name: str, kind: str, **numbers: float) -> Markup:
    given = "".join(f' {key}="{_n(value)}"' for key, value in numbers.items())
    return Markup(f'<{name} class="{kind}"{given}/>')  # noqa: S704


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
