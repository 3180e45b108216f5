"""Small named statistics, one idea a module: numpy arrays in, numpy arrays out.

Shares are 0-1, probabilities one-sided, and a value that is no number is refused, never guessed.
scipy.special does the exact work and is imported at the first use; scipy.stats, which costs a
third of a second more to import, is used in tests only, as the oracle. The functions of the
nightly road are named here; everything else is imported from its module.
"""

from transforms.statistics.false_discovery import benjamini_hochberg
from transforms.statistics.proportions import binomial_mid_p, binomial_tail, wilson_interval

__all__ = ["benjamini_hochberg", "binomial_mid_p", "binomial_tail", "wilson_interval"]
