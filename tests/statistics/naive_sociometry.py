"""Sociometry as one would do it by hand: dictionaries, loops, and thinking one pupil away."""

from fractions import Fraction


def groups(pupils, pairs):
    """The groups of pupils that hang together by pairs in any direction, as sets."""
    left, found = set(pupils), []
    while left:
        group, edge = set(), {min(left)}
        while edge:
            group |= edge
            edge = {b for a, b in pairs if a in edge} | {a for a, b in pairs if b in edge}
            edge = (edge & left) - group
        found.append(group)
        left -= group
    return found


def is_bridge(pupil, pupils, pairs):
    """Whether the pupil's own group falls apart without it."""
    without = [pair for pair in pairs if pupil not in pair]
    own = next(group for group in groups(pupils, pairs) if pupil in group)
    return len(groups(own - {pupil}, without)) > 1


def chances(ratings, pupil):
    """The distribution of a pupil's total, if each rater dealt out the same ratings at random.

    `ratings` maps (rater, rated) to a whole number.
    """
    total = {0: Fraction(1)}
    for rater in sorted({i for i, k in ratings if k == pupil}):
        own = [value for (i, _), value in ratings.items() if i == rater]
        after = {}
        for reached, chance in total.items():
            for value in own:
                share = chance / len(own)
                after[reached + value] = after.get(reached + value, 0) + share
        total = after
    return total
