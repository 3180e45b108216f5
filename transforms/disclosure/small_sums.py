"""Which sums are small in themselves, for tables of any shape (primary suppression)."""

import numpy as np
from scipy import sparse

from transforms.disclosure.cells import Ints, Mask


def few(values: Ints, at_most: int, *, zeros: bool) -> Mask:
    """Counts of no more than `at_most`; of none only where `zeros` are small too."""
    small: Mask = (values <= at_most) & ((values > 0) | zeros)
    return small


def few_contributors(members: sparse.csr_array, contributor: Ints, at_most: int) -> Mask:
    """Sums that come from no more than `at_most` contributors; `contributor` is one a unit."""
    if len(contributor) == 0:
        return np.zeros(members.shape[0], np.bool_)
    who = sparse.csr_array(
        (np.ones(len(contributor), np.int64), (np.arange(len(contributor)), contributor))
    )
    return few(np.diff((members @ who).tocsr().indptr), at_most, zeros=False)


def all_but_few(members: sparse.csr_array, values: Ints, others: int) -> Mask:
    """Counts that are all but at most `others` of a larger cell: those few could tell of the rest.

    With none it is everybody; with one the one who is not among them knows it of each of the rest.
    """
    size = members.sum(axis=1)
    shared = (members @ members.T).tocoo()
    part, over = shared.row, shared.col
    within = (shared.data == size[part]) & (size[part] < size[over])
    tells = within & (values[part] > 0) & (values[over] - values[part] <= others)
    small = np.zeros(len(values), np.bool_)
    small[part[tells]] = True
    return small
