"""A home seals every report or none, and what opens reports never stands in its settings."""

import pytest

from flows.sealing.recipients import seal_of
from schemas.declared import DeclarationError
from schemas.settings import Settings
from tests.sealing.sealed import ESCROW, LEAD, nurse_of

PLAIN = """
[municipality]
number = "9901"
name = "Lyngvær"
[[wave]]
id = "w"
name = "w"
school_year = "2025-26"
opens = 2025-11-03
closes = 2025-11-21
"""
ROUTING = """
[routing]
decided_by = "kommunedirektøren"
decided_on = 2025-08-18
pupil_flags_to = "health_service"
bullied_by_adults_to = "school_owner"
"""
A, B = nurse_of("A"), nurse_of("B")


def school(name: str, *holders: str) -> str:
    return f'[[school]]\nid = "{name}"\nname = "{name}"\n' + "".join(holders)


SEALED = school("A", A.toml("school.recipients")) + school("B", B.toml("school.recipients"))
ADULTS = LEAD.toml("delivery.bullied_by_adults")


def read(*parts: str) -> Settings:
    return Settings.from_toml(PLAIN + "".join(parts), name="klassepuls.toml")


def test_keys_of_a_report_are_its_schools_or_the_leads_and_the_escrow():
    settings = read(SEALED, ROUTING, ADULTS, ESCROW.toml("delivery.escrow"))
    keys = {
        (name, route): set(to.keys)
        for name in ("A", "B", "gone")
        for route in ("health_service", "adult_route")
        if (to := seal_of(settings, name, route))
    }
    assert keys == {
        ("A", "health_service"): {A.public, ESCROW.public},
        ("B", "health_service"): {B.public, ESCROW.public},
        ("gone", "health_service"): {ESCROW.public},
        **{(name, "adult_route"): {LEAD.public, ESCROW.public} for name in ("A", "B", "gone")},
    }


def test_a_home_without_recipients_seals_nothing():
    assert seal_of(read(school("A"), ROUTING), "A", "health_service") is None


REFUSED = {
    "one school of two": (
        (school("A", A.toml("school.recipients")), school("B")),
        "school B has no",
    ),
    "nobody for those about adults": ((SEALED, ROUTING), "about adults"),
    "keys for all and no school": ((school("A"), ADULTS), "no school has"),
    "a key that is cut short": (
        (SEALED.replace(A.public, A.public[:-1]),),
        "not the public key",
    ),
    "a key with one sign changed": (
        (SEALED.replace(A.public, A.public[:-1] + ("q" if A.public[-1] != "q" else "p")),),
        "not the public key",
    ),
    "an ssh key": ((SEALED.replace(A.public, "ssh-ed25519 AAAA"),), "not the public key"),
    "what opens reports": ((SEALED.replace(A.public, A.secret),), "must not stand here"),
    "an address that is none": (
        (school("A", A.toml("school.recipients", 'mail = "a@b\\nBcc: c@d.no"\n')),),
        "mail",
    ),
}


@pytest.mark.parametrize(("parts", "said"), REFUSED.values(), ids=REFUSED)
def test_settings_that_would_seal_badly_are_refused_without_a_key_in_the_message(parts, said):
    with pytest.raises(DeclarationError, match=said) as refused:
        read(*parts)
    told = str(refused.value)
    assert A.public[:20] not in told
    assert A.secret not in told
