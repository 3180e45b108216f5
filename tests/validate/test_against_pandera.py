"""The road over distinct cells against pandera on every row, and the rest in plain Python."""

import itertools
import re
from datetime import date

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from schemas.answer import MAY_BE_LEFT_BLANK, raw_answer_model, required_columns
from schemas.reason import Reason
from tests.support.examples import examples
from tests.validate.build import INSTRUMENTS, SETTINGS, batch_of_forms, column_of, form
from tests.validate.checking import CELLS, LINKED, UNLINKED, check
from transforms import validate
from transforms.validate import Validator

# enrolled_on has a reason of its own, but for an order that nothing proves.
_DATED = {Reason.DATE_INVALID, Reason.DATE_ORDER_UNPROVEN}


def plain_verdicts(forms, declared):
    """{row: reasons} of the rows that are held, by the slowest and plainest road."""
    required = required_columns(declared)
    columns = [*form()]
    cells = [{name: _plain_cell(row.get(name), name) for name in columns} for row in forms]
    reasons = {row: set() for row in range(2, 2 + len(forms))}
    left_blank = {row: set() for row in reasons}
    for index, column, reason in _plain_failures(cells, declared):
        kept = left_blank if column in MAY_BE_LEFT_BLANK else reasons
        kept[index + 2].add(reason)
    for row, known in zip(reasons, cells, strict=True):
        undated = _DATED & reasons[row] and not known["wave"]
        reasons[row] |= {reason for name, reason in required.items() if not known[name]}
        if _plain_wave(known) is None and not undated:
            reasons[row].add(Reason.WAVE_UNKNOWN)
    return {row: tuple(sorted(found | left_blank[row])) for row, found in reasons.items() if found}


def _plain_cell(cell, name):
    trimmed = cell.strip() if cell is not None else None
    if trimmed and name == "gender":
        trimmed = trimmed.lower()
    if trimmed and (name == "grade" or "." in name):
        trimmed = re.sub(r"^(-?[0-9]+)[.,]0+$", r"\1", trimmed)
    return trimmed if trimmed or "." in name else None


def _plain_failures(cells, declared):
    model = raw_answer_model(declared, INSTRUMENTS, SETTINGS)
    columns = [name for name in model.columns if declared.linkage != "none" or name != "pupil_code"]
    asked = {name: [row.get(name) or None for row in cells] for name in columns}
    frame = pl.DataFrame(asked, schema=dict.fromkeys(columns, pl.String))
    try:
        model.select_columns(columns).validate(frame, lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        return [
            (row["index"], row["column"], Reason(row["check"]))
            for row in cases.iter_rows(named=True)
        ]
    return []


def _plain_wave(known):
    if known["wave"] is not None:
        return known["wave"] if known["wave"] in {"2025H", "2026V"} else None
    try:
        day = date.fromisoformat((known["submitted_on"] or "")[:10])
    except ValueError:
        return None
    for wave in SETTINGS.waves:
        if wave.opens <= day <= wave.closes:
            return wave.id
    return None


def cells_of(column):
    """Cells worth trying in a column: those of the table above, and a few of no kind at all."""
    known = [cell for name, cell, _ in CELLS if column_of(name) == column]
    return st.sampled_from([*known, None, "", " ", "x", "0", "99"])


FORMS = st.lists(
    st.sets(st.sampled_from(sorted(form())), max_size=4).flatmap(
        lambda changed: st.fixed_dictionaries({name: cells_of(name) for name in sorted(changed)})
    ),
    min_size=1,
    max_size=12,
).map(lambda changes: [form() | change for change in changes])


@settings(max_examples=examples(25, deep=400), deadline=None)
@given(
    forms=FORMS,
    declared=st.sampled_from([LINKED, UNLINKED]),
    remembered=st.sampled_from([0, 2, 5_000]),
)
@example(forms=[form(thriving=""), form(thriving="9")], declared=LINKED, remembered=0)
def test_distinct_cells_are_judged_as_pandera_judges_every_row(forms, declared, remembered):
    if declared is UNLINKED:
        forms = [{**cells, "pupil_code": None} for cells in forms]
    expected = plain_verdicts(forms, declared)

    with pytest.MonkeyPatch.context() as patch:  # so that both roads of a column are taken
        patch.setattr(validate, "REMEMBERED_CELLS", remembered)
        found = check(forms, declared)

    assert {held.row_no: held.reasons for held in found.held} == expected
    rows = set(range(2, 2 + len(forms)))
    assert set(found.accepted.column("row_no").to_pylist()) == rows - set(expected)


@settings(max_examples=examples(12, deep=150), deadline=None)
@given(forms=FORMS, cuts=st.lists(st.integers(0, 12), max_size=4), random=st.randoms())
def test_neither_blocks_nor_the_order_of_rows_change_what_becomes_of_a_row(forms, cuts, random):
    order = list(range(len(forms)))
    random.shuffle(order)
    shuffled = [forms[at] for at in order]
    places = sorted({0, len(forms), *(cut for cut in cuts if cut < len(forms))})
    validator = Validator(LINKED, INSTRUMENTS, SETTINGS)

    accepted, held = {}, {}
    for start, end in itertools.pairwise(places):
        batch = batch_of_forms(shuffled[start:end], LINKED, first_row=start)
        found = validator.validate(batch)
        accepted |= {order[row.pop("row_no")]: row for row in found.accepted.to_pylist()}
        held |= {order[row.row_no]: (row.reasons, row.columns, row.content) for row in found.held}

    whole = check(forms, first_row=0)
    assert accepted == {row.pop("row_no"): row for row in whole.accepted.to_pylist()}
    assert held == {row.row_no: (row.reasons, row.columns, row.content) for row in whole.held}
