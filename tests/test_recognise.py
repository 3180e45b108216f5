"""Which survey a file belongs to: told by its columns, whatever the file is called."""

import traceback

import pyarrow as pa
import pytest

from schemas.reason import Reason
from schemas.survey import CONTEXT_COLUMNS
from tests.validate.build import CORE, INSTRUMENTS, WHO5, survey
from transforms.readers.reading import FileProblem
from transforms.recognise import is_class_list, item_columns, lay_out, recognise

LINKED = survey()
CORE_ONLY = survey(id="core_only", instruments=[CORE])
COLUMNS = [*CONTEXT_COLUMNS, *item_columns(LINKED, INSTRUMENTS)]


def found(columns, *surveys):
    table = pa.table([pa.array(["x"])] * len(columns), names=list(columns))
    return recognise(table, {known.id: known for known in surveys}, INSTRUMENTS)


def problem_of(columns, *surveys):
    with pytest.raises(FileProblem) as caught:
        found(columns, *surveys)
    return caught.value.reason, caught.value.column


def without(*names):
    return [name for name in COLUMNS if name not in names]


def test_canonical_columns_are_recognised_in_any_order():
    for columns in (COLUMNS, COLUMNS[::-1]):
        layout = found(columns, LINKED)

        assert layout.survey is LINKED
        assert layout.source == {name: name for name in COLUMNS}


def test_items_stand_in_the_order_of_the_instruments():
    columns = item_columns(survey(instruments=[WHO5, CORE]), INSTRUMENTS)

    assert columns[0] == f"{WHO5}.who5_1"
    assert columns[5] == f"{CORE}.thriving"


@pytest.mark.parametrize("name", ["wave", "gender", "submission", "submitted_on", "enrolled_on"])
def test_context_that_a_row_can_do_without_may_be_missing(name):
    assert name not in found(without(name), LINKED).source


@pytest.mark.parametrize(
    "name", ["school", "class_group", "grade", "pupil_code", f"{CORE}.safety", f"{WHO5}.who5_5"]
)
def test_a_column_that_the_survey_must_have_is_named_where_it_is_missing(name):
    assert problem_of(without(name), LINKED) == (Reason.HEADER_MISMATCH, name)


def test_a_column_that_nobody_has_decided_on_refuses_the_file():
    assert problem_of([*COLUMNS, "comment"], LINKED) == (Reason.HEADER_MISMATCH, None)


def test_a_column_that_is_dropped_on_purpose_is_decided_on():
    layout = found([*COLUMNS, "comment"], survey(dropped=["comment"]))

    assert "comment" not in layout.source.values()


def test_a_survey_without_linkage_refuses_a_file_with_pupil_codes():
    unlinked = survey(linkage="none")

    assert problem_of(COLUMNS, unlinked) == (Reason.HEADER_MISMATCH, None)
    assert found(without("pupil_code"), unlinked).survey is unlinked


def test_a_constant_stands_for_a_column():
    constant = survey(constants={"school": "S01", "wave": "2025H"})

    assert found(without("school", "wave"), constant).fits


def test_a_constant_and_a_column_of_the_same_name_leave_the_column_undecided():
    constant = survey(constants={"school": "S01"})

    assert problem_of(COLUMNS, constant) == (Reason.HEADER_MISMATCH, None)


def test_a_survey_tool_s_columns_are_mapped():
    context = {"school": "Skole", "class_group": "Klasse", "grade": "Trinn", "pupil_code": "Kode"}
    items = {name: f"Q{n}" for n, name in enumerate(item_columns(CORE_ONLY, INSTRUMENTS))}
    tool = survey(tool="nettskjema", instruments=[CORE], columns=context, items=items)

    layout = found([*context.values(), *items.values()], tool)

    assert layout.source == context | items


def test_a_file_that_two_surveys_fit_belongs_to_neither():
    assert problem_of(COLUMNS, LINKED, survey(id="twin")) == (Reason.SURVEYS_ALIKE, None)


def test_the_survey_that_fits_is_taken_though_another_comes_near():
    assert found(COLUMNS, CORE_ONLY, LINKED).survey is LINKED


def test_of_two_surveys_that_come_near_the_nearer_one_names_what_is_missing():
    farther = survey(id="farther", columns={"school": "Skole"})

    for surveys in ((LINKED, farther), (farther, LINKED)):
        assert problem_of(without("grade"), *surveys) == (Reason.HEADER_MISMATCH, "grade")


@pytest.mark.parametrize("columns", [["a", "b"], COLUMNS[:2], []], ids=["strange", "few", "none"])
def test_a_file_that_comes_near_no_survey_is_not_recognised(columns):
    assert problem_of(columns, LINKED) == (Reason.NOT_RECOGNISED, None)


def test_a_class_list_has_its_five_columns_and_no_other():
    names = ["enrolled", "grade", "class_group", "school", "school_year"]

    assert is_class_list(names)
    assert not is_class_list(names[1:])
    assert not is_class_list([*names, "pupil_code"])


@pytest.mark.parametrize("columns", [["PLANTED", "x"], [*COLUMNS, "PLANTED"]])
def test_no_heading_of_the_file_is_in_the_problem(columns):
    with pytest.raises(FileProblem) as caught:
        found(columns, LINKED)
    shown = [*traceback.format_exception(caught.value), repr(caught.value), str(caught.value)]

    assert "PLANTED" not in "".join(shown)
    # A decision file tells headings, and is written for the person who has to decide.
    told = {name: told for name, told in vars(caught.value).items() if name != "decision"}
    assert "PLANTED" not in repr(told)


def test_a_layout_says_what_is_missing_and_how_much_is_undecided():
    layout = lay_out([*without("grade", f"{CORE}.safety"), "x", "y"], LINKED, INSTRUMENTS)

    assert layout.missing == ("grade", f"{CORE}.safety")
    assert len(layout.unknown) == 2
    assert not layout.fits


@pytest.mark.parametrize("heading", ["Navn", "Elevens e-post", "GuardianPhone", "fødselsdato"])
def test_column_that_asks_for_a_person_stops_the_file_as_that(heading):
    assert problem_of([*COLUMNS, heading], LINKED) == (Reason.PERSONAL_DATA, heading)


def test_column_that_asks_for_a_person_passes_where_the_survey_drops_it():
    assert found([*COLUMNS, "Navn"], survey(dropped=["Navn"])).fits
