"""The attack on one figure of one wave: what of it that must stay unknown can be worked out."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from transforms.attack.lists import (
    Figure,
    Lines,
    at_least_one,
    printed_rows,
    secret,
    size_rows,
    spoken_for,
)
from transforms.attack.swaps import sure_width
from transforms.attack.system import NEAR, AttackError, Floats, Mask, System
from transforms.attack.unions import secret_unions
from transforms.attack.verdict import Verdict, Verdicts, judge

COUNT_WIDTH = 5.0  # a count that must stay unknown may lie within no less than this
MEAN_WIDTH = 1 / 8  # of the scale: half a point of one from 1 to 5
LEAST_SCHOOLS = 3  # behind what is left of the municipality
_MOST_PUPILS = 1_000_000.0
_NO_BAND = np.array(None)


@dataclass(frozen=True, slots=True)
class Found:
    """How many of what must stay unknown an attacker gets at, and what kind of slip it is."""

    shown: int = 0  # printed, though they must not be
    rest: int = 0  # a rest of the municipality with too few schools
    pinned: int = 0
    narrowed: int = 0

    @property
    def anything(self) -> bool:
        """Whether the figure must not come out like this."""
        return (self.shown + self.rest + self.pinned + self.narrowed) > 0


Certain = tuple[Mask, Mask]  # one pupil or more is in a line; one or more is out of it


def attack(figure: Figure) -> Found:
    """Try to tell what of this figure nobody may tell. AttackError where that is not settled."""
    lines, shown = figure.lines, figure.shown
    _require_sums(figure)
    closed = secret(figure, lines)
    bare = Found(shown=int((closed & shown).sum()), rest=int(_rest_is_of_few_schools(figure)))
    if bare.anything:
        return bare
    _require_prints(figure)
    certain = at_least_one(figure)
    union = secret_unions(figure)
    unsure = (np.zeros(len(union.n), np.bool_), np.zeros(len(union.n), np.bool_))
    own = (certain[0][closed], certain[1][closed])
    verdicts = [
        verdict
        for targets, of_them in ((lines.those(closed), own), (union, unsure))
        if len(targets.n)
        for verdict in (_tell_parts(figure, targets, of_them, certain), _tell_n(figure, targets))
    ]
    counts = np.bincount(np.concatenate([np.zeros(0, np.int64), *verdicts]), minlength=3)
    return Found(pinned=int(counts[Verdict.PINNED]), narrowed=int(counts[Verdict.NARROWED]))


def _require_sums(figure: Figure) -> None:
    lines = figure.lines
    parts = lines.members @ figure.part - lines.part
    if (lines.members @ figure.n != lines.n).any() or (np.abs(parts) > NEAR * (1 + lines.n)).any():
        raise AttackError("lines of one figure are not the sums of its groups")


def _require_prints(figure: Figure) -> None:
    lines, prints = figure.lines, figure.prints
    said = np.isfinite(prints.value) if figure.kind != "count" else prints.total_band != _NO_BAND
    if not said.all():
        raise AttackError("a line is printed in part")
    _require_true_prints(lines.part[prints.line], *printed_rows(figure)[1:])
    told = prints.n_band != _NO_BAND
    _require_true_prints(lines.n[prints.line[told]], *size_rows(figure)[1:])


def _require_true_prints(truth: Floats, low: Floats, high: Floats) -> None:
    """An attacker who reads a print otherwise than it was made would prove nothing."""
    near = NEAR * np.maximum(1, np.abs(truth))
    if ((truth < low - near) | (truth > high + near)).any():
        raise AttackError("the true numbers do not fit what was printed of them")


def _rest_is_of_few_schools(figure: Figure) -> bool:
    lines, shown = figure.lines, figure.shown
    left = ((lines.level == "school") & ~shown & (lines.n > 0)).sum()
    whole_shown = (shown & (lines.level == "municipality")).any()
    return bool(whole_shown and 0 < left < LEAST_SCHOOLS)


def _tell_parts(figure: Figure, targets: Lines, of_them: Certain, certain: Certain) -> Verdicts:
    """The verdicts on the targets' numbers, to one who knows how many pupils each group is."""
    caps = (figure.n * figure.reach).astype(np.float64)
    known = System(*printed_rows(figure), np.zeros(len(caps)), caps)
    room = _room_before(figure, targets, of_them)
    share_of_room = MEAN_WIDTH if figure.kind == "mean" else 1.0
    wanted = np.minimum(room * share_of_room, COUNT_WIDTH if figure.kind != "mean" else np.inf)
    unsettled = np.flatnonzero(room > NEAR)
    sets = targets.members[unsettled]
    return judge(
        _with_beliefs(known, figure, certain),
        sets,
        wanted[unsettled],
        sure=sure_width(_placed(known, figure, certain), sets, figure.part),
        whole=figure.kind != "mean",
    )


def _tell_n(figure: Figure, targets: Lines) -> Verdicts:
    """The verdicts on how many pupils the targets are, to one who has nothing but the print."""
    rows, low, high = size_rows(figure)
    groups = len(figure.n)
    known = System(rows, low, high, np.zeros(groups), np.full(groups, _MOST_PUPILS))
    sure = sure_width(known, targets.members, figure.n.astype(np.float64))
    return judge(known, targets.members, np.full(len(targets.n), COUNT_WIDTH), sure=sure)


def _with_beliefs(known: System, figure: Figure, certain: Certain) -> System:
    """The system with a row for each line that one pupil is certain to be in, or out of."""
    some, not_all = certain
    believed = some | not_all
    lines = figure.lines.those(believed)
    return replace(
        known,
        rows=sparse.csr_array(sparse.vstack([known.rows, lines.members])),
        low=np.concatenate([known.low, some[believed]]),
        high=np.concatenate([known.high, lines.n - not_all[believed]]),
    )


def _placed(known: System, figure: Figure, certain: Certain) -> System:
    """The system with each certain pupil put into one group: no wider than the beliefs."""
    least, most = known.least.copy(), known.most.copy()
    for lines, numbers, limit, to in (
        (certain[0], figure.part, least, np.ones(len(least))),
        (certain[1], figure.n - figure.part, most, figure.n - 1),
    ):
        members = figure.lines.members[np.flatnonzero(lines)]
        for groups in np.split(members.indices, members.indptr[1:-1]) if lines.any() else ():
            group = groups[np.argmax(numbers[groups])]
            limit[group] = to[group]
    return replace(known, least=least, most=most)


def _room_before(figure: Figure, targets: Lines, of_them: Certain) -> Floats:
    """How far apart the numbers of each target can be before the lists are printed."""
    least, most = spoken_for(figure)
    low = np.maximum(targets.members @ least, of_them[0])
    high = np.minimum(targets.members @ most, targets.n * figure.reach - of_them[1])
    room: Floats = high - low
    return room
