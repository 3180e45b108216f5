"""One figure of one wave as a reader meets it: its lists of lines, what is printed, what is hidden.

The attacker is taken to know a great deal: the rules, how many pupils of each school, grade and
gender the figure is about, and everything printed now and before. Of the true numbers it gets no
more than which lines must stay unknown, and in which one pupil or more is for certain.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from transforms.attack.printed import (
    ALL_ALIKE_FROM,
    HANDFUL,
    LEAST_N,
    Texts,
    band_limits,
    count_limits,
    mean_limits,
    share_limits,
    size_limits,
)
from transforms.attack.system import NEAR, Floats, Ints, Mask

Kind = Literal["share", "mean", "count"]

LEAST_N_OF_GENDER = 10
LEAST_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of the lists: who is in each, and its true numbers, which never leave the gate.

    `part` is above the least possible: pupils, or points of a scale that begins at zero.
    """

    level: Texts  # municipality, school, grade or gender
    members: sparse.csr_array  # lines x groups of pupils who share school, grade and gender
    n: Ints
    part: Floats
    classes: Ints

    def those(self, which: Mask) -> "Lines":
        """Some of the lines."""
        places = np.flatnonzero(which)
        return Lines(
            level=self.level[places],
            members=self.members[places],
            n=self.n[places],
            part=self.part[places],
            classes=self.classes[places],
        )


@dataclass(frozen=True, slots=True)
class Prints:
    """What is printed of shown lines; a line that came out twice is printed twice."""

    line: Ints
    value: Floats  # NaN where the table has no number
    n_band: Texts  # of the pupils it is about; None where the table does not say
    total_band: Texts  # of those for whom it holds


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one wave. `n` and `part` are of the groups; a mean is in points above 0."""

    kind: Kind
    lowest: float  # of the scale; 0 for a share or a count
    reach: float  # what one pupil can add
    n: Ints
    part: Floats
    lines: Lines
    prints: Prints
    min_n: int

    @property
    def shown(self) -> Mask:
        """Which lines are printed."""
        shown = np.zeros(len(self.lines.n), np.bool_)
        shown[self.prints.line] = True
        return shown


def secret(figure: Figure, lines: Lines) -> Mask:
    """Which of the lines nobody may be able to tell: privacy notes 1.4."""
    floor = max(figure.min_n, LEAST_N)
    needed = np.where(lines.level == "gender", max(floor, LEAST_N_OF_GENDER), floor)
    rest = lines.n * figure.reach - lines.part
    side = np.minimum(lines.part, rest)
    few = lines.n < ALL_ALIKE_FROM
    if figure.kind == "mean":
        telling = (side < 0.05 * lines.n) & few
    elif figure.kind == "share":
        telling = ((side > 0) & (side < HANDFUL)) | ((side == 0) & few)
    else:
        telling = side < HANDFUL
    small: Mask = (lines.n < needed) | (lines.classes < LEAST_CLASSES) | telling
    return small & (lines.n > 0)


def printed_rows(figure: Figure) -> tuple[sparse.csr_array, Floats, Floats]:
    """The shown lines as rows, with the least and the most that the print can stand for."""
    prints = figure.prints
    n = figure.lines.n[prints.line]
    if figure.kind == "share":
        low, high = share_limits(prints.value, n)
        banded = np.flatnonzero(prints.total_band != np.array(None))
        least, most = band_limits(prints.total_band[banded])
        low[banded] = np.maximum(low[banded], least)
        high[banded] = np.minimum(high[banded], most)
    elif figure.kind == "count":
        low, high = count_limits(prints.total_band, n)
    else:
        sums = mean_limits(prints.value, n)
        low, high = (limit - n * figure.lowest for limit in sums)
        low, high = np.maximum(low, 0), np.minimum(high, n * figure.reach)
    return figure.lines.members[prints.line], low, high


def size_rows(figure: Figure) -> tuple[sparse.csr_array, Floats, Floats]:
    """The shown lines as rows of how many pupils they are about, to one who has only the print."""
    prints = figure.prints
    told = np.flatnonzero(prints.n_band != np.array(None))
    low, high = size_limits(prints.n_band[told], prints.value[told], share=figure.kind == "share")
    return figure.lines.members[prints.line[told]], np.maximum(low, LEAST_N), high


def at_least_one(figure: Figure) -> tuple[Mask, Mask]:
    """The hidden lines of which a reader may be certain that one pupil is in it, or out of it.

    Nobody, or everybody, of twenty would have been shown, in a list that still shows a line. Where
    that is not so in truth (the line was hidden for another's sake) the belief is left out.
    """
    lines, shown = figure.lines, figure.shown
    kept = np.isin(lines.level, np.unique(lines.level[shown])) & (lines.level != "municipality")
    believed = kept & ~shown & (lines.n >= ALL_ALIKE_FROM) & (figure.kind == "share")
    return believed & (lines.part >= 1), believed & (lines.part <= lines.n - 1)


def spoken_for(figure: Figure) -> tuple[Floats, Floats]:
    """Least and most of each group, given the lines of which nobody or everybody is shown.

    That may be shown of twenty or more, and speaks for each of them wherever else they count. The
    municipality's own figure is left out: what follows from it is for the lists to hide.
    """
    least, most = np.zeros(len(figure.n)), figure.n * figure.reach
    members, low, high = printed_rows(figure)
    lines, line = figure.lines, figure.prints.line
    value = figure.prints.value - figure.lowest
    list_line = (lines.level[line] != "municipality") & (figure.kind != "count")
    for end, limit in ((0.0, high), (figure.reach, lines.n[line] * figure.reach - low)):
        there = np.flatnonzero(list_line & (np.abs(value - end) < NEAR))
        entries = members[there].tocoo()
        room = limit[there][entries.coords[0]]
        group = entries.coords[1]
        if end == 0:
            np.minimum.at(most, group, room)
        else:
            np.maximum.at(least, group, most[group] - room)
    return least, np.maximum(most, least)
