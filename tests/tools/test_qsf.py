"""Qualtrics' survey definition: which column holds which question, where that is certain."""

import json

import pytest

from schemas.reason import Reason
from transforms.codebooks.qsf import is_qsf, read_qsf
from transforms.readers.reading import FileProblem, Question

TICKED = {"1": "Yes", "0": "No"}


def question(number, kind, selector="", **more):
    return {
        "QuestionID": f"QID{number}",
        "DataExportTag": f"Q{number}",
        "QuestionType": kind,
        "Selector": selector,
        "QuestionText": f"Spørsmål {number}",
        "Language": [],
        **more,
    }


def shown(*labels):
    """Choices as Qualtrics keeps them: numbered from 1."""
    return {str(number): {"Display": label} for number, label in enumerate(labels, start=1)}


def survey(*questions, blocks=()):
    elements = [{"Element": "BL", "PrimaryAttribute": "Survey Blocks", "Payload": list(blocks)}]
    elements += [{"Element": "SQ", "Payload": payload} for payload in questions]
    return json.dumps({"SurveyEntry": {"SurveyID": "SV_1"}, "SurveyElements": elements}).encode()


def read(*questions, **more):
    return read_qsf(survey(*questions, **more))


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_qsf(content)
    return problem.value.reason


def test_the_codes_of_choices_are_their_recode_values():
    found = read(
        question(
            1,
            "MC",
            "SAVR",
            Choices=shown("Aldri", "<b>Ofte</b>", "Vet&nbsp;ikke"),
            ChoiceOrder=["2", 1, "3"],
            RecodeValues={"1": "0", "2": "4", "3": "-9"},
        )
    )
    expected = Question("Spørsmål 1", {"4": "Ofte", "0": "Aldri", "-9": "Vet ikke"}, "one")
    assert found == {"Q1": expected, "QID1": expected}
    assert list(found["Q1"].options) == ["4", "0", "-9"]


def test_two_choices_with_one_recode_value_are_both_told():
    found = read(
        question(1, "MC", "DL", Choices=shown("Litt", "Mye"), RecodeValues={"1": "1", "2": "1"})
    )
    assert found["Q1"].options == {"1": "Litt / Mye"}


def test_several_answers_have_a_column_for_each_choice():
    found = read(question(2, "MC", "MAVR", Choices=shown("Ute", "Inne")))
    assert found["Q2"] == Question("Spørsmål 2", {"1": "Ute", "2": "Inne"}, "many")
    assert found["Q2_2"] == found["QID2_2"] == Question("Spørsmål 2 - Inne", TICKED, "many")


def test_a_number_that_may_be_the_choice_or_its_recode_value_is_no_tag():
    found = read(
        question(2, "MC", "MAVR", Choices=shown("Ute", "Inne"), RecodeValues={"1": "2", "2": "1"})
    )
    assert set(found) == {"Q2", "QID2", "QID2_1", "QID2_2"}


def test_a_text_beside_a_choice_is_text():
    choices = {"4": {"Display": "Annet", "TextEntry": "true"}}
    found = read(question(3, "MC", "SAVR", Choices=choices))
    assert found["Q3_4_TEXT"] == found["QID3_4_TEXT"] == Question("Spørsmål 3 - Annet", kind="text")


def test_a_matrix_has_a_column_for_each_row_with_the_scale():
    found = read(
        question(
            4,
            "Matrix",
            "Likert",
            SubSelector="SingleAnswer",
            Choices=shown("trygg", "glad"),
            Answers=shown("Nei", "Ja"),
            RecodeValues={"1": "0", "2": "1"},
            ChoiceDataExportTags=False,
        )
    )
    assert found["Q4_2"] == Question("Spørsmål 4 - glad", {"0": "Nei", "1": "Ja"}, "one")
    assert found["QID4_2"] == found["Q4_2"]


def test_a_row_is_counted_by_its_place_so_moved_rows_have_no_certain_tag():
    rows = {"1": {"Display": "a"}, "5": {"Display": "b"}, "2": {"Display": "c"}}
    found = read(question(4, "Matrix", "Likert", Choices=rows, ChoiceOrder=["1", "5", "2"]))
    assert set(found) == {"Q4_1", "QID4_1", "QID4_5", "QID4_2"}


def test_a_rows_own_tag_counts_unless_it_is_left_from_a_former_name():
    tags = {"1": "trygg", "2": "Q15_2"}
    found = read(
        question(4, "Matrix", "Likert", Choices=shown("a", "b"), ChoiceDataExportTags=tags)
    )
    assert set(found) == {"trygg", "Q4_2", "QID4_1", "QID4_2"}


def test_a_matrix_with_several_answers_has_a_column_for_each_of_them():
    more = {"Choices": shown("a"), "Answers": shown("x", "y")}
    found = read(question(5, "Matrix", "Likert", SubSelector="MultipleAnswer", **more))
    assert found["Q5_1_2"] == found["QID5_1_2"] == Question("Spørsmål 5 - a - y", TICKED, "many")
    texts = read(question(5, "Matrix", "TE", SubSelector="Short", **more))
    assert texts["QID5_1_1"] == Question("Spørsmål 5 - a - x", kind="text")


def test_a_matrix_of_another_kind_has_labels_and_no_codes():
    answers = {"1": {"1": {"Display": "a1"}}, "2": {"1": {"Display": "b1"}}}
    found = read(question(5, "Matrix", "Profile", Choices=shown("a", "b"), Answers=answers))
    assert found["QID5_1"] == Question("Spørsmål 5 - a")


def text_question(content, demand="ContentType"):
    settings = {"Type": demand, "ContentType": content}
    return question(6, "TE", "SL", Validation={"Settings": settings})


def test_what_a_text_must_be_tells_its_kind_and_whether_it_is_personal():
    assert read(text_question("ValidNumber"))["Q6"].kind == "number"
    assert read(text_question("ValidDate"))["QID6_TEXT"].kind == "date"
    assert read(text_question("ValidEmail"))["Q6"].personal
    assert read(text_question("ValidPhone"))["Q6"].personal
    assert read(text_question("ValidEmail", "None"))["Q6"] == Question("Spørsmål 6", kind="text")


def test_form_fields_and_sliders_have_a_column_each():
    form = read(question(7, "TE", "FORM", Choices=shown("Skole", "By")))
    assert form["Q7_2"] == form["QID7_2"] == Question("Spørsmål 7 - By", kind="text")
    slider = read(question(8, "Slider", "HSLIDER", Choices=shown("a", "b")))
    assert slider["Q8_1"] == Question("Spørsmål 8 - a", kind="number")
    moved = read(question(8, "RO", "DND", Choices=shown("a", "b"), ChoiceOrder=["2", "1"]))
    assert set(moved) == {"QID8_1", "QID8_2"}


def test_side_by_side_questions_are_matrices_of_their_own():
    part = question(9, "Matrix", "Likert", Choices=shown("a"), Answers=shown("x"))
    part |= {"QuestionID": "QID9#1", "DataExportTag": "Q9#1"}
    found = read(question(9, "SBS", "SBSMatrix", AdditionalQuestions={"1": part}))
    assert found["Q9#1_1"] == found["QID9#1_1"]


def test_further_languages_are_kept_by_their_code():
    language = {
        "NN": {"QuestionText": "Er du <i>trygg</i>?", "Choices": {"1": {"Display": "ute"}}},
        "SE": [],
        "EN": {"QuestionText": "", "Answers": {"2": {"Display": "Yes"}}},
    }
    found = read(
        question(1, "MC", "SAVR", Choices=shown("Ja"), Language=language),
        question(
            4,
            "Matrix",
            "Likert",
            Choices=shown("ute"),
            Answers=shown("Nei", "Ja"),
            RecodeValues={"2": "9"},
            Language=language,
        ),
    )
    assert found["Q1"].labels == {"nn": "Er du trygg?"}
    assert found["Q1"].option_labels == {"nn": {"1": "ute"}}
    assert found["Q4_1"].labels == {"nn": "Er du trygg? - ute"}
    assert found["Q4_1"].option_labels == {"en": {"9": "Yes"}}


def test_questions_in_the_bin_and_texts_to_read_are_none():
    binned = {"Type": "Trash", "BlockElements": [{"Type": "Question", "QuestionID": "QID1"}]}
    questions = [question(1, "TE", "SL"), question(2, "DB", "TB"), question(3, "TE", "SL")]
    assert set(read(*questions, blocks=[binned])) == {"Q3", "QID3_TEXT"}
    with pytest.raises(FileProblem) as problem:
        read(*questions[:2], blocks=[{"Type": "Default"}, binned])
    assert problem.value.reason == Reason.CODEBOOK_MISSING


def test_a_tag_that_two_questions_share_names_neither():
    same = [
        question(1, "TE", "SL", DataExportTag="tag"),
        question(2, "TE", "SL", DataExportTag="tag"),
    ]
    assert set(read(*same)) == {"QID1_TEXT", "QID2_TEXT"}


def test_lists_where_php_has_no_keys_are_read_by_their_place():
    choices = [{"Display": "null"}, {"Display": "en"}]
    found = read(question(1, "MC", "SAVR", Choices=choices, RecodeValues=[]))
    assert found["Q1"].options == {"0": "null", "1": "en"}


def test_only_a_definition_is_taken_for_one():
    assert is_qsf(survey(question(1, "TE", "SL")))
    assert is_qsf(b"\xef\xbb\xbf" + survey())
    assert not is_qsf(b'[{"SurveyEntry": 1}]')
    assert not is_qsf(b'{"SurveyEntry": {}}')
    assert not is_qsf(b'{"responses": "SurveyElements"}')
    assert not is_qsf(b"")


def test_what_is_no_whole_definition_is_refused():
    whole = survey(question(1, "TE", "SL"))
    assert refused(whole[:-2]) == Reason.UNREADABLE
    assert refused(b'{"SurveyElements": 1}') == Reason.UNREADABLE
    assert refused(b"[]") == Reason.UNREADABLE
    assert refused(whole.replace("ø".encode(), b"\xf8").replace(b"\\u00f8", b"\xf8")) == (
        Reason.ENCODING_UNKNOWN
    )
    assert refused(b'{"SurveyElements": [null, {"Element": "SQ", "Payload": null}]}') == (
        Reason.CODEBOOK_MISSING
    )
