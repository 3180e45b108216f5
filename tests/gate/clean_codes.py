"""A thousand files of sound pupil codes, as municipalities give them out."""

import random

import polars as pl

WITHOUT_LOOKALIKES = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
SCHOOLS = ("S01", "FJELL", "SK9", "NORD-2", "974000001", "4601")


def lot(draw, count, signs, length):
    return ["".join(draw.choices(signs, k=length)) for _ in range(count)]


def one_file(seed):
    """Codes of one file with school and class: serial, drawn by lot, with school, class, year."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    count, school = draw.randint(12, 150), SCHOOLS[seed % len(SCHOOLS)]
    groups = [f"{7 + at // 25}{'AB'[at % 2]}" for at in range(count)]
    start, letters = draw.randint(1, 300), "S01" if school.isdigit() else school
    styles = {
        "serial": [f"{start + at:04}" for at in range(count)],
        "serial, not filled up": [f"P{at + 1}" for at in range(count)],
        "school and serial": [f"{school}-{start + at:04}" for at in range(count)],
        # Not with a school of digits: eight of them from 4 or 9 are refused, whatever they are.
        "school and serial, glued": [f"{letters}{start + at:04}" for at in range(count)],
        "school, class, number": [f"{school}-{groups[at]}-{at:02}" for at in range(count)],
        "class and number": [f"{groups[at]}{at % 25 + 1:02}" for at in range(count)],
        "number and class": [f"{at % 25 + 1:02}-{groups[at]}" for at in range(count)],
        "school year": [f"2025-{start + at:04}" for at in range(count)],
        "five by lot": lot(draw, count, WITHOUT_LOOKALIKES, 5),
        "eight by lot": lot(draw, count, WITHOUT_LOOKALIKES, 8),
        "school and lot": [f"{school}-{one}" for one in lot(draw, count, WITHOUT_LOOKALIKES, 5)],
        "class and lot": [
            f"{groups[at]}-{one}" for at, one in enumerate(lot(draw, count, WITHOUT_LOOKALIKES, 4))
        ],
        "letters by lot": lot(draw, count, WITHOUT_LOOKALIKES[:24], 5),
        "a letter and digits": [f"{draw.choice('ABCD')}{at:03}" for at in range(count)],
        "of 0 to F": lot(draw, count, "0123456789ABCDEF", 12),
        "of 0 to F behind letters": [
            f"QX{one}" for one in lot(draw, count, "0123456789ABCDEF", 12)
        ],
        "of 0 to F behind the school": [
            f"{school}-{one}" for one in lot(draw, count, "0123456789ABCDEF", 10)
        ],
        "eight of 0 to F": lot(draw, count, "0123456789ABCDEF", 8),
        "eight of 0 to F behind the school": [
            f"{letters}-{one}" for one in lot(draw, count, "0123456789ABCDEF", 8)
        ],
        "of 0 to F in two parts": [
            "-".join((one[:4], one[4:])) for one in lot(draw, count, "0123456789ABCDEF", 8)
        ],
        "in two parts": [
            "-".join((one[:4], one[4:])) for one in lot(draw, count, WITHOUT_LOOKALIKES, 8)
        ],
    }
    style = list(styles)[seed // len(SCHOOLS) % len(styles)]
    return pl.DataFrame(
        {"file_no": seed, "code": styles[style], "school": school, "class_group": groups}
    )


def thousand_files():
    """One frame for all, as `bare_codes` asks for it."""
    return pl.concat([one_file(seed) for seed in range(1000)])
