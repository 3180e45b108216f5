"""A person's decision about what waits in quarantine: why, in codes, for the record."""

from enum import StrEnum


class Why(StrEnum):
    """Stable codes: stored with every decision, so they are never renamed."""

    # a person's
    SCHOOL_CONFIRMED = "school_confirmed"
    ANSWERED_TWICE = "answered_twice"
    SHARED_CODE = "shared_code"
    MENDED_AT_SOURCE = "mended_at_source"
    TEST_ROWS = "test_rows"
    WRONG_FILE = "wrong_file"
    CANNOT_BE_MENDED = "cannot_be_mended"
    OTHER = "other"
    # the program's own
    KEPT_TOO_LONG = "kept_too_long"
    CAME_MENDED = "came_mended"


BY_PERSON = tuple(why.value for why in Why if why not in (Why.KEPT_TOO_LONG, Why.CAME_MENDED))
