"""Identifiers of nobody, made up from a seed, written apart from what they test."""

import random
import string

# What is added to the day and to the month, and what the first weighted sum leaves.
KINDS = {
    "fødselsnummer": (0, 0, 0),
    "D-number": (40, 0, 0),
    "H-number, NAV": (0, 40, 0),
    "D-number, NAV": (40, 40, 0),
    "NAV's own": (0, 20, 0),
    "NAV's own, synthetic": (0, 60, 0),
    "Norsk helsenett": (0, 65, 0),
    "Tenor": (0, 80, 0),
    "D-number, Tenor": (40, 80, 0),
    "plus 45": (0, 45, 0),
    "2032 leaving 1": (0, 0, 1),
    "2032 leaving 2": (0, 0, 2),
    "2032 leaving 3": (40, 0, 3),
}


def seeded(seed: int | str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - nothing here is a secret


def check_digits(nine: str, leaves: int) -> str | None:
    """The two digits that complete a number, by subtraction; None where one would be ten."""
    first = sum(w * int(d) for w, d in zip((3, 7, 6, 1, 8, 9, 4, 5, 2), nine, strict=True))
    k1 = (11 - first % 11 + leaves) % 11
    second = sum(
        w * int(d) for w, d in zip((5, 4, 3, 2, 7, 6, 5, 4, 3, 2), f"{nine}{k1 % 10}", strict=True)
    )
    k2 = (11 - second % 11) % 11
    return None if 10 in (k1, k2) else f"{k1}{k2}"


def national_id(rng: random.Random, day: int = 0, month: int = 0, leaves: int = 0) -> str:
    while True:
        born = f"{rng.randint(1, 28) + day:02d}{rng.randint(1, 12) + month:02d}"
        nine = f"{born}{rng.randint(0, 99):02d}{rng.randint(0, 999):03d}"
        if completed := check_digits(nine, leaves):
            return nine + completed


def written(rng: random.Random, number: str) -> str:
    a, b, c, d, e = number[:2], number[2:4], number[4:6], number[6:9], number[9:]
    ways = (
        number,
        f"{a}{b}{c} {d}{e}",
        f"{a}.{b}.{c} {d}{e}",
        f"{a}.{b}.{c}.{d}{e}",
        f"{a}{b}{c}-{d}{e}",
        f"{a} {b} {c} {d} {e}",
        f"{a}{b}{c}\u00a0{d} {e}",
    )
    return rng.choice(ways)


def phone(rng: random.Random) -> str:
    n = f"{rng.choice('23456799994444')}{rng.randint(0, 9_999_999):07d}"
    ways = (
        n,
        f"{n[:3]} {n[3:5]} {n[5:]}",
        f"{n[:2]} {n[2:4]} {n[4:6]} {n[6:]}",
        f"+47{n}",
        f"+47 {n}",
        f"0047{n}",
        f"0047 {n[:3]} {n[3:5]} {n[5:]}",
        f"+47 {n[:2]} {n[2:4]} {n[4:6]} {n[6:]}",
        f"(+47) {n}",
        f"{n[:3]}-{n[3:5]}-{n[5:]}",
        f"{n[:4]} {n[4:]}",
        f"tlf{n}",
    )
    return rng.choice(ways)


def email(rng: random.Random) -> str:
    local = "".join(rng.choices(string.ascii_letters + string.digits + "._+-æøåé'", k=9))
    domain = ".".join("".join(rng.choices("abcdeæøå-1x", k=5)) for _ in range(rng.randint(1, 3)))
    return (
        f"{rng.choice('abc')}{local}@x{domain}y.{rng.choice(('no', 'com', 'museum', 'xn--p1ai'))}"
    )


def ip_address(rng: random.Random) -> str:
    four = ".".join(str(rng.randint(0, 255)) for _ in range(4))
    groups = ["2001", *(f"{rng.randint(0, 65535):x}" for _ in range(7))]
    return rng.choice((four, ":".join(groups), f"{groups[0]}::{groups[1]}", f"fe80::{groups[2]}"))


def in_text(rng: random.Random, identifier: str) -> str:
    before = rng.choice(("", "ring ", "Jeg heter A, (", "nr: ", "\n", "svar 3; "))
    after = rng.choice(("", ".", ", takk", ")", " eller kom", "\n", "; 2"))
    return f"{before}{identifier}{after}"
