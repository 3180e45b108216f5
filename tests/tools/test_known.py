"""Each tool's export is claimed by that tool and by no other."""

import pyarrow as pa
import pytest

from tests.support.exports import EXPORTS
from transforms.readers import nettskjema
from transforms.readers.delimited import read_delimited
from transforms.readers.ndjson import first_keys, read_ndjson
from transforms.readers.parquet import read_parquet
from transforms.readers.reading import FileProblem, Reading
from transforms.readers.sniff import sniff
from transforms.readers.xlsx import read_xlsx
from transforms.tools import known

READERS = {
    "delimited": read_delimited,
    "xlsx": read_xlsx,
    "parquet": read_parquet,
    "ndjson": read_ndjson,
    "json": read_ndjson,
}


def claims(content: bytes) -> list[tuple[str, str]]:
    """Every tool that claims a file, by any way of looking at it, and how sure it is."""
    found = [(each.tool, each.sure) for each in known.recognise_bytes(content)]
    kind = sniff(content).format
    if kind in ("json", "ndjson") and nettskjema.is_nettskjema_answers(first_keys(content)):
        found.append(("nettskjema", "certain"))
    if kind in READERS:
        try:
            reading = READERS[kind](content)
        except FileProblem:  # JSON that is no table
            return found
        if nettskjema.is_nettskjema_table(reading.table.column_names):
            found.append(("nettskjema", "certain"))
        found += [(each.tool, each.sure) for each in known.recognise_table(reading, {})]
    return found


@pytest.mark.parametrize("name", EXPORTS)
def test_export_is_claimed_by_its_tool_and_no_other(name):
    export = EXPORTS[name]()
    expected = [] if export.tool == "canonical" else [(export.tool, export.sure)]
    assert claims(export.content) == expected


@pytest.mark.parametrize(
    ("columns", "tool"),
    [
        (("id", "submitdate", "lastpage", "q", "q"), "limesurvey"),
        (("record_id", "redcap_event_name", "q", "q"), "redcap"),
        (("ResponseId", "StartDate", "EndDate", "Finished", "Q1", "Q1"), "qualtrics"),
        (("_id", "_uuid", "_submission_time", "q", "q"), "kobo"),
        (("elev", "klasse", "klasse"), None),
        ((), None),
    ],
)
def test_headings_alone_may_tell_the_tool(columns, tool):
    assert known.tool_of_headings(columns) == tool


def test_surest_tool_comes_first():
    columns = {"Tidsmerke": ["x"], "_id": ["1"], "_uuid": ["u"], "_submission_time": ["t"]}
    reading = Reading(pa.table(columns), pa.array([2], pa.int32()), "csv")
    found = [(each.tool, each.sure) for each in known.recognise_table(reading, {})]
    assert found == [("kobo", "certain"), ("google_forms", "likely")]
