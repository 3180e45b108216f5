"""The way from a survey file to a published figure, drawn as SVG.

Text stays text, and the picture says in its description what it shows. Lengths are CSS pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from reports.texts import Texts

_WIDTH, _HEIGHT = 1080, 372
_NODE_WIDTH, _NODE_HEIGHT = 172, 54
_TOP, _MIDDLE, _LOW = 74, 184, 294
# Left edges of the columns: files, rows, scores, flags, gate, published.
_FILES, _ROWS, _SCORES, _GATE, _OUT = 12, 226, 440, 670, 896
_GATE_WIDTH = 168


@dataclass(frozen=True, slots=True)
class _Node:
    x: int
    y: int
    name: str
    sub: str


def road_chart(counts: Mapping[str, int], texts: Texts) -> Markup:
    """Draw the road; `counts` has `deliveries`, `figures` and `waves` of the publication."""
    nodes = _nodes(counts, texts)
    parts = [*_zones(texts), *_ways(), *map(_drawn, nodes), _gate(texts)]
    return Markup(
        '<svg class="road" role="img" aria-labelledby="road-name road-says"'
        ' viewBox="0 0 {width} {height}">'
        '<title id="road-name">{name}</title><desc id="road-says">{says}</desc>{parts}</svg>'
    ).format(
        width=_WIDTH,
        height=_HEIGHT,
        name=texts.say("lineage.chart"),
        says=texts.say("lineage.chart_says"),
        parts=Markup("").join(parts),
    )


def _nodes(counts: Mapping[str, int], texts: Texts) -> list[_Node]:
    say = texts.say
    deliveries, figures = counts["deliveries"], counts["figures"]
    return [
        _Node(
            _FILES,
            _TOP,
            say("lineage.survey"),
            say("lineage.survey_sub", n=texts.decimal(deliveries)),
        ),
        _Node(_FILES, _LOW, say("lineage.lists"), say("lineage.lists_sub")),
        _Node(_ROWS, _TOP, "core.answer", say("lineage.answer_sub")),
        _Node(_ROWS, _LOW, "core.dim_class_group", say("lineage.class_sub")),
        _Node(_SCORES, _TOP, "core.score", say("lineage.score_sub")),
        _Node(_SCORES, _MIDDLE, "core.flag", say("lineage.flag_sub")),
        _Node(_OUT, _TOP, "mart.indicator", say("lineage.indicator_sub", n=texts.decimal(figures))),
        _Node(_OUT, _MIDDLE, "mart.flag_count", say("lineage.flag_count_sub")),
        _Node(
            _OUT,
            _LOW,
            "mart.response_rate",
            say("lineage.response_sub", n=texts.decimal(counts["waves"])),
        ),
    ]


def _zones(texts: Texts) -> list[Markup]:
    """The three zones behind the nodes, each with its name on top."""
    zones = (
        (2, 206, "zone-in", "lineage.zone_in"),
        (216, 628, "zone-mid", "lineage.zone_restricted"),
        (852, 226, "zone-in", "lineage.zone_analyst"),
    )
    return [
        Markup(
            '<rect class="{kind}" x="{x}" y="2" width="{width}" height="{height}" rx="6"/>'
            '<text class="zone-name" x="{text_x}" y="22">{name}</text>'
        ).format(
            kind=kind, x=x, width=width, height=_HEIGHT - 4, text_x=x + 10, name=texts.say(key)
        )
        for x, width, kind, key in zones
    ]


def _drawn(node: _Node) -> Markup:
    return Markup(
        '<rect class="node" x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
        '<text class="name" x="{tx}" y="{ny}">{name}</text>'
        '<text class="sub" x="{tx}" y="{sy}">{sub}</text>'
    ).format(
        x=node.x,
        y=node.y,
        width=_NODE_WIDTH,
        height=_NODE_HEIGHT,
        tx=node.x + 10,
        ny=node.y + 22,
        sy=node.y + 41,
        name=node.name,
        sub=node.sub,
    )


def _gate(texts: Texts) -> Markup:
    """The gate that everything passes on its way out: one bar over all three lines."""
    middle = _GATE + _GATE_WIDTH // 2
    lines = [
        Markup('<text class="on-gate" text-anchor="middle" x="{}" y="{}">{}</text>').format(
            middle, y, line
        )
        for y, line in (
            (_MIDDLE + 20, texts.say("lineage.gate")),
            *(
                (_MIDDLE + 42 + 18 * n, word.strip())
                for n, word in enumerate(texts.say("lineage.gate_sub").split(","))
            ),
        )
    ]
    bar = Markup('<rect class="gate" x="{}" y="{}" width="{}" height="{}" rx="4"/>').format(
        _GATE, 40, _GATE_WIDTH, _HEIGHT - 56
    )
    return bar + Markup("").join(lines)


_Points = tuple[tuple[int, int], ...]


def _ways() -> list[Markup]:
    """What becomes of what, each way with an arrow's head at its end."""
    half, right = _NODE_HEIGHT // 2, _NODE_WIDTH
    top, middle, low, below = _TOP + half, _MIDDLE + half, _LOW + half, _TOP + _NODE_HEIGHT
    past = _GATE + _GATE_WIDTH
    ways: tuple[_Points, ...] = (
        ((_FILES + right, top), (_ROWS, top)),
        ((_FILES + right, low), (_ROWS, low)),
        ((_ROWS + right, top), (_SCORES, top)),
        ((_ROWS + 120, below), (_ROWS + 120, middle), (_SCORES, middle)),
        ((_SCORES + 86, below), (_SCORES + 86, _MIDDLE)),
        ((_ROWS + 86, _TOP), (_ROWS + 86, 52), (_GATE, 52)),
        ((_SCORES + right, top), (_GATE, top)),
        ((_SCORES + right, middle), (_GATE, middle)),
        ((_ROWS + right, low), (_GATE, low)),
        ((_ROWS + 50, below), (_ROWS + 50, _LOW - 22), (_GATE, _LOW - 22)),
        *(((past, y), (_OUT, y)) for y in (top, middle, low)),
    )
    return [_way(points) for points in ways]


def _way(points: _Points) -> Markup:
    (_, before_y), (x, y) = points[-2:]
    line = "M" + "L".join(f"{px} {py}" for px, py in points)
    head = f"M{x} {y}l-7 -4v8z" if before_y == y else f"M{x} {y}l-4 -7h8z"
    return Markup('<path class="way" d="{}"/><path d="{}"/>').format(line, head)
