"""Charts are text: the finding in the title, real words on the axis, places that mean something."""

import re

from reports.charts import (
    OrdinalScale,
    Point,
    dot_and_interval,
    shape,
    sparkline,
)

SAFETY = OrdinalScale(count=5, flagged_below=2, top="alltid", bottom="aldri")
AXIS = ("0 %", "20 %", "40 %", "60 %")


def numbers(svg: str, element: str, attribute: str) -> list[float]:
    return [float(n) for n in re.findall(rf'<{element}[^>]* {attribute}="([-\d.]+)"', svg)]


def line(*places: int | None) -> str:
    waves = (f"Runde {i}" for i, _ in enumerate(places, start=1))
    return str(sparkline([*map(Point, waves, places)], SAFETY, title="Trygghet"))


def test_the_title_comes_first_and_is_the_finding() -> None:
    assert re.match(r'<svg [^>]*role="img"[^>]*><title>Trygghet</title>', line(4, 1))


def test_wave_names_and_end_labels_are_real_text() -> None:
    svg = line(4, 1)
    for word in ("Runde", "alltid", "aldri"):
        assert f">{word}</text>" in svg


def test_a_lower_place_is_drawn_lower_on_a_fixed_scale() -> None:
    best, worst = numbers(line(4, 0), "circle", "cy")
    assert best < worst
    assert numbers(line(4), "circle", "cy") == [best]


def test_a_place_that_flags_lies_in_the_shaded_zone_and_the_next_one_does_not() -> None:
    (cut,) = numbers(line(0), "rect", "y")
    flagged, clear = numbers(line(1, 2), "circle", "cy")
    assert clear < cut < flagged


def test_a_missing_answer_breaks_the_line_and_draws_no_dot() -> None:
    assert line(4, None, 1).count("<circle") == 2
    assert 'class="path"' not in line(4, None, 1)
    assert line(4, 3, 1).count('class="path"') == 2


def test_only_the_last_answer_is_filled() -> None:
    assert re.findall(r'<circle class="(\w+)"', line(4, 3, 1)) == ["then", "then", "now"]


def test_labels_are_escaped() -> None:
    svg = sparkline([Point("<b>", 0)], SAFETY, title="</title><script>")
    assert "<b>" not in svg
    assert "<script>" not in svg


def test_every_share_is_drawn_on_the_same_axis() -> None:
    def left_end(count: int) -> list[float]:
        svg = dot_and_interval(count, 20, 0.08, axis_end=0.6, labels=AXIS, title="t")
        return [
            *numbers(svg, "rect", "x"),
            *numbers(svg, "text", "x"),
            *numbers(svg, "rect", "width"),
        ]

    assert left_end(3) == left_end(6)


def test_the_dot_lies_inside_its_interval_and_the_baseline_in_its_place() -> None:
    svg = dot_and_interval(6, 20, 0.3, axis_end=0.6, labels=AXIS, title="t")
    base, low = numbers(svg, "line", "x1")
    high = numbers(svg, "line", "x2")[1]
    (dot,) = (float(x) for x in re.findall(r'class="dot" d="M([\d.]+)', svg))
    assert low < dot < high
    assert dot == base == 12 + 168 / 2


def test_nothing_is_drawn_outside_the_axis() -> None:
    svg = dot_and_interval(20, 20, 0.9, axis_end=0.6, labels=AXIS, title="t")
    assert max(numbers(svg, "line", "x2")) <= 12 + 168


def test_the_same_data_give_the_same_bytes() -> None:
    assert line(4, None, 1) == line(4, None, 1)


def test_levels_differ_by_form_and_not_by_colour() -> None:
    marks = {level: str(shape(level)) for level in ("prompt", "flag", "watch", "welcome")}
    assert len(set(marks.values())) == len(marks)
    assert not any("fill=" in mark or "stroke=" in mark for mark in marks.values())
    assert all('aria-hidden="true"' in mark for mark in marks.values())
