"""REDCap's data dictionary: the columns of an export, and who must not be recognised in them."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.codebooks.plain_text import plain_text
from transforms.codebooks.redcap_dictionary import (
    CHECKED,
    FORM_STATUS,
    checkbox_column,
    is_redcap_dictionary,
    read_redcap_dictionary,
)
from transforms.readers.reading import FileProblem, Question

HEADINGS = (
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic (Show field only if...)",
    "Required Field?",
    "Custom Alignment",
    "Question Number (surveys only)",
    "Matrix Group Name",
    "Matrix Ranking?",
    "Field Annotation",
)
API_HEADINGS = (
    "field_name",
    "form_name",
    "section_header",
    "field_type",
    "field_label",
    "select_choices_or_calculations",
    "field_note",
    "text_validation_type_or_show_slider_number",
    "text_validation_min",
    "text_validation_max",
    "identifier",
    "branching_logic",
    "required_field",
    "custom_alignment",
    "question_number",
    "matrix_group_name",
    "matrix_ranking",
    "field_annotation",
)


def field(name, kind="text", label="", choices="", **more):
    cells = {"form": "trivsel", "validation": "", "identifier": "", "annotation": "", **more}
    row = [name, cells["form"], "", kind, label, choices, "", cells["validation"], "", ""]
    return [*row, cells["identifier"], "", "", "", "", "", "", cells["annotation"]]


def dictionary(*fields, headings=HEADINGS, delimiter=","):
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(
        [headings, *(row[: len(headings)] for row in fields)]
    )
    return text.getvalue().encode()


def read(*fields, **how):
    return read_redcap_dictionary(dictionary(*fields, **how))


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_redcap_dictionary(content)
    return problem.value


def test_a_choice_is_divided_at_its_first_comma_only():
    found = read(field("q1", "radio", "Hvordan?", "1, Bra | 2,Ikke bra, ikke ille|-9 , Vet ikke"))
    assert found["q1"] == Question(
        "Hvordan?", {"1": "Bra", "2": "Ikke bra, ikke ille", "-9": "Vet ikke"}, "one"
    )


def test_a_box_is_named_as_the_export_names_it():
    found = read(field("hvor", "checkbox", "Hvor?", "1, Ute | -2, Inne | SFO, På SFO"))
    assert list(found) == ["hvor___1", "hvor____2", "hvor___sfo", "trivsel_complete"]
    assert found["hvor____2"] == Question("Hvor?: Inne", CHECKED, "many")


def test_codes_that_the_tool_defines_are_known():
    found = read(
        field("ja", "yesno"), field("sant", "truefalse"), field("skala", "slider", "", "lav|høy")
    )
    assert found["ja"].options == {"1": "Yes", "0": "No"}
    assert found["sant"].options == {"1": "True", "0": "False"}
    assert found["skala"] == Question(kind="number")
    assert found["trivsel_complete"] == Question(options=FORM_STATUS, kind="one")


@pytest.mark.parametrize(
    ("validation", "kind"),
    [
        ("", "text"),
        ("integer", "number"),
        ("number_comma_decimal", "number"),
        ("number_2dp_comma_decimal", "number"),
        ("date_dmy", "date"),
        ("datetime_seconds_ymd", "date"),
        ("time", "text"),
    ],
)
def test_validation_tells_the_kind_of_a_text(validation, kind):
    assert read(field("felt", validation=validation))["felt"].kind == kind


def test_a_calculated_field_is_a_number_unless_it_says_otherwise():
    found = read(
        field("sum", "calc"),
        field("tekst", "calc", annotation="@CALCTEXT(if([x]=1,'a','b'))"),
        field("dag", "calc", annotation="@CALCDATE([d],1,'d')"),
    )
    assert [found[name].kind for name in ("sum", "tekst", "dag")] == ["number", "text", "date"]


def test_marked_fields_and_telling_ones_are_personal():
    found = read(
        field("navn", identifier="y"),
        field("venner", "checkbox", "", "1, A|2, B", identifier="Y"),
        field("epost", validation="email"),
        field("tlf", validation="phone"),
        field("tegning", "file"),
        field("trives", "radio", "", "1, Ja"),
        field("nei", identifier="n"),
    )
    assert {name for name, question in found.items() if question.personal} == {
        "navn", "venner___1", "venner___2", "epost", "tlf", "tegning",
    }  # fmt: skip


def test_each_form_ends_with_its_status_also_where_its_fields_stand_apart():
    found = read(field("a"), field("b", form="mer"), field("c"), field("tekst", "descriptive"))
    assert list(found) == ["a", "c", "trivsel_complete", "b", "mer_complete"]


def test_the_api_and_old_versions_name_and_count_the_headings_otherwise():
    fields = [field("q", "radio", "Hei", "1, Ja"), field("navn", identifier="y")]
    expected = read(*fields)
    assert read(*fields, headings=API_HEADINGS) == expected
    assert read(*fields, headings=HEADINGS[:17]) == expected
    assert read(*fields, delimiter=";") == expected


def test_a_label_is_one_plain_line_and_may_span_lines_in_the_file():
    found = read(
        field("q", label='<div class="x"><p>Er du <b>trygg</b>?</p>\r\n<p>5 < 6</p></div>')
    )
    assert found["q"].label == "Er du trygg? 5 < 6"


@given(st.text(alphabet="aå <>&/b1", max_size=30))
@settings(max_examples=60, deadline=None)
def test_plain_text_is_one_line_and_stays_as_it_is(text):
    once = plain_text(text)
    assert once == " ".join(once.split())
    assert plain_text(" ".join(text.replace("<", "").replace("&", "").split())) == " ".join(
        text.replace("<", "").replace("&", "").split()
    )


def test_only_a_dictionary_is_taken_for_one(shared):
    folder = shared / "samples" / "redcap"
    for path in sorted(folder.glob("*.csv")):
        assert is_redcap_dictionary(path.read_bytes()) == path.name.endswith("-dictionary.csv")
    assert not is_redcap_dictionary(b"")
    assert not is_redcap_dictionary(b"\xff\xfe\xfd")
    assert not is_redcap_dictionary(dictionary(headings=HEADINGS[:10]))  # without Identifier?


def test_what_is_no_whole_dictionary_is_refused():
    assert refused(b"a,b\n1,2\n").reason == Reason.UNREADABLE
    assert refused(dictionary(field("a"), field("a"))).reason == Reason.HEADER_REPEATED
    assert refused(dictionary()).reason == Reason.NO_ROWS


def test_a_broken_row_could_be_the_one_that_marks_a_name():
    problem = refused(dictionary(field("a")) + b"navn,trivsel,,text,Navn,y\r\n")
    assert (problem.reason, problem.line) == (Reason.UNREADABLE, 3)


def test_every_sample_names_the_columns_of_its_data(shared):
    folder = shared / "samples" / "redcap"
    for path in sorted(folder.glob("*-dictionary.csv")):
        data = path.with_name(path.name.replace("dictionary", "data")).read_text(encoding="utf-8")
        columns = next(csv.reader(io.StringIO(data)))
        found = read_redcap_dictionary(path.read_bytes())
        unknown = {
            name
            for name in columns
            if name not in found and not name.startswith("redcap_") and "_timestamp" not in name
        }
        assert not unknown, path.name


def test_a_code_of_any_kind_makes_a_column_name():
    assert checkbox_column("felt", "-1.5 B") == "felt____1_5_b"
