"""FHIR of any shape: every response is a row or malformed, and every cell its answer."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from tests.tools.fhir_forms import absent, bundle, coding, item, outcome, read, response

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["linkId", "item", "answer", "valueCoding", "code", "system", "extension", "url"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=60)
@given(st.lists(JSON, max_size=4))
def test_every_delivered_response_is_a_row_or_malformed(items):
    sound = response(item("sound", coding("1")))
    found = outcome(json.dumps(bundle(sound, {**response(), "item": items})).encode())
    assert found in (Reason.CODEBOOK_MISSING, Reason.HEADER_REPEATED) or found.delivered == 2


ANSWERS = st.lists(
    st.dictionaries(
        st.sampled_from(["q1", "q2", "q3"]),
        st.sampled_from(["1", "2", "3", "asked-unknown", "not-asked", ""]),
    ),
    min_size=1,
    max_size=6,
)


def said(code):
    return absent(code) if "-" in code else coding(code)


@settings(deadline=None, max_examples=60)
@given(ANSWERS)
def test_table_equals_a_plain_look_up_of_each_answer(forms):
    reading = read(
        bundle(*(response(*(item(link, said(code)) for link, code in f.items())) for f in forms))
    )
    links = {link for form in forms for link in form}
    told = reading.table.select(sorted(links)).to_pylist()
    assert told == [
        {
            link: None if form.get(link) == "not-asked" else form.get(link, "")
            for link in sorted(links)
        }
        for form in forms
    ]
