"""The ways in which a class's file goes wrong, each with what must come of it."""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import polars as pl
from numpy.random import Generator

from schemas.reason import Reason
from transforms.synthetic.delivery import (
    Delivery,
    Expected,
    Unit,
    file_name,
    held_back,
    loaded,
    loaded_in_part,
    unit_csv,
)
from transforms.synthetic.faults import (
    RowFault,
    cut_off,
    damage_rows,
    edit_lines,
    opened_quote,
    other_delimiter,
)
from transforms.synthetic.formats import as_text, to_csv, to_xlsx

Trouble = Callable[[Unit, Generator], list[Delivery]]

# Rows that every trouble finds enough of.
ENOUGH_ROWS = 8
_LATECOMERS = 3
_CUT_AT = 0.6


def _bad_rows(plan: Mapping[RowFault, int], unit: Unit, rng: Generator) -> list[Delivery]:
    damaged = damage_rows(as_text(unit.rows), plan, rng)
    about = "rows with " + ", ".join(sorted(plan))
    return [loaded_in_part(unit, to_csv(damaged.rows), damaged, about)]


def _columns_swapped(unit: Unit, rng: Generator) -> list[Delivery]:
    order = [unit.rows.columns[at] for at in rng.permutation(unit.rows.width)]
    return [loaded(unit, to_csv(unit.rows.select(order)), "columns in another order")]


def _delimiters_mixed(unit: Unit, rng: Generator) -> list[Delivery]:
    count = 2
    lines = [int(at) + 1 for at in rng.permutation(unit.rows.height)[:count]]
    content = edit_lines(to_csv(unit.rows), dict.fromkeys(lines, other_delimiter))
    codes = unit.rows["pupil_code"].to_list()
    whole = loaded(unit, content, "some lines with another delimiter")
    return [
        replace(
            whole,
            expected=replace(
                whole.expected,
                accepted=unit.rows.height - count,
                bad_rows={Reason.FIELD_COUNT.value: count},
            ),
            accepted_codes=tuple(code for at, code in enumerate(codes, 1) if at not in lines),
        )
    ]


def _late(unit: Unit, _rng: Generator) -> list[Delivery]:
    """With the first files of the next wave; in the last wave it is on time."""
    file = loaded(unit, unit_csv(unit))
    if unit.drops.next_first is None:
        return [file]
    name = f"{file.wave} {file.name}"
    return [replace(file, drop=unit.drops.next_first, name=name, about="late")]


def _same_bytes_again(unit: Unit, _rng: Generator) -> list[Delivery]:
    first = loaded(unit, unit_csv(unit))
    again = _nothing_new(first, about="the same bytes under another name")
    return [first, replace(again, drop=unit.drops.second, name=f"NY {first.name}")]


def _other_format_again(unit: Unit, _rng: Generator) -> list[Delivery]:
    first = loaded(unit, unit_csv(unit))
    again = _nothing_new(first, about="the same answers in another format")
    name, content = file_name(unit, ".xlsx"), to_xlsx(unit.rows)
    return [first, replace(again, drop=unit.drops.second, name=name, content=content)]


def _nothing_new(first: Delivery, *, about: str) -> Delivery:
    rows = first.expected.rows
    expected = Expected(
        "answers",
        "duplicate",
        Reason.ALREADY_DELIVERED,
        rows=rows,
        bad_rows={Reason.DUPLICATE_ROW.value: rows},
    )
    return replace(first, expected=expected, about=about, accepted_codes=())


def _cumulative(unit: Unit, _rng: Generator) -> list[Delivery]:
    """The same export again, when the last pupils have answered too."""
    early = unit.rows.height - _LATECOMERS
    first = loaded(replace(unit, rows=unit.rows.head(early)), to_csv(unit.rows.head(early)))
    whole = loaded(unit, to_csv(unit.rows), "the same export with the latecomers")
    expected = replace(
        whole.expected, accepted=_LATECOMERS, bad_rows={Reason.DUPLICATE_ROW.value: early}
    )
    codes = whole.accepted_codes[early:]
    return [
        first,
        replace(whole, drop=unit.drops.second, expected=expected, accepted_codes=codes),
    ]


def _sent_again(broken: Delivery, whole: Delivery, unit: Unit) -> list[Delivery]:
    return [broken, replace(whole, drop=unit.drops.second, about="sent again, whole")]


def _half_uploaded(unit: Unit, _rng: Generator) -> list[Delivery]:
    content, name = to_xlsx(unit.rows), file_name(unit, ".xlsx")
    cut = cut_off(content, _CUT_AT)
    broken = held_back(unit.drops.first, name, cut, Reason.INCOMPLETE_UPLOAD)
    return _sent_again(broken, replace(loaded(unit, content), name=name), unit)


def _quote_left_open(unit: Unit, _rng: Generator) -> list[Delivery]:
    content = edit_lines(to_csv(unit.rows), {unit.rows.height // 2: opened_quote})
    broken = held_back(unit.drops.first, file_name(unit), content, Reason.UNTERMINATED_QUOTE)
    return _sent_again(broken, loaded(unit, to_csv(unit.rows)), unit)


def _heading_twice(unit: Unit, _rng: Generator) -> list[Delivery]:
    content = to_csv(unit.rows.with_columns(pl.col("grade").alias("grade_again")))
    content = content.replace(b"grade_again", b"grade", 1)
    broken = held_back(unit.drops.first, file_name(unit), content, Reason.HEADER_REPEATED)
    return _sent_again(broken, loaded(unit, to_csv(unit.rows)), unit)


def _undecided_column(unit: Unit, _rng: Generator) -> list[Delivery]:
    content = to_csv(unit.rows.with_columns(kommentar=pl.lit("")))
    broken = held_back(unit.drops.first, file_name(unit), content, Reason.HEADER_MISMATCH)
    return _sent_again(broken, loaded(unit, to_csv(unit.rows)), unit)


# In an order that gives even a small municipality some of each sort.
TROUBLES: dict[str, Trouble] = {
    "half_uploaded": _half_uploaded,
    "answers_not_options": partial(_bad_rows, {RowFault.OUT_OF_RANGE: 2, RowFault.TEXT_IN_ITEM: 1}),
    "same_bytes_again": _same_bytes_again,
    "late": _late,
    "codes_missing": partial(_bad_rows, {RowFault.CODE_MISSING: 2, RowFault.CODE_INVALID: 1}),
    "cumulative": _cumulative,
    "quote_left_open": _quote_left_open,
    "rows_twice": partial(_bad_rows, {RowFault.DUPLICATE: 3}),
    "other_format_again": _other_format_again,
    "delimiters_mixed": _delimiters_mixed,
    "strange_school": partial(_bad_rows, {RowFault.SCHOOL_UNKNOWN: 2}),
    "columns_swapped": _columns_swapped,
    "undecided_column": _undecided_column,
    "contradiction": partial(_bad_rows, {RowFault.CONFLICT: 1}),
    "odds_and_ends": partial(
        _bad_rows,
        dict.fromkeys(
            (
                RowFault.GRADE_BAD,
                RowFault.TWO_CLASSES,
                RowFault.CLASS_MISSING,
                RowFault.WAVE_UNKNOWN,
                RowFault.DATE_BAD,
            ),
            1,
        ),
    ),
    "heading_twice": _heading_twice,
    "late_too": _late,
}


def stray_files(drop: str, wave_name: str, heading: bytes | None) -> list[Delivery]:
    """Files that hold no answers; with `heading`, also an empty one and one without rows.

    Those two have the same bytes each time, so they belong in one wave only.
    """
    menu = f"dag;rett\nmandag;fiskesuppe\ntirsdag;grønnsakslasagne ({wave_name})\n".encode()
    strays = [
        held_back(drop, "klassebilde.png", _picture(wave_name), Reason.NOT_A_TABLE),
        held_back(drop, "Ukas meny på SFO.csv", menu, Reason.NOT_RECOGNISED),
    ]
    if heading is not None:
        strays.append(held_back(drop, "ny fil.csv", b"", Reason.EMPTY_FILE))
        strays.append(held_back(drop, "mal for svar.csv", heading, Reason.NO_ROWS))
    return strays


def _picture(seed: str) -> bytes:
    """A grey PNG of one pixel, its shade the wave's."""
    shade = zlib.crc32(seed.encode()) % 256
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(bytes([0, shade]))
    chunks = ((b"IHDR", header), (b"IDAT", pixel), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
