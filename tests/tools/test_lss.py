"""LimeSurvey structures: every column that an export can have, and nothing assumed."""

import pytest

from schemas.reason import Reason
from transforms.codebooks.lss import TICKED, YES_NO, is_lss, read_lss
from transforms.readers.reading import FileProblem, Question


def rows(*given):
    cells = (
        "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in row.items())
        for row in given
    )
    return "<rows>" + "".join(f"<row>{each}</row>" for each in cells) + "</rows>"


def lss(base="nb", **tables):
    body = "".join(f"<{name}>{rows(*given)}</{name}>" for name, given in tables.items())
    surveys = f"<surveys>{rows({'sid': 1, 'language': base})}</surveys>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<document>\n'
        f" <LimeSurveyDocType>Survey</LimeSurveyDocType>\n{body}{surveys}</document>"
    ).encode()


def question(number, kind, code, order=1, **more):
    return {
        "qid": number,
        "parent_qid": 0,
        "gid": 1,
        "type": kind,
        "title": code,
        "question_order": order,
        **more,
    }


def sub(number, parent, code, order=1, scale=0):
    return question(number, "T", code, order, parent_qid=parent, scale_id=scale)


def text(number, words, language="nb"):
    return {"qid": number, "question": words, "language": language}


def answer(number, of, code, order=1, scale=0):
    return {"aid": number, "qid": of, "code": code, "sortorder": order, "scale_id": scale}


def said(number, words, language="nb"):
    return {"aid": number, "answer": words, "language": language}


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_lss(content)
    return problem.value.reason


def test_the_real_surveys_are_read(shared):
    folder = shared / "samples" / "limesurvey"
    first = read_lss((folder / "survey.lss").read_bytes())
    assert list(first) == ["G01Q01", "G01Q02", "G02Q03", "G02Q03[filecount]", "G02Q04"]
    assert first["G01Q01"] == Question("Text for first question", kind="text")
    assert list(first["G01Q02"].options) == ["1", "2", "3", "4", "5"]
    assert first["G02Q03"].personal
    assert first["G02Q04"].options == YES_NO
    second = read_lss((folder / "limesurvey_survey_432535.lss").read_bytes())
    assert {name: column.label for name, column in second.items()} == {
        "G01Q01": "Text for question 1",
        "G01Q02": "Text for question 2",
    }


def test_a_list_has_its_answers_in_order_and_in_every_language():
    found = read_lss(
        lss(
            questions=[question(1, "L", "trives", other="Y")],
            question_l10ns=[text(1, "<p>Trives  du?</p>"), text(1, "Do you thrive?", "en")],
            answers=[answer(8, 1, "A2", 2), answer(7, 1, "A1", 1)],
            answer_l10ns=[said(7, "<b>Ja</b>"), said(7, "Yes", "en"), said(8, "Nei &amp; aldri")],
        )
    )
    assert list(found) == ["trives", "trives[other]"]
    assert found["trives"] == Question(
        "Trives du?",
        {"A1": "Ja", "A2": "Nei & aldri", "-oth-": "Other"},
        "one",
        labels={"en": "Do you thrive?"},
        option_labels={"en": {"A1": "Yes"}, "nb": {"-oth-": "Annet"}},
    )
    assert found["trives[other]"].label == "Trives du? [Annet]"
    assert found["trives[other]"].labels == {"en": "Do you thrive? [Other]"}


def test_an_array_has_a_column_for_each_subquestion():
    found = read_lss(
        lss(
            questions=[question(1, "F", "mobbing")],
            subquestions=[sub(3, 1, "SQ002", 2), sub(2, 1, "SQ001", 1)],
            question_l10ns=[text(1, "Mobbet av"), text(2, "elever"), text(3, "voksne")],
            answers=[answer(7, 1, "1")],
            answer_l10ns=[said(7, "aldri")],
        )
    )
    assert {name: (column.label, column.options) for name, column in found.items()} == {
        "mobbing[SQ001]": ("Mobbet av [elever]", {"1": "aldri"}),
        "mobbing[SQ002]": ("Mobbet av [voksne]", {"1": "aldri"}),
    }


def test_the_two_scales_of_a_dual_scale_have_their_own_answers():
    found = read_lss(
        lss(
            questions=[question(1, "1", "q")],
            subquestions=[sub(2, 1, "a")],
            answers=[answer(7, 1, "x", scale=0), answer(8, 1, "y", scale=1)],
            answer_l10ns=[said(7, "ofte"), said(8, "viktig")],
        )
    )
    assert {name: column.options for name, column in found.items()} == {
        "q[a][1]": {"x": "ofte"},
        "q[a][2]": {"y": "viktig"},
    }


@pytest.mark.parametrize(("kind", "expected"), [(":", "number"), (";", "text")])
def test_a_grid_of_numbers_or_texts_has_a_column_for_each_cell(kind, expected):
    found = read_lss(
        lss(
            questions=[question(1, kind, "q")],
            subquestions=[sub(2, 1, "r1"), sub(3, 1, "c1", 1, 1), sub(4, 1, "c2", 2, 1)],
        )
    )
    assert {name: column.kind for name, column in found.items()} == {
        "q[r1_c1]": expected,
        "q[r1_c2]": expected,
    }


def test_boxes_are_ticked_or_not_and_may_have_comments_and_another():
    found = read_lss(
        lss(questions=[question(1, "P", "q", other="Y")], subquestions=[sub(2, 1, "SQ001")])
    )
    assert list(found) == ["q[SQ001]", "q[SQ001comment]", "q[other]", "q[othercomment]"]
    assert (found["q[SQ001]"].kind, found["q[SQ001]"].options) == ("many", TICKED)


def test_a_ranking_has_as_many_columns_as_may_be_ranked():
    tables = {
        "questions": [question(1, "R", "q")],
        "answers": [answer(7, 1, "a"), answer(8, 1, "b"), answer(9, 1, "c")],
    }
    most = [{"qid": 1, "attribute": "max_subquestions", "value": 2}]
    assert list(read_lss(lss(**tables))) == ["q[1]", "q[2]", "q[3]"]
    assert list(read_lss(lss(**tables, question_attributes=most))) == ["q[1]", "q[2]"]


def test_groups_then_questions_give_the_order():
    found = read_lss(
        lss(
            groups=[{"gid": 5, "group_order": 2}, {"gid": 6, "group_order": 1}],
            questions=[
                question(1, "S", "sist", 1, gid=5),
                question(2, "N", "midt", 2, gid=6),
                question(3, "D", "foerst", 1, gid=6),
            ],
        )
    )
    assert {name: column.kind for name, column in found.items()} == {
        "foerst": "date",
        "midt": "number",
        "sist": "text",
    }


def test_a_survey_of_version_3_keeps_its_texts_in_the_rows_themselves():
    found = read_lss(
        lss(
            questions=[
                {**question(1, "L", "q"), "question": "Spørsmål", "language": "nb"},
                {**question(1, "L", "q"), "question": "Question", "language": "en"},
            ],
            answers=[
                {**answer("", 1, "A1"), "answer": "Ja", "language": "nb"},
                {**answer("", 1, "A1"), "answer": "Yes", "language": "en"},
            ],
        )
    )
    assert found["q"] == Question(
        "Spørsmål",
        {"A1": "Ja"},
        "one",
        labels={"en": "Question"},
        option_labels={"en": {"A1": "Yes"}},
    )


@pytest.mark.parametrize(
    "before",
    [
        b'<!DOCTYPE document [<!ENTITY a "b">]>',
        b"<!DOCTYPE document SYSTEM 'file:///etc/hostname'>",
        b"<!-- <document> -->",
    ],
)
def test_nothing_may_stand_before_the_root(before):
    whole = lss(questions=[question(1, "S", "q")])
    hostile = whole.replace(b"<document>", before + b"<document>")
    assert is_lss(whole)
    assert not is_lss(hostile)
    assert refused(hostile) is Reason.UNREADABLE


def test_html_in_a_mail_template_is_text_like_any_other():
    mail = {"surveyls_email_invite": "<!DOCTYPE html><html>Hei</html>"}
    found = read_lss(lss(questions=[question(1, "S", "q")], surveys_languagesettings=[mail]))
    assert list(found) == ["q"]


def test_what_is_no_sound_structure_is_refused():
    whole = lss(questions=[question(1, "S", "q")])
    assert refused(whole[:-20]) is Reason.UNREADABLE
    assert refused(whole.replace(b">Survey<", b">Group<")) is Reason.UNREADABLE
    assert refused(lss()) is Reason.CODEBOOK_MISSING
    assert refused(whole.replace(b"[q]", b"[\xf8]")) is Reason.ENCODING_UNKNOWN
    twice = lss(questions=[question(1, "S", "q"), question(2, "S", "q")])
    assert refused(twice) is Reason.HEADER_REPEATED
