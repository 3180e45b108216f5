"""Mail goes in TLS with a checked certificate, or to this machine; errors quote nothing."""

import socket
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from flows.mail import MailError, send
from schemas.settings_mail import Mail
from tests.support.mail_server import certificate, mail_server

SENDER = "klassepuls@eksempel.kommune.no"
NURSE, LEAD = "helse.s01@eksempel.kommune.no", "leder@eksempel.kommune.no"
SECRET = "open sesame"  # noqa: S105 - of a test


def letter(*to: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = ", ".join(to or (NURSE,))
    message["Subject"] = "Noe å lese: åpne rapporten"
    message.set_content("Åpne rapporten.")
    return message


def mail(port: int, **more: Any) -> Mail:
    return Mail(
        **({"host": "127.0.0.1", "port": port, "security": "none", "sender": SENDER} | more)
    )


def password_file(folder: Path, *, mode: int = 0o400, text: str = f"{SECRET}\n") -> str:
    path = folder / "password"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return str(path)


def test_message_reaches_everybody_it_is_for_whole() -> None:
    with mail_server() as post:
        send(mail(post.port), letter(NURSE, LEAD))
    [(sender, receivers, message)] = post.taken
    assert (sender, receivers) == (SENDER, [NURSE, LEAD])
    assert message["Subject"] == "Noe å lese: åpne rapporten"
    assert message.get_content().strip() == "Åpne rapporten."
    assert message["From"] == SENDER
    assert message["Date"]


def test_message_does_not_name_this_machine() -> None:
    with mail_server() as post:
        send(mail(post.port), letter())
    [(_, _, message)] = post.taken
    assert message["Message-ID"].endswith("@eksempel.kommune.no>")
    assert socket.gethostname() not in message.as_string()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_encrypted_to_a_server_that_its_authority_vouches_for(
    tmp_path: Path, security: str
) -> None:
    context = certificate(tmp_path)
    server = {"tls": context} if security == "tls" else {"tls_context": context}
    with mail_server(**server) as post:
        send(mail(post.port, security=security, ca_file=str(tmp_path / "ca.pem")), letter())
    assert len(post.taken) == 1


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_server_nobody_vouches_for_gets_nothing(tmp_path: Path, security: str) -> None:
    context = certificate(tmp_path)
    server = {"tls": context} if security == "tls" else {"tls_context": context}
    with mail_server(**server) as post, pytest.raises(MailError, match="certificate"):
        send(mail(post.port, security=security), letter())
    assert post.taken == []


def test_server_with_a_certificate_of_another_name_gets_nothing(tmp_path: Path) -> None:
    context = certificate(tmp_path, name="other.example")
    with mail_server(tls_context=context) as post, pytest.raises(MailError, match="certificate"):
        send(mail(post.port, security="starttls", ca_file=str(tmp_path / "ca.pem")), letter())
    assert post.taken == []


def test_server_that_offers_no_tls_gets_nothing() -> None:
    with mail_server() as post, pytest.raises(MailError):
        send(mail(post.port, security="starttls"), letter())
    assert post.taken == []


def test_password_is_given_where_the_server_asks(tmp_path: Path) -> None:
    context = certificate(tmp_path)
    with mail_server(tls_context=context, password=SECRET) as post:
        to = {"security": "starttls", "ca_file": str(tmp_path / "ca.pem"), "username": "klassepuls"}
        send(mail(post.port, **to, password_file=password_file(tmp_path)), letter())
    assert len(post.taken) == 1


def test_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    context = certificate(tmp_path)
    given = password_file(tmp_path, text="Tr0ub4dor\n")
    with mail_server(tls_context=context, password=SECRET) as post:
        to = {"security": "starttls", "ca_file": str(tmp_path / "ca.pem"), "username": "klassepuls"}
        with pytest.raises(MailError) as caught:
            send(mail(post.port, **to, password_file=given), letter())
    assert "code 535" in str(caught.value)
    assert "Tr0ub4dor" not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "text", "told"),
    [(0o644, "secret\n", "chmod"), (0o400, "", "no password"), (None, "", "cannot be read")],
)
def test_password_file_that_is_not_as_it_must_be(
    tmp_path: Path, mode: int | None, text: str, told: str
) -> None:
    path = password_file(tmp_path, mode=mode, text=text) if mode else str(tmp_path / "none")
    with pytest.raises(MailError, match=told):
        send(mail(9, username="klassepuls", password_file=path), letter())


@pytest.mark.parametrize("refused", [{NURSE}, {NURSE, LEAD}])
def test_refused_address_is_an_error_in_counts(refused: set[str]) -> None:
    with mail_server() as post:
        post.refuses = refused
        with pytest.raises(MailError, match=f"refused {len(refused)} of") as caught:
            send(mail(post.port), letter(NURSE, LEAD))
    assert "@" not in str(caught.value)


def test_server_that_wants_it_later_is_told_by_its_code() -> None:
    with mail_server() as post:
        post.down = True
        with pytest.raises(MailError, match="code 451") as caught:
            send(mail(post.port), letter())
    assert "come again" not in str(caught.value)


def test_server_that_is_not_there_is_told() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(MailError, match="ConnectionRefusedError"):
            send(mail(held.getsockname()[1]), letter())


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "mail.example", "security": "none"},
        {"host": "10.0.0.5", "security": "none"},
        {"username": "klassepuls"},
        {"password_file": "/etc/klassepuls/mail"},
        {"username": "klassepuls", "password_file": "mail"},
        {"sender": "Klassepuls <klassepuls@eksempel.no>"},
        {"sender": "klassepuls@eksempel.no\r\nBcc: x@y.no"},
        {"host": "-x"},
    ],
)
def test_setting_that_cannot_be_meant_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        mail(25, **wrong)
