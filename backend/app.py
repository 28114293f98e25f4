"""The web application: rooms, gate, and the one error handler."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool

from backend.db import SessionDep
from backend.devserver.demo.mark import DemoFlag
from backend.settings import get_settings
from backend.users.guard import allow_everybody
from backend.web import assets, refusals
from backend.web.forms import ORDINARY, TypedDep
from backend.web.gate import GateMiddleware, HeadMiddleware, LogMiddleware, ProtectionMiddleware
from backend.web.language import LANGUAGES
from backend.web.rendering import LANGUAGE_COOKIE, YEAR, redirect_to, same_site_path, set_cookie, template_environment

# Rooms with a ``router`` and, where they set hooks of ``app.state``, ``install(app)``; a new one is one line. Earlier
# rooms win where addresses overlap.
ROOMS: list[str] = [
    "backend.calendars.pages",
    "backend.kpi.pages",
    "backend.indices.pages",
    "backend.reports.pages",
    "backend.users.pages",
    "backend.users.account_pages",
    "backend.desk.inbox_pages",
    "backend.desk.ticket_pages",
    "backend.notify.pages",
    "backend.surveys.rounds.pages",
    "backend.surveys.entry.pages",
    "backend.surveys.samples.pages",
    "backend.surveys.forms.pages",
    "backend.public.pages",
    "backend.public.sending_pages",
    "backend.desk.attachment_pages",
    "backend.public.following_pages",
    "backend.public.action_pages",
    "backend.public.rating_pages",
]

house = APIRouter(dependencies=[Depends(allow_everybody)])


@house.get("/healthz", include_in_schema=False)
def report_health(session: SessionDep) -> Response:
    """Alive, and the database answers; nothing else is told."""
    session.execute(text("SELECT 1"))
    return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})


@house.post("/ngon-ngu", include_in_schema=False)
def switch_language(request: Request, form: TypedDep) -> Response:
    """Keep the reader's language for a year and go back to the page they were on."""
    response = redirect_to(request, same_site_path(form.raw("next")))
    if form.raw("lang") in LANGUAGES:
        set_cookie(response, LANGUAGE_COOKIE, form.raw("lang"), seconds=YEAR)
    return response


def write_log() -> None:
    """Our own lines go to standard error, once a process: requests by route, refusals, faults; no personal data."""
    log = logging.getLogger("langnghe")
    log.setLevel(logging.INFO)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        log.addHandler(handler)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """End what rooms hold open, after the last request."""
    yield
    for close in app.state.to_close:
        await run_in_threadpool(close)


def create_app() -> FastAPI:
    """The application, with every room. Hooks that rooms may set on ``app.state``:

    ``navigation(request) -> list[NavItem]``; ``demonstration() -> bool``, cheap, asked for on every page;
    ``not_signed_in(request) -> Response``, awaited, keeps a form that was sent without a session;
    ``to_close``, a list of functions without arguments that are called when the application ends.
    """
    settings = get_settings()
    write_log()
    app = FastAPI(
        title="Lắng Nghe",
        openapi_url="/openapi.json" if settings.development else None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,  # the framework's redirect repeats the Host header; refusals.http_error has ours
    )
    app.state.demonstration = DemoFlag()
    app.state.to_close = []
    refusals.install(app)
    app.add_middleware(
        GateMiddleware, settings=settings, refuse=refusals.domain_error, unexpected=refusals.refuse_unexpected
    )
    app.add_middleware(ProtectionMiddleware, settings=settings)
    app.add_middleware(LogMiddleware)
    app.add_middleware(HeadMiddleware)
    rooms = [import_module(room) for room in ROOMS]
    for room in rooms:
        if hasattr(room, "install"):
            room.install(app)
    app.include_router(assets.router, dependencies=[Depends(allow_everybody)], max_body_size=ORDINARY)
    for router in (house, *(room.router for room in rooms)):
        # Not on the application: its limit would stand outside our middleware and answer in bare English.
        app.include_router(router, max_body_size=ORDINARY)
    for language in LANGUAGES:
        template_environment(language)
    return app
