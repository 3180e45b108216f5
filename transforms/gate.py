"""The gate for personal data: what a cell must not hold, and what a heading must not ask for.

It stands before anything is stored. One person found stops the whole file, for the next export
would hold one again. Free text and whatever else a survey file drops never comes this far.

| kind of column | national number | e-mail, IP | phone in groups or with +47 | 8 plain digits |
| --- | --- | --- | --- | --- |
| pupil codes | any 11 digits | yes | yes | beginning with 4 or 9 |
| a tool's ids and times | valid | yes | yes | no: they are ids, dates, milliseconds |
| any other | valid | yes | yes | yes, unless they are a date |

A heading that asks for a person stops the file as well, if nobody has decided on the column. Only
headings whose every word fits are taken for such ("Elevens navn", "GuardianEmail"), so that neither
"navn på klassen" nor a question that mentions a phone is.

Of records that could not be read as rows only a keyed digest stays, and nobody can tell which
column is which: a valid national number in one stops the file. `undecided` looks at those, and at
files that nobody can use as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa

from schemas.personal import Personal
from transforms.identifiers import Found, find_identifiers, find_number_codes

Place = Literal["code", "id", "answer"]


@dataclass(frozen=True, slots=True)
class Person:
    """Where in a block of files a cell holds personal data; never the cell."""

    file_no: int
    row_no: int
    kind: Personal
    column: str


def persons_among(cells: Mapping[str, pa.Array], places: Mapping[str, Place]) -> dict[str, Found]:
    """Which of the distinct cells of each column hold a person, by kind; columns with none are out.

    `places` says as what a column is looked at: "answer" unless it is named. All columns are looked
    at in one go.
    """
    texts = {
        name: pl.Series(distinct.cast(pa.string()), dtype=pl.String)
        for name, distinct in cells.items()
    }
    are_ids = [
        np.full(len(text), places.get(name, "answer") != "answer") for name, text in texts.items()
    ]
    empty = pl.Series([], dtype=pl.String)
    found = find_identifiers(
        pl.concat([empty, *texts.values()]), np.concatenate([[], *are_ids]) > 0
    )
    among: dict[str, Found] = {}
    ends = accumulate(len(text) for text in texts.values())
    for (name, text), end in zip(texts.items(), ends, strict=True):
        part = {kind: hits[end - len(text) : end] for kind, hits in found.items()}
        kinds = _with_codes(part, text) if places.get(name) == "code" else part
        among[name] = {kind: hits for kind, hits in kinds.items() if hits.any()}
    return {name: kinds for name, kinds in among.items() if kinds}


def _with_codes(found: Found, cells: pl.Series) -> Found:
    nothing = np.zeros(len(cells), np.bool_)
    codes = find_number_codes(cells)
    return {kind: found.get(kind, nothing) | codes.get(kind, nothing) for kind in {*found, *codes}}


def personal_heading(heading: str) -> Personal | None:
    """What a heading asks for of a person; None where it does not, or only mentions it.

    Words are compared whole, in bokmål, nynorsk and English, in camel and snake case. All of them
    have to be words for a person's data, or words that go with them.
    """
    every = _words(heading)
    words = [word for word in every if word not in _GOES_WITH]
    together = _ASKS_FOR.get("".join(every)) or _ASKS_FOR.get("".join(words))
    if together or not words or any(word not in _ASKS_FOR for word in words):
        return together
    return _ASKS_FOR[words[0]]


def is_of_people(heading: str) -> bool:
    """Whether a heading says whose row it is and not what of them: "Elev" may be name or code."""
    words = _words(heading)
    return bool(words) and all(word in _PEOPLE for word in words)


def heading_words() -> frozenset[str]:
    """The words that headings about persons, and of lists, are made of."""
    return _GOES_WITH | _IN_LIST | frozenset(_ASKS_FOR)


def goes_in_a_list(heading: str) -> bool:
    """Whether a heading is one of a list of pupils: of a person, or of where one belongs."""
    words = _words(heading)
    in_list = all(word in _ASKS_FOR or word in _GOES_WITH or word in _IN_LIST for word in words)
    return (in_list and bool(words)) or "".join(words) in _IN_LIST or heading.strip() == ""


def _words(heading: str) -> list[str]:
    """Its words in lower case, camel and snake case taken apart, without digits and brackets."""
    plain = re.sub(r"\([^)]*\)", " ", heading)
    plain = re.sub(r"([^\W\d_])(?=[A-ZÆØÅ][a-zæøå])|([a-zæøå])(?=[A-ZÆØÅ])", r"\1\2 ", plain)
    plain = re.sub(r"\be[\s_-]?(post|mail)", r"e\1", plain.lower())
    return re.findall(r"[^\W\d_]+", plain)


def _by_word(words: dict[Personal, str]) -> dict[str, Personal]:
    return {word: kind for kind, listed in words.items() for word in listed.split()}


_ASKS_FOR = _by_word(
    {
        Personal.NAME: "navn navnet namn namnet name names heter heiter fornavn førenamn fornamn"
        " etternavn etternamn mellomnavn mellomnamn elevnavn elevnamn kallenavn kallenamn"
        " firstname lastname surname fullname forename nickname initialer initialar initials"
        " foresatt foresatte foresattes føresett føresette føresettes foresett foresette"
        " guardian guardians verge verje",
        Personal.EMAIL: "epost eposten epostadresse epostadressa epostadressen email emails mail"
        " mailadresse emailaddress mailaddress",
        Personal.BIRTH_DATE: "fødselsdato fødselsdag fødselsdatoen foedselsdato fodselsdato"
        " birthdate birthday dateofbirth birth dob født fødd",
        Personal.NATIONAL_ID: "fødselsnummer fodselsnummer foedselsnummer fødselsnr fnr dnummer"
        " personnummer personnr nationalid nin ssn socialsecurity",
        Personal.ADDRESS: "adresse adressa adressen address addresses hjemmeadresse heimeadresse"
        " bostedsadresse bustadadresse postadresse gateadresse gate street streetaddress",
        Personal.PHONE: "telefon telefonen telefonnummer telefonnr tlf tlfnr mobil mobilen mobile"
        " mobilnummer mobilnr mobiltelefon phone phonenumber cellphone telephone",
        Personal.IP_ADDRESS: "ip ipadresse ipaddress ipaddr",
        Personal.PLACE: "latitude longitude breddegrad lengdegrad geolocation",
        Personal.DEVICE: "useragent",
        Personal.ACCOUNT: "username brukernavn brukarnamn login",
    }
)
_PEOPLE = frozenset(
    """
    elev eleven elevens elevar elever pupil pupils student students child barn barnet barnets
    forelder foreldre foreldres foreldra mor far mother father parent parents teacher lærer
    lærers lærar lærarens kontaktlærer kontaktlærar
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
_IN_LIST = frozenset(
    """
    elevkode elevkoden elevnummer elevnr kode koden code pupilcode løpenummer klasse klassen
    klassenavn classgroup class group gruppe gruppa basisgruppe kontaktgruppe trinn klassetrinn
    årstrinn steg
    grade skole skolen skolenavn skule skulen school kjønn gender sex skoleår skuleår schoolyear
    year år alder age enhet avdeling begynt sluttet slutta enrolled left startdato sluttdato
    poststed poststad postnr postnummer merknad kommentar
    """.split()  # noqa: SIM905
)
_GOES_WITH = _PEOPLE | frozenset(
    """
    a an the of for in on to på til av i og and or eller inn her here din ditt dine di min mitt
    your yours you du my me is er what hva kva hvilken which who hvem kven skriv oppgi oppgje fyll
    enter please vennligst ver vær snill full fullt hele heile first last middle given family
    personal private privat home hjemme heime contact kontakt recipient respondent person
    date dato nr nummer nummeret number no id location q s spm spørsmål question
    """.split()  # noqa: SIM905
)
