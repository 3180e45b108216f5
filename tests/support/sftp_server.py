"""A real OpenSSH server on loopback that speaks SFTP alone, for tests that deliver."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from tests.support.programs import missing

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class SftpServer:
    """Where it listens, the key it has, the key file of the one account, and its folder."""

    port: int
    host_key: str
    key_file: Path
    username: str
    folder: Path

    def settings(self, **changes: object) -> str:
        """`[delivery.sftp]` for this server."""
        said = {
            "host": "127.0.0.1", "port": self.port, "username": self.username,
            "key_file": str(self.key_file), "host_key": self.host_key, "folder": str(self.folder),
        } | changes  # fmt: skip
        lines = [
            f"{key} = {value if isinstance(value, int) else repr(value)}"
            for key, value in said.items()
        ]
        return "\n".join(["[delivery.sftp]", *lines, ""])


def public_key(key: asyncssh.SSHKey) -> str:
    return " ".join(key.export_public_key().decode().split()[:2])


@contextmanager
def sftp_server(place: Path) -> Iterator[SftpServer]:
    """Start sshd for this account, wait until it answers, and end it."""
    if _SSHD is None:
        missing("openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which sshd asks for
    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "own")}
    for name, key in keys.items():
        path = place / f"{name}_key"
        path.write_bytes(key.export_private_key())
        path.chmod(0o400)
    (place / "authorized").write_bytes(keys["own"].export_public_key())
    folder = place / "inn"
    folder.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (place / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {place}/host_key\nPidFile none\n"
        f"AuthorizedKeysFile {place}/authorized\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        "Subsystem sftp internal-sftp\nForceCommand internal-sftp\n"
    )
    with (place / "sshd.log").open("wb") as log:
        process = subprocess.Popen([_SSHD, "-D", "-e", "-f", place / "sshd_config"], stderr=log)
    try:
        _until_it_answers(port, process)
        yield SftpServer(
            port, public_key(keys["host"]), place / "own_key", getpass.getuser(), folder
        )
    finally:
        process.terminate()
        process.wait()


def _until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as talk:
                if talk.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.02)
    pytest.fail("sshd did not answer")
