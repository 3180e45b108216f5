"""Hostile packages of a register: each ends as one refused file, and the sound one is loaded."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from flows.inbox import Outcome
from flows.reading import room as reading_room
from schemas.reason import Reason
from tests.badinput.test_bombs import MIB, peak_of_this_process
from tests.class_lists.packages import (
    AUGUST,
    a_class,
    goes,
    listed,
    package,
    register_home,
)
from tests.support.home import drop, outcomes, run
from transforms.readers.reading import FileProblem

SOUND = package(classes=[a_class("c1", "7A")], enrollments=[goes("e1", "u1", "c1")])
LIST_SIGN, END_SIGN = b"PK\x01\x02", b"PK\x05\x06"
DECLARED_SIZE = {b"PK\x03\x04": 22, LIST_SIGN: 24}
NAME_SIZE = {b"PK\x03\x04": (26, 30), LIST_SIGN: (28, 46)}


def parts_of(content: bytes = SOUND) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes | str], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return buffer.getvalue()


def with_parts(**parts: bytes | str) -> bytes:
    return packed(parts_of() | {f"{name}.csv": part for name, part in parts.items()})


def with_entry(name: str, kind: int = stat.S_IFREG, part: bytes = b"x") -> bytes:
    """The sound package with one entry more."""
    buffer = io.BytesIO(SOUND)
    with zipfile.ZipFile(buffer, "a") as archive:
        entry = zipfile.ZipInfo(name)
        entry.create_system = 3
        entry.external_attr = (kind | 0o644) << 16
        archive.writestr(entry, part)
    return buffer.getvalue()


def saying_size(content: bytes, name: str, size: int) -> bytes:
    """The same package, of which one entry says that it unpacks to so many bytes."""
    said = bytearray(content)
    for sign, at in DECLARED_SIZE.items():
        found = content.find(sign)
        while found >= 0:
            length_at, name_at = NAME_SIZE[sign]
            [length] = struct.unpack_from("<H", content, found + length_at)
            if content[found + name_at : found + name_at + length] == name.encode():
                struct.pack_into("<I", said, found + at, size)
            found = content.find(sign, found + 1)
    return bytes(said)


def twice() -> bytes:
    buffer = io.BytesIO(SOUND)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("classes.csv", "sourcedId,schoolSourcedId\n")
    return buffer.getvalue()


def locked() -> bytes:
    said = bytearray(SOUND)
    said[SOUND.find(LIST_SIGN) + 8] |= 1
    return bytes(said)


def with_wrong_checksum() -> bytes:
    return packed(parts_of(), zipfile.ZIP_STORED).replace(b"Fjell", b"Fjall", 1)


def without_end_of_list() -> bytes:
    end = SOUND.rfind(END_SIGN)
    return SOUND[: end - 40] + SOUND[end:]


def many(count: int) -> bytes:
    return packed(parts_of() | {f"m{number}.txt": b"" for number in range(count)})


def many_behind_a_short_list() -> bytes:
    """100,000 entries: the small end says that their list is short, the larger end knows better."""
    said = bytearray(many(100_000))
    struct.pack_into("<I", said, said.rfind(END_SIGN) + 12, 100)
    return bytes(said)


def bomb_that_says_it_is_small() -> bytes:
    return saying_size(with_parts(orgs=b"sourcedId,name\n" + b"\n" * 64 * MIB), "orgs.csv", 99)


def classes_times_sessions() -> bytes:
    """2,000 sessions of one number, and a class that names it 3,000 times, 50 times over."""
    heading = "sourcedId,schoolSourcedId,title,classType,termSourcedIds\n"
    terms = ",".join(["y1"] * 3_000)
    noise = np.random.default_rng(1).bytes(2 * MIB)  # or it would be refused for its ratio
    return with_parts(
        academicSessions="sourcedId,startDate,endDate\n" + "y1,2025-08-18,2026-06-19\n" * 2_000,
        classes=heading + "".join(f'c{n},o1,7A,homeroom,"{terms}"\n' for n in range(50)),
        noise=noise,
    )


def broken_lines() -> bytes:
    lines = parts_of()["enrollments.csv"] + b"e1,,c1\n" * 150_000
    return with_parts(enrollments=lines, noise=np.random.default_rng(2).bytes(MIB))


def manifest(**files: str) -> bytes:
    lines = "".join(f"file.{name},{how}\n" for name, how in files.items())
    return with_parts(manifest=f"propertyName,value\n{lines}")


def without(*names: str) -> bytes:
    return packed({name: part for name, part in parts_of().items() if name not in names})


BULK = dict.fromkeys(("orgs", "academicSessions", "classes", "enrollments"), "bulk")
WIDE = ",".join(f"c{number}" for number in range(600))
PACKAGES: dict[str, tuple[Callable[[], bytes], Reason]] = {
    "bomb": (lambda: with_parts(classes=b"a" * 64 * MIB), Reason.TOO_LARGE),
    "bomb in the manifest": (lambda: with_parts(manifest=b"\n" * 64 * MIB), Reason.TOO_LARGE),
    "bomb that says it is small": (bomb_that_says_it_is_small, Reason.UNREADABLE),
    "less than it says": (
        lambda: saying_size(SOUND, "classes.csv", 5_000),
        Reason.UNREADABLE,
    ),
    "1,001 entries": (lambda: many(1_001), Reason.TOO_LARGE),
    "100,000 entries": (lambda: many(100_000), Reason.TOO_LARGE),
    "100,000 behind a short list": (many_behind_a_short_list, Reason.TOO_LARGE),
    "locked entry": (locked, Reason.PASSWORD_PROTECTED),
    "two entries of one name": (twice, Reason.UNREADABLE),
    "two folders": (lambda: with_entry("a/Classes.csv"), Reason.UNREADABLE),
    "wrong checksum": (with_wrong_checksum, Reason.UNREADABLE),
    "list cut short": (without_end_of_list, Reason.UNREADABLE),
    "cut off": (lambda: SOUND[:-30], Reason.INCOMPLETE_UPLOAD),
    "link": (lambda: with_entry("a.csv", stat.S_IFLNK, b"/etc/passwd"), Reason.UNREADABLE),
    "device": (lambda: with_entry("a", stat.S_IFCHR), Reason.UNREADABLE),
    "absolute name": (lambda: with_entry("/etc/a.csv"), Reason.UNREADABLE),
    "drive": (lambda: with_entry("C:\\a.csv"), Reason.UNREADABLE),
    "name that climbs": (lambda: with_entry("a/../../b.csv"), Reason.UNREADABLE),
    "bzip2": (lambda: packed(parts_of(), zipfile.ZIP_BZIP2), Reason.UNREADABLE),
    "lzma": (lambda: packed(parts_of(), zipfile.ZIP_LZMA), Reason.UNREADABLE),
    "zip in a zip": (lambda: with_parts(classes=SOUND), Reason.ENCODING_UNKNOWN),
    "no manifest": (lambda: without("manifest.csv"), Reason.NOT_RECOGNISED),
    "manifest of nothing": (manifest, Reason.NO_ROWS),
    "manifest that is none": (lambda: with_parts(manifest="bulk\n"), Reason.NOT_RECOGNISED),
    "manifest with an odd word": (
        lambda: manifest(**BULK | {"classes": "full"}),
        Reason.UNREADABLE,
    ),
    "manifest that promises more": (lambda: without("classes.csv"), Reason.INCOMPLETE_UPLOAD),
    "many columns": (lambda: with_parts(classes=f"{WIDE}\n"), Reason.NOT_RECOGNISED),
    "long field": (
        lambda: with_parts(orgs="sourcedId,identifier\no1,{}\n".format("9" * 20_000)),
        Reason.TOO_LARGE,
    ),
    "long heading": (lambda: with_parts(orgs="sourcedId," + "x" * 2 * MIB), Reason.TOO_LARGE),
    "classes times sessions": (classes_times_sessions, Reason.TOO_COSTLY),
    "broken lines": (broken_lines, Reason.TOO_LARGE),
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    home = register_home(tmp_path_factory.mktemp("packages") / "home")
    for name, (make, _) in PACKAGES.items():
        drop(home, name, make())
    drop(home, "zz sound", SOUND)
    reading_room._ROOM.close()
    reading_room._ROOM.peak = 0
    told = outcomes(run(home, now=AUGUST))
    assert listed(home) == {("S01", "7A"): 1}
    return told


@pytest.mark.parametrize("name", PACKAGES)
def test_hostile_package_is_refused_with_its_reason(found, name):
    assert found[name].reason == PACKAGES[name][1]
    assert found[name].outcome in ("quarantined", "rejected")
    assert found[name].accepted == 0


def test_sound_package_after_the_hostile_ones_is_loaded(found):
    assert (found["zz sound"].outcome, found["zz sound"].accepted) == ("loaded", 2)


def test_child_stays_within_its_memory(found):
    assert found
    reading_room._ROOM.close()
    assert 0 < reading_room._ROOM.peak < 1024 * MIB


@pytest.mark.parametrize("make", [bomb_that_says_it_is_small, classes_times_sessions, broken_lines])
def test_process_that_asks_hardly_grows(make):
    content = make()
    reading_room.read("oneroster none", SOUND)
    before = peak_of_this_process()
    for _ in range(2):
        with pytest.raises(FileProblem):
            reading_room.read("oneroster none", content)
    assert peak_of_this_process() - before < 50 * MIB
