"""The second look at a file that nobody can use as it is: whom does it name?

A refused file lies in the outcome folders until somebody deletes it, so its note says whether it
holds personal data, of which kinds and in which rows.
"""

from flows.home import Config
from flows.reading import room as reading_room
from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.reading import FileProblem, Reading
from transforms.readers.xlsx_outside import OUTSIDE
from transforms.spelling import composed
from transforms.undecided import (
    is_worth_a_look,
    list_of_one_column,
    persons_in_table,
    persons_told,
    told_by_heading,
    told_with,
)


def looked_through(problem: FileProblem, content: bytes) -> FileProblem:
    """The problem, with the persons in the text of a file that nobody can use as it is.

    Where its columns were looked at, they say better what an address or a phone in them is.
    """
    problem = list_of_one_column(problem, content)
    if not is_worth_a_look(problem, content):
        return problem
    try:
        found = list(persons_told(reading_room.read("persons", content)))
    except FileProblem:
        return problem
    if problem.persons is not None or problem.reason is Reason.PERSONAL_DATA:
        found = [one for one in found if one[1] is Personal.NATIONAL_ID or one[2] == OUTSIDE]
    return told_with(problem, found)


def told_where_they_stand(problem: FileProblem, reading: Reading, config: Config) -> FileProblem:
    """The problem, with the persons of a table by row and by the column as the file has it.

    A tool's reader has looked already where it took columns away, and counts what it left. So its
    finds are looked up in the table as it was delivered; a national number is told wherever it is.
    """
    if problem.persons is None:
        return told_with_persons(problem, reading, config)
    seen = {(row_no, kind) for row_no, kind, _ in problem.persons}
    found = [
        (row_no, kind, column)
        for row_no, kind, column in persons_in_table(reading)
        if kind is Personal.NATIONAL_ID or (row_no, kind) in seen
    ]
    placed = {(row_no, kind) for row_no, kind, _ in found}
    elsewhere = [(row_no, kind, "") for row_no, kind in seen - placed]
    return told_with(problem.with_persons(()), [*found, *elsewhere])


def told_with_persons(problem: FileProblem, reading: Reading, config: Config) -> FileProblem:
    """The problem, with where the columns of a file that nobody can use as it is hold persons."""
    if problem.reason is Reason.PERSONAL_DATA:
        return told_by_heading(problem, reading)
    decided = {
        composed(name)
        for survey in config.surveys.values()
        for name in (*survey.dropped, *survey.free_text)
    }
    return told_with(problem, persons_in_table(reading, decided))
