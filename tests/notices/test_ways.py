"""Letters, webhooks and files, against real servers: what they carry; what a closed one says."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.notices.matters import ADULTS, HOME, UNPLACED, Matter
from flows.notices.plan import Message, Receiver
from flows.notices.ways import NoticeError, deliver
from reports.notices.letter import RUNBOOK, section, wording
from schemas.settings import Settings
from schemas.settings_notices import KINDS, OF_SCHOOLS, Channel
from tests.support.mail_server import mail_server

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 31, 4, 15, tzinfo=UTC)
MATTERS = (Matter("quarantine", HOME, 1), Matter("wave_overdue", "2026V", 2))
TOML = """
languages = ["nb", "nn", "en"]
[municipality]
number = "9901"
name = "Lyngvær kommune (oppdiktet)"
[[school]]
id = "S01"
name = "Skole Én"
[[wave]]
id = "2026V"
name = "Vår 2026"
school_year = "2025-26"
opens = 2026-03-09
closes = 2026-03-27
"""
MAIL = '[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\nsender = "k@eksempel.no"\n'


def settings(port: int | None = None) -> Settings:
    return Settings.from_toml(TOML + (MAIL.format(port=port) if port else ""), name="test")


def message(*matters: Matter, **way: Any) -> Message:
    channel = Channel(**({"name": "ops", "owner": "IT drift"} | way))
    return Message(Receiver("ops", channel), matters or MATTERS)


@contextmanager
def hook(status: int = 204) -> Iterator[tuple[str, list[tuple[dict[str, str], Any]]]]:
    """A webhook on a free port: its address, and headers and body of each call."""
    calls: list[tuple[dict[str, str], Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.append((dict(self.headers), json.loads(body)))
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """No lines in between those of the tests."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", calls
        finally:
            server.shutdown()
            thread.join()


def test_letter_has_owner_matters_and_runbook_in_every_language() -> None:
    with mail_server() as post:
        deliver(message(by="mail", to=["it@eksempel.no"]), settings(post.port), now=NOW)
    [(_, to, letter)] = post.taken
    text = letter.get_content()
    assert to == ["it@eksempel.no"]
    assert letter["Subject"] == "Klassepuls: noe trenger deg"
    for language in ("nb", "nn", "en"):
        words = wording(language)
        assert words.for_role.format(owner="IT drift") in text
        assert words.line["wave_overdue"].format(wave="Vår 2026", school="") in text
    assert text.count("wave-overdue") == 3


def test_letter_on_a_prompt_says_that_there_is_something_to_read_and_no_more() -> None:
    matters = [Matter(kind, "S01", 1_774_930_500_000_000) for kind in OF_SCHOOLS]
    with mail_server() as post:
        way = {"by": "mail", "to": ["helse@eksempel.no"]}
        deliver(message(*matters, **way), settings(post.port), now=NOW)
    [(_, _, letter)] = post.taken
    assert letter["Subject"] == "Klassepuls: det er noe å lese"
    assert "Skole Én" in letter.get_content()
    said = letter.get_content().replace("9901", "")
    assert not any(sign.isdigit() for sign in said)
    assert "S01" not in letter["Subject"]


@pytest.mark.parametrize("subject", [ADULTS, UNPLACED])
def test_letter_on_no_school_names_none(subject: str) -> None:
    with mail_server() as post:
        way = {"by": "mail", "to": ["helse@eksempel.no"]}
        deliver(message(Matter("prompt_raised", subject, 1), **way), settings(post.port), now=NOW)
    assert "Skole Én" not in post.taken[0][2].get_content()


def test_webhook_gets_the_matters_with_its_secret(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n", encoding="ascii")
    secret.chmod(0o400)
    with hook() as (url, calls):
        deliver(message(by="webhook", url=url, secret_file=str(secret)), settings(), now=NOW)
    [(headers, body)] = calls
    assert headers["Authorization"] == "Bearer open sesame"
    assert body == {
        "specversion": "1.0",
        "told_at": "2026-03-31T04:15:00+00:00",
        "notices": [
            {"kind": "quarantine", "subject": "home", "owner": "IT drift",
             "runbook": f"{RUNBOOK}#quarantine"},
            {"kind": "wave_overdue", "subject": "2026V", "owner": "IT drift",
             "runbook": f"{RUNBOOK}#wave-overdue"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize("status", [302, 404, 500])
def test_webhook_that_does_not_take_it_is_told_and_followed_nowhere(status: int) -> None:
    with hook(status) as (url, calls), pytest.raises(NoticeError, match=str(status)):
        deliver(message(by="webhook", url=url), settings(), now=NOW)
    assert len(calls) == 1


def test_webhook_that_is_away_is_told_without_its_address() -> None:
    with hook() as (url, _):
        pass
    with pytest.raises(NoticeError) as caught:
        deliver(message(by="webhook", url=url), settings(), now=NOW)
    assert "127.0.0.1" not in str(caught.value)


def test_secret_that_others_may_read_is_not_sent(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("open sesame\n", encoding="ascii")
    secret.chmod(0o644)
    with hook() as (url, calls), pytest.raises(NoticeError, match="chmod"):
        deliver(message(by="webhook", url=url, secret_file=str(secret)), settings(), now=NOW)
    assert calls == []


def test_file_gets_a_line_a_matter_behind_what_stands_there(tmp_path: Path) -> None:
    path = tmp_path / "notices.jsonl"
    for _ in range(2):
        deliver(message(by="file", path=str(path)), settings(), now=NOW)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["kind"] for line in lines] == ["quarantine", "wave_overdue"] * 2
    assert path.stat().st_mode & 0o007 == 0


def test_file_behind_a_link_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NoticeError):
        deliver(message(by="file", path=str(tmp_path / "link")), settings(), now=NOW)
    assert not (tmp_path / "elsewhere").exists()


def test_runbook_has_a_section_on_every_kind() -> None:
    headings = [
        line.removeprefix("## ")
        for line in (ROOT / RUNBOOK).read_text(encoding="utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert {section(kind) for kind in KINDS} <= set(headings)


@pytest.mark.parametrize("language", ["nb", "nn", "en"])
def test_every_kind_has_its_line_in_every_language(language: Any) -> None:
    assert set(wording(language).line) == set(KINDS)
