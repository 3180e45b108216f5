"""Forms that are checked, and cells with what becomes of their row."""

from schemas.reason import Reason
from tests.validate.build import INSTRUMENTS, SETTINGS, batch_of_forms, survey
from transforms.validate import Validator

LINKED = survey()
UNLINKED = survey(linkage="none")


def check(forms, declared=LINKED, **batch):
    validator = Validator(declared, INSTRUMENTS, SETTINGS)
    return validator.validate(batch_of_forms(forms, declared, **batch))


# Column, cell, and what becomes of the row: None where it is accepted.
CELLS = [
    ("wave", "2025H", None),
    ("wave", "", None),
    ("wave", None, None),
    ("wave", "2025h", Reason.WAVE_UNKNOWN),
    ("wave", "2024V", Reason.WAVE_UNKNOWN),
    ("school", "S01", None),
    ("school", "S02", None),
    ("school", " S01 ", None),
    ("school", "s01", Reason.SCHOOL_UNKNOWN),
    ("school", "S99", Reason.SCHOOL_UNKNOWN),
    ("school", "", Reason.SCHOOL_UNKNOWN),
    ("school", None, Reason.SCHOOL_UNKNOWN),
    ("class_group", "7A", None),
    ("class_group", "7 a", None),
    ("class_group", "1ST-2", None),
    ("class_group", "Åsgård 2.", Reason.CLASS_INVALID),
    ("class_group", "Bjørnene", Reason.CLASS_INVALID),
    ("class_group", "Innføring A", None),
    ("class_group", "Kari Nordmann", Reason.CLASS_INVALID),  # a name
    ("class_group", "Kari-Anne Nes", Reason.CLASS_INVALID),
    ("class_group", "", Reason.CLASS_INVALID),
    ("class_group", "-7A", Reason.CLASS_INVALID),
    ("class_group", "7A;8B", Reason.CLASS_INVALID),
    ("class_group", "7A\n8B", Reason.CLASS_INVALID),
    ("class_group", "a class with a long name", Reason.CLASS_INVALID),
    ("grade", "1", None),
    ("grade", "13", None),
    ("grade", "0", Reason.GRADE_INVALID),
    ("grade", "14", Reason.GRADE_INVALID),
    ("grade", "7.0", None),
    ("grade", "7.5", Reason.GRADE_INVALID),
    ("grade", "07", Reason.GRADE_INVALID),
    ("grade", "seven", Reason.GRADE_INVALID),
    ("grade", "", Reason.GRADE_INVALID),
    ("gender", "girl", None),
    ("gender", "boy", None),
    ("gender", "other", None),
    ("gender", "", None),
    ("gender", "jente", None),
    ("gender", "Gutt", None),
    ("gender", "annet", None),
    ("gender", "ja", None),  # left blank and counted: a row can do without
    ("pupil_code", "abc", None),
    ("pupil_code", "A" * 20, None),
    ("pupil_code", "12345678", None),
    ("pupil_code", "", Reason.PUPIL_CODE_MISSING),
    ("pupil_code", None, Reason.PUPIL_CODE_MISSING),
    ("pupil_code", "AB", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "A" * 21, Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "Kari Nordmann", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "10A", Reason.PUPIL_CODE_INVALID),  # the columns are swapped
    ("pupil_code", "9-b", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "A10", None),
    ("pupil_code", "KÅRE1", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "01010112345", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "40000001", Reason.PUPIL_CODE_INVALID),
    ("pupil_code", "90000001", Reason.PUPIL_CODE_INVALID),
    ("submission", "whatever", None),
    ("submission", "", None),
    ("submitted_on", "2025-11-04", None),
    ("submitted_on", "2025-11-04T08:15:30.5Z", None),
    ("submitted_on", "2025-11-04 08:15", None),
    ("submitted_on", "", None),
    ("submitted_on", "2025-02-30", Reason.DATE_INVALID),
    ("submitted_on", "04/11/2025", Reason.DATE_ORDER_UNPROVEN),
    ("submitted_on", "2025-W45-2", Reason.DATE_INVALID),
    ("submitted_on", "20251104", Reason.DATE_INVALID),
    ("submitted_on", "2025-11-04 morning", Reason.DATE_INVALID),
    ("enrolled_on", "2020-08-17", None),
    ("enrolled_on", "", None),
    ("enrolled_on", "2020-13-01", None),
    ("enrolled_on", "17/08/2020", None),
    # A time that cannot be one tells nothing, and holds no form back.
    ("answer_time_ms", "183000", None),
    ("answer_time_ms", "", None),
    ("answer_time_ms", "three minutes", None),
    ("answer_time_s", "183.4", None),
    ("thriving", "1", None),
    ("thriving", "5", None),
    ("thriving", " 5 ", None),
    ("thriving", "", None),
    ("thriving", "0", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "6", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "3.0", None),
    ("thriving", "3.5", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "-101", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "NULL", Reason.ANSWER_NOT_AN_OPTION),
    ("thriving", "trives godt", Reason.ANSWER_NOT_AN_OPTION),
    ("wants_talk", "0", None),
    ("wants_talk", "3", Reason.ANSWER_NOT_AN_OPTION),
    ("who5_1", "0", None),
    ("who5_1", "5", None),
    ("who5_1", "6", Reason.ANSWER_NOT_AN_OPTION),
]
