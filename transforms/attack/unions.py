"""The sums and differences that a reader can form of printed lines, as lines of their own."""

from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from transforms.attack.lists import Figure, Lines, secret
from transforms.attack.printed import Texts
from transforms.attack.system import Floats, Ints, Mask, members

_MANY = 1 << 30  # classes: a union is not hidden for having too few


def secret_unions(figure: Figure) -> Lines:
    """What is left of a list, of the whole and of a line when printed lines are taken away.

    Those alone that nobody may be able to tell, and that are not a printed line themselves.
    """
    found = [_rests_of_lists(figure), _differences(figure)]
    sets = sparse.csr_array(sparse.vstack([sets for _, sets in found]))
    level = np.concatenate([level for level, _ in found])
    every = replace(_lines(level, sets @ figure.n, sets @ figure.part), members=sets)
    return every.those(secret(figure, every) & ~_is_printed(figure, every))


def _is_printed(figure: Figure, unions: Lines) -> Mask:
    """Which of the unions have the very pupils of a printed line."""
    printed = figure.lines.those(figure.shown)
    weighed = unions.members @ sparse.diags_array(figure.n.astype(float))
    common = sparse.coo_array(weighed @ printed.members.T)
    union, line = common.coords
    same = (common.data == unions.n[union]) & (common.data == printed.n[line])
    found = np.zeros(len(unions.n), np.bool_)
    found[union[same]] = True
    return found


def _lines(level: Texts, n: Ints, part: Floats) -> Lines:
    """Lines without members."""
    return Lines(
        level=level,
        members=sparse.csr_array((len(n), 0)),
        n=np.asarray(n, np.int64),
        part=np.asarray(part, np.float64),
        classes=np.full(len(n), _MANY),
    )


def _rests_of_lists(figure: Figure) -> tuple[Texts, sparse.csr_array]:
    """The hidden lines of each list together, and apart in each piece of schools and grades."""
    lines = figure.lines
    left = ~figure.shown & (lines.n > 0)
    levels: list[str] = []
    sets: list[Ints] = []
    piece = _piece_of_groups(figure) if (lines.level == "grade").any() else None
    for level in np.unique(lines.level[left & (lines.level != "municipality")]):
        held = lines.members[np.flatnonzero(left & (lines.level == level))].sum(axis=0) > 0
        groups = np.flatnonzero(held)
        sets.append(groups)
        if piece is not None and piece.any() and level != "gender":
            sets += [groups[piece[groups] == number] for number in np.unique(piece[groups])]
        levels += [level] * (len(sets) - len(levels))
    return np.array(levels, object), members([list(one) for one in sets], len(figure.n))


def _piece_of_groups(figure: Figure) -> Ints:
    """A number for each group: the same where schools and grades hang together."""
    lines = figure.lines
    crossing = np.flatnonzero(np.isin(lines.level, ("school", "grade")) & (lines.n > 0))
    rows = lines.members[crossing]
    counts = sparse.csr_array((figure.n[rows.indices] > 0, rows.indices, rows.indptr), rows.shape)
    counts.eliminate_zeros()
    lists = sparse.block_array([[None, counts], [counts.T, None]])
    _, piece = csgraph.connected_components(lists, directed=False)
    # Groups without pupils hang on nothing and are no piece.
    there = figure.n > 0
    number = np.zeros(len(figure.n), np.int64)
    number[there] = np.unique(piece[len(crossing) :][there], return_inverse=True)[1]
    return number


def _differences(figure: Figure) -> tuple[Texts, sparse.csr_array]:
    """A printed line without another that lies wholly within it."""
    lines = figure.lines.those(figure.shown)
    inner, outer = _one_in_another(lines, figure.n)
    level = np.where(lines.level[outer] == "gender", "gender", lines.level[inner])
    left = _lines(
        level.astype(object),
        lines.n[outer] - lines.n[inner],
        lines.part[outer] - lines.part[inner],
    )
    telling = np.flatnonzero(secret(figure, left))
    left_over = lines.members[outer[telling]] - lines.members[inner[telling]]
    return level[telling], sparse.csr_array(left_over)


def _one_in_another(lines: Lines, n: Ints) -> tuple[Ints, Ints]:
    """The pairs of lines of which the first lies within the second, as their positions."""
    whole = lines.level == "municipality"
    wide = np.flatnonzero(np.isin(lines.level, ("grade", "gender")))
    weighed = lines.members[wide] @ sparse.diags_array(n.astype(float))
    common = sparse.coo_array(weighed @ lines.members.T)
    first, second = wide[common.coords[0]], common.coords[1]
    pairs = [(np.flatnonzero(~whole), np.full((~whole).sum(), at)) for at in np.flatnonzero(whole)]
    for one, other in ((first, second), (second, first)):
        within = (common.data == lines.n[one]) & ~whole[other] & (one != other)
        pairs.append((one[within], other[within]))
    return np.concatenate([a for a, _ in pairs]), np.concatenate([b for _, b in pairs])
