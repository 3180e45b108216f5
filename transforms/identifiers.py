"""Identifiers of persons in text cells: national numbers, e-mail addresses, phones, IP addresses.

Each distinct cell is looked at once, in columns. One pattern sorts out the few cells that could
hold anything; only those are judged exactly. python-stdnum knows Norwegian numbers too, yet takes
13 microseconds a cell in a Python loop and rejects the synthetic ones; phonenumbers is larger than
the rest of the gate. So the check digits are computed here, over a matrix of digits.

National numbers (fødselsnummer and its kin) are eleven digits, ddmmyy and five more:
- the last two are check digits, with weights 3 7 6 1 8 9 4 5 2 and 5 4 3 2 7 6 5 4 3 2, and 1 for
  the digit itself. Each weighted sum leaves nothing modulo 11. In numbers given out from 2032 the
  first may leave 0, 1, 2 or 3, which we allow already (Skatteetaten, documentation of
  Folkeregisteret, "Nytt fødselsnummer fra 2032"; NAV's fnrvalidator does the same);
- the day plus 40 is a D-number;
- the month plus 40 is an H-number of a hospital, or synthetic from NAV; plus 80 is synthetic from
  Skatteetaten (Tenor, Test-Norge), plus 65 from Norsk helsenett; plus 20 is a number of NAV's own,
  plus 60 a synthetic one of those. Plus 45 is allowed for good measure: we found no source for it;
- a first digit of 8 or 9 is a number common to hospitals (FH), which holds no date.
Of random eleven digits 2 in 100 pass. That is why a column of pupil codes must hold no eleven
digits at all, and why a tool whose own ids have eleven digits is sooner or later refused.

Not found: names, numbers in words, digits of other scripts, numbers broken up in unusual ways.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.personal import Personal

Mask = npt.NDArray[np.bool_]
Found = dict[Personal, Mask]

_FIRST_WEIGHTS = np.array([3, 7, 6, 1, 8, 9, 4, 5, 2, 1])
_SECOND_WEIGHTS = np.array([5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1])
_FIRST_MAY_LEAVE = 3
_MONTHS_ADDED = (0, 20, 40, 45, 60, 65, 80)
_DAYS_ADDED = (0, 40)
_SHARED_BY_HOSPITALS = 8
_LENGTH = 11

# How people write a national number: the lengths of its parts.
_PARTS = ((11,), (6, 5), (6, 3, 2), (2, 2, 2, 5), (2, 2, 2, 3, 2))
_GAP = r"[\s./-]{1,3}"

# What machines make looks like anything: UUIDs, and hashes of 24 hexadecimal digits or more.
_RANDOM = (
    r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"
    r"|\b[0-9a-fA-F]{24,}\b"
)

_EMAIL = r"[^\s@]@(?:[\p{L}\p{N}_-]+\.)+\p{L}[\p{L}\p{N}-]+"

_BYTE = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# An IP address of version 6 that leaves out zeros still begins with four digits ("2001:db8::1");
# those that do not are a machine's own ("::1"), or no address ("a::b").
_HEX = r"[0-9a-fA-F]{1,4}"
_IP = (
    rf"(?:^|[^\p{{L}}\p{{N}}.]){_BYTE}(?:\.{_BYTE}){{3}}(?:$|[^\p{{L}}\p{{N}}.]|\.(?:$|\P{{N}}))"
    rf"|(?:^|[^\p{{L}}\p{{N}}:])(?:(?:{_HEX}:){{7}}{_HEX}"
    rf"|[0-9a-fA-F]{{4}}(?::{_HEX}){{0,6}}::(?:{_HEX}(?::{_HEX}){{0,6}})?)(?:$|[^\p{{L}}\p{{N}}:])"
)

# Eight digits that are no phone number: a date, two years, a number with a decimal sign.
_NO_PHONE = (
    r"\b(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:T[0-9]{4,6}Z?)?\b"
    r"|\b(?:0[1-9]|[12][0-9]|3[01])(?:0[1-9]|1[0-2])(?:19|20)[0-9]{2}\b"
    r"|\b(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}(?:[-T_ ][0-9]{2}[-:.][0-9]{2}(?:[-:.][0-9]{2})?)?"
    r"|\b(?:19|20)[0-9]{2}\s(?:19|20)[0-9]{2}\b"
    r"|^\s*-?[0-9]+[.,][0-9]{1,6}\s*$"
)


def _grouped(gap: str, *groupings: tuple[int, ...]) -> str:
    """Eight digits from 2 to 9 in groups, the same gap between all of them."""
    written = (gap.join(rf"[0-9]{{{length}}}" for length in lengths) for lengths in groupings)
    return "|".join(one.replace("[0-9]{", "[2-9][0-9]{", 1) for one in written)


def _shorter_first(*groupings: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """The same groupings where the first digit of all is written apart."""
    return tuple((first - 1, *others) for first, *others in groupings)


# Norwegian phone numbers have eight digits, the first of them 2 to 9 (Nkom's numbering plan).
_USUAL = _shorter_first((3, 2, 3), (2, 2, 2, 2), (2, 3, 3), (3, 3, 2))
_SPACED = _grouped(r"\s{1,2}", *_USUAL, *_shorter_first((4, 4)))
_PHONE_AS_WRITTEN = (
    rf"\b(?:{_SPACED}|{_grouped(r'[.]', *_USUAL)}|{_grouped('-', *_USUAL)})\b"
    r"|(?:\+|\b00)\s?47\)?[\s.-]?[2-9][0-9]{7}\b"
    r"|\+[1-9][0-9]{9,14}\b"
)
_BARE_PHONE = (
    r"(?:\b|(?i:telefon|tlf|tel|mobil|mob|phone|nummer|nr))[2-9][0-9]{7}\b|\b47[49][0-9]{7}\b"
)

# What has no width and comes along when a number is copied from a web page.
_UNSEEN = r"[\x{00AD}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{2064}\x{FEFF}]"

# Cells without any of this hold none of the kinds: the pattern that every cell has to stand.
_SUSPECT = "|".join(
    (
        "@",
        "::",
        rf"(?:{_HEX}:){{4}}",
        r"[0-9]{8}",
        r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
        r"[0-9]{2}(?:\s{1,2}[0-9]{2}){3}|[0-9]{2}(?:-[0-9]{2}){3}",
        r"[0-9]{3}[\s.-]{1,2}[0-9]{2}[\s.-]{1,2}[0-9]{3}",
        r"[0-9]{2}[\s.-]{1,2}[0-9]{3}[\s.-]{1,2}[0-9]{2}",
        r"[0-9]{4}\s{1,2}[0-9]{4}",
        rf"[0-9]{{6}}{_GAP}[0-9]{{3}}",
        rf"[0-9]{{2}}(?:{_GAP}[0-9]{{2}}){{2}}{_GAP}[0-9]{{3}}",
        r"\+\s?47",
    )
)


def find_identifiers(cells: pl.Series, are_ids: Mask | None = None) -> Found:
    """Which of the text cells hold an identifier: one boolean a cell, for each kind that was found.

    `are_ids`: which cells are numbers and times that a tool gives out itself, where eight or ten
    plain digits say nothing; none, if left out. A phone is found there only if it is written as
    one, in groups or with its country.
    """
    if cells.str.contains(_UNSEEN).any():
        cells = cells.str.replace_all(_UNSEEN, "")
    at = cells.str.contains(_SUSPECT).fill_null(value=False).arg_true().to_numpy()
    if not len(at):
        return {}
    suspects = cells.gather(at).str.replace_all(_RANDOM, "|")
    plain = np.ones(len(at), np.bool_) if are_ids is None else ~are_ids[at]
    judged = {
        Personal.NATIONAL_ID: _hold_national_id(suspects) | (plain & _lack_zero(suspects)),
        Personal.EMAIL: suspects.str.contains(_EMAIL).to_numpy(),
        Personal.PHONE: _hold_phone(suspects, plain),
        Personal.IP_ADDRESS: suspects.str.contains(_IP).to_numpy(),
    }
    return {kind: _spread(at, hits, len(cells)) for kind, hits in judged.items() if hits.any()}


def find_number_codes(cells: pl.Series) -> Found:
    """Which pupil codes have the form of a national number or a mobile number, valid or not.

    Eleven digits, or eight beginning with 4 or 9; also where a spreadsheet took away a leading zero
    or the plus of the country, or added a decimal.
    """
    plain = (
        cells.fill_null("")
        .str.replace_all(rf"\s|{_UNSEEN}", "")
        .str.replace(r"^([0-9]+)[.,]0+$", "$1")
    )
    forms = {
        Personal.NATIONAL_ID: plain.str.contains(r"^[0-9]{6}[./-]?[0-9]{5}$").to_numpy()
        | _lack_zero(plain),
        Personal.PHONE: plain.str.contains(r"^(?:47)?[49][0-9]{7}$").to_numpy(),
    }
    return {kind: hits for kind, hits in forms.items() if hits.any()}


def are_national_ids(numbers: pl.Series) -> Mask:
    """Which of the texts of eleven digits are national numbers, by check digits and date."""
    text = "".join(numbers.to_list()).encode("ascii")
    digits = np.frombuffer(text, np.uint8).reshape(-1, _LENGTH).astype(np.int64) - ord("0")
    first = (digits[:, :10] @ _FIRST_WEIGHTS) % 11 <= _FIRST_MAY_LEAVE
    second = (digits @ _SECOND_WEIGHTS) % 11 == 0
    day, month = digits[:, 0] * 10 + digits[:, 1], digits[:, 2] * 10 + digits[:, 3]
    dated = _IS_DAY[day] & _IS_MONTH[month]
    valid: Mask = first & second & (dated | (digits[:, 0] >= _SHARED_BY_HOSPITALS))
    return valid


def _reached(numbers: range, added: tuple[int, ...]) -> Mask:
    """Which of 0 to 99 is one of the numbers, with or without what is added to it."""
    reached = np.zeros(100, np.bool_)
    for offset in added:
        reached[numbers.start + offset : numbers.stop + offset] = True
    return reached


_IS_DAY = _reached(range(1, 32), _DAYS_ADDED)
_IS_MONTH = _reached(range(1, 13), _MONTHS_ADDED)


def _hold_national_id(cells: pl.Series) -> Mask:
    runs = _digit_runs(cells)
    numbers = pl.concat([_joined(runs, lengths) for lengths in _PARTS])
    hits = np.zeros(len(cells), np.bool_)
    hits[numbers["cell"].to_numpy()[are_national_ids(numbers["number"])]] = True
    return hits


def _lack_zero(cells: pl.Series) -> Mask:
    """Cells of ten digits from which a spreadsheet took the zero of the days 1 to 9."""
    ten = cells.str.extract(r"^\s*([1-9](?:0[1-9]|1[0-2])[0-9]{7})(?:[.,]0+)?\s*$")
    hits = ten.is_not_null().to_numpy(writable=True)
    hits[hits] = are_national_ids("0" + ten.drop_nulls())
    return hits


def _digit_runs(cells: pl.Series) -> pl.DataFrame:
    """Every run of digits of every cell, and what stands between it and the run before."""
    pieces = pl.DataFrame({"piece": cells.str.extract_all(r"[^0-9]*[0-9]+")}).with_row_index("cell")
    return pieces.explode("piece", empty_as_null=False).select(
        "cell",
        pl.col("piece").str.extract(r"^([^0-9]*)").alias("gap"),
        pl.col("piece").str.extract(r"([0-9]+)$").alias("digits"),
    )


def _joined(runs: pl.DataFrame, lengths: tuple[int, ...]) -> pl.DataFrame:
    """Neighbouring runs of these lengths, with nothing but a gap between them, as one number."""
    parts = [pl.col("digits").shift(-at) for at in range(len(lengths))]
    fits = [part.str.len_bytes() == length for part, length in zip(parts, lengths, strict=True)]
    fits += [
        (pl.col("cell").shift(-at) == pl.col("cell"))
        & pl.col("gap").shift(-at).str.contains(rf"^{_GAP}$")
        for at in range(1, len(lengths))
    ]
    joined = runs.select(
        "cell", pl.concat_str(parts).alias("number"), pl.all_horizontal(fits).alias("fits")
    )
    return joined.filter("fits").drop("fits")


def _hold_phone(cells: pl.Series, plain: Mask) -> Mask:
    left = cells.str.replace_all(_NO_PHONE, "|")
    hits: Mask = left.str.contains(_PHONE_AS_WRITTEN).to_numpy()
    bare: Mask = left.str.contains(_BARE_PHONE).to_numpy()
    return hits | (plain & bare)


def _spread(at: npt.NDArray[np.uint32], hits: Mask, length: int) -> Mask:
    mask = np.zeros(length, np.bool_)
    mask[at[hits]] = True
    return mask
