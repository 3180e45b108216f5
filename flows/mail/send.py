"""Send one message: over TLS with a checked certificate, or to a server on this machine.

An error says which step failed and the server's code, never what the server answered: that may
quote an address. Whoever calls keeps the message and tries again later.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path

from schemas.settings_mail import Mail
from schemas.speakable import SpeakableError

TIMEOUT_SECONDS = 30.0
_FOR_OTHERS = 0o007  # no account outside the file's group may read a password


class MailError(SpeakableError):
    """A message was not handed over to everybody it was for; nothing says that anybody has it."""


def send(mail: Mail, message: EmailMessage) -> None:
    """Hand one message to the mail server, for every address in its To, Cc and Bcc.

    Sender, date and message id are filled in where the message has none. MailError where the
    server cannot be reached, is not who it should be, or refuses anything or anybody.
    """
    password = _password(mail)
    _fill_in(mail, message)
    try:
        with _server(mail) as server:
            if mail.username is not None:
                server.login(mail.username, password)
            refused = server.send_message(message, from_addr=mail.sender)
    except smtplib.SMTPRecipientsRefused as error:
        raise _some_refused(len(error.recipients)) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(f"the mail server did not take the message: {_why(error)}") from None
    if refused:
        raise _some_refused(len(refused))


def _password(mail: Mail) -> str:
    """The first line of the password's file; nothing where no password is needed."""
    if mail.password_file is None:
        return ""
    try:
        path = Path(mail.password_file)
        if path.stat().st_mode & _FOR_OTHERS:
            raise MailError("[mail] password_file: others may read it; run chmod 0400 on it")
        password = path.read_text(encoding="utf-8").partition("\n")[0].strip("\r")
    except (OSError, UnicodeDecodeError):
        raise MailError("[mail] password_file: cannot be read") from None
    if not password:
        raise MailError("[mail] password_file: has no password in its first line")
    return password


def _fill_in(mail: Mail, message: EmailMessage) -> None:
    domain = mail.sender.rpartition("@")[2]
    for header, value in (
        ("From", mail.sender),
        ("Date", formatdate(localtime=False)),
        # With the sender's domain: the name of this machine is nobody's business.
        ("Message-ID", make_msgid(domain=domain)),
    ):
        if header not in message:
            message[header] = value


@contextmanager
def _server(mail: Mail) -> Iterator[smtplib.SMTP]:
    """A connection that may be spoken on: encrypted, or not leaving this machine."""
    domain = mail.sender.rpartition("@")[2]
    if mail.security == "tls":
        with smtplib.SMTP_SSL(
            mail.host,
            mail.port,
            local_hostname=domain,
            timeout=TIMEOUT_SECONDS,
            context=_trust(mail),
        ) as server:
            yield server
        return
    with smtplib.SMTP(
        mail.host, mail.port, local_hostname=domain, timeout=TIMEOUT_SECONDS
    ) as server:
        if mail.security == "starttls":
            # Raises where the server does not offer it: nothing is said in the open.
            server.starttls(context=_trust(mail))
        yield server


def _trust(mail: Mail) -> ssl.SSLContext:
    """TLS 1.2 or later, with a certificate of that name that somebody known vouches for."""
    context = ssl.create_default_context(cafile=mail.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _some_refused(count: int) -> MailError:
    return MailError(f"the mail server refused {count} of the message's addresses")


def _why(error: Exception) -> str:
    """Kind of fault, with the server's code where it gave one; never its words."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{type(error).__name__}, code {error.smtp_code}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "its certificate does not hold"
    return type(error).__name__
