import unicodedata

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from transforms.revealing import revealing
from transforms.spelling import composed_table, respelled, spelling_key

CODES = {"Ja, av og til": "1", "nei": "0"}


def test_capitals_spaces_underscores_and_accents_make_no_difference():
    parted = unicodedata.normalize("NFD", "på skolen")

    assert respelled(["JA, av  og til", "ja,_av_og_til", "NEI", "kanskje"], CODES) == [
        "Ja, av og til",
        "Ja, av og til",
        "nei",
        "kanskje",
    ]
    assert respelled([parted], {"På skolen": "1"}) == ["På skolen"]


def test_the_exact_text_goes_first():
    assert respelled(["JA", "ja"], {"Ja": "1", "ja": "1"}) == ["Ja", "ja"]


def test_a_cell_that_could_mean_two_things_stays():
    assert respelled(["JA"], {"Ja": "1", "ja": "2"}) == ["JA"]


def test_numbers_are_never_respelled():
    assert respelled(["1 0", "1_0", None, ""], {"10": "1"}) == ["1 0", "1_0", None, ""]


@given(st.lists(st.text(), max_size=5), st.dictionaries(st.text(), st.text(), max_size=4))
def test_only_spellings_of_a_mapped_text_change(cells, codes):
    for before, after in zip(cells, respelled(cells, codes), strict=True):
        assert before == after or (
            after in codes and spelling_key(before) == spelling_key(after) and before not in codes
        )


def test_headings_are_composed_unless_two_would_be_the_same():
    parted = unicodedata.normalize("NFD", "kjønn å")

    assert composed_table(pa.table({parted: ["x"]})).column_names == ["kjønn å"]
    both = pa.table({parted: ["x"], "kjønn å": ["y"]})
    assert composed_table(both).column_names == [parted, "kjønn å"]


def test_form_words_may_be_told():
    told = ["Hvordan trives du på skolen?", "Start time", "elevkode", "g1/skole", "q12", "IP"]

    assert revealing(told) == set()
