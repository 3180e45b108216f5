"""A real mail server on loopback, and certificates for it, for tests that send."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Post:
    """What a server has taken: sender, receivers and message of each, in order of coming.

    `refuses` are addresses that it does not know; `down` says no to every message.
    """

    port: int = 0
    taken: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    refuses: set[str] = field(default_factory=set)
    down: bool = False

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address in self.refuses:
            return f"550 nobody called {address} here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.down:
            return "451 come again later"
        message = message_from_bytes(bytes(envelope.content or b""), policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append((str(envelope.mail_from), list(envelope.rcpt_tos), message))
        return "250 OK"


@contextmanager
def mail_server(
    *, tls: ssl.SSLContext | None = None, password: str | None = None, **more: Any
) -> Iterator[Post]:
    """A server on a free port; `tls` from the first byte, or STARTTLS by `tls_context`."""
    post = Post()

    def knows(_server: Any, _session: Any, _envelope: Any, _how: str, given: Any) -> AuthResult:
        is_right = isinstance(given, LoginPassword) and given.password.decode() == password
        return AuthResult(success=is_right, handled=False)

    asks = {"authenticator": knows, "auth_required": True} if password else {}
    controller = _Controller(post, hostname="127.0.0.1", port=0, ssl_context=tls, **asks, **more)
    controller.start()
    try:
        post.port = controller.found_port()
        yield post
    finally:
        controller.stop(no_assert=True)


class _Controller(Controller):
    """A controller of the library's that lets the system choose the port."""

    def found_port(self) -> int:
        """Where the server listens."""
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        with socket.create_connection(("127.0.0.1", self.found_port()), timeout=5):
            pass


def certificate(folder: Path, *, name: str = "127.0.0.1") -> ssl.SSLContext:
    """A server's certificate, its own authority, as `folder/ca.pem`; and the server's context."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server of a test")])
    now = datetime.now(UTC)
    alternative = x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
    signed = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    ca, own = folder / "ca.pem", folder / "key.pem"
    ca.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    own.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca, own)
    return context
