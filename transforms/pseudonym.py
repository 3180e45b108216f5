"""Keyed pseudonyms: HMAC-SHA256 as a query expression, so that codes turn in sets, not in a loop.

Pseudonymous, not anonymous: whoever holds the key and a code can compute the pseudonym. A key
never leaves its file but for the two padded blocks below, which are bound as parameters and are
never part of a query's text.

A home has a key of its own, for seals, digests and the numbers of forms and registers, and keys for
its pupils, each from a school year on. So a pupil has another pseudonym in the next key's years,
and nobody without both keys and the code can tell that the two are one.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

BLOCK_BYTES = 64
KEY_BYTES = 32
HEX_DIGITS = 32  # 128 bits


@dataclass(frozen=True, slots=True)
class YearKey:
    """A key for pupils: its version, and the first school year it is for (`2027-28`)."""

    secret: bytes = field(repr=False)
    version: int
    since: str = ""  # '': from the beginning

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a pseudonym key has {KEY_BYTES} bytes")


@dataclass(frozen=True, slots=True)
class PseudonymKey:
    """A home's own key, its version, the municipality it is for, and the keys for pupils.

    `years` in the order of their versions and school years. Without any, as in homes that were made
    before there were several, pupils are turned with the home's own key.
    """

    secret: bytes = field(repr=False)
    version: int
    municipality: str
    years: tuple[YearKey, ...] = ()

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ValueError(f"a pseudonym key has {KEY_BYTES} bytes")
        told = [(one.version, one.since) for one in self.years]
        if any(a >= c or b >= d for (a, b), (c, d) in pairwise(told)):
            raise ValueError("a later version of a key is for later school years")

    def message(self, domain: str) -> str:
        """What stands before the code in the message of one domain."""
        return f"{self.version}|{self.municipality}|{domain}|"

    def parameters(self) -> dict[str, object]:
        """The parameters that `pseudonym_sql` expects to be bound."""
        return _pads(self.secret, "")

    def pupil_parameters(self) -> dict[str, object]:
        """The parameters that `pupil_sql` expects to be bound."""
        if not self.years:
            return self.parameters()
        return {
            name: pad
            for one in self.years
            for name, pad in _pads(one.secret, f"_{one.version}").items()
        }

    @property
    def versions(self) -> tuple[YearKey, ...]:
        """The keys for pupils, the first key of an old home among them."""
        return self.years or (YearKey(self.secret, self.version),)

    def of_year(self, school_year: str) -> YearKey:
        """The key for pupils of a school year; for years before the first key it is the first."""
        known = [one for one in self.versions if one.since <= school_year]
        return known[-1] if known else self.versions[0]

    def only(self, versions: Collection[int]) -> "PseudonymKey":
        """The same home with some of its keys for pupils; itself where it has no such keys."""
        kept = tuple(one for one in self.years if one.version in versions)
        return replace(self, years=kept) if self.years else self


def _pads(secret: bytes, suffix: str) -> dict[str, object]:
    block = secret.ljust(BLOCK_BYTES, b"\0")
    return {
        f"inner_pad{suffix}": bytes(byte ^ 0x36 for byte in block),
        f"outer_pad{suffix}": bytes(byte ^ 0x5C for byte in block),
    }


def pseudonym_sql(column: str, *, key: PseudonymKey, domain: str) -> str:
    """A query expression: the pseudonym of an upper-case ASCII code in `column`, null for null.

    With the home's own key, which stays the same over the years. HMAC as in RFC 2104, written out:
    H(outer pad || H(inner pad || message)).
    """
    return _hmac_sql(column, key.message(domain), key.version, "")


def pupil_sql(column: str, *, key: PseudonymKey, year: str, domain: str = "pupil") -> str:
    """The same with the key for pupils of a school year; `year` is an expression (`'2027-28'`).

    Where the year is null, the first key is taken: give the expression a year to fall back on.
    """
    if not key.years:
        return pseudonym_sql(column, key=key, domain=domain)
    first, *later = [
        (one.since, _hmac_sql(column, _message(key, one, domain), one.version, f"_{one.version}"))
        for one in key.years
    ]
    if not later:
        return first[1]
    told = " ".join(f"when {year} >= '{since}' then {name}" for since, name in reversed(later))
    return f"(case {told} else {first[1]} end)"


def names_sql(column: str, *, key: PseudonymKey, domain: str = "pupil") -> dict[int, str]:
    """For each version of the key for pupils the query expression with that one, whatever year.

    All of them together expect `pupil_parameters`.
    """
    return {
        one.version: pupil_sql(column, key=key.only([one.version]), year="''", domain=domain)
        for one in key.versions
    }


def under_each_key_sql(columns: Mapping[str, str], *, key: PseudonymKey) -> str:
    """Columns as SQL, each the pseudonym of an expression: a row for each of the keys for pupils.

    They expect `pupil_parameters`.
    """
    named = {name: names_sql(column, key=key) for name, column in columns.items()}
    rows = (
        ", ".join(f"'{name}': {told[one.version]}" for name, told in named.items())
        for one in key.versions
    )
    return f"unnest([{', '.join(f'{{{row}}}' for row in rows)}], recursive := true)"


def name_beside_sql(column: str, *, key: PseudonymKey, beside: str, domain: str = "pupil") -> str:
    """The pseudonym of `column`, made with the key that the pseudonym `beside` was made with."""
    names = names_sql(column, key=key, domain=domain)
    if len(names) == 1:
        return next(iter(names.values()))
    told = " ".join(f"when 'k{version}' then {name}" for version, name in names.items())
    return f"(case split_part({beside}, '-', 1) {told} end)"


def _hmac_sql(column: str, message: str, version: int, suffix: str) -> str:
    prefix = message.replace("'", "''")
    inner = f"unhex(sha256($inner_pad{suffix}::blob || encode('{prefix}' || {column})))"
    outer = f"sha256($outer_pad{suffix}::blob || {inner})"
    return f"'k{version}-' || left({outer}, {HEX_DIGITS})"


def _message(key: PseudonymKey, one: YearKey, domain: str) -> str:
    return f"{one.version}|{key.municipality}|{domain}|"


def pseudonym(code: str, *, key: PseudonymKey, domain: str) -> str:
    """The pseudonym of one code: for one look-up, and the check on the query expression."""
    digest = hmac.digest(key.secret, (key.message(domain) + code).encode(), hashlib.sha256)
    return f"k{key.version}-{digest.hex()[:HEX_DIGITS]}"


def pupil_pseudonym(code: str, *, key: PseudonymKey, year: str, domain: str = "pupil") -> str:
    """What a pupil is called in a school year."""
    one = key.of_year(year)
    message = (_message(key, one, domain) + code).encode()
    digest = hmac.digest(one.secret, message, hashlib.sha256)
    return f"k{one.version}-{digest.hex()[:HEX_DIGITS]}"


def names_of_pupil(code: str, *, key: PseudonymKey) -> tuple[str, ...]:
    """What a pupil is called under each of the keys, the oldest first."""
    return tuple(pupil_pseudonym(code, key=key, year=one.since) for one in key.versions)


def keyed_digest(content: bytes, *, key: PseudonymKey) -> str:
    """A digest to know the same content by, which nobody can compute without the key."""
    message = key.message("row").encode() + content
    return hmac.digest(key.secret, message, hashlib.sha256).hex()[:HEX_DIGITS]
