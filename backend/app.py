"""The web application: the rooms with their routes, the middleware, and the hooks that rooms may set."""

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

# Modules with a ``router`` and, where they set hooks of ``app.state``, a function ``install(app)``. A new module is one
# line. Where addresses overlap, the earlier module wins.
ROOMS: list[str] = [
    "backend.calendars.pages",
    "backend.kpi.pages",
    "backend.indices.pages",
    "backend.reports.pages",
    "backend.users.pages",
    "backend.desk.supervision.coordinator_pages",
    "backend.desk.supervision.leader_pages",
    "backend.desk.supervision.look_pages",
    "backend.administration.pages",
    "backend.administration.account_pages",
    "backend.administration.closing_pages",
    "backend.administration.category_pages",
    "backend.administration.rule_pages",
    "backend.desk.notices.pages",
    "backend.desk.notices.choice_pages",
    "backend.desk.inbox.pages",
    "backend.desk.inbox.view_pages",
    "backend.desk.bulk.pages",
    "backend.desk.search.pages",
    "backend.desk.exports.pages",
    "backend.desk.groups.picking_pages",
    "backend.desk.groups.group_pages",
    "backend.desk.groups.similar_pages",
    "backend.desk.ticket_pages",
    "backend.desk.drafts.pages",
    "backend.desk.replies.pages",
    "backend.history.log_pages",
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
    "backend.public.second_look_pages",
]

house = APIRouter(dependencies=[Depends(allow_everybody)])


@house.get("/healthz", include_in_schema=False)
def report_health(session: SessionDep) -> Response:
    """Answer "ok" if the process runs and the database answers. The answer says nothing else."""
    session.execute(text("SELECT 1"))
    return PlainTextResponse("ok", headers={"Cache-Control": "no-store"})


@house.post("/ngon-ngu", include_in_schema=False)
def switch_language(request: Request, form: TypedDep) -> Response:
    """Store the reader's language in a cookie for a year and return to the page they came from."""
    response = redirect_to(request, same_site_path(form.raw("next")))
    if form.raw("lang") in LANGUAGES:
        set_cookie(response, LANGUAGE_COOKIE, form.raw("lang"), seconds=YEAR)
    return response


def write_log() -> None:
    """Send our log lines to standard error: requests by route, refusals, faults, no personal data.

    A second call in one process does nothing.
    """
    log = logging.getLogger("langnghe")
    log.setLevel(logging.INFO)
    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        log.addHandler(handler)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Call the functions of ``app.state.to_close`` after the last request."""
    yield
    for close in app.state.to_close:
        await run_in_threadpool(close)


def create_app() -> FastAPI:
    """Return the application with every room.

    Rooms may set these hooks on ``app.state``: ``navigation(request) -> list[NavItem]``; ``demonstration() -> bool``,
    which must be cheap, because every page calls it; ``make_bell(session, actor, counted) -> Bell | None``, called when
    a signed-in person is looked up; ``not_signed_in(request) -> Response``, awaited, which keeps a
    form that was sent without a session; ``to_close``, a list of functions without arguments that run when the
    application ends.
    """
    settings = get_settings()
    write_log()
    app = FastAPI(
        title="Lắng Nghe",
        openapi_url="/openapi.json" if settings.development else None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        # The framework's own redirect repeats the Host header of the request. Ours is in refusals.http_error.
        redirect_slashes=False,
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
        # A limit on the application would act before our middleware and answer in plain English.
        app.include_router(router, max_body_size=ORDINARY)
    for language in LANGUAGES:
        template_environment(language)
    return app
