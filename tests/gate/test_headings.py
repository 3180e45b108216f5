"""Headings that ask for a person: what stops a file, and what only has such a word in it."""

import pyarrow as pa
import pytest

from schemas.personal import Personal
from schemas.reason import Reason
from schemas.survey import CONTEXT_COLUMNS
from tests.validate.build import INSTRUMENTS, survey
from transforms.gate import personal_heading
from transforms.readers.reading import FileProblem
from transforms.recognise import item_columns, recognise

NATIONAL_ID = "15507600333"  # synthetic, as NAV publishes it
COLUMNS = [*CONTEXT_COLUMNS, *item_columns(survey(), INSTRUMENTS)]


def recognised(heading, **declared):
    """The layout of an otherwise fitting file with one more heading."""
    table = pa.table({name: ["x"] for name in [*COLUMNS, heading]})
    return recognise(table, {"klassepuls": survey(**declared)}, INSTRUMENTS)


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("navn", Personal.NAME),
        ("Namn", Personal.NAME),
        ("name", Personal.NAME),
        ("FirstName", Personal.NAME),
        ("elevens_navn", Personal.NAME),
        ("Skriv namnet ditt", Personal.NAME),
        ("Hva heter du?", Personal.NAME),
        ("foresatt 1", Personal.NAME),
        ("føresette", Personal.NAME),
        ("guardianName", Personal.NAME),
        ("e-post", Personal.EMAIL),
        ("E-postadresse", Personal.EMAIL),
        ("e_post", Personal.EMAIL),
        ("Email", Personal.EMAIL),
        ("RecipientEmail", Personal.EMAIL),
        ("Fødselsdato (dd.mm.åååå)", Personal.BIRTH_DATE),
        ("fodselsdato", Personal.BIRTH_DATE),
        ("birth date", Personal.BIRTH_DATE),
        ("dateOfBirth", Personal.BIRTH_DATE),
        ("adresse", Personal.ADDRESS),
        ("home_address", Personal.ADDRESS),
        ("telefon", Personal.PHONE),
        ("Tlf. mor", Personal.PHONE),
        ("mobil", Personal.PHONE),
        ("phoneNumber", Personal.PHONE),
        ("IP", Personal.IP_ADDRESS),
        ("IPAddress", Personal.IP_ADDRESS),
        ("ip_adresse", Personal.IP_ADDRESS),
        ("Fødselsnummer", Personal.NATIONAL_ID),
        ("d-nummer", Personal.NATIONAL_ID),
        ("User Agent", Personal.DEVICE),
        ("LocationLatitude", Personal.PLACE),
        ("brukernavn", Personal.ACCOUNT),
    ],
)
def test_heading_that_asks_for_a_person_stops_the_file_unless_somebody_decided(heading, kind):
    assert personal_heading(heading) is kind
    with pytest.raises(FileProblem) as caught:
        recognised(heading)
    assert caught.value.reason is Reason.PERSONAL_DATA
    assert recognised(heading, dropped=[heading]).fits


@pytest.mark.parametrize(
    "heading",
    [
        "navn på klassen",
        "skolenavn",
        "class name",
        "schoolName",
        "Hva heter klassen din?",
        "file_name",
        "kalt stygge navn",
        "Er du blitt mobbet på mobil?",
        "Mobilbruk",
        "mailbox",
        "fødselsår",
        "zip",
        "gruppe",
        "Hvem er kontaktlærer?",
        "first",
        "ID",
        "",
    ],
)
def test_heading_that_only_has_such_a_word_in_it_passes(heading):
    assert personal_heading(heading) is None
    with pytest.raises(FileProblem) as caught:
        recognised(heading)
    assert caught.value.reason is Reason.HEADER_MISMATCH


@pytest.mark.parametrize(
    "heading",
    [NATIONAL_ID, f"[{NATIONAL_ID}]", "a.b@skole.no"],
    ids=["number", "number in brackets", "e-mail"],
)
def test_file_whose_heading_is_an_identifier_itself_waits_and_the_heading_is_told_nowhere(heading):
    with pytest.raises(FileProblem) as caught:
        recognised(heading)
    assert caught.value.reason is Reason.HEADER_MISMATCH
    assert heading not in repr(vars(caught.value))
    assert "1 more" in caught.value.decision
