"""Who likes to be with whom, from positive nominations, in one class at a time.

A matrix has one row for each pupil who chooses and one column for each who is chosen; several
situations (work, breaks) are stacked: situations x pupils x pupils. Nobody chooses themselves.
What comes of it starts a conversation: there is no status word in a report, no ranking, and chance
alone leaves 2-4 % of pupils unchosen (domain notes 5.2). Ask for 10 pupils and 80 % who answered
before looking at anything here.

Negative nominations ("with whom would you rather not be") exist in one place, the argument
`disliking` of `status`, and nothing here switches it on: asking children for them harms, is the
main cause of refused consent, and is what critics in Norway object to. A municipality that wants
them records a decision first, and the caller passes them by name.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from transforms.statistics.numbers import Numbers, require_within

Choices = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


_ROUNDING = 1e-9  # an equal chance and an equal total stay equal


@dataclass(frozen=True, slots=True)
class Place:
    """Where each pupil's received total lies in what chance would give, given who rated how."""

    total: Counts
    expected: Numbers
    at_most: Numbers
    at_least: Numbers


def matrix_of(chooser: Counts, chosen: Counts, pupils: int) -> Choices:
    """A matrix of choices from pairs of pupil numbers 0..pupils-1; a choice made twice is one.

    A pupil's choice of itself and a number that is no pupil of the class are refused (ValueError).
    """
    strangers = int(
        np.sum((np.minimum(chooser, chosen) < 0) | (np.maximum(chooser, chosen) >= pupils))
    )
    themselves = int(np.sum(chooser == chosen))
    if strangers or themselves:
        message = (
            f"choices go to others of the class; {strangers} go outside it and {themselves} to the "
            "pupil who chooses"
        )
        raise ValueError(message)
    choices = np.zeros((pupils, pupils), np.bool_)
    choices[chooser, chosen] = True
    return choices


def received(choices: Choices) -> Counts:
    """How many choices each pupil got, over all situations (in-degree)."""
    return np.asarray(_stacked(choices).sum(axis=(0, 1), dtype=np.int64))


def given(choices: Choices) -> Counts:
    """How many choices each pupil made, over all situations (out-degree)."""
    return np.asarray(_stacked(choices).sum(axis=(0, 2), dtype=np.int64))


def unchosen(choices: Choices) -> Marks:
    """Which pupils nobody chose in any situation."""
    return np.asarray(received(choices) == 0)


def mutual(choices: Choices) -> Choices:
    """Which two pupils chose each other, in the same situation or in different ones."""
    either = _stacked(choices).any(axis=0)
    return np.asarray(either & either.T)


def reciprocity(choices: Choices) -> Numbers:
    """Of the pupils whom each pupil chose, the share that chose back; nan where there is none."""
    out = _stacked(choices).any(axis=0).sum(axis=1)
    back = mutual(choices).sum(axis=1)
    return np.asarray(np.divide(back, out, out=np.full(len(out), np.nan), where=out > 0))


def cohesion(choices: Choices) -> float:
    """Mutual pairs as a share of all pairs of the class, 0-1; nan where there is no pair."""
    both = mutual(choices)
    directed = len(both) * (len(both) - 1)
    return float(both.sum() / directed) if directed else np.nan


def components(choices: Choices) -> Counts:
    """The number of the group that each pupil hangs together with, by choices in any direction.

    Groups are numbered from 0 in the order of their first pupil; pass `mutual(choices)` for groups
    that hang together by mutual choices.
    """
    first = _first_reached(_linked(choices))
    return np.asarray(np.unique(first, return_inverse=True)[1], np.int64)


def bridges(choices: Choices) -> Marks:
    """Which pupils hold a group together: without them it falls apart (articulation points)."""
    linked = _linked(choices)
    pupils = len(linked)
    others = ~np.eye(pupils, dtype=np.bool_)
    # One class for each pupil who is thought away, all at once.
    apart = linked & others[:, :, None] & others[:, None, :]
    first = _first_reached(apart)
    groups = (first == np.arange(pupils)).sum(axis=1)  # the pupil alone is one of them
    before = np.unique(_first_reached(linked)).size
    return np.asarray(groups - 1 > before)


def _stacked(choices: Choices) -> Choices:
    return choices if choices.ndim > 2 else choices[None]  # noqa: PLR2004 - pupils x pupils


def _linked(choices: Choices) -> Choices:
    either = _stacked(choices).any(axis=0)
    return np.asarray(either | either.T)


def _first_reached(linked: Choices) -> Counts:
    # The first pupil that each can reach, in one class or in a stack of classes, by squaring.
    pupils = len(linked)
    if not pupils:
        return np.zeros(linked.shape[:-1], np.int64)
    reach = (linked | np.eye(pupils, dtype=np.bool_)).astype(np.float32)
    for _ in range((pupils - 2).bit_length()):
        reach = np.minimum(reach @ reach, 1)
    return np.asarray(reach.argmax(axis=-1), np.int64)


def place_of_received(choices: Choices, answered: Marks) -> Place:
    """Where each pupil's received choices lie, given how many choices each other pupil made.

    `choices` are those of one situation; `answered` marks who did: somebody who did not is left
    out, and is no rater who chose nobody. Every rater spreads the same number of choices over the
    others at random (Newcomb & Bukowski 1983).
    """
    is_rated = answered[:, None] & ~np.eye(len(answered), dtype=np.bool_)
    return place_of_ratings(choices.astype(np.int64), is_rated)


def place_of_ratings(ratings: Counts, is_rated: Marks) -> Place:
    """Where each pupil's received total lies, if each rater dealt out the same ratings at random.

    `ratings` are whole numbers, raters x rated; only those marked by `is_rated` count. Each rater's
    own ratings are a distribution, and a pupil's total is their sum over those who rated it: their
    convolution (Maassen & Landsheer 1998, SSRAT), here by Fourier transform.
    """
    counted = np.where(is_rated, ratings, 0)
    lowest, highest = int(counted.min(initial=0)), int(counted.max(initial=0))
    shares = _own_shares(counted, is_rated, range(lowest, highest + 1))
    steps = np.arange(len(counted) * (highest - lowest) + 1)
    waves = np.fft.rfft(shares, len(steps), axis=1)
    received_waves = np.where(is_rated[:, :, None], waves[:, None, :], 1.0).prod(axis=0)
    chances = np.maximum(np.fft.irfft(received_waves, len(steps), axis=1), 0.0)
    possible = steps + lowest * is_rated.sum(axis=0)[:, None]
    total = counted.sum(axis=0)
    return Place(
        total=total,
        expected=np.sum(chances * possible, axis=1),
        at_most=np.sum(chances, axis=1, where=possible <= total[:, None]),
        at_least=np.sum(chances, axis=1, where=possible >= total[:, None]),
    )


def _own_shares(counted: Counts, is_rated: Marks, values: range) -> Numbers:
    # Each rater's own distribution of ratings: raters x values.
    counts = [((counted == value) & is_rated).sum(axis=1) for value in values]
    return np.asarray(np.stack(counts, axis=1) / np.maximum(is_rated.sum(axis=1), 1)[:, None])


def chosen_by_few(choices: Choices, answered: Marks, *, alpha: float = 0.05) -> Marks:
    """Who got fewer choices than chance explains: P(as few or fewer) <= alpha."""
    require_within(0, 1, alpha=alpha)
    return np.asarray(place_of_received(choices, answered).at_most <= alpha + _ROUNDING)


def status(
    liking: Counts, *, disliking: Counts, is_rated: Marks, alpha: float
) -> npt.NDArray[np.str_]:
    """Two-dimensional status from graded liking and disliking (Maassen & Landsheer 1998).

    Only for a survey whose municipality has recorded the decision to ask for negative choices (see
    the top of this module); no rule, report or table of ours uses it. `liking` and `disliking` are
    0 or more, raters x rated. Preference is their difference, impact their sum.
    """
    require_within(0, 1, alpha=alpha)
    liked, disliked = place_of_ratings(liking, is_rated), place_of_ratings(disliking, is_rated)
    preference = place_of_ratings(liking - disliking, is_rated)
    impact = place_of_ratings(liking + disliking, is_rated)
    limit = alpha + _ROUNDING
    more_liked, less_liked = _above(liked), _below(liked)
    more, less = _above(disliked), _below(disliked)
    return np.select(
        [
            (preference.at_least <= limit) & more_liked & less,
            (preference.at_most <= limit) & less_liked & more,
            (impact.at_most <= limit) & less_liked & less,
            (impact.at_least <= limit) & more_liked & more,
        ],
        ["popular", "rejected", "neglected", "controversial"],
        "average",
    )


def _above(place: Place) -> Marks:
    return np.asarray(place.total > place.expected + _ROUNDING)


def _below(place: Place) -> Marks:
    return np.asarray(place.total < place.expected - _ROUNDING)
