"""The gate for personal data: what a file must not hold, and what becomes of it.

It stands before anything is stored. A person found anywhere but in free text stops the whole file,
for the next export would hold one again; free text is never kept, so there it is only counted.

| kind of column | national number | e-mail, IP | phone in groups or with +47 | 8 plain digits |
| --- | --- | --- | --- | --- |
| pupil codes | any 11 digits | yes | yes | beginning with 4 or 9 |
| a tool's ids and times | valid | yes | yes | no: they are ids, dates, milliseconds |
| any other | valid | yes | yes | yes, unless they are a date |
| free text | counted | counted | counted | counted |

A heading that asks for a person stops the file as well, if nobody has decided on the column and a
cell under it is filled in. Only headings whose every word fits are taken for such ("Elevens navn",
"GuardianEmail"), so that neither "navn på klassen" nor a question that mentions a phone is.

Records that could not be read as rows are not looked at: nothing but a keyed digest of them stays.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from schemas.personal import Personal
from transforms.identifiers import Found, Mask, find_identifiers, find_number_codes
from transforms.readers.reading import Question, Reading

Place = Literal["heading", "code", "id", "answer", "text"]


class Decision(StrEnum):
    """What becomes of a file."""

    ACCEPT = "accept"
    DROP_TEXT = "drop_text"  # of its free text, only that there was some may be kept
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of personal data in one column, and the rows of the file that it stands in.

    `place` is what the column was looked at as. `row_no` is int32; for a heading it holds the rows
    that are filled in. A column whose very heading is an identifier is told by its number.
    """

    kind: Personal
    column: str
    place: Place
    row_no: pa.Array = field(repr=False)

    @property
    def count(self) -> int:
        """How many cells."""
        return len(self.row_no)


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found, never a value. `text`: the free-text columns that the file has."""

    findings: tuple[Finding, ...]
    text: tuple[str, ...]

    @property
    def decision(self) -> Decision:
        """Refuse for any finding outside free text; else drop free text, where there is some."""
        if any(finding.place != "text" for finding in self.findings):
            return Decision.REFUSE
        return Decision.DROP_TEXT if self.text else Decision.ACCEPT

    @property
    def counts(self) -> dict[Personal, int]:
        """How many cells of each kind, free text included."""
        cells: Counter[Personal] = Counter()
        for finding in self.findings:
            cells[finding.kind] += finding.count
        return dict(cells)


@dataclass(frozen=True, slots=True)
class _Column:
    """`name` is what may be told; `heading` is what stands in the file, a person or not."""

    name: str
    heading: str
    is_person: bool
    place: Place
    cells: pa.DictionaryArray
    question: Question | None


def examine(
    reading: Reading,
    *,
    codes: Collection[str],
    text: Collection[str],
    ids: Collection[str] = (),
    decided: Collection[str] = (),
) -> Findings:
    """Look for persons in every column of a file, and in its headings.

    `codes`: columns of pupil codes; `text`: columns of free text; `ids`: columns of numbers that
    the tool gives out, beside those known by their heading; `decided`: further columns that
    somebody has mapped, so that their headings are not judged. Names that the file does not have
    are passed over.
    """
    placed = {*codes, *text, *ids, *decided}
    columns = list(_columns(reading, codes, text, ids))
    found: list[Finding] = []
    for column, hits in zip(columns, _find(columns), strict=True):
        found += _in_cells(column, hits, reading.row_no)
        if column.heading not in placed:
            found += _in_heading(column, reading.row_no)
    have = (column.heading for column in columns if column.place == "text")
    return Findings(tuple(found), tuple(have))


@dataclass(frozen=True, slots=True)
class Person:
    """Where in a block of files a cell holds personal data; never the cell."""

    file_no: int
    row_no: int
    kind: Personal
    column: str


def persons_among(cells: Mapping[str, pa.Array], places: Mapping[str, Place]) -> dict[str, Found]:
    """Which of the distinct cells of each column hold a person, by kind; columns with none are out.

    `places` says as what a column is looked at: "answer" unless it is named.
    """
    nobody = pa.array([], pa.int32())
    columns = [
        _Column(
            name=name,
            heading=name,
            is_person=False,
            place=places.get(name, "answer"),
            cells=pa.DictionaryArray.from_arrays(nobody, distinct.cast(pa.string())),
            question=None,
        )
        for name, distinct in cells.items()
    ]
    found = {column.name: hits for column, hits in zip(columns, _find(columns), strict=True)}
    some = {
        name: {kind: hits for kind, hits in kinds.items() if hits.any()}
        for name, kinds in found.items()
    }
    return {name: kinds for name, kinds in some.items() if kinds}


def strip_text(reading: Reading, columns: Collection[str]) -> Reading:
    """The reading with "1" for each text in these columns, "" for a blank, null where not asked.

    Columns that the file does not have are passed over. `dropped` counts those that it has.
    """
    table, stripped = reading.table, 0
    for at, name in enumerate(table.column_names):
        if name in columns:
            told = pc.if_else(_filled_in(_encoded(table.column(at))), "1", "")
            table = table.set_column(at, name, told)
            stripped += 1
    before = reading.dropped.get(Personal.FREE_TEXT, 0)
    counted = {Personal.FREE_TEXT: before + stripped} if stripped else {}
    return replace(reading, table=table, dropped={**reading.dropped, **counted})


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


def _columns(
    reading: Reading, codes: Collection[str], text: Collection[str], ids: Collection[str]
) -> Iterator[_Column]:
    headings = reading.table.column_names
    revealing = find_identifiers(pl.Series(headings, dtype=pl.String))
    for at, heading in enumerate(headings):
        place: Place = "id" if heading in ids or _is_the_tools_own(heading) else "answer"
        place = "text" if heading in text else place
        yield _Column(
            name=f"column {at + 1}" if any(hits[at] for hits in revealing.values()) else heading,
            heading=heading,
            is_person=Personal.NATIONAL_ID in revealing and revealing[Personal.NATIONAL_ID][at],
            place="code" if heading in codes else place,
            cells=_encoded(reading.table.column(at)),
            question=reading.codebook.get(heading),
        )


def _find(columns: Sequence[_Column]) -> Iterator[Found]:
    """For each column what its distinct cells hold; all columns are looked at in one go."""
    distinct = [pl.Series(column.cells.dictionary, dtype=pl.String) for column in columns]
    are_ids = [
        np.full(len(cells), column.place in {"code", "id"})
        for column, cells in zip(columns, distinct, strict=True)
    ]
    empty = pl.Series([], dtype=pl.String)
    found = find_identifiers(pl.concat([empty, *distinct]), np.concatenate([[], *are_ids]) > 0)
    start = 0
    for column, cells in zip(columns, distinct, strict=True):
        part = {kind: hits[start : start + len(cells)] for kind, hits in found.items()}
        yield _by_place(part, column, cells)
        start += len(cells)


def _by_place(found: Found, column: _Column, cells: pl.Series) -> Found:
    if column.place == "code":
        nothing = np.zeros(len(cells), np.bool_)
        codes = find_number_codes(cells)
        return {
            kind: found.get(kind, nothing) | codes.get(kind, nothing) for kind in {*found, *codes}
        }
    if column.question is not None and found.get(Personal.PHONE, _NOTHING).any():
        is_list = _list_options(cells, column.question)
        return {**found, Personal.PHONE: found[Personal.PHONE] & ~is_list}
    return found


def _list_options(cells: pl.Series, question: Question) -> Mask:
    """Which cells list short codes of the question's own options: "21 22 31 32" is no phone."""
    own = [code for code in question.options if len(code) <= _LONGEST_LISTED]
    lists = cells.str.split(" ").list.eval(pl.element().is_in(own)).list.all()
    listed: Mask = lists.fill_null(value=False).to_numpy()
    return listed


def _in_cells(column: _Column, found: Found, row_no: pa.Array) -> Iterator[Finding]:
    for kind in sorted(kind for kind, hits in found.items() if hits.any()):
        # A null cell has the index after the last distinct one, which holds nothing.
        hits = np.append(found[kind], np.False_)
        rows = hits[column.cells.indices.fill_null(len(hits) - 1).to_numpy()]
        if rows.any():  # a dictionary may hold cells that no row has
            yield Finding(kind, column.name, column.place, row_no.filter(pa.array(rows)))


def _in_heading(column: _Column, row_no: pa.Array) -> Iterator[Finding]:
    kinds = {personal_heading(column.heading), Personal.NATIONAL_ID if column.is_person else None}
    if column.question is not None:
        labels = (column.question.label, *column.question.labels.values())
        kinds |= {personal_heading(label) for label in labels}
        kinds |= {Personal.IDENTIFIER} if column.question.personal else set()
    asked = sorted(kind for kind in kinds if kind)
    if not asked:
        return
    filled = _filled_in(column.cells).fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003
    if filled.any():
        rows = row_no.filter(pa.array(filled))
        yield from (Finding(kind, column.name, "heading", rows) for kind in asked)


def _encoded(cells: pa.ChunkedArray) -> pa.DictionaryArray:
    """One dictionary array of the column's distinct cells, as plain strings."""
    if not pa.types.is_dictionary(cells.type):
        cells = cells.cast(pa.string()).dictionary_encode()
    whole = cells.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pa.array([], _TEXT)
    return whole.cast(_TEXT)


def _filled_in(cells: pa.DictionaryArray) -> pa.BooleanArray:
    """Whether a cell has more than blanks in it; null where it was not asked."""
    return pc.not_equal(pc.utf8_trim_whitespace(cells.dictionary), "").take(cells.indices)


def _is_the_tools_own(heading: str) -> bool:
    """Whether a heading is that of ids or times that a tool fills in, and not of a person's."""
    words = set(_words(heading))
    if len(words) > _LONGEST_LABEL or words & _PEOPLE or personal_heading(heading):
        return False
    return bool(words & _TOOLS_OWN)


def _words(heading: str) -> list[str]:
    """Its words in lower case, camel and snake case taken apart, without digits and brackets."""
    plain = re.sub(r"\([^)]*\)", " ", heading)
    plain = re.sub(r"([^\W\d_])(?=[A-ZÆØÅ][a-zæøå])|([a-zæøå])(?=[A-ZÆØÅ])", r"\1\2 ", plain)
    plain = re.sub(r"\be[\s_-]?(post|mail)", r"e\1", plain.lower())
    return re.findall(r"[^\W\d_]+", plain)


def _by_word(words: dict[Personal, str]) -> dict[str, Personal]:
    return {word: kind for kind, listed in words.items() for word in listed.split()}


_TEXT = pa.dictionary(pa.int32(), pa.string())
_NOTHING = np.zeros(0, np.bool_)
_LONGEST_LISTED = 3
_LONGEST_LABEL = 4

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
_GOES_WITH = _PEOPLE | frozenset(
    """
    a an the of for in on to på til av i og and or eller inn her here din ditt dine di min mitt
    your yours you du my me is er what hva kva hvilken which who hvem kven skriv oppgi oppgje fyll
    enter please vennligst ver vær snill full fullt hele heile first last middle given family
    personal private privat home hjemme heime contact kontakt recipient respondent person
    date dato nr nummer nummeret number no id location q s spm spørsmål question
    """.split()  # noqa: SIM905
)
_TOOLS_OWN = frozenset(
    """
    id ids uuid guid key token seed nr submission submissionid response responseid responsid
    instanceid record recordid svarid besvarelse respondentid collector
    time times tid ms millis milliseconds seconds sekunder duration varighet varigheit timestamp
    tidspunkt tidsmerke starttidspunkt fullføringstidspunkt created createddate modified updated
    submitdate startdate enddate datestamp date dato interviewtime timing timings
    """.split()  # noqa: SIM905
)
