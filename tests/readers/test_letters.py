"""Letters that were read by the wrong rule are known, and those of our own languages never are."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.readers.letters import (
    from_cp1252,
    is_spoilt,
    require_our_letters,
    require_unspoilt,
    require_unspoilt_cells,
)
from transforms.readers.reading import FileProblem

# Not Š: spoilt it looks like Å and a space that does not break, and that is how people write.
OURS = "æøåÆØÅéèêóòôàäöüïáÁčČđĐŋŊšŧŦžŽñ"
# Letters whose two bytes in UTF-8 all mean something in CP1252, so that another program shows them.
SHOWN = [letter for letter in OURS if not set(letter.encode()) & {0x81, 0x8D, 0x8F, 0x90, 0x9D}]


@pytest.mark.parametrize("letter", OURS)
def test_letter_of_ours_is_known_when_it_was_read_as_latin_1(letter):
    assert is_spoilt(f"a{letter.encode().decode('latin-1')}b")
    assert not is_spoilt(f"a{letter}b")


@pytest.mark.parametrize("letter", SHOWN)
def test_letter_of_ours_is_known_when_it_was_read_as_cp1252(letter):
    assert is_spoilt(f"a{letter.encode().decode('cp1252')}b")


@pytest.mark.parametrize("letter", "æøåÆØÅé")
@pytest.mark.parametrize("encoding", ["mac-roman", "cp850", "cp865"])
def test_letter_of_ours_is_known_when_it_was_read_by_an_older_rule(letter, encoding):
    assert is_spoilt(f"a{letter.encode().decode(encoding)}b")


@pytest.mark.parametrize(
    "text", ["Ikke pÃ¥", "blÃ¥bÃ¦r", "â€œnÃ¥â€\u009d", "sp\ufffdrsm\ufffdl", "ï»¿elevkode", "ÃƒÂ¥"]
)
def test_spoilt_words_are_known(text):
    assert is_spoilt(text)
    with pytest.raises(FileProblem, match="ENCODING_UNKNOWN"):
        require_unspoilt(["kode", text])


@settings(max_examples=200, deadline=None)
@given(
    words=st.lists(
        st.sampled_from(["på", "Åse", "PÅ", "blå", "é", "Čáhci", "BEAŠ", "Ávži", "Ole"]),
        min_size=1,
        max_size=6,
    ),
    marks=st.lists(
        st.sampled_from([" ", "…", "”", "“", " – ", "«", "»", "’", "? ", "–", "‘"]),
        min_size=6,
        max_size=6,
    ),
)
def test_text_of_ours_is_never_taken_for_spoilt(words, marks):
    assert not is_spoilt("".join(word + mark for word, mark in zip(words, marks, strict=False)))


def test_cell_of_a_mapped_column_is_told_by_its_column_alone():
    with pytest.raises(FileProblem) as problem:
        require_unspoilt_cells(pa.array(["aldri", "ofte", "omtrent Ã©n gang"]), "item")
    assert (problem.value.reason, problem.value.column) == (Reason.ENCODING_UNKNOWN, "item")
    assert "gang" not in str(problem.value)
    require_unspoilt_cells(pa.array(["aldri", "omtrent én gang i uka", ""]), "item")


@settings(max_examples=200, deadline=None)
@given(st.text("abcæøåÆØÅé «»–…;\n", max_size=40))
def test_text_in_cp1252_becomes_the_same_text(text):
    assert from_cp1252(text.encode("cp1252")).decode() == text


@pytest.mark.parametrize(
    "content", [b"\xef\xbb\xbfna\xe5", b"\xff\xfea\x00", b"\xfe\xff\x00a", b"a\x81b", b"\x9d"]
)
def test_bytes_that_cannot_be_cp1252_are_refused(content):
    with pytest.raises(FileProblem, match="ENCODING_UNKNOWN"):
        from_cp1252(content)


@pytest.mark.parametrize("text", ["på skolen?", "é «nå» – 7A", "Šibboleš", "naïv", "Ñ", "øl_1 (%)"])
def test_heading_of_ours_is_ours(text):
    require_our_letters(["kode", text])


@pytest.mark.parametrize("text", ["pÃ¥", "ñandúß", "Œuvre", "groß", "ýmir", "þorn", "naïve õ"])
def test_heading_with_a_letter_that_we_do_not_write_is_not(text):
    with pytest.raises(FileProblem, match="ENCODING_UNKNOWN"):
        require_our_letters(["kode", text])
