"""Where a fault came from, in words that hold no value: an error's own text may quote a cell."""

import traceback

_OURS = ("flows.", "reports.", "warehouse.", "transforms.", "schemas.")


def place_of(error: Exception) -> str:
    """Module and line of the innermost frame of ours."""
    frames = [
        (frame.f_globals.get("__name__", ""), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    ours = [(name, line) for name, line in frames if name.startswith(_OURS)]
    name, line = (ours or frames)[-1]
    return f"{name}:{line}"
