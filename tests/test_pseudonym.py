"""Pseudonyms: the query expression is HMAC-SHA256, and nothing shows the key."""

import hashlib
import hmac
import traceback

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.pseudonym import (
    HEX_DIGITS,
    KEY_BYTES,
    PseudonymKey,
    keyed_digest,
    pseudonym,
    pseudonym_sql,
)

SECRET = bytes(range(KEY_BYTES))
KEY = PseudonymKey(SECRET, version=1, municipality="0301")


def in_sql(codes, key, domain):
    con = duckdb.connect()
    con.register("forms", pa.table({"code": pa.array(codes, pa.string())}))
    query = f"select {pseudonym_sql('code', key=key, domain=domain)} from forms"  # noqa: S608 - no user's text
    found = [value for (value,) in con.execute(query, key.parameters()).fetchall()]
    con.close()
    return found


def by_hand(code, key, domain):
    message = f"{key.version}|{key.municipality}|{domain}|{code}".encode()
    return f"k{key.version}-{hmac.new(key.secret, message, hashlib.sha256).hexdigest()[:32]}"


@settings(max_examples=40, deadline=None)
@given(
    codes=st.lists(st.from_regex(r"[A-Z0-9-]{3,20}", fullmatch=True), min_size=1, max_size=6),
    secret=st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES),
    version=st.integers(1, 40),
    domain=st.sampled_from(["pupil", "submission", "it's"]),
)
def test_the_query_expression_is_hmac_sha256(codes, secret, version, domain):
    key = PseudonymKey(secret, version=version, municipality="4601")
    expected = [by_hand(code, key, domain) for code in codes]

    assert in_sql(codes, key, domain) == expected
    assert [pseudonym(code, key=key, domain=domain) for code in codes] == expected


def test_a_form_without_a_code_has_no_pseudonym():
    assert in_sql([None, "AB-12"], KEY, "pupil")[0] is None


def test_the_same_code_has_the_same_pseudonym_in_every_wave():
    assert pseudonym("AB-12", key=KEY, domain="pupil") == pseudonym(
        "AB-12", key=KEY, domain="pupil"
    )
    assert len(pseudonym("AB-12", key=KEY, domain="pupil")) == len("k1-") + HEX_DIGITS


def test_another_key_version_municipality_domain_or_code_is_another_pseudonym():
    def of(code="AB-12", domain="pupil", **changes):
        made = {"secret": SECRET, "version": 1, "municipality": "0301"} | changes
        return pseudonym(code, key=PseudonymKey(**made), domain=domain)[-HEX_DIGITS:]

    variants = [
        of(),
        of(code="AB-13"),
        of(domain="submission"),
        of(version=2),
        of(municipality="4601"),
        of(secret=SECRET[::-1]),
    ]
    assert len(set(variants)) == len(variants)


def test_a_held_row_is_known_by_its_content_and_only_with_the_key():
    other = PseudonymKey(SECRET[::-1], version=1, municipality="0301")

    assert keyed_digest(b"x", key=KEY) == keyed_digest(b"x", key=KEY)
    assert keyed_digest(b"x", key=KEY) != keyed_digest(b"y", key=KEY)
    assert keyed_digest(b"x", key=KEY) != keyed_digest(b"x", key=other)
    assert keyed_digest(b"x", key=KEY) != hashlib.sha256(b"x").hexdigest()[:HEX_DIGITS]


def test_nothing_that_is_shown_holds_the_key():
    query = pseudonym_sql("code", key=KEY, domain="pupil")

    for shown in (repr(KEY), str(KEY), query):
        assert SECRET.hex() not in shown
        assert repr(SECRET)[2:-1] not in shown
    assert "secret" not in repr(KEY)


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_size_is_refused_without_being_shown(size):
    planted = b"PLANTED-" * 8

    with pytest.raises(ValueError, match="32 bytes") as caught:
        PseudonymKey(planted[:size], version=1, municipality="0301")
    assert "PLANTED" not in "".join(traceback.format_exception(caught.value))
