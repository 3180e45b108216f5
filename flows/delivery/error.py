"""What keeps a report from being delivered."""

from schemas.speakable import SpeakableError


class DeliveryError(SpeakableError):
    """A report did not get through. The message names no address, school, wave or file."""
