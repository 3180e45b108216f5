"""Links, sessions and headers: who comes in, for how long, and what no page lets happen."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from datetime import timedelta

import httpx
import pytest

from flows.board.desk import BoardDesk
from flows.cli import main
from tests.board.client import ADDRESS, Clock, Reader, board, csrf_in
from warehouse.board.door import User

BOARD = (sys.executable, "-m", "flows.cli", "board", "--home")
KARI = User("kari", "nurse", ("S01",))


@pytest.fixture
def desk(home) -> BoardDesk:
    return BoardDesk(home, clock=Clock(), patience=0.3)


def test_a_link_works_once_and_looking_at_it_does_not_use_it_up(desk) -> None:
    kari, thief = Reader(desk, KARI), Reader(desk, User("other", "nurse", ("S02",)))
    assert kari.get(f"/enter/{kari.link}").status_code == 200
    assert kari.get(f"/enter/{kari.link}").status_code == 200
    assert kari.get("/at/S01").status_code == 401
    kari.enter()
    assert kari.get("/at/S01").status_code == 200
    assert thief.http.post(f"/enter/{kari.link}").status_code == 401
    assert thief.get("/at/S01").status_code == 401


def test_a_link_is_over_after_its_minutes(desk) -> None:
    kari = Reader(desk, KARI)
    desk.now.now += timedelta(minutes=30)
    assert kari.http.post(f"/enter/{kari.link}").status_code == 401


@pytest.mark.parametrize(
    ("pause", "times", "status"),
    [(19, 20, 404), (20, 1, 401), (19, 28, 404), (19, 29, 401)],
    ids=["seen often", "idle", "almost a working day", "a working day"],
)
def test_a_session_ends_when_idle_and_after_a_working_day(desk, pause, times, status) -> None:
    kari = Reader(desk, KARI).enter()
    answer = None
    for _ in range(times):
        desk.now.now += timedelta(minutes=pause)
        answer = kari.get("/at/S02")  # another school's: not there, for who is signed in
    assert answer is not None
    assert answer.status_code == status


def test_signing_out_ends_the_session_itself_and_not_only_the_cookie(desk) -> None:
    kari = Reader(desk, KARI).enter()
    kept = dict(kari.http.cookies)
    kari.send("/sign-out", page="/at/S01/ready")
    kari.http.cookies.update(kept)
    assert kari.get("/at/S01").status_code == 401


def test_whoever_is_shut_out_is_out_at_once_and_cannot_come_back(desk) -> None:
    kari = Reader(desk, KARI).enter()
    waiting = desk.door.invite(KARI, now=desk.now(), minutes=30)
    assert kari.get("/at/S01").status_code == 401  # a new link ends what an older one began
    assert desk.door.revoke("kari", now=desk.now())
    assert kari.http.post(f"/enter/{waiting}").status_code == 401
    assert not desk.door.revoke("kari", now=desk.now())


def test_the_cookie_is_for_the_browser_alone_and_secrets_are_kept_as_digests(desk, home) -> None:
    kari = Reader(desk, KARI)
    told = kari.http.post(f"/enter/{kari.link}", follow_redirects=False).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(told.split("; "))
    secret = told.split(";")[0].split("=", 1)[1]
    path = home.restricted / "board" / "board.sqlite"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    with sqlite3.connect(path) as con:
        dumped = "\n".join(con.iterdump())
    con.close()
    assert secret not in dumped
    assert kari.link not in dumped


def test_behind_a_proxy_the_cookie_goes_by_tls_alone(desk, home) -> None:
    text = home.settings_file.read_text(encoding="utf-8")
    address = '[board]\naddress = "https://board.lyngvaer.example"\n'
    home.settings_file.write_text(text + address, encoding="utf-8")
    kari = Reader(desk, KARI)
    kari.http.base_url = "https://board.lyngvaer.example"
    told = kari.http.post(f"/enter/{kari.link}", follow_redirects=False).headers["set-cookie"]
    assert told.startswith("__Host-")
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Secure"} <= set(told.split("; "))


def test_every_answer_forbids_what_a_page_of_ours_never_does(desk) -> None:
    kari = Reader(desk, KARI)
    paths = ("/", "/nothing", f"/enter/{kari.link}", "/static/board.css", "/static/htmx.min.js")
    answers = [kari.get(path) for path in paths]
    kari.enter()
    answers += [kari.get(path) for path in ("/at/S01", "/at/S02", "/nothing", "/busy")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_name_for_this_machine_is_refused(desk) -> None:
    kari = Reader(desk, KARI).enter()
    assert kari.http.get("/at/S01", headers={"host": "evil.example"}).status_code == 400


def test_a_form_without_the_token_of_the_session_is_refused(desk) -> None:
    kari = Reader(desk, KARI).enter()
    other = Reader(desk, User("other", "nurse", ("S01",))).enter()
    tokens = ("", "x", csrf_in(other.get("/at/S02").text))
    assert len(tokens[2]) > 40
    for path in ("/sign-out", "/language", "/at/S01/open", "/case/K-1/offer"):
        for token in tokens:
            assert kari.http.post(path, data={"csrf": token}).status_code == 403
    assert kari.get("/at/S02").status_code == 404


def test_a_form_that_another_site_sends_is_refused_whatever_it_brings(desk) -> None:
    kari = Reader(desk, KARI).enter()
    token = csrf_in(kari.get("/at/S02").text)
    headers = {"sec-fetch-site": "cross-site"}
    assert kari.http.post("/sign-out", data={"csrf": token}, headers=headers).status_code == 403


def test_a_form_of_more_than_a_form_can_hold_is_not_read(desk) -> None:
    kari = Reader(desk, KARI).enter()
    token = csrf_in(kari.get("/at/S02").text)
    assert kari.http.post("/language", data={"csrf": token, "x": "x" * 70_000}).status_code == 413


def test_a_page_speaks_the_language_that_was_chosen(home) -> None:
    kari = board(home, "kari", "nurse", "S01")
    assert '<html lang="nb">' in kari.get("/at/S01").text
    kari.send("/language", page="/at/S01", language="en")
    page = kari.get("/at/S01").text
    assert '<html lang="en">' in page
    assert "What waits" in page


def test_the_command_answers_on_loopback_alone_and_tells_of_a_place_that_is_taken(home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = subprocess.run([*BOARD, str(home.root), "--port", str(port)], check=False)
        assert refused.returncode == 5
    given = [*BOARD, str(home.root), "--port", str(port)]
    with subprocess.Popen(given, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert f"http://127.0.0.1:{port}" in running.stdout.readline()
        answer = httpx.get(f"http://127.0.0.1:{port}/", timeout=20)
        assert (answer.status_code, answer.headers.get("server")) == (401, None)
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=20) in (0, 130)


def test_invited_listed_and_shut_out_by_commands(home, capsys) -> None:
    def give(*arguments: str) -> tuple[int, str, str]:
        code = main(["board", *arguments, "--home", str(home.root)])
        said = capsys.readouterr()
        return code, said.out, said.err

    code, told, _ = give("invite", "kari.n", "--school", "S01", "--role", "lead")
    assert code == 0
    link = told.splitlines()[0]
    assert link.startswith(f"{ADDRESS}:8480/enter/")
    [user] = json.loads(give("users", "--json")[1])
    assert (user["name"], user["role"], user["schools"]) == ("kari.n", "lead", ["S01"])
    assert give("revoke", "kari.n")[0] == 0
    assert "shut out" in give("users")[1]
    assert give("revoke", "nobody")[0] == 2
    assert give("invite", "kari.n", "--school", "S99")[0] == 2
    assert give("invite", "Kari Nordmann", "--school", "S01")[0] == 2
    code, _, complaint = give("invite", "boss", "--school", "S01", "--role", "owner")
    assert code == 2
    assert "bullied_by_adults_to" in complaint
