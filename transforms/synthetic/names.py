"""Invented names: schools that exist nowhere, and pupil codes that mean nothing."""

import numpy as np
from numpy.random import Generator

_STEMS = (
    "Blåklokke", "Dogg", "Ekorn", "Fiol", "Gauk", "Hegre", "Isfugl", "Kløver",
    "Lerke", "Lyng", "Måltrost", "Måne", "Nype", "Orre", "Rype", "Røyskatt",
    "Sival", "Stjerne", "Svale", "Trane", "Tåke", "Vinter", "Øyenstikker", "Åkerbær",
)  # fmt: skip
_ENDINGS = (
    "bakken", "dalen", "haugen", "heia", "lia", "lunden",
    "moen", "neset", "sletta", "toppen", "vika", "åsen",
)  # fmt: skip
_SYMBOLS = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", dtype=np.uint8)
_SHORTEST, _LONGEST = 4, 6


def school_names(rng: Generator, count: int) -> list[str]:
    """Draw `count` different names; past 288 the names come again with a number."""
    variety = len(_STEMS) * len(_ENDINGS)
    order = rng.permutation(variety)
    return [_school_name(int(order[at % variety]), at // variety) for at in range(count)]


def _school_name(combination: int, lap: int) -> str:
    stem, ending = divmod(combination, len(_ENDINGS))
    number = f" {lap + 1}" if lap else ""
    return f"{_STEMS[stem]}{_ENDINGS[ending]} skole{number}"


def pupil_codes(rng: Generator, count: int) -> np.ndarray:
    """Draw `count` different codes of four to six symbols A-Z and 0-9, as an array of text."""
    drawn = count + count // 2 + 64
    symbols = _SYMBOLS[rng.integers(0, len(_SYMBOLS), size=(drawn, _LONGEST))]
    length = rng.integers(_SHORTEST, _LONGEST + 1, size=drawn)
    symbols[np.arange(_LONGEST) >= length[:, None]] = 0
    codes = symbols.view(f"S{_LONGEST}").ravel()
    _, first_seen = np.unique(codes, return_index=True)
    if len(first_seen) < count:
        raise ValueError(f"{count} pupil codes are more than four to six symbols can tell apart")
    return codes[np.sort(first_seen)[:count]].astype(f"U{_LONGEST}")
