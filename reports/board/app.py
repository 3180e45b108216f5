"""The board as a web application: its addresses, who is let in, and what every answer carries."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from hmac import compare_digest
from importlib.resources import files
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from reports.board import acting, export, giving, looking, readiness, worksheet
from reports.board.guard import COOKIE, HOST_COOKIE, Guard
from reports.board.office import Office
from reports.board.scope import NotForThemError
from reports.board.visit import LANGUAGES, Visit, back_to, board_texts, render, style
from schemas.settings import Settings
from warehouse.board.door import Limits, Session
from warehouse.damage import WarehouseBusyError

LARGEST_FORM = 64 * 1024  # bytes; the five fields of a plan are 10,000 signs
_MOST_FIELDS = 200

Page = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]
Tell = Callable[[Exception], None]


def make_app(office: Office, *, tell: Tell) -> Starlette:
    """The application; `tell` hears of faults, and says no more of them than kind and place."""
    signed_in = partial(_signed_in, office, tell)
    pages: Mapping[str, Page] = {
        "/": looking.start,
        "/at/{school}": looking.waiting_page,
        "/at/{school}/adults": looking.adults_page,
        "/at/{school}/cases": looking.cases_page,
        "/at/{school}/open": giving.open_page,
        "/at/{school}/ready": readiness.ready_page,
        "/flag/{flag}": looking.flag_page,
        "/case/{case}": looking.case_page,
        "/case/{case}/why": looking.why_page,
        "/case/{case}/worksheet": worksheet.worksheet_page,
        "/case/{case}/print": export.print_page,
        "/case/{case}/export.json": export.as_json,
        "/case/{case}/export.pdf": export.as_pdf,
    }
    forms: Mapping[str, Page] = {
        "/at/{school}/open": giving.open_case,
        "/at/{school}/ready": readiness.register,
        "/flag/{flag}/{action}": acting.act_on_flag,
        "/case/{case}/{action}": acting.act_on_case,
    }
    return Starlette(
        routes=[
            *(Route(path, signed_in(page), methods=["GET"]) for path, page in pages.items()),
            *(Route(path, signed_in(page), methods=["POST"]) for path, page in forms.items()),
            Route("/language", signed_in(_speak), methods=["POST"]),
            Route("/sign-out", signed_in(_sign_out), methods=["POST"]),
            Route("/enter/{link}", partial(_enter, office), methods=["GET", "POST"]),
            Route("/busy", partial(_busy, office), methods=["GET"]),
            Route("/static/{name}", _static, methods=["GET"]),
        ],
        exception_handlers={404: partial(_nothing_here, office)},
        middleware=[
            Middleware(Guard),
            Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(office.settings())),
        ],
    )


def _hosts(settings: Settings) -> list[str]:
    """By which names it answers: a page elsewhere cannot get here by a name of its own."""
    own = urlsplit(settings.board.address).hostname
    return ["127.0.0.1", "localhost", *([own] if own else [])]


def _cookie(settings: Settings) -> str:
    return HOST_COOKIE if settings.board.address else COOKIE


def _session_of(office: Office, settings: Settings, request: Request) -> tuple[str, Session | None]:
    own = settings.board
    limits = Limits(timedelta(minutes=own.idle_minutes), timedelta(hours=own.session_hours))
    secret = request.cookies.get(_cookie(settings), "")
    found = office.door.session(secret, limits=limits, now=office.now()) if secret else None
    return secret, found


def _signed_in(office: Office, tell: Tell, page: Page) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        typed = await _typed(request)
        if typed is None:
            return PlainTextResponse("413", status_code=413)
        return await run_in_threadpool(_answer, office, tell, page, request, typed)

    return endpoint


async def _typed(request: Request) -> dict[str, list[str]] | None:
    """The fields of a form; None where more came than any form of ours can hold."""
    if request.method != "POST":
        return {}
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_FORM:
            return None
    try:
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None


def _answer(
    office: Office, tell: Tell, page: Page, request: Request, typed: dict[str, list[str]]
) -> Response:
    settings = office.settings()
    secret, session = _session_of(office, settings, request)
    texts = board_texts(session.language if session else settings.languages[0])
    if session is None:
        return render("signed_out", texts, status=401)
    if request.method == "POST" and not _is_own(request, typed, session):
        return render("refused", texts, status=403)
    typed.pop("csrf", None)
    visit = Visit(office, session, secret, request.path_params, request.query_params, typed)
    try:
        return page(visit)
    except NotForThemError:
        return visit.page("nothing_here", status=404)
    except WarehouseBusyError:
        return _later(visit, request)
    except Exception as error:  # noqa: BLE001 - a trace may quote cells
        tell(error)
        return visit.page("fault", status=500)


def _is_own(request: Request, typed: Mapping[str, list[str]], session: Session) -> bool:
    """Whether a form is one that we gave to this session, and comes from a page of ours."""
    sent = typed.get("csrf", [""])[-1]
    from_elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in (
        "same-origin",
        "none",
    )
    return not from_elsewhere and compare_digest(sent.encode(), session.csrf.encode())


def _later(visit: Visit, request: Request) -> Response:
    """A run is at work: what was typed goes back to whoever typed it, ready to be sent again."""
    kept = [(name, value) for name, values in visit.typed.items() for value in values]
    is_form = request.method == "POST"
    answer = visit.page(
        "later", status=503, address=str(request.url.path), is_form=is_form, kept=kept
    )
    answer.headers["retry-after"] = "5"
    return answer


def _speak(visit: Visit) -> Response:
    language = visit.one("language")
    if language in LANGUAGES:
        visit.office.door.speak(visit.secret, language)
    return back_to("/")


def _sign_out(visit: Visit) -> Response:
    visit.office.door.leave(visit.secret)
    answer = render("signed_out", visit.texts, was_here=True)
    answer.delete_cookie(_cookie(visit.office.settings()), path="/", httponly=True)
    return answer


async def _enter(office: Office, request: Request) -> Response:
    """The page behind a one-time link, and its button: only the button uses the link up."""
    return await run_in_threadpool(_let_in, office, request)


def _let_in(office: Office, request: Request) -> Response:
    settings = office.settings()
    language = settings.languages[0]
    texts, link = board_texts(language), request.path_params["link"]
    if request.method == "GET":
        if office.door.is_open(link, now=office.now()):
            return render("enter", texts, link=link)
        return render("signed_out", texts, status=401, was_link=True)
    secret = office.door.enter(link, language=language, now=office.now())
    if secret is None:
        return render("signed_out", texts, status=401, was_link=True)
    return _with_cookie(back_to("/"), settings, secret)


def _with_cookie(answer: Response, settings: Settings, secret: str) -> Response:
    answer.set_cookie(
        _cookie(settings),
        secret,
        path="/",
        httponly=True,
        samesite="strict",
        secure=bool(settings.board.address),
    )
    return answer


async def _busy(office: Office, _request: Request) -> Response:
    busy = await run_in_threadpool(office.is_busy)
    return PlainTextResponse("busy" if busy else "free")


async def _nothing_here(office: Office, _request: Request, _error: Exception) -> Response:
    return render("signed_out", board_texts(office.settings().languages[0]), status=404)


_STATIC = {"board.css": "text/css", "htmx.min.js": "text/javascript"}


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("404", status_code=404)
    folder = files("reports") / "board" / "static"
    text = style() if name == "board.css" else (folder / name).read_text(encoding="utf-8")
    return Response(text, media_type=_STATIC[name])
