"""XLSForms: the columns of the main table, as workbook and as CSV."""

import io

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.codebooks.xlsform import TICKED, is_xlsform, read_xlsform
from transforms.readers.reading import FileProblem, Question

SURVEY = [
    ["type", "name", "label::Norsk (nb)", "label::English (en)"],
    ["begin group", "g1", "Gruppe", "Group"],
    ["select_one ja", "trives", "Trives du?", "Do you thrive?"],
    ["select_multiple ja", "hvor", "Hvor?", "Where?"],
    ["end group", "", "", ""],
    ["note", "info", "Takk", "Thanks"],
    ["begin_repeat", "venner", "Venner", "Friends"],
    ["text", "navn", "Navn", "Name"],
    ["end_repeat", "", "", ""],
    ["integer", "trinn", "Trinn", "Grade"],
    ["geopoint", "hjem", "Hjem", "Home"],
]
CHOICES = [
    ["list_name", "name", "label::Norsk (nb)", "label::English (en)"],
    ["ja", 1, "Ja", "Yes"],
    ["ja", 2, "Nei", "No"],
]
SETTINGS = [["form_title", "default_language"], ["Puls", "Norsk (nb)"]]


def workbook(**sheets):
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as book:
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for at, line in enumerate(lines):
                sheet.write_row(at, 0, line)
    return content.getvalue()


def stacked(delimiter=",", **sheets):
    lines = []
    for name, given_rows in sheets.items():
        lines.append([name])
        lines.extend(["", *row] for row in given_rows)
    quoted = ([f'"{cell}"' for cell in line] for line in lines)
    return ("\r\n".join(delimiter.join(line) for line in quoted) + "\r\n").encode()


FORM = {"survey": SURVEY, "choices": CHOICES, "settings": SETTINGS}


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_xlsform(content)
    return problem.value.reason


def kinds(content):
    return {name: question.kind for name, question in read_xlsform(content).items()}


@pytest.mark.parametrize("content", [workbook(**FORM), stacked(**FORM), stacked(";", **FORM)])
def test_workbook_and_csv_give_the_same_columns(content):
    assert is_xlsform(content)
    found = read_xlsform(content)
    assert list(found) == ["trives", "hvor", "hvor/1", "hvor/2", "trinn", "hjem"]
    assert found["trives"] == Question(
        "Trives du?",
        {"1": "Ja", "2": "Nei"},
        "one",
        labels={"en": "Do you thrive?"},
        option_labels={"en": {"1": "Yes", "2": "No"}},
    )
    assert found["hvor/2"] == Question(
        "Hvor?/Nei", dict(TICKED), "many", labels={"en": "Where?/No"}
    )
    assert [found[name].personal for name in ("trinn", "hjem")] == [False, True]


def test_the_real_forms_are_read(shared):
    folder = shared / "samples" / "xlsform"
    for name in ("choice_filter_test.xlsx", "or_other.xlsx", "widgets-xlsform.csv"):
        assert is_xlsform((folder / name).read_bytes())
    cascade = read_xlsform((folder / "choice_filter_test.xlsx").read_bytes())
    assert list(cascade) == ["state", "county", "city"]
    assert list(cascade["county"].options) == ["king", "pierce", "cameron"]
    other = read_xlsform((folder / "or_other.xlsx").read_bytes())
    assert list(other) == ["fav_color", "fav_color_other", "fav_pastel"]
    assert list(other["fav_color"].options)[-1] == "other"
    widgets = read_xlsform((folder / "widgets-xlsform.csv").read_bytes())
    assert list(widgets["my_select1"].options) == ["1", "2", "3", "4", "5", "6", "7", "8"]
    assert widgets["my_select/a"].kind == "many"
    assert {name for name, question in widgets.items() if question.personal} == {
        *("my_geopoint", "locationMap", "my_image", "my_audio", "my_video"),
    }


def test_a_sheet_of_answers_is_no_form(shared):
    assert not is_xlsform(workbook(Ark1=[["type", "name"], ["a", "b"]]))
    assert not is_xlsform(workbook(survey=[["id", "svar"], ["1", "2"]]))
    assert not is_xlsform(b"survey;answer\n1;2\n")
    assert not is_xlsform(b"\x00\xff binary")
    assert not is_xlsform(b"")
    sample = shared / "samples" / "nettskjema" / "data-123823-2025-08-19-2249.xlsx"
    assert not is_xlsform(sample.read_bytes())


def test_two_questions_of_one_name_are_told_apart_by_their_groups():
    lines = [
        ["type", "name"],
        *(["begin group", "a"], ["text", "q"], ["end group", ""]),
        *(["begin group", "b"], ["text", "q"], ["end group", ""]),
        ["text", "r"],
    ]
    assert list(read_xlsform(workbook(survey=lines, choices=[["x"]]))) == ["a/q", "b/q", "r"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("select_one l", "one"),
        ("select one from l", "one"),
        ("select1 l", "one"),
        ("Select_One l or_other", "one"),
        ("select_multiple l", "many"),
        ("select all that apply from l", "many"),
        ("rank l", "many"),
        ("decimal", "number"),
        ("dateTime", "date"),
        ("select_one_from_file l.csv", "unknown"),
    ],
)
def test_a_type_may_be_written_in_many_ways(written, expected):
    choices = [["list name", "value", "label"], ["l", "a", "A"]]
    form = workbook(survey=[["Type", "Name", "Label"], [written, "q", "Q"]], choices=choices)
    assert kinds(form)["q"] == expected
    if expected != "unknown" and " l" in written:
        assert read_xlsform(form)["q"].options["a"] == "A"


@pytest.mark.parametrize(
    "heading", ["label::Norsk (nb)", "label:Norsk (nb)", "Label :: Norsk (nb)"]
)
def test_a_language_stands_behind_one_colon_or_two(heading):
    form = workbook(
        survey=[["type", "name", "label", heading], ["text", "q", "Q", "S"]], choices=[[""]]
    )
    assert read_xlsform(form)["q"] == Question("Q", kind="text", labels={"nb": "S"})


def test_what_is_disabled_has_no_column():
    lines = [["type", "name", "disabled"], ["text", "a", "yes"], ["text", "b", ""]]
    assert list(read_xlsform(stacked(survey=lines))) == ["b"]


def test_what_is_no_sound_form_is_refused():
    assert refused(workbook(data=SURVEY)) is Reason.UNREADABLE
    assert refused(workbook(survey=[["type", "name"]], choices=[["x"]])) is Reason.CODEBOOK_MISSING
    assert refused(b'"survey"\n,"type","na') is Reason.UNREADABLE
    assert refused("survey\n,type,name\n,text,ø\n".encode("latin-1")) is Reason.ENCODING_UNKNOWN
    assert refused(workbook(**FORM)[:-30]) is Reason.UNREADABLE
    twice = [["type", "name"], ["text", "a"], ["text", "a"]]
    assert refused(stacked(survey=twice)) is Reason.HEADER_REPEATED


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)


@given(names=st.lists(NAMES, unique=True, min_size=1, max_size=6))
def test_every_question_outside_repeats_has_one_column_in_form_order(names):
    lines = [["type", "name"], *([("text", "integer")[len(name) % 2], name] for name in names)]
    assert list(read_xlsform(stacked(survey=lines))) == names
