"""The errors whose message may be shown and stored."""


class SpeakableError(Exception):
    """An error that says in words of ours what to do: settings, keys and counts, never a value.

    Every other error is told by its kind and place alone, for its text may quote a cell.
    """
