"""Users, links and sessions of the case board, in a small database of their own.

It is SQLite, for signing in and out must go on while a run holds the warehouse. Links and sessions
are kept as digests alone: who reads the file can be nobody. It holds no pupil.
"""

import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from schemas.settings_board import BoardRole

_TABLES = """
    create table if not exists user (
        name text primary key, role text not null, schools text not null,
        invited_at text not null, signed_in_at text, revoked_at text
    ) strict;
    create table if not exists link (
        digest text primary key, name text not null, expires_at text not null
    ) strict;
    create table if not exists session (
        digest text primary key, name text not null, csrf text not null, language text not null,
        began_at text not null, seen_at text not null
    ) strict;
"""
_SIGNS = 32  # bytes of a secret


@dataclass(frozen=True, slots=True)
class User:
    """Who may open the board: a name as an account has one, a role, and the schools."""

    name: str
    role: BoardRole
    schools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """One sitting of a user, with what a form of it must bring back."""

    user: User
    csrf: str = field(repr=False)
    language: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session holds without a page, and in any case."""

    idle: timedelta
    absolute: timedelta


class Door:
    """The users' database, `board.sqlite` in the restricted folder."""

    def __init__(self, restricted: Path) -> None:
        self._path = restricted / "board" / "board.sqlite"

    def invite(self, user: User, *, now: datetime, minutes: int) -> str:
        """Let somebody in, or in anew with another role; returns the secret of a one-time link.

        Whoever is in now under that name is out, for the role or the schools may be others.
        """
        secret = secrets.token_urlsafe(_SIGNS)
        with self._open() as con:
            con.execute(
                "insert into user values (?, ?, ?, ?, null, null) on conflict (name) do update set"
                " role = excluded.role, schools = excluded.schools, revoked_at = null,"
                " invited_at = excluded.invited_at",
                [user.name, user.role, json.dumps(sorted(user.schools)), _text(now)],
            )
            self._forget(con, user.name)
            con.execute(
                "insert into link values (?, ?, ?)",
                [_digest(secret), user.name, _text(now + timedelta(minutes=minutes))],
            )
        return secret

    def is_open(self, secret: str, *, now: datetime) -> bool:
        """Whether a link still holds; looking does not use it up."""
        with self._open() as con:
            return bool(
                con.execute(
                    "select 1 from link where digest = ? and expires_at > ?",
                    [_digest(secret), _text(now)],
                ).fetchall()
            )

    def enter(self, secret: str, *, language: str, now: datetime) -> str | None:
        """Use a link up; returns the secret of a new session, or None where it holds no more."""
        with self._open() as con:
            found = con.execute(
                "delete from link where digest = ? returning name, expires_at", [_digest(secret)]
            ).fetchall()
            con.execute("delete from link where expires_at <= ?", [_text(now)])
            if not found or found[0][1] <= _text(now):
                return None
            return self._begin(con, found[0][0], language=language, now=now)

    def admit(self, name: str, *, language: str, now: datetime) -> str | None:
        """A session for a user whom somebody else has identified; None where none has the name."""
        with self._open() as con:
            if not con.execute(
                "select 1 from user where name = ? and revoked_at is null", [name]
            ).fetchall():
                return None
            return self._begin(con, name, language=language, now=now)

    def _begin(self, con: sqlite3.Connection, name: str, *, language: str, now: datetime) -> str:
        session, csrf = secrets.token_urlsafe(_SIGNS), secrets.token_urlsafe(_SIGNS)
        con.execute(
            "insert into session values (?, ?, ?, ?, ?, ?)",
            [_digest(session), name, csrf, language, _text(now), _text(now)],
        )
        con.execute("update user set signed_in_at = ? where name = ?", [_text(now), name])
        return session

    def session(self, secret: str, *, limits: Limits, now: datetime) -> Session | None:
        """The session of a cookie, and note that it was seen; None where it is over."""
        oldest = [_text(now - limits.idle), _text(now - limits.absolute)]
        with self._open() as con:
            con.execute("delete from session where seen_at <= ? or began_at <= ?", oldest)
            found = con.execute(
                "update session set seen_at = ? where digest = ? returning name, csrf, language",
                [_text(now), _digest(secret)],
            ).fetchall()
            if not found:
                return None
            name, csrf, language = found[0]
            [(role, schools)] = con.execute(
                "select role, schools from user where name = ?", [name]
            ).fetchall()
        return Session(User(name, role, tuple(json.loads(schools))), csrf, language)

    def speak(self, secret: str, language: str) -> None:
        """From now on the session is in this language."""
        with self._open() as con:
            con.execute(
                "update session set language = ? where digest = ?", [language, _digest(secret)]
            )

    def leave(self, secret: str) -> None:
        """Sign out."""
        with self._open() as con:
            con.execute("delete from session where digest = ?", [_digest(secret)])

    def revoke(self, name: str, *, now: datetime) -> bool:
        """Shut somebody out at once; whether there was such a user."""
        with self._open() as con:
            self._forget(con, name)
            done = con.execute(
                "update user set revoked_at = ? where name = ? and revoked_at is null",
                [_text(now), name],
            )
            return done.rowcount > 0

    def users(self) -> list[dict[str, object]]:
        """Every user, those who are shut out too, by name."""
        with self._open() as con:
            names = ("name", "role", "schools", "invited_at", "signed_in_at", "revoked_at")
            found = con.execute(f"select {', '.join(names)} from user order by name").fetchall()
        rows: Sequence[dict[str, object]] = [dict(zip(names, row, strict=True)) for row in found]
        return [row | {"schools": json.loads(str(row["schools"]))} for row in rows]

    @staticmethod
    def _forget(con: sqlite3.Connection, name: str) -> None:
        con.execute("delete from link where name = ?", [name])
        con.execute("delete from session where name = ?", [name])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The database in one transaction, its file for the owner alone."""
        self._path.parent.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as con:
            con.executescript(_TABLES)
            con.execute("begin immediate")
            try:
                yield con
            except BaseException:
                con.execute("rollback")
                raise
            con.execute("commit")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _text(moment: datetime) -> str:
    """A moment as text that sorts as it does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
