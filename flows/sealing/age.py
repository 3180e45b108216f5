"""The one place that encrypts and decrypts: files in the age format, version 1.

X25519 and ChaCha20-Poly1305, as https://age-encryption.org/v1 has them; pyrage carries it out, and
any other program that knows the format opens what is sealed here. All of it happens in memory.
"""

from collections.abc import Sequence

from schemas.speakable import SpeakableError

ENDING = ".age"
MAGIC = b"age-encryption.org/v1\n"

# A sealed file is as long as what is in it, and a long report is one with many flags. So pages are
# filled up with empty lines to a multiple of this.
_PAD_TO = 64 * 1024
_MAY_BE_PADDED = ".html"


class WrongIdentityError(SpeakableError):
    """None of the identities opens the report, or its bytes are not what was sealed."""


def seal(content: bytes, public_keys: Sequence[str]) -> bytes:
    """Encrypt for all of the recipients; every call gives other bytes."""
    from pyrage import encrypt, x25519  # noqa: PLC0415 - a home that does not seal needs none of it

    sealed: bytes = encrypt(content, [x25519.Recipient.from_str(key) for key in public_keys])
    return sealed


def padded(content: bytes, name: str) -> bytes:
    """A page with empty lines at its end, so that its length tells little of what it says."""
    if not name.endswith(_MAY_BE_PADDED):
        return content
    return content + b"\n" * (-len(content) % _PAD_TO)


def unseal(content: bytes, secrets: Sequence[str]) -> tuple[bytes, str]:
    """What was sealed, and the public key of the identity that opened it.

    Raises WrongIdentityError where no identity opens it, and where it was changed or cut short.
    """
    from pyrage import DecryptError, decrypt, x25519  # noqa: PLC0415

    for secret in secrets:
        identity = x25519.Identity.from_str(secret)
        try:
            return decrypt(content, [identity]), str(identity.to_public())
        except DecryptError:
            continue
    raise WrongIdentityError(
        "this identity does not open the report: it was sealed for somebody else, or before this"
        " identity was in the settings, or the file is damaged"
    )
