"""How many rows a file holds that is stopped as a whole, as its reader counts them."""

import re

from flows.inbox import Arrival
from flows.recognition import Delivery
from transforms.readers import nettskjema
from transforms.readers.delimited import read_batches
from transforms.readers.heading import count_lines, read_heading
from transforms.readers.letters import as_utf8
from transforms.readers.ndjson import first_keys
from transforms.readers.reading import FileProblem, Reading

# Without its form nobody can read Nettskjema's answers, but the pupils who answered are told apart.
_SUBMISSION = re.compile(rb'"submissionId"\s*:\s*"?([0-9]+)')


def rows_read(delivery: Delivery) -> int | None:
    """How many rows the reader of the file's format found: those that validation has seen."""
    reading = delivery.class_list.content if delivery.class_list else delivery.reading
    if isinstance(reading, Reading):
        return reading.delivered
    if delivery.heading is None:
        return None
    batches = read_batches([(0, delivery.text)], delivery.heading)
    return sum(len(batch.row_no) + len(batch.malformed) for batch in batches)


def rows_of(arrival: Arrival) -> int:
    """Rows of a file that was stopped before it was read; a file of no rows is one thing."""
    content = arrival.content or b""
    if nettskjema.is_nettskjema_answers(first_keys(content)):
        return len(set(_SUBMISSION.findall(content)))
    try:
        text = as_utf8(content)
        return count_lines(text, read_heading(text))
    except FileProblem:
        return 0
