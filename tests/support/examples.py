"""How many examples a property test tries whose single example costs a tenth of a second or more.

With every change a few, other ones each time; `make deep` tries the many.
"""

import os

_DEEP = bool(os.environ.get("KLASSEPULS_DEEP"))


def examples(usual: int, *, deep: int) -> int:
    """`usual`, or `deep` where the environment asks for it."""
    return deep if _DEEP else usual
