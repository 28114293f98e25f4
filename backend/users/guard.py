"""The dependencies that name the permission of a route. A route without one fails ``tests/test_house.py``."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from backend import clock
from backend.db import transaction
from backend.errors import Forbidden, NotSignedIn
from backend.users.policy import Actor, Permission, can
from backend.users.service import actor_of
from backend.web.rendering import Bell, is_background

COOKIE = "session"


def current_actor(request: Request) -> Actor | None:
    """Return the signed-in actor or None, looked up once for each request.

    The look-up has its own transaction. Between it and the route a request may wait for its body or for a thread. If it
    kept a connection meanwhile, many such requests could hold all connections, and no request would finish.
    """
    actor = None
    if token := request.cookies.get(COOKIE):
        with transaction() as session:
            actor = actor_of(session, token, clock.now(), touch=not is_background(request))
            request.state.bell = _make_bell(request, session, actor)
    request.state.actor = actor
    return actor


def _make_bell(request: Request, session: Session, actor: Actor | None) -> Bell | None:
    """Return the bell of the page, by the hook ``app.state.make_bell``. It is counted for whole pages alone."""
    make_bell: Callable[..., Bell | None] | None = getattr(request.app.state, "make_bell", None)
    if make_bell is None or actor is None:
        return None
    whole_page = request.method == "GET" and request.headers.get("sec-fetch-dest", "document") == "document"
    return make_bell(session, actor, counted=whole_page)


MaybeActor = Annotated[Actor | None, Depends(current_actor)]


def allow(permission: Permission) -> Callable[..., Actor | None]:
    """Return a dependency that requires the permission for any subject at all.

    The code that loads the subject, such as a ticket, checks the permission for it. Raises NotSignedIn or Forbidden.
    """

    def guarded(actor: MaybeActor) -> Actor | None:
        if can(actor, permission):
            return actor
        raise NotSignedIn if actor is None else Forbidden

    guarded.action = permission  # type: ignore[attr-defined]  # read by the test that walks over all routes
    return guarded


async def allow_everybody() -> None:
    """Mark a route as open to everybody. It looks up no session, so a citizen's page needs no query for it.

    It is a coroutine, because it does nothing, and a thread would cost more than the call.
    """


allow_everybody.action = Permission.PUBLIC  # type: ignore[attr-defined]  # read by the test that walks over all routes
