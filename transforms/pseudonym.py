"""Keyed pseudonyms: HMAC-SHA256 as a query expression, so that codes turn in sets, not in a loop.

Pseudonymous, not anonymous: whoever holds the key and a code can compute the pseudonym. The key
never leaves its file but for the two padded blocks below, which are bound as parameters and are
never part of a query's text.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

BLOCK_BYTES = 64
KEY_BYTES = 32
HEX_DIGITS = 32  # 128 bits


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A secret key, its version, and the municipality that its pseudonyms are for."""

    secret: bytes = field(repr=False)
    version: int
    municipality: str

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a pseudonym key has {KEY_BYTES} bytes")

    def message(self, domain: str) -> str:
        """What stands before the code in the message of one domain."""
        return f"{self.version}|{self.municipality}|{domain}|"

    def parameters(self) -> dict[str, object]:
        """The parameters that `pseudonym_sql` expects to be bound."""
        block = self.secret.ljust(BLOCK_BYTES, b"\0")
        return {
            "inner_pad": bytes(byte ^ 0x36 for byte in block),
            "outer_pad": bytes(byte ^ 0x5C for byte in block),
        }


def pseudonym_sql(column: str, *, key: PseudonymKey, domain: str) -> str:
    """A query expression: the pseudonym of an upper-case ASCII code in `column`, null for null.

    HMAC as in RFC 2104, written out: H(outer pad || H(inner pad || message)).
    """
    prefix = key.message(domain).replace("'", "''")
    inner = f"unhex(sha256($inner_pad::blob || encode('{prefix}' || {column})))"
    return f"'k{key.version}-' || left(sha256($outer_pad::blob || {inner}), {HEX_DIGITS})"


def pseudonym(code: str, *, key: PseudonymKey, domain: str) -> str:
    """The pseudonym of one code: for one look-up, and the check on the query expression."""
    digest = hmac.digest(key.secret, (key.message(domain) + code).encode(), hashlib.sha256)
    return f"k{key.version}-{digest.hex()[:HEX_DIGITS]}"


def keyed_digest(content: bytes, *, key: PseudonymKey) -> str:
    """A digest to know the same content by, which nobody can compute without the key."""
    message = key.message("row").encode() + content
    return hmac.digest(key.secret, message, hashlib.sha256).hex()[:HEX_DIGITS]
