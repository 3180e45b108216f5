"""A small municipality's settings and survey, and rows for it."""

import pyarrow as pa

from schemas.instrument import shipped_instruments
from schemas.settings import Settings
from schemas.survey import Survey
from transforms.canonical import canonical_batch
from transforms.readers.reading import Batch
from transforms.recognise import item_columns, lay_out

CORE, WHO5 = "klassepuls_core_v1", "who5_v1"
INSTRUMENTS = shipped_instruments()

SETTINGS = Settings.from_toml(
    """
    [municipality]
    number = "0000"
    name = "Fjordvik"
    [[school]]
    id = "S01"
    name = "Nes"
    [[school]]
    id = "S02"
    name = "Vik"
    [[wave]]
    id = "2025H"
    name = "Høst"
    school_year = "2025-26"
    opens = 2025-11-03
    closes = 2025-11-21
    [[wave]]
    id = "2026V"
    name = "Vår"
    school_year = "2025-26"
    opens = 2026-03-09
    closes = 2026-03-27
    """,
    name="klassepuls.toml",
)


def survey(**changes):
    """The canonical survey with pupil codes, or with what a test changes in it."""
    declared = {
        "id": "klassepuls",
        "name": "Klassepuls",
        "tool": "canonical",
        "linkage": "pseudonymous",
        "instruments": [CORE, WHO5],
    }
    return Survey.model_validate(declared | changes)


def form(**changes):
    """The cells of one complete form; a change names a context column or an item's id."""
    cells = {
        "wave": "2025H",
        "school": "S01",
        "class_group": "7A",
        "grade": "7",
        "gender": "girl",
        "pupil_code": "AB-12",
        "submission": "1001",
        "submitted_on": "2025-11-04",
        "enrolled_on": "2020-08-17",
    }
    cells |= {column_of(item.id): "3" for item in INSTRUMENTS[CORE].items}
    cells |= {column_of(item.id): "3" for item in INSTRUMENTS[WHO5].items}
    cells[column_of("wants_talk")] = "0"
    return cells | {column_of(name): cell for name, cell in changes.items()}


def column_of(name):
    """The canonical column of an item; a context column is its own."""
    for key in (CORE, WHO5):
        if any(item.id == name for item in INSTRUMENTS[key].items):
            return f"{key}.{name}"
    return name


def batch_of_forms(forms, declared, *, malformed=(), first_row=2, **more):
    """The canonical batch of some forms, read from file 5; `more` columns stand beside them."""
    names = list(dict.fromkeys(name for cells in (form(), *forms) for name in cells))
    table = pa.table(
        {name: pa.array([cells.get(name) for cells in forms], pa.string()) for name in names}
    )
    for name, cells in more.items():
        table = table.append_column(name, pa.array(cells, pa.string()))
    if declared.linkage == "none":
        table = table.drop_columns(["pupil_code"])
    layout = lay_out(table.column_names, declared, INSTRUMENTS)
    rows = range(first_row, first_row + len(forms))
    batch = Batch(
        table=table,
        file_no=pa.array([5] * len(forms), pa.int32()),
        row_no=pa.array(rows, pa.int32()),
        malformed=tuple((5, row) for row in malformed),
    )
    return canonical_batch(batch, layout, item_columns(declared, INSTRUMENTS))
