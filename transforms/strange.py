"""Why a table is no survey's answers: a class list with a flaw, a form, or a missing heading."""

from schemas.reason import Reason
from transforms.headings import is_a_row_of_answers
from transforms.readers.foreign import is_form_definition
from transforms.readers.reading import FileProblem, Reading
from transforms.recognise import is_like_a_class_list, missing_of_class_list


def strange_table(reading: Reading) -> FileProblem:
    """The problem of a table that comes near no survey."""
    columns = reading.table.column_names
    if is_like_a_class_list(columns):
        return FileProblem(Reason.CLASS_LIST_COLUMNS, column=missing_of_class_list(columns))
    if is_form_definition(columns):
        return FileProblem(Reason.CODEBOOK_DELIVERED)
    is_data = is_a_row_of_answers(reading)
    return FileProblem(Reason.HEADER_MISSING if is_data else Reason.NOT_RECOGNISED)
