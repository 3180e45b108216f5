"""The case board of a small home, and somebody who uses it as a browser does."""

import re
import warnings
from datetime import datetime
from html import unescape

from flows.board.desk import BoardDesk
from flows.home import Home
from reports.board.app import make_app
from tests.support.home import NOW
from warehouse.board.door import User

with warnings.catch_warnings():
    # It asks for another HTTP client than the one that Prefect brings.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

ADDRESS = "http://127.0.0.1"


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def _raise(error: Exception) -> None:
    raise error


class Reader:
    """One user in one browser: signed in by a link, sends forms that a page of the board gave."""

    def __init__(self, desk: BoardDesk, user: User) -> None:
        self.desk, self.user = desk, user
        self.last = None
        self.http = TestClient(make_app(desk, tell=_raise), base_url=ADDRESS, follow_redirects=True)
        self.link = desk.door.invite(user, now=desk.now(), minutes=30)

    def enter(self) -> "Reader":
        self.http.post(f"/enter/{self.link}", follow_redirects=False)
        return self

    def enter_anew(self) -> "Reader":
        self.link = self.desk.door.invite(self.user, now=self.desk.now(), minutes=30)
        return self.enter()

    def get(self, path: str):
        return self._seen(self.http.get(path))

    def send(self, path: str, *, page: str | None = None, **typed: str):
        """Send a form with what its page put in it: the token, the day, the number of the case."""
        wanted = page or path.rpartition("/")[0]
        shown = self.last if self.last is not None and self.last.url.path == wanted else None
        form = (shown or self.get(wanted)).text
        told = {"csrf": csrf_in(form), "on": str(self.desk.now().date())}
        seen = re.search(r'name="seen" value="(\d+)"', form)
        told["seen"] = seen[1] if seen else ""
        return self._seen(self.http.post(path, data=told | typed))

    def _seen(self, answer):
        self.last = answer if answer.status_code == 200 else None
        return answer


def csrf_in(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    return found[1] if found else ""


def problem_in(page: str) -> str:
    found = re.search(r'class="problem".*?<p>(.*?)</p>', page, re.DOTALL)
    return unescape(found[1]) if found else ""


def board(home: Home, name: str, role: str, *schools: str, patience: float = 0.3) -> Reader:
    """Somebody of a role, signed in at the board of a home."""
    desk = BoardDesk(home, clock=Clock(), patience=patience)
    return Reader(desk, User(name, role, schools)).enter()  # type: ignore[arg-type]


def case_of(reader: Reader, flag: str) -> str:
    """A case for a flag, opened as a nurse does it."""
    answer = reader.send(f"/flag/{flag}/accept")
    return str(answer.url).split("/case/")[1].split("?")[0]
