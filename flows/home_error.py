"""What stops a command because of the home itself."""

from schemas.speakable import SpeakableError


class HomeError(SpeakableError):
    """The home is not there, or not as it must be; the message says what to do."""
