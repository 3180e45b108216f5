"""Each version of a report goes to each recipient once on each way, tried until it is done."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from asyncssh import generate_private_key

from flows.cli import main
from flows.delivery.deliver import Delivered
from flows.erasure.expired import erase_expired
from flows.erasure.pupil import Asked, erase_pupil
from flows.home import Home
from flows.sealing.age import WrongIdentityError, unseal
from schemas.declared import DeclarationError
from tests.conftest import ROOT
from tests.sealing.sealed import (
    CODES,
    ESCROW,
    LEAD,
    SCHOOLS,
    Person,
    files_below,
    nurse_of,
    person,
    seal_settings,
    sealed_home,
)  # fmt: skip
from tests.support.home import AUTUMN, NOW, csv_bytes, drop, form, run
from tests.support.mail_server import Post, mail_server
from tests.support.planted import OF_PUPILS, fill, found_in
from tests.support.sftp_server import SftpServer, public_key, sftp_server
from tests.support.state import bytes_below
from warehouse.failpoint import VARIABLE

ADDRESSES = {nurse_of(school): f"helse.{school.lower()}@lyngvaer.example" for school in SCHOOLS}
ADDRESSES[LEAD] = "leder@lyngvaer.example"
LATER = NOW + timedelta(days=1)
SVARUT = """
[delivery.svarut]
digital_id = "987654321"
name = "Skolehelsetjenesten"
address = "Storgata 1"
postcode = "9999"
place = "Lyngvær"
"""
# Two languages, three schools, and three reports about adults.
REPORTS, FILES = 6, 12


def mail_settings(port: int) -> str:
    sender = "klassepuls@lyngvaer.example"
    return f'\n[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "{sender}"\n'


def by_mail(home: Home, port: int, *, attach: bool = False, mail=None) -> None:
    """Settings that write to everybody; `[mail]` stands behind [delivery]."""
    more = f"[delivery.mail]\nattach = {str(attach).lower()}\n"
    seal_settings(home, more=more, mail=mail or ADDRESSES)
    text = home.settings_file.read_text("utf-8")
    home.settings_file.write_text(text + mail_settings(port), "utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = sealed_home(tmp_path_factory.mktemp("delivery"))
    run(home)
    return home


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    shutil.copytree(made.root, tmp_path / "home", symlinks=True)
    return Home((tmp_path / "home").resolve())


@pytest.fixture
def post() -> Iterator[Post]:
    with mail_server() as server:
        yield server


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with sftp_server(tmp_path_factory.mktemp("sftp")) as server:
        yield server


def listed(home: Home, capsys) -> tuple[int, list[dict[str, str]]]:
    capsys.readouterr()
    code = main(["deliveries", "--home", str(home.root), "--json"])
    return code, json.loads(capsys.readouterr().out)


def receivers(post: Post) -> list[str]:
    return sorted(to for _, [to], _ in post.taken)


def whole(message: EmailMessage) -> bytes:
    return message.as_bytes() + b"".join(
        part.get_payload(decode=True) or b"" for part in message.walk() if not part.is_multipart()
    )


# --- mail ---


def test_everybody_is_told_once_of_each_version(home, post, capsys):
    by_mail(home, post.port)
    first = run(home)
    assert first.delivered == Delivered(done=REPORTS, waiting=0)
    assert first.reports == 0  # addresses change no report
    told = [ADDRESSES[nurse_of(school)] for school in SCHOOLS] + [ADDRESSES[LEAD]] * 3
    assert receivers(post) == sorted(told)
    assert run(home, now=LATER).delivered == Delivered()
    assert len(post.taken) == REPORTS
    code, rows = listed(home, capsys)
    assert (code, {row["state"] for row in rows}) == (0, {"done"})
    assert {(row["school"], row["wave"], row["channel"]) for row in rows} == {
        (school, AUTUMN, "mail") for school in SCHOOLS
    }


def test_new_version_of_one_report_is_told_of_and_no_other(home, post):
    by_mail(home, post.port)
    run(home)
    drop(home, "more.csv", csv_bytes([form("KODE-MER-1", safety="1")]))
    run(home, now=LATER)
    # Both reports of the school are written anew: they say on which day that was.
    told = {to for _, [to], _ in post.taken[REPORTS:]}
    assert told == {ADDRESSES[nurse_of("S01")], ADDRESSES[LEAD]}
    assert len(post.taken) == REPORTS + 2


def test_successor_is_told_and_who_has_been_told_is_not_told_again(home, post):
    by_mail(home, post.port)
    run(home)
    moved = ADDRESSES | {nurse_of("S03"): "ny.adresse@lyngvaer.example"}
    by_mail(home, post.port, mail=moved)
    run(home)
    assert [to for _, to, _ in post.taken[REPORTS:]] == [["ny.adresse@lyngvaer.example"]]


def test_message_says_no_school_wave_number_code_or_whether_it_is_about_adults(home, post):
    by_mail(home, post.port)
    run(home)
    texts = set()
    for _, _, message in post.taken:
        content = whole(message)
        for word in (AUTUMN, *SCHOOLS, *CODES.values(), "adult", "voksn", "Skole S"):
            # A nurse's own address has her school's number in our test, and stands in To.
            assert word.encode() not in content, word
        reference = re.search(r"Referanse: (\w+)", message.get_content())
        assert reference
        texts.add(message.get_content().replace(reference[1], "REF"))
        assert len(list(message.iter_attachments())) == 0
    [text] = texts
    assert "klassepuls open" in text
    assert "Reference: REF" in text


@pytest.mark.parametrize("who", [nurse_of("S01"), nurse_of("S02"), LEAD], ids=lambda who: who.name)
def test_attached_reports_are_sealed_and_open_for_who_got_them_alone(home, post, who: Person):
    by_mail(home, post.port, attach=True)
    run(home)
    mine = [m for _, [to], m in post.taken if to == ADDRESSES[who]]
    assert mine
    for _, _, message in post.taken:
        parts = list(message.iter_attachments())
        assert len(parts) == 2
        for part in parts:
            assert re.fullmatch(r"klassepuls-[0-9a-f]{12}\.(nb|en)\.html\.age", part.get_filename())
            if message in mine:
                page, _ = unseal(part.get_payload(decode=True), [who.secret])
                assert b"<html" in page
            else:
                with pytest.raises(WrongIdentityError):
                    unseal(part.get_payload(decode=True), [who.secret])


def test_server_that_is_down_is_told_of_and_tried_again(home, post, capsys):
    by_mail(home, post.port)
    post.down = True
    assert run(home).delivered == Delivered(done=0, waiting=REPORTS)
    code, rows = listed(home, capsys)
    assert code == 1
    assert {row["state"] for row in rows} == {"failed", "due"}  # not tried in vain six times
    assert "code 451" in next(row["why"] for row in rows if row["state"] == "failed")
    assert "@" not in json.dumps(rows)
    assert main(["run", "--home", str(home.root)]) == 1
    assert "Not delivered yet: 6" in capsys.readouterr().out.replace("\n", " ")
    post.down = False
    assert run(home).delivered == Delivered(done=REPORTS, waiting=0)
    assert len(post.taken) == REPORTS
    assert listed(home, capsys)[0] == 0


def test_one_bad_address_keeps_nobody_else_from_being_told(home, post):
    by_mail(home, post.port)
    post.refuses = {ADDRESSES[nurse_of("S01")]}
    assert run(home).delivered == Delivered(done=REPORTS - 1, waiting=1)
    assert ADDRESSES[nurse_of("S03")] in receivers(post)


def test_run_that_was_killed_before_its_note_tells_again_under_the_same_id(home, post):
    by_mail(home, post.port)
    killed = subprocess.run(
        [sys.executable, "-m", "flows.cli", "run", "--home", home.root], cwd=ROOT,
        env=os.environ | {VARIABLE: "before-delivery-noted:2"}, capture_output=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL
    assert len(post.taken) == 2
    assert main(["run", "--home", str(home.root)]) == 0
    ids = [message["Message-ID"] for _, _, message in post.taken]
    assert (len(ids), len(set(ids))) == (REPORTS + 1, REPORTS)


def test_mail_without_a_server_in_the_settings_is_refused(home):
    seal_settings(home, more="[delivery.mail]\n")
    with pytest.raises(DeclarationError, match=r"add \[mail\]"):
        run(home)


# --- SFTP, to a real OpenSSH ---


def by_sftp(home: Home, settings: str) -> None:
    seal_settings(home, more=settings)


def test_reports_lie_on_the_server_in_a_folder_for_each_school(home, sftp, tmp_path):
    by_sftp(home, sftp.settings(folder=f"{sftp.folder}/a"))
    assert run(home).delivered == Delivered(done=REPORTS, waiting=0)
    there = files_below(sftp.folder / "a")
    assert len(there) == FILES
    for name in there:
        assert re.fullmatch(
            r"(S0[1-3]|_adult_route)/klassepuls-[0-9a-f]{12}\.(nb|en)\.html\.age", name
        )
        to = LEAD if name.startswith("_adult") else nurse_of(name[:3])
        assert b"<html" in unseal((sftp.folder / "a" / name).read_bytes(), [to.secret])[0]
    before = bytes_below(sftp.folder)
    assert run(home, now=LATER).delivered == Delivered()
    assert bytes_below(sftp.folder) == before


WRONG = {
    "another server": (
        {"host_key": public_key(generate_private_key("ssh-ed25519"))},
        "another key",
    ),
    "another account": ({"username": "nobody"}, "does not know this account"),
    "nobody there": ({"port": 9}, "ConnectionRefused"),
    "a folder that may not be made": ({"folder": "/proc/no"}, "refused"),
}


@pytest.mark.parametrize(("changes", "said"), WRONG.values(), ids=WRONG)
def test_server_that_is_not_as_it_must_be_gets_nothing(home, sftp, capsys, changes, said):
    before = files_below(sftp.folder)
    by_sftp(home, sftp.settings(**changes))
    assert run(home).delivered == Delivered(done=0, waiting=REPORTS)
    assert files_below(sftp.folder) == before
    code, rows = listed(home, capsys)
    assert (code, {row["state"] for row in rows}) == (1, {"failed"})
    assert all(said in row["why"] for row in rows)


def test_key_that_others_may_read_is_not_used(home, sftp, tmp_path, capsys):
    open_key = tmp_path / "open_key"
    open_key.write_bytes(sftp.key_file.read_bytes())
    open_key.chmod(0o644)
    by_sftp(home, sftp.settings(key_file=str(open_key)))
    assert run(home).delivered.waiting == REPORTS
    assert "others may read it" in listed(home, capsys)[1][0]["why"]


# --- SvarUt ---


def test_reports_are_laid_out_for_svarut_with_metadata_that_say_nothing(home):
    seal_settings(home, more=SVARUT)
    assert run(home).delivered == Delivered(done=REPORTS, waiting=0)
    folders = sorted((home.health / "_svarut").iterdir())
    assert len(folders) == REPORTS
    for folder in folders:
        said = json.loads((folder / "forsendelse.json").read_bytes())
        names = [one["filnavn"] for one in said["dokumenter"]]
        assert sorted([*names, "forsendelse.json", "klassepuls.json"]) == files_below(folder)
        assert said["mottaker"]["digitalId"] == "987654321"
        assert said["tittel"] == "Rapport fra Klassepuls"
        for word in (AUTUMN, *SCHOOLS, *CODES.values(), "adult", "voksn"):
            assert word not in json.dumps([said, *names])
        assert b"<html" in unseal((folder / names[0]).read_bytes(), [ESCROW.secret])[0]
    assert {path.stat().st_mode & 0o007 for path in (home.health / "_svarut").rglob("*")} == {0}


def test_what_was_fetched_is_not_laid_out_again_and_what_was_replaced_goes(home):
    seal_settings(home, more=SVARUT)
    run(home)
    fetched, *left = sorted((home.health / "_svarut").iterdir())
    shutil.rmtree(fetched)
    assert run(home, now=LATER).delivered == Delivered()
    assert sorted((home.health / "_svarut").iterdir()) == left
    seal_settings(home, more=SVARUT, nurses={s: [person(f"ny {s}")] for s in SCHOOLS})
    run(home, now=LATER)
    for folder in (home.health / "_svarut").iterdir():
        for path in folder.glob("*.age"):
            for school in SCHOOLS:
                with pytest.raises(WrongIdentityError):
                    unseal(path.read_bytes(), [nurse_of(school).secret])


def test_no_export_outlives_its_report(home):
    seal_settings(home, more=SVARUT)
    run(home)
    erase_pupil(home, Asked(CODES["S01"]), now=LATER)
    for path in (home.health / "_svarut").rglob("*.age"):
        assert CODES["S01"].encode() not in unseal(path.read_bytes(), [ESCROW.secret])[0]
    erase_expired(home, allow_many=True, now=NOW + timedelta(days=100))
    assert list((home.health / "_svarut").iterdir()) == []


# --- what was planted ---


def test_nothing_planted_leaves_in_mail_on_the_server_for_svarut_or_in_listings(
    tmp_path, post, sftp, capsys
):
    home = sealed_home(tmp_path)
    by_mail(home, post.port, attach=True)
    text = home.settings_file.read_text("utf-8")
    more = f"{SVARUT}\n{sftp.settings(folder=f'{sftp.folder}/planted')}"
    home.settings_file.write_text(
        text.replace("[delivery.mail]", f"{more}\n[delivery.mail]"), "utf-8"
    )
    fill(home)
    assert run(home).delivered.waiting == 0
    main(["deliveries", "--home", str(home.root)])
    main(["run", "--home", str(home.root)])
    said = "".join(capsys.readouterr()).encode()
    outside = {
        "said": said,
        **{f"mail {at}": whole(message) for at, (_, _, message) in enumerate(post.taken)},
        **bytes_below(sftp.folder / "planted"),
        **bytes_below(home.health),
    }
    names = "\n".join(outside).encode()
    assert len(outside) > 4 * REPORTS
    for name, content in [*outside.items(), ("names", names)]:
        assert found_in(content) == [], name
    # They are in there, for who may open them.
    opened = [
        unseal(content, [ESCROW.secret])[0]
        for name, content in bytes_below(sftp.folder / "planted").items()
    ]
    assert {number for page in opened for number in found_in(page)} <= set(OF_PUPILS)
    assert any(found_in(page) for page in opened)
