"""From bytes to letters: what is proven to be UTF-8, and the one further encoding to be declared.

Letters that were read by the wrong rule are told and refused: the bytes of `å` in UTF-8, read as
CP1252, are `Ã¥`, and nobody can answer `pÃ¥ skolen`. What was spoilt before it came to us is as
wrong as what we would spoil ourselves, so neither is loaded.
"""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from schemas.reason import Reason
from transforms.readers.reading import FileProblem

_DECODED_BYTES = 8 << 20  # at a time: a text is proven without a second copy of it

# What the second byte of a letter in UTF-8 looks like when it is read as Latin-1 or CP1252.
_SECOND = "[\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]"
_SPOILT = re.compile(
    f"[ÃÂ]{_SECOND}"  # æ ø å é, and « » from UTF-8
    # č đ ŋ š ŧ ž likewise; not Š, which looks like Å and a space that does not break
    "|Ä[Œ\u008c\u008d\u0090‘\u0091]|Å[Š\u008a‹\u008b¡¦§½¾]"
    "|â(?:€|\u0080)|ï»¿"  # quotation marks and dashes; a byte order mark
    "|√[^\\s\\d]|├|\ufffd"  # read as Mac Roman or CP850; or given up by another program
)
# Norwegian with its accents, Northern, Lule and Southern Sámi.
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzæøåàéèêëóòôöäüïáčđŋńñšŧž")


def as_utf8(content: bytes) -> bytes:
    """The text as UTF-8 without a byte order mark and with newlines.

    Only what is proven is taken: a byte order mark, or bytes that are strictly UTF-8. Anything else
    raises ENCODING_UNKNOWN; an encoding is never guessed.
    """
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        try:
            content = content.decode("utf-16").encode()
        except UnicodeError:
            raise FileProblem(Reason.ENCODING_UNKNOWN) from None
    content = content.removeprefix(BOM_UTF8)
    if not content.isascii():
        _require_utf8(content)
    if b"\n" not in content and b"\r" in content:
        content = content.replace(b"\r", b"\n")
    return content


def _require_utf8(content: bytes) -> None:
    decoder = getincrementaldecoder("utf-8")()
    view = memoryview(content)
    try:
        for at in range(0, len(content), _DECODED_BYTES):
            decoder.decode(view[at : at + _DECODED_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None


def is_spoilt(text: str) -> bool:
    """Whether a text holds letters of UTF-8 that were read by another rule, or given up."""
    return not text.isascii() and _SPOILT.search(text) is not None


def require_unspoilt(texts: Iterable[str]) -> None:
    """Raise ENCODING_UNKNOWN where a heading holds spoilt letters."""
    if is_spoilt("\n".join(texts)):
        raise FileProblem(Reason.ENCODING_UNKNOWN)


def require_unspoilt_cells(cells: pa.Array, column: str) -> None:
    """The same for distinct cells of a column that somebody has mapped."""
    is_ascii = pc.string_is_ascii(cells)
    if pc.all(is_ascii).as_py() is not False:
        return
    strange = pc.filter(cells, pc.invert(is_ascii))
    if any(is_spoilt(cell) for cell in strange.to_pylist() if cell):
        raise FileProblem(Reason.ENCODING_UNKNOWN, column=column)


def from_cp1252(content: bytes) -> bytes:
    """A text in CP1252 as UTF-8; ENCODING_UNKNOWN where it cannot be one.

    A byte order mark says that it is something else, and five bytes mean nothing in CP1252.
    """
    if content.startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE)):
        raise FileProblem(Reason.ENCODING_UNKNOWN)
    try:
        return content.decode("cp1252").encode()
    except UnicodeDecodeError:
        raise FileProblem(Reason.ENCODING_UNKNOWN) from None


def require_our_letters(headings: Iterable[str]) -> None:
    """Raise ENCODING_UNKNOWN for a letter that stands in no Norwegian and no Sámi text.

    Every byte has a meaning in CP1252, or nearly: so it has to be proven that this was meant.
    """
    letters = {letter for letter in "".join(headings).lower() if letter.isalpha()}
    if letters - _LETTERS:
        raise FileProblem(Reason.ENCODING_UNKNOWN)
