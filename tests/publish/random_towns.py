"""Towns at random: hierarchies of 2-5 levels over units of 0-30, some crossed once or twice."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array


@dataclass(frozen=True)
class Town:
    """Which units each cell adds up, and how many are in each unit."""

    members: np.ndarray  # cells x units, 0/1
    units: np.ndarray

    @property
    def values(self) -> np.ndarray:
        return self.members @ self.units

    @property
    def sparse(self) -> csr_array:
        return csr_array(self.members)


def town(random: np.random.Generator) -> Town:
    nodes = _hierarchy(random, levels=int(random.integers(2, 6)))
    for _ in range(random.choice([0, 1, 2], p=[0.6, 0.3, 0.1])):  # by gender, by a year
        parts = np.vstack([np.ones((1, 2), np.int64), np.eye(2, dtype=np.int64)])
        nodes = np.kron(nodes, parts[: random.integers(1, 4)])
    most = random.choice([2, 6, 30])
    return Town(nodes, random.integers(0, most + 1, nodes.shape[1]))


def _hierarchy(random: np.random.Generator, levels: int) -> np.ndarray:
    """Each level groups the one below; the last is the whole."""
    width = int(random.integers(2, 13))
    own = np.arange(width)
    lines = [np.eye(width, dtype=np.int64)]
    for level in range(levels - 1):
        groups = (
            1 if level == levels - 2 else max(1, int(own.max() + 1) // int(random.integers(1, 4)))
        )
        own = np.minimum(own * groups // (own.max() + 1), groups - 1)
        lines.append((own == np.arange(groups)[:, None]).astype(np.int64))
    return np.vstack(lines)


def towns(seed: int, count: int) -> list[Town]:
    random = np.random.default_rng(seed)
    return [town(random) for _ in range(count)]
