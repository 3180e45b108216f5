"""The service: takes deliveries from those who have a token, and says how the pipeline is.

It answers in sentences of its own and never with a name, a token or a line of a delivery.
"""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flows.fault import place_of
from flows.home import Home, load_config
from flows.receive.drop import DropError, drop, safe_name
from flows.receive.health import checks, metrics
from flows.receive.tokens import bearer_of

log = logging.getLogger(__name__)

BETWEEN_PIECES = 30.0  # seconds that a deliverer may be silent
_FORMS = ("multipart/", "application/x-www-form-urlencoded")
_TITLES = {
    401: "Who delivers?",
    403: "Not allowed",
    404: "Not here",
    405: "Not this way",
    408: "Too slow",
    409: "The name is taken",
    411: "How large?",
    413: "Too large",
    415: "Not as it is",
    422: "Cannot be taken",
    500: "A fault here",
    507: "No room",
}


def make_app(home: Home, *, max_bytes: int) -> Starlette:
    """The service of one home."""

    async def deliver(request: Request) -> Response:
        by = _who(home, request)
        folder, name = _place(home, request.path_params["place"])
        _refuse_unfit(request, max_bytes)
        dropped = await drop(folder, name, _pieces(request), limit=max_bytes)
        log.info("%s delivered %s, %d bytes", by, dropped.sha256[:12], dropped.size)
        told = {"name": dropped.name, "sha256": dropped.sha256, "size": dropped.size}
        return JSONResponse(told, status_code=201 if dropped.is_new else 200)

    async def healthz(_request: Request) -> Response:
        holds = await asyncio.to_thread(checks, home, now=datetime.now(UTC))
        return JSONResponse(
            {"well": all(holds.values()), "checks": holds},
            status_code=200 if all(holds.values()) else 503,
        )

    async def measure(_request: Request) -> Response:
        text = await asyncio.to_thread(metrics, home, now=datetime.now(UTC))
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    return Starlette(
        routes=[
            Route("/deliveries/{place:path}", _guarded(deliver), methods=["PUT", "POST"]),
            Route("/healthz", healthz, methods=["GET"]),
            Route("/metrics", measure, methods=["GET"]),
        ],
        exception_handlers={404: _elsewhere(404), 405: _elsewhere(405)},
    )


def _guarded(
    answer: Callable[[Request], Awaitable[Response]],
) -> Callable[..., Awaitable[Response]]:
    """Every fault becomes an answer without a value."""

    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except DropError as refusal:
            return problem(refusal.status, refusal.told)
        except TimeoutError:
            return problem(408, "nothing came for half a minute: deliver it again")
        except ClientDisconnect:
            return problem(408, "the delivery broke off")
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return problem(507, "the disk is full: nothing was kept")
            log.warning("a delivery could not be written (%s)", type(error).__name__)
        except Exception as error:  # noqa: BLE001 - a trace may quote what was delivered
            log.warning("%s at %s", type(error).__name__, place_of(error))
        return problem(500, "nothing was kept: deliver it again, or ask who runs Klassepuls")

    return guarded


def problem(status: int, detail: str) -> Response:
    """A problem in the form of RFC 9457."""
    body = {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail}
    headers = {"WWW-Authenticate": 'Bearer realm="klassepuls"'} if status in (401, 403) else {}
    return JSONResponse(
        body, status_code=status, headers=headers, media_type="application/problem+json"
    )


def _elsewhere(status: int) -> Callable[..., Awaitable[Response]]:
    async def answer(_request: Request, _error: Exception) -> Response:
        return problem(status, "deliveries go to PUT /deliveries/NAME")

    return answer


def _who(home: Home, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise DropError(401, "give a token: Authorization: Bearer ...")
    by = bearer_of(home, token.strip())
    if by is None:
        raise DropError(403, "this token is not known here: it may have been revoked")
    return by


def _place(home: Home, place: str) -> tuple[Path, str]:
    """The folder of the inbox, which a survey file must name, and the name made safe."""
    folder, _, name = place.rpartition("/")
    if not folder:
        return home.inbox, safe_name(name)
    known = {survey.inbox_folder for survey in load_config(home).surveys.values()}
    if folder not in known or (home.inbox / folder).is_symlink():
        raise DropError(422, "no survey file names such a folder of the inbox")
    (home.inbox / folder).mkdir(mode=0o770, exist_ok=True)
    return home.inbox / folder, safe_name(name)


def _refuse_unfit(request: Request, max_bytes: int) -> None:
    """What can be known before the first byte."""
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith(_FORMS):
        raise DropError(415, "send the file itself as the body, not a form")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise DropError(415, "send the file itself, not compressed")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise DropError(413, "the delivery is larger than [intake] max_megabytes")


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    stream = request.stream().__aiter__()
    while True:
        async with asyncio.timeout(BETWEEN_PIECES):
            try:
                piece = await anext(stream)
            except StopAsyncIteration:
                return
        yield piece
