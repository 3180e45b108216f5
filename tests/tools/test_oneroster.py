"""OneRoster packages: classes and who goes to them, whole and changed, with real files' slips."""

import io
import zipfile
from datetime import date

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reason import Reason
from transforms.oneroster import (
    CLASS_COLUMNS,
    ENROLMENT_COLUMNS,
    apply_class_delta,
    apply_delta,
    class_list,
    read_rosters,
)
from transforms.oneroster_files import is_oneroster, read_package
from transforms.readers.reading import FileProblem
from transforms.recognise import CLASS_LIST_COLUMNS

ORGS = """sourcedId,status,dateLastModified,name,type,identifier,parentSourcedId
o1,,,Fjell skole,school,974000001,o9
o2,,,Dal skole,school,,o9
o9,,,Kommunen,district,964000000,
"""
SESSIONS = """sourcedId,status,title,type,startDate,endDate,parentSourcedId,schoolYear
t1,,Høst,term,2026-08-17,2026-12-18,y1,2027
t2,,Vår,term,2027-01-04,2027-06-18,y1,2027
"""
CLASSES = (
    "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,"
    "schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n"
    'c1,,,7A,07,k1,7A-x,homeroom,,o1,"t1,t2",,,\n'
    "c2,,,7B,7,k1,,homeroom,,o1,t1,,,\n"
    "c3,,,Norsk,07,k1,,scheduled,,o1,t1,,,\n"
    "c4,,,,,k2,1C,scheduled,,o2,t1,,,\n"
)
COURSES = "sourcedId,status,title,grades\nk1,,,07\nk2,,,01\n"
ENROLLMENTS = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate\n"
    "e1,,,c1,o1,p1,student,,2026-08-17,\n"
    "e2,,,c1,o1,p2,Student,,2026-08-17,2026-10-01\n"
    "e3,,,c1,o1,u9,teacher,true,,\n"
    "e4,,,c2,o1,p3,student,,,\n"
    "e5,,,c3,o1,p1,student,,,\n"
    "e6,,,c4,o2,p4,student,,,\n"
)
USERS = "sourcedId,status,enabledUser,givenName,email,password\np1,,true,Ola,ola@x,hemmelig\n"
WHOLE = {
    "orgs": ORGS,
    "academicSessions": SESSIONS,
    "courses": COURSES,
    "classes": CLASSES,
    "enrollments": ENROLLMENTS,
    "users": USERS,
}


def package(mode="bulk", manifest=None, folder="", **files):
    told = dict.fromkeys(files, mode)
    text = (
        manifest
        or "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"
        + "".join(f"file.{name},{how}\n" for name, how in told.items())
    )
    return packed(
        {f"{folder}manifest.csv": text} | {f"{folder}{n}.csv": t for n, t in files.items()}
    )


def packed(members, how=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def whole(**changed):
    return read_rosters(package(**(WHOLE | changed)))


def delta(**files):
    return read_rosters(package("delta", **files))


def refused(content):
    with pytest.raises(FileProblem) as problem:
        read_rosters(content)
    return problem.value.reason


def listed(classes, enrolment, **more):
    return {
        (row["school"], row["class_group"]): row["enrolled"]
        for row in class_list(classes, enrolment, **more).to_pylist()
    }


def standing(enrolment):
    return {(row["enrolment"], row["class_group"], row["status"]) for row in enrolment.to_pylist()}


def test_class_list_is_that_of_home_classes_with_active_pupils():
    roster = whole()
    found = class_list(roster.classes, roster.enrolment)
    assert set(found.column_names) == CLASS_LIST_COLUMNS
    assert found.to_pylist() == [
        dict(zip(found.column_names, row, strict=True))
        for row in (
            ("2026-27", "974000001", "7A", "7", 2),
            ("2026-27", "974000001", "7B", "7", 1),
            ("2026-27", "o2", "1C", "1", 1),
        )
    ]
    assert roster.unread == {}


def test_pupils_of_each_class_are_named_by_number_and_nothing_else():
    roster = whole()
    assert tuple(roster.enrolment.column_names) == ENROLMENT_COLUMNS
    assert tuple(roster.classes.column_names) == CLASS_COLUMNS
    assert roster.enrolment["pupil"].to_pylist() == ["p1", "p2", "p3", "p1", "p4"]
    assert roster.enrolment.to_pylist()[1] == {
        "enrolment": "e2",
        "school": "974000001",
        "school_id": "o1",
        "class_id": "c1",
        "class_group": "7A",
        "pupil": "p2",
        "begin_date": date(2026, 8, 17),
        "end_date": date(2026, 10, 1),
        "status": "active",
    }


def test_users_are_read_for_number_and_status_only():
    tables = read_package(package(**WHOLE)).tables
    assert tables["users"].columns == ["sourcedid", "status"]
    assert "hemmelig" not in f"{whole()} {tables}"


def test_pupil_who_left_in_october_is_not_counted_in_november():
    roster = whole()
    tables = roster.classes, roster.enrolment
    assert listed(*tables, on=date(2026, 10, 1))["974000001", "7A"] == 2
    assert listed(*tables, on=date(2026, 11, 4))["974000001", "7A"] == 1
    assert listed(*tables, on=date(2026, 8, 1))["974000001", "7A"] == 0


def test_user_that_is_to_be_deleted_has_left_every_class():
    roster = whole(users="sourcedId,status\np1,tobedeleted\n")
    assert roster.removed_pupils.to_pylist() == ["p1"]
    assert listed(roster.classes, roster.enrolment)["974000001", "7A"] == 1


def test_users_may_be_taken_out_of_the_package_but_classes_may_not():
    manifest = "propertyName,value\nfile.classes,bulk\nfile.enrollments,bulk\nfile.users,bulk\n"
    roster = read_rosters(package(manifest=manifest, classes=CLASSES, enrollments=ENROLLMENTS))
    assert listed(roster.classes, roster.enrolment)["o1", "7A"] == 2
    assert refused(package(manifest=manifest, classes=CLASSES)) == Reason.INCOMPLETE_UPLOAD


def test_file_that_the_manifest_calls_absent_is_not_read():
    manifest = "propertyName,value\nfile.classes,bulk\nfile.enrollments,absent\n"
    roster = read_rosters(package(manifest=manifest, classes=CLASSES, enrollments=ENROLLMENTS))
    assert roster.enrolment.num_rows == 0
    assert roster.modes["enrollments"] == "absent"


def test_role_of_a_user_counts_where_the_enrolment_has_none():
    bare = "sourcedId,classSourcedId,userSourcedId,role\ne1,c1,p1,\ne2,c1,u9,\ne3,c1,p3,student\n"
    roles = "sourcedId,userSourcedId,roleType,role,orgSourcedId\nr1,p1,primary,student,o1\n"
    roster = whole(enrollments=bare, roles=roles + "r2,u9,primary,teacher,o1\n")
    assert roster.enrolment["pupil"].to_pylist() == ["p1", "p3"]
    assert roster.unread == {"enrollments": 1}


def test_slips_in_headings_marks_and_lines_are_read():
    sloppy = (
        "\ufeff SourceId ;Class_Sourced_Id;userSourceId;ROLE;enddate\r\n e1 ;c1;p1; student;\r\n"
    )
    shouted = "PropertyName,Value\nfile.classes,BULK\nFILE.Enrollments, Bulk \n"
    roster = read_rosters(
        package(manifest=shouted, folder="Export/", classes=CLASSES, enrollments=sloppy)
    )
    assert roster.enrolment["pupil"].to_pylist() == ["p1"]


def test_broken_lines_are_counted_and_never_taken_for_pupils():
    broken = ENROLLMENTS + "e7,,,c1\n,,,c1,o1,p7,student,,,\ne8,,,c1,o1,,student,,,\n"
    roster = whole(enrollments=broken)
    assert roster.unread == {"enrollments": 3}
    assert roster.enrolment.num_rows == 5


def with_dates(*pairs):
    heading = "sourcedId,classSourcedId,userSourcedId,role,beginDate,endDate\n"
    lines = (f"e{n},c1,p{n},student,{a},{b}\n" for n, (a, b) in enumerate(pairs))
    roster = whole(enrollments=heading + "".join(lines))
    rows = roster.enrolment.select(["begin_date", "end_date"]).to_pylist()
    return [tuple(row.values()) for row in rows], roster.unread.get("dates", 0)


def test_dates_count_where_the_file_proves_their_order():
    assert with_dates(("1/05/2023", "20/06/2023"), ("2023-05-02", "")) == (
        [(date(2023, 5, 1), date(2023, 6, 20)), (date(2023, 5, 2), None)],
        0,
    )
    assert with_dates(("1/05/2023", "6/20/2023")) == ([(date(2023, 1, 5), date(2023, 6, 20))], 0)
    assert with_dates(("1/05/2023", "2/06/2023")) == ([(None, None)], 2)
    assert with_dates(("2023-02-30", "2023-05-02T00:00:00Z")) == ([(None, date(2023, 5, 2))], 1)


@pytest.mark.parametrize(
    ("session", "year"),
    [
        ("2026-08-17,2026-12-18,2026", "2026-27"),
        ("2027-01-04,2027-06-18,2026", "2026-27"),
        ("2026-08-01,2027-07-31,2026", "2026-27"),
        (",,2027", "2026-27"),
        (",,2026-27", "2026-27"),
        (",,2099/2100", "2099-00"),
        (",,neste", None),
    ],
)
def test_school_year_is_told_by_the_dates_of_the_session(session, year):
    heading = "sourcedId,startDate,endDate,schoolYear\n"
    roster = whole(academicSessions=f"{heading}t1,{session}\n")
    assert roster.classes["school_year"].to_pylist()[0] == year


def test_class_whose_sessions_disagree_has_no_school_year():
    sessions = SESSIONS.replace("2027-01-04,2027-06-18", "2027-08-16,2027-12-17")
    assert whole(academicSessions=sessions).classes["school_year"].to_pylist()[0] is None


def test_identifier_that_two_schools_share_is_not_used():
    roster = whole(orgs=ORGS.replace("964000000", "974000001"))
    assert set(roster.classes["school"].to_pylist()) == {"o1", "o2"}


def test_class_of_several_grades_keeps_them_for_the_class_list_to_hold():
    roster = whole(classes=CLASSES.replace("7B,7,", '7B,"05, 06",'))
    assert roster.classes["grade"].to_pylist()[1] == "5,6"


MOVED = (
    "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,"
    "beginDate,endDate\n"
    "e1,tobedeleted,,,,,,,,\n"
    "e9,active,,c2,o1,p1,student,,2026-11-02,\n"
    "e8,tobedeleted,,,,,,,,\n"
)


def test_pupil_who_moves_class_stands_in_both():
    before = whole()
    after = apply_delta(before.enrolment, delta(enrollments=MOVED))
    assert standing(after) >= {("e1", "7A", "tobedeleted"), ("e9", "7B", "active")}
    assert after.num_rows == before.enrolment.num_rows + 1
    assert after.schema == before.enrolment.schema
    assert after["school"].to_pylist()[-1] == "974000001"
    assert after["begin_date"].to_pylist()[0] == date(2026, 8, 17)
    assert listed(before.classes, after)["974000001", "7A"] == 1
    assert listed(before.classes, after)["974000001", "7B"] == 2


def test_enrolment_that_is_moved_itself_takes_the_new_class():
    moved = MOVED.replace("e9", "e2")
    after = apply_delta(whole().enrolment, delta(enrollments=moved))
    assert ("e2", "7B", "active") in standing(after)
    row = next(row for row in after.to_pylist() if row["enrolment"] == "e2")
    assert (row["begin_date"], row["end_date"]) == (date(2026, 11, 2), None)


def test_deleted_user_and_closed_class_end_their_enrolments():
    users = delta(enrollments=MOVED, users="sourcedId,status\np4,tobedeleted\n")
    assert ("e6", "1C", "tobedeleted") in standing(apply_delta(whole().enrolment, users))
    heading = CLASSES.partition("\n")[0]
    closed = delta(classes=f"{heading}\nc2,tobedeleted,,,,,,,,,,,,\n")
    before = whole()
    after = apply_delta(before.enrolment, closed)
    assert ("e4", "7B", "tobedeleted") in standing(after)
    classes = apply_class_delta(before.classes, closed)
    assert ("974000001", "7B") not in listed(classes, after)
    assert classes.schema == before.classes.schema


def test_renamed_and_new_classes_are_taken_over():
    heading = CLASSES.partition("\n")[0]
    told = (
        f"{heading}\nc1,active,,8A,08,k1,,homeroom,,o1,t1,,,\n"
        "c7,active,,8C,8,k1,,homeroom,,o1,,,,\n"
    )
    changed = delta(classes=told)
    before = whole()
    classes = apply_class_delta(before.classes, changed)
    after = apply_delta(before.enrolment, changed)
    assert ("e1", "8A", "active") in standing(after)
    found = class_list(classes, after).to_pylist()
    assert [(row["class_group"], row["school_year"], row["school"]) for row in found] == [
        ("8A", "2026-27", "974000001"),
        ("7B", "2026-27", "974000001"),
        ("1C", "2026-27", "o2"),
        ("8C", None, "974000001"),
    ]


def test_whole_enrolments_replace_all_of_them():
    one = "\n".join(ENROLLMENTS.split("\n")[:2])
    after = apply_delta(whole().enrolment, whole(enrollments=one))
    assert after["enrolment"].to_pylist() == ["e1"]


NUMBERS = st.sampled_from(["e1", "e2", "e3"])
CHANGE = st.tuples(
    st.sampled_from(["active", "tobedeleted"]),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(["p1", "p2"]),
)


def enrollments(rows):
    heading = "sourcedId,status,classSourcedId,userSourcedId,role\n"
    return heading + "".join(f"{n},{s},{c},{p},student\n" for n, (s, c, p) in rows.items())


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(NUMBERS, CHANGE), st.dictionaries(NUMBERS, CHANGE))
def test_delta_equals_a_plain_update_and_is_idempotent(first, second):
    before = whole(enrollments=enrollments(first))
    change = delta(enrollments=enrollments(second))
    after = apply_delta(before.enrolment, change)
    expected = {n: (c, p, s) for n, (s, c, p) in first.items()}
    for n, (s, c, p) in second.items():
        is_known = s == "tobedeleted" and n in first
        expected[n] = (*expected[n][:2], s) if is_known else (c, p, s)
    found = {
        row["enrolment"]: (row["class_id"], row["pupil"], row["status"])
        for row in after.to_pylist()
    }
    assert found == expected
    assert apply_delta(after, change).equals(after)
    counted = {group: n for (_, group), n in listed(before.classes, after).items()}
    for number, group in (("c1", "7A"), ("c2", "7B")):
        active = {p for c, p, s in expected.values() if c == number and s == "active"}
        assert counted[group] == len(active)


def test_packages_are_known_by_their_files():
    assert is_oneroster(package(**WHOLE))
    assert is_oneroster(package(folder="a/b/", classes=CLASSES))
    assert not is_oneroster(packed({"classes.csv": CLASSES}))
    assert not is_oneroster(packed({"manifest.csv": "", "other.csv": ""}))
    assert not is_oneroster(b"PK\x03\x04")


def test_files_of_a_mac_are_passed_over():
    members = {"manifest.csv": "propertyName,value\nfile.classes,bulk\n", "classes.csv": CLASSES}
    content = packed(members | {"__MACOSX/._classes.csv": "x", "demographics.csv": "\xff"})
    assert read_rosters(content).classes.num_rows == 4


MANIFEST = "propertyName,value\nfile.classes,bulk\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", Reason.EMPTY_FILE),
        (b"sourcedId,status\n", Reason.NOT_RECOGNISED),
        (packed({"classes.csv": CLASSES}), Reason.NOT_RECOGNISED),
        (package(**WHOLE)[:-30], Reason.INCOMPLETE_UPLOAD),
        (package(manifest=MANIFEST), Reason.INCOMPLETE_UPLOAD),
        (package(orgs=ORGS), Reason.NO_ROWS),
        (package("full", classes=CLASSES), Reason.UNREADABLE),
        (package(classes="sourcedId,title\nc1,7A\n"), Reason.HEADER_MISMATCH),
        (package(classes="sourcedId,sourceId,schoolSourcedId\n1,2,3\n"), Reason.HEADER_REPEATED),
        (package(classes='sourcedId,schoolSourcedId\n1,"2\n'), Reason.UNTERMINATED_QUOTE),
        (packed({"manifest.csv": MANIFEST, "a/classes.csv": "", "classes.csv": ""}), None),
        (packed({"manifest.csv": MANIFEST}, zipfile.ZIP_STORED).replace(b"bulk", b"bulb"), None),
        (packed({"manifest.csv": MANIFEST, "classes.csv": "a" * 3_000_000}), Reason.TOO_LARGE),
        (packed({f"{n}.csv": "" for n in range(101)}), Reason.TOO_LARGE),
    ],
    ids=range(14),
)
def test_package_that_cannot_be_used_is_refused(content, reason):
    assert refused(content) == (reason or Reason.UNREADABLE)


def test_text_that_is_not_utf_8_is_refused():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.csv", MANIFEST)
        archive.writestr("classes.csv", CLASSES.replace("7A", "7Å").encode("cp1252"))
    assert refused(buffer.getvalue()) == Reason.ENCODING_UNKNOWN


def test_file_with_a_heading_only_says_that_nothing_changed():
    heading = ENROLLMENTS.partition("\n")[0] + "\n"
    before = whole()
    assert apply_delta(before.enrolment, delta(enrollments=heading)).equals(before.enrolment)


def test_nothing_of_a_package_stands_in_an_error():
    with pytest.raises(FileProblem) as problem:
        read_rosters(package("hemmelig", classes=CLASSES))
    assert "hemmelig" not in f"{problem.value!r} {problem.value.column}"


def test_tables_have_the_types_that_are_promised():
    roster = whole()
    dates = {"begin_date", "end_date"}
    for field in (*roster.classes.schema, *roster.enrolment.schema):
        expected = pa.date32() if field.name in dates else pa.string()
        assert field.type == expected
