"""The second look at a file that nobody can use as it is: whom does it name?

A refused file lies in the outcome folders until somebody deletes it, so its note says whether it
holds personal data, of which kinds and in which rows.
"""

from flows import reading_room
from flows.home import Config
from schemas.personal import Personal
from schemas.reason import Reason
from transforms.readers.reading import FileProblem, Reading
from transforms.spelling import composed
from transforms.undecided import (
    is_worth_a_look,
    persons_in_table,
    persons_told,
    told_by_heading,
    told_with,
)


def looked_through(problem: FileProblem, content: bytes) -> FileProblem:
    """The problem, with the persons in the text of a file that nobody can use as it is.

    Where its columns were looked at, they say better what an address or a phone in them is.
    """
    if not is_worth_a_look(problem, content):
        return problem
    try:
        found = list(persons_told(reading_room.read("persons", content)))
    except FileProblem:
        return problem
    if problem.persons is not None:
        found = [person for person in found if person[1] is Personal.NATIONAL_ID]
    return told_with(problem, found)


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
