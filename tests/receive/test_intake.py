"""Deliveries over HTTP against the real service: what it takes, what it refuses, what it says."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from flows import road
from flows.cli import main
from flows.home import Home, open_home
from flows.notices.tell import check_and_tell
from flows.receive.tokens import add_token, list_tokens, revoke_token
from tests.support.home import csv_bytes, make_home, school_class

NOW = datetime(2025, 11, 14, 5, 15, tzinfo=UTC)
SMALL = b"a;b\n1;2\n"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = make_home(tmp_path_factory.mktemp("intake") / "home")
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(f"{text}\n[intake]\nmax_megabytes = 1\n", encoding="utf-8")
    survey = home.surveys / "klassepuls.toml"
    written = survey.read_text(encoding="utf-8")
    survey.write_text(f'inbox_folder = "nettskjema"\n{written}', encoding="utf-8")
    return home


@pytest.fixture(scope="module")
def service(home: Home) -> Iterator[httpx.Client]:
    """The command as an operator starts it, on a port that is free, and a client of it."""
    (home.inbox / ".http-0011223344556677.partial").write_bytes(b"of one that was killed")
    command = [sys.executable, "-m", "flows.cli", "intake", "--home", str(home.root), "--port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        token = add_token(home, "module", now=NOW)
        with httpx.Client(
            base_url=said.split()[-1].removesuffix("/deliveries/"),
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        ) as client:
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx.ConnectError:
                    time.sleep(0.05)
            yield client
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert process.returncode in (0, -signal.SIGTERM)
    assert token not in rest
    assert "geheim" not in rest


@pytest.fixture(autouse=True)
def empty(home: Home) -> None:
    for path in home.inbox.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            path.unlink()


def lying(home: Home) -> dict[str, bytes]:
    """All that lies in the inbox, hidden entries as well."""
    return {
        str(path.relative_to(home.inbox)): path.read_bytes()
        for path in home.inbox.rglob("*")
        if path.is_file()
    }


def is_problem(answer: httpx.Response, status: int) -> bool:
    """Whether it is a problem of that status, as JSON, that quotes nothing of the request."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(body) == {"type", "title", "status", "detail"}
    assert "geheim" not in answer.text
    return bool(answer.status_code == status == body["status"])


def test_delivery_lies_in_the_inbox_whole_and_is_known_by_its_digest(
    home: Home, service: httpx.Client
) -> None:
    content = csv_bytes(school_class(6)) * 40
    answer = service.put("/deliveries/7A.csv", content=content)
    assert answer.status_code == 201
    digest = hashlib.sha256(content).hexdigest()
    assert answer.json() == {"name": "7A.csv", "sha256": digest, "size": len(content)}
    assert lying(home) == {"7A.csv": content}


def test_what_a_killed_service_left_is_gone(home: Home, service: httpx.Client) -> None:
    assert service.get("/healthz").status_code in (200, 503)
    assert lying(home) == {}


def test_same_delivery_again_changes_nothing(home: Home, service: httpx.Client) -> None:
    answers = [service.post("/deliveries/a.csv", content=SMALL) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert lying(home) == {"a.csv": SMALL}


def test_other_content_under_a_name_that_waits_is_refused(
    home: Home, service: httpx.Client
) -> None:
    service.put("/deliveries/a.csv", content=SMALL)
    assert is_problem(service.put("/deliveries/a.csv", content=SMALL + b"3;4\n"), 409)
    assert lying(home) == {"a.csv": SMALL}


def test_delivery_in_pieces_of_unknown_length_is_whole(home: Home, service: httpx.Client) -> None:
    pieces = [b"%d;x\n" % number for number in range(2000)]
    answer = service.put("/deliveries/a.csv", content=iter(pieces))
    assert answer.status_code == 201
    assert lying(home) == {"a.csv": b"".join(pieces)}


def test_delivery_that_breaks_off_leaves_nothing(home: Home, service: httpx.Client) -> None:
    port = service.base_url.port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=10) as talk:
        token = service.headers["Authorization"]
        head = f"PUT /deliveries/a.csv HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        talk.sendall(f"{head}Content-Length: 5000\r\n\r\n".encode() + b"x" * 1000)
        deadline = time.monotonic() + 20
        while not lying(home):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert all(name.startswith(".http-") for name in lying(home))
    while lying(home):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("known_length", [True, False])
def test_too_large_is_refused_before_and_while_it_comes(
    home: Home, service: httpx.Client, *, known_length: bool
) -> None:
    pieces = [b"x" * (1 << 16)] * 17
    content = b"".join(pieces) if known_length else iter(pieces)
    assert is_problem(service.put("/deliveries/a.csv", content=content), 413)
    assert lying(home) == {}


# A name as it is asked for, and what it is called in the inbox; None: refused.
@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("7A%20h%C3%B8st.csv", "7A høst.csv"),
        ("..%2F..%2Fgeheim.csv", None),
        ("%2e%2e/geheim.csv", None),
        (".hidden.csv", "hidden.csv"),
        ("a%00b.csv", "a_b.csv"),
        ("geheim%0Ab.csv", None),
        ("geheim.csv.part", None),
        ("geheim.filepart", None),
        ("~$geheim.xlsx", "__geheim.xlsx"),
        ("%2e%2e", None),
        ("...", None),
        ("x" * 300 + ".csv", "x" * 146 + ".csv"),
        ("nettskjema/a.csv", "nettskjema/a.csv"),
        ("geheim/a.csv", None),
    ],
)
def test_name_is_made_safe_or_refused(
    home: Home, service: httpx.Client, asked: str, name: str | None
) -> None:
    path = f"/deliveries/{asked}".encode()
    url = service.base_url.copy_with(raw_path=path)
    answer = service.put(url, content=SMALL)
    assert sorted(lying(home)) == ([name] if name else [])
    if name is None:
        assert is_problem(answer, 422) or is_problem(answer, 404)
    assert not (home.root / "geheim.csv").exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Basic a2xhc3NlOnB1bHM="}, 401),
        ({"Authorization": "Bearer"}, 401),
        ({"Authorization": "Bearer kp_geheim"}, 403),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
def test_request_that_is_not_as_it_must_be(
    home: Home, service: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = service.put("/deliveries/geheim.csv", content=SMALL, headers=headers)
    assert is_problem(answer, status)
    assert lying(home) == {}


def test_empty_delivery_other_ways_and_places_are_refused(service: httpx.Client) -> None:
    assert is_problem(service.put("/deliveries/a.csv", content=b""), 422)
    assert is_problem(service.get("/deliveries/a.csv"), 405)
    assert is_problem(service.get("/geheim"), 404)


def test_revoked_token_delivers_no_more(home: Home, service: httpx.Client) -> None:
    token = add_token(home, "skole", now=NOW)
    as_school = {"Authorization": f"Bearer {token}"}
    assert service.put("/deliveries/a.csv", content=SMALL, headers=as_school).status_code == 201
    revoke_token(home, "skole")
    assert is_problem(service.put("/deliveries/a.csv", content=SMALL, headers=as_school), 403)


def test_tokens_are_kept_as_digests_for_the_pipeline_alone(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["intake", "token", "add", "kobo", "--home", str(home.root)]) == 0
    token = capsys.readouterr().out.strip()
    place = home.restricted / "intake_tokens.json"
    assert token not in place.read_text(encoding="utf-8")
    assert place.stat().st_mode & 0o077 == 0
    assert main(["intake", "token", "add", "kobo", "--home", str(home.root)]) == 2
    assert main(["intake", "token", "list", "--json", "--home", str(home.root)]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert "kobo" in {one["name"] for one in listed}
    assert main(["intake", "token", "revoke", "kobo", "--home", str(home.root)]) == 0
    assert main(["intake", "token", "revoke", "kobo", "--home", str(home.root)]) == 2
    assert "kobo" not in {one["name"] for one in list_tokens(home)}


def test_health_and_metrics_say_how_the_pipeline_is(home: Home, service: httpx.Client) -> None:
    before = service.get("/healthz")
    assert before.status_code == 503
    assert before.json()["checks"]["recent_run"] is False
    asks = {number: {"wants_talk": "1"} for number in range(7)}
    answer = service.put(
        "/deliveries/nettskjema/a.csv", content=csv_bytes(school_class(9, changes=asks))
    )
    assert answer.status_code == 201
    old = time.time() - 60
    os.utime(home.inbox / "nettskjema" / "a.csv", (old, old))
    road.run(open_home(home.root), now=NOW, settle=0)
    check_and_tell(home, now=NOW, walked="run", faults=0)
    told = dict(
        line.rsplit(" ", 1) for line in service.get("/metrics").text.splitlines() if line[0] != "#"
    )
    assert told['klassepuls_deliveries{outcome="loaded"}'] == "1"
    assert told['klassepuls_rows{fate="accepted"}'] == "9"
    assert told["klassepuls_quarantine_waiting"] == "0"
    # Seven pupils ask. A figure that grew by one with a class's answers would say who.
    assert told['klassepuls_flags_open{level="pupil_prompt"}'] == "5"
    assert not any("S01" in line for line in told)
    assert service.get("/healthz").json()["checks"]["recent_run"] is False
    check_and_tell(home, now=datetime.now(UTC), walked="run", faults=0)
    assert service.get("/healthz").json() == {
        "well": True,
        "checks": {"warehouse": True, "recent_run": True, "room": True, "inbox": True},
    }


def test_port_that_is_taken_is_told(home: Home, service: httpx.Client) -> None:
    port = str(service.base_url.port)
    assert main(["intake", "--home", str(home.root), "--port", port]) == 2
