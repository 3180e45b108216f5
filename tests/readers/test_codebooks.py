"""Codebooks: labels and codes as the tool's own files have them, and nothing assumed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.codebooks.nettskjema_elements import Column, is_elements, read_elements
from transforms.codebooks.spss_syntax import read_spss_syntax
from transforms.readers.reading import FileProblem, Question


def sps(text):
    return read_spss_syntax(text.encode())


def refused(read, content):
    with pytest.raises(FileProblem) as problem:
        read(content)
    return problem.value.reason


def option(number, code, text="", **more):
    return {"answerOptionId": number, "externalAnswerOptionId": code, "text": text, **more}


def element(number, kind, code, **more):
    return {
        "elementId": number,
        "elementType": kind,
        "externalElementId": code,
        "text": f"Spørsmål {code}",
        **more,
    }


def row(number, code):
    return {"subElementId": number, "externalElementId": code, "text": f"rad {code}"}


def form(*elements):
    return json.dumps(elements).encode()


def test_labels_and_codes_are_read_quoted_or_not():
    found = sps(
        "* Skjema: det er 'vårt' (id 1) - 2025\n\n*q1.\n"
        "VARIABLE LABELS q1 'Hvordan har du det?'.\n"
        "VALUE LABELS q1\n  1 'Bra'\n  '-1' 'Vil ikke si'\n 'ja' \"Ja, \"\"takk\"\"\".\n\nEXECUTE."
    )
    assert found == {
        "q1": Question("Hvordan har du det?", {"1": "Bra", "-1": "Vil ikke si", "ja": 'Ja, "takk"'})
    }


def test_doubled_quotes_dots_and_lines_inside_a_label_belong_to_it():
    found = sps("VARIABLE LABELS m.r.IT 'Hva''s.\nEXECUTE.\n* ikke en kommentar.\n/ slutt.'.")
    assert found["m.r.IT"].label == "Hva's.\nEXECUTE.\n* ikke en kommentar.\n/ slutt."


def test_one_command_may_label_many_variables():
    found = sps(
        "variable labels a 'A' / b 'B'.\n"
        "Value Labels a b 1 'ja' 2.0 'nei' / c 0 'lang ' +\n 'tekst'.\n"
        "ADD VALUE LABELS a 3 'kanskje'."
    )
    assert found["a"] == Question("A", {"1": "ja", "2": "nei", "3": "kanskje"})
    assert found["b"] == Question("B", {"1": "ja", "2": "nei"})
    assert found["c"] == Question("", {"0": "lang tekst"})


def test_missing_values_are_never_assumed():
    assert sps("VARIABLE LABELS a 'A'.\nMISSING VALUES a (-1, 99).\nEXECUTE.") == {
        "a": Question("A")
    }


def test_windows_lines_and_byte_order_mark_make_no_difference():
    text = "*a.\nVARIABLE LABELS a 'A'.\nVALUE LABELS a\n 1 'x'."
    assert read_spss_syntax(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()) == sps(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.CODEBOOK_MISSING),
        (b"EXECUTE.", Reason.CODEBOOK_MISSING),
        (b"VARIABLE LABELS a 'A.", Reason.UNTERMINATED_QUOTE),
        (b"VARIABLE LABELS a 'bl\xe5'.", Reason.ENCODING_UNKNOWN),
    ],
)
def test_syntax_without_a_codebook_is_refused(content, reason):
    assert refused(read_spss_syntax, content) == reason


name = st.from_regex(r"[a-z][a-z0-9_]{0,5}(\.[a-zA-Z0-9]{1,4}){0,2}", fullmatch=True).filter(
    lambda text: text not in {"value", "variable", "add", "labels"}
)
label = st.text(st.characters(codec="utf-8", exclude_characters="\r\x1a"), max_size=20)
code = st.integers(-99, 999).map(str)


@given(
    st.dictionaries(name, st.tuples(label, st.dictionaries(code, label, max_size=4)), min_size=1)
)
def test_codebook_written_as_nettskjema_does_is_read_back(book):
    def quoted(text):
        return "'" + text.replace("'", "''") + "'"

    commands = ["* Encoding: UTF-8.\n* It's a form (id 1)\n\n"]
    for variable, (text, options) in book.items():
        commands.append(f"*{variable}.\nVARIABLE LABELS {variable} {quoted(text)}.\n")
        if options:
            pairs = "\n".join(
                f"  {quoted(c) if c < '0' else c} {quoted(t)}" for c, t in options.items()
            )
            commands.append(f"VALUE LABELS {variable}\n{pairs}.\n")
    found = sps("\n".join([*commands, "EXECUTE."]))
    assert found == {variable: Question(*entry) for variable, entry in book.items()}
    assert list(found) == list(book)


def test_elements_name_the_columns_as_the_csv_does():
    elements = read_elements(
        form(
            element(1, "HEADING", None),
            {"elementType": "PAGE_BREAK"},
            element(2, "QUESTION", "fritekst"),
            element(
                3,
                "RADIO",
                "radio",
                answerOptions=[option(31, "1", "Bra"), option(32, "-1", "Vet ikke")],
            ),
            element(
                4, "CHECKBOX", "boks", answerOptions=[option(41, "a", "A"), option(42, "b", "B")]
            ),
            element(
                5,
                "MATRIX_RADIO",
                "mr",
                answerOptions=[option(51, "1")],
                subElements=[row(501, "r1")],
            ),
            element(
                6,
                "MATRIX_CHECKBOX",
                "mb",
                answerOptions=[option(61, "x")],
                subElements=[row(601, "r1"), row(602, "r2")],
            ),
            element(7, "DATE", "dato", dateFormat="DATE"),
            element(8, "DATE", "kl", dateFormat="TIME"),
            element(9, "DATE", "tid", dateFormat="DATE_TIME"),
            element(10, "NUMBER", "tall"),
            element(11, "LINEAR_SCALE", "skala"),
            element(12, "ATTACHMENT", "fil"),
            element(13, "EMAIL", "epost"),
        )
    )
    assert [(column.name, column.kind) for column in elements.columns] == [
        ("fritekst", "text"),
        ("radio", "code"),
        ("boks.a", "check"),
        ("boks.b", "check"),
        ("mr.r1", "code"),
        ("mb.r1.x", "check"),
        ("mb.r2.x", "check"),
        ("dato", "date"),
        ("kl", "time"),
        ("tid", "datetime"),
        ("tall", "number"),
        ("skala", "number"),
        ("fil", "dropped"),
        ("epost", "dropped"),
    ]
    assert elements.codebook["radio"] == Question("Spørsmål radio", {"1": "Bra", "-1": "Vet ikke"})
    assert elements.codebook["boks.a"] == Question("Spørsmål boks A", {"1": "Yes", "0": "No"})
    assert elements.questions[3] == "radio"
    assert elements.rows == {501: "mr.r1", 601: "mb.r1", 602: "mb.r2"}


def test_national_identity_number_is_dropped_and_a_code_of_ones_own_is_not():
    found = read_elements(
        form(
            element(1, "NATIONAL_ID_NUMBER", "fnr", nationalIdNumberType="NORWEGIAN_ID_NUMBER"),
            element(2, "NATIONAL_ID_NUMBER", "kode", nationalIdNumberType="CUSTOM"),
        )
    )
    assert [column.kind for column in found.columns] == ["dropped", "text"]


def test_condition_is_kept_only_where_it_can_be_followed():
    radio = element(1, "RADIO", "r", answerOptions=[option(11, "1"), option(12, "2")])
    boxes = element(2, "CHECKBOX", "b", answerOptions=[option(21, "x")])
    matrix = element(
        3, "MATRIX_RADIO", "m", answerOptions=[option(31, "1")], subElements=[row(301, "r1")]
    )
    asked = element(
        4, "QUESTION", "a", answerOptionsVisibilityFilter=[option(12, "2"), option(21, "x")]
    )
    unclear = element(
        5, "QUESTION", "u", answerOptionsVisibilityFilter=[option(12, "2"), option(31, "1")]
    )
    columns = read_elements(form(radio, boxes, matrix, asked, unclear)).columns
    assert columns[-2] == Column("a", "text", (("r", "2"), ("b.x", "1")))
    assert columns[-1] == Column("u", "text", ())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.UNREADABLE),
        (b"[]", Reason.UNREADABLE),
        (b"[{}]", Reason.UNREADABLE),
        (b'[{"elementType":"RADIO"', Reason.UNREADABLE),
        (b'{"a":1}', Reason.UNREADABLE),
        (form({"elementType": "QUESTION", "externalElementId": "q"}), Reason.UNREADABLE),
        (form(element(1, "QUESTION", None)), Reason.CODEBOOK_MISSING),
        (form(element(1, "RADIO", "r", answerOptions=[option(1, None)])), Reason.CODEBOOK_MISSING),
        (form(element(1, "QUESTION", "q"), element(2, "RADIO", "q")), Reason.HEADER_REPEATED),
        (
            form(element(1, "CHECKBOX", "b", answerOptions=[option(1, "a"), option(2, "a")])),
            Reason.HEADER_REPEATED,
        ),
    ],
)
def test_elements_that_do_not_name_every_column_are_refused(content, reason):
    assert refused(read_elements, content) == reason


def test_real_codebooks_say_the_same(shared):
    folder = shared / "samples" / "nettskjema"
    elements = read_elements((folder / "form-123823-definition.json").read_bytes())
    labels = read_spss_syntax((folder / "data-123823-2025-08-19-2249.sps").read_bytes())
    assert labels == elements.codebook
    assert list(labels) == list(elements.codebook)
    assert labels["radio"].options == {"1": "Very happy!", "-1": "Very unhappy!"}


def test_elements_are_told_from_answers(shared):
    folder = shared / "samples" / "nettskjema"
    assert is_elements((folder / "form-123823-definition.json").read_bytes())
    assert not is_elements((folder / "answers-long-123823.ndjson").read_bytes())
    assert not is_elements((folder / "submission-27685292.json").read_bytes())
